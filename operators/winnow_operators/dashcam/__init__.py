"""Pure stages of the dashcam graphs: what is worth looking at in a drive, and which plates were passed."""
