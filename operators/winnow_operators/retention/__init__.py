"""What may be deleted, and in which order: pure plans."""
