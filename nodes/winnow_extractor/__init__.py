"""The extractor node: closed windows become clips."""
