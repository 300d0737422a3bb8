"""`winnow retention`: what goes and when, on the device and in the bucket."""
