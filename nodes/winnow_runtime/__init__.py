"""What several nodes share: the seam to dora, the clock, shared memory, journals, recordings."""
