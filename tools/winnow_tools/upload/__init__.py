"""``winnow upload``: what the uploader of a run has done, does and will do; pause, resume, now."""
