"""MCAP files: clips and the recorder's segments."""
