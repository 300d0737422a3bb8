"""Numbering, acknowledgement and watermarks of sensor streams."""
