"""The simulator as a source: a scripted shift in place of a vehicle."""
