"""Videos: opened with limits, decoded small or whole, sought exactly."""
