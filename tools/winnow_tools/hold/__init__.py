"""`winnow hold`: legal holds on spans of time."""
