"""Ground truth from the state of the world, independent of any trigger."""
