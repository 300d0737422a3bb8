"""Measures detectors and shows what was covered."""
