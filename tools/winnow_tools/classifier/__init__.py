"""Data sets, training, evaluation, export and comparison of scenario classifiers."""
