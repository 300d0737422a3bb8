"""The recorder node: everything that is in the rings goes to disk, in segments."""
