"""What keeps the whole queue waiting: no answer, no key, no bucket."""

from dataclasses import dataclass

from winnow_operators.upload.failure import Cause, Failure


@dataclass(frozen=True, slots=True)
class Trouble:
    """The last failure that concerns every clip, until something works again."""

    failures: int = 0
    """How many in a row."""
    until_wall_ns: int = 0
    """When to try again."""
    cause: Cause | None = None
    code: str = ""
    sentence: str = ""

    def holds(self, now_ns: int, longest_ns: int) -> bool:
        """Whether to wait still; a moment further off than any wait was set before the clock was put back."""
        return now_ns < self.until_wall_ns <= now_ns + longest_ns

    def is_new(self, failure: Failure) -> bool:
        """Whether a failure is other than the one before, so that people should hear of it."""
        return (failure.cause, failure.code) != (self.cause, self.code)

    def after(self, failure: Failure, until_wall_ns: int) -> "Trouble":
        """One more failure."""
        return Trouble(self.failures + 1, until_wall_ns, failure.cause, failure.code, failure.sentence)
