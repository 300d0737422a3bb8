"""What several nodes share: the seam to dora, journals, checkpoints, the ring, files, recordings."""
