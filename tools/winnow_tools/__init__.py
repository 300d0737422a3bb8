"""The `winnow` command line, benchmarks, converters."""
