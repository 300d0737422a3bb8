"""Uploading, decided: what goes next and how fast, what a day may cost, what an error means."""
