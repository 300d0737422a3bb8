"""The Jetson's part: which frames of a video matter, and where in them a plate may be."""
