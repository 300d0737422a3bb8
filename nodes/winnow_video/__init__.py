"""Hands out the videos that a dashcam graph is to go through."""
