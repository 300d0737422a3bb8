"""Incidents: what may happen in a script, and how it acts on the world."""
