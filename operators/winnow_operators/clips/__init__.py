"""Which windows become which clips, and what they may cost."""
