"""Arrow values as they travel in a graph, kept so that viewers draw them and the original can be had back."""
