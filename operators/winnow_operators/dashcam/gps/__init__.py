"""Where the camera was: logs of many makes, one track, positions with an uncertainty."""
