"""The classifier node: what a clip shows, and how much it is worth to a person."""
