"""What the dashcam nodes share: the folder of a run, a video's files in it, and the records."""
