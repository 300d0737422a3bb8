"""Object detectors: pictures brought into a network's shape, and its answers turned into boxes."""
