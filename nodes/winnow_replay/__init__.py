"""The replay node: a recording plays into the graph with its own bytes and times."""
