"""`winnow ring`: the rings of a running graph, looked at from outside."""
