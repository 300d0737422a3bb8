"""A token bucket in bytes: when the next bytes may go. Pure: the time comes in, waiting is the caller's."""

from dataclasses import dataclass, replace

BURST_S = 0.01
"""Unused time is saved up to this: after a pause at most 1 % of a second's bytes go at once."""
SLICE_S = 0.01
"""Bytes are taken in slices of at most this much time, so that a slow rate is even, too."""
MIN_SLICE_BYTES = 512


@dataclass(frozen=True, slots=True)
class TokenBucket:
    """State at ``at_ns`` on a monotonic clock; ``tokens_bytes`` may be negative, which is a debt."""

    rate_bytes_per_s: float
    at_ns: int
    tokens_bytes: float = 0.0

    @property
    def slice_bytes(self) -> int:
        """The most that should be taken at once."""
        return max(int(self.rate_bytes_per_s * SLICE_S), MIN_SLICE_BYTES)

    def at(self, now_ns: int) -> "TokenBucket":
        """The bucket at a later time; time that runs backward adds nothing."""
        gained = max(now_ns - self.at_ns, 0) * 1e-9 * self.rate_bytes_per_s
        tokens = min(self.tokens_bytes + gained, self.rate_bytes_per_s * BURST_S)
        return replace(self, at_ns=now_ns, tokens_bytes=tokens)

    def taking(self, size_bytes: int) -> "TokenBucket":
        """The bucket after bytes went."""
        return replace(self, tokens_bytes=self.tokens_bytes - size_bytes)

    def with_rate(self, rate_bytes_per_s: float) -> "TokenBucket":
        """The bucket at another rate; what was saved at a higher one is not carried over."""
        tokens = min(self.tokens_bytes, rate_bytes_per_s * BURST_S)
        return replace(self, rate_bytes_per_s=rate_bytes_per_s, tokens_bytes=tokens)

    def wait_s(self) -> float:
        """How long until bytes may be taken: 0 unless there is a debt."""
        if self.tokens_bytes >= 0:
            return 0.0
        return -self.tokens_bytes / self.rate_bytes_per_s
