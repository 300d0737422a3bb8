"""``winnow graph``: any dora graph as one self-contained file."""
