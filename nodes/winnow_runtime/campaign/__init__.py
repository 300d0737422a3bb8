"""Campaigns on a device: whom it believes, what it keeps of them, and how it is asked."""
