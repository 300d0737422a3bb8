"""The test set that detectors are measured on: drawn faces and plates that move, with ground truth.

Nobody's face is in it, so it can be part of the project; what it says about real faces is in `docs/redaction.md`.
"""
