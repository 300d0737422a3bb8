"""The ring node: takes every message in, keeps the newest in shared memory, acknowledges."""
