"""The ``winnow`` command line, benchmarks and converters."""
