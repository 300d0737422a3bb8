"""Listing, showing, verifying and exporting clips."""
