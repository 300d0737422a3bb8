"""How long to wait before trying again."""


def backoff_ns(failures: int, first_s: float, longest_s: float, jitter: float) -> int:
    """Nanoseconds to wait after so many failures in a row (1 = the first).

    Doubles from ``first_s`` up to ``longest_s``; ``jitter`` in [0, 1) takes away up to half of it, so that a
    fleet that lost the same server does not come back as one.
    """
    exponent = min(max(failures, 1) - 1, 62)
    full_s = min(first_s * 2.0**exponent, longest_s)
    return int(full_s * (1.0 - jitter / 2.0) * 1e9)
