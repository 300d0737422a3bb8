"""Keeps what remains of a video: small video, crops, records; verified before anything counts as done."""
