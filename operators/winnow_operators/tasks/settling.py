"""Whether a file on a share has stopped growing."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Seen:
    """A file as a look at the folder found it."""

    size_bytes: int
    mtime_ns: int


@dataclass(slots=True)
class Settling:
    """Files between their first sight and the moment when nobody writes to them any more.

    Only what was seen counts: the share's clock may be wrong, so its times are compared with each other and
    never with ours.
    """

    quiet_s: float
    _since: dict[str, tuple[Seen, float]] = field(default_factory=dict)

    def look(self, found: dict[str, Seen], now_s: float) -> list[str]:
        """Take in a listing; the paths that have not changed for ``quiet_s``, each once per content, in order.

        A file that vanished is forgotten; one that is empty is never done.
        """
        for path in [path for path in self._since if path not in found]:
            del self._since[path]
        done = []
        for path in sorted(found):
            seen = found[path]
            known = self._since.get(path)
            if known is None or known[0] != seen:
                self._since[path] = (seen, now_s)
            elif seen.size_bytes > 0 and 0 <= known[1] <= now_s - self.quiet_s:
                done.append(path)
                self._since[path] = (seen, float("inf"))
        return done
