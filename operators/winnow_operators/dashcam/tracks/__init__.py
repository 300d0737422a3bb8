"""Readings of the same plate in many frames: joined into passes, voted character by character."""
