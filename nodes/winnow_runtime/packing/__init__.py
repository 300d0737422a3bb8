"""Profiles of clips: making them, reading them, going from one to another."""
