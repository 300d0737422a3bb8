"""From the state of the world to bytes on topics."""
