"""`winnow why`: the chain of decisions about a moment or a clip, as sentences."""
