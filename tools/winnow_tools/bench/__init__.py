"""Benchmarks: each measures in one run, on the same data, what it compares."""
