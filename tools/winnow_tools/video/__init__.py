"""``winnow video``: the dashcam stages over files and folders."""
