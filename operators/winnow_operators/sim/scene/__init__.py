"""What is there: bodies, things that stand and move, the weather."""
