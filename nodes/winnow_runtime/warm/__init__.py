"""The warm tier: 60 s MCAP segments on disk, each with an index beside it."""
