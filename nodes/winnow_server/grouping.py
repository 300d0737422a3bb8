"""Several requests in one transaction: each is durable before it is answered, and they share the wait for the disk.

One thread takes what has come in meanwhile, does it in the order of arrival inside one transaction, commits, and
only then gives the answers. Where one of them cannot be done, the transaction is undone and each is done on its own,
so a request never sees, or loses anything by, what its neighbours asked for.
"""

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, NamedTuple, ParamSpec, TypeVar

from winnow_schemas.errors import UnavailableError
from winnow_server.database import Database

P = ParamSpec("P")
T = TypeVar("T")
TOGETHER_MAX = 32
"""Requests in one transaction: with 0.5 ms each, nobody waits longer than a slow disk would make them."""
WAITING_MAX = 1000
"""Requests that wait; more are told to ask again."""
_ENDS_WITHIN_S = 5.0


class _Asked(NamedTuple):
    work: Callable[[], Any]
    answer: "Future[Any]"


class Grouped:
    """Does work on a database in groups, from any number of threads and tasks."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._asked: queue.Queue[_Asked | None] = queue.Queue(WAITING_MAX)
        self._thread = threading.Thread(target=self._serve, name="database", daemon=True)
        self._thread.start()

    async def run(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Do it with others; what it raises is raised here.

        Raises:
            UnavailableError: too much is waiting, or the server ends.

        """
        return await asyncio.wrap_future(self.submit(lambda: work(*args, **kwargs)))

    def submit(self, work: Callable[[], T]) -> "Future[T]":
        """As :meth:`run`, for threads."""
        answer: Future[T] = Future()
        if not self._thread.is_alive():
            raise UnavailableError("The server is about to end; nothing was changed. Ask again.")
        try:
            self._asked.put_nowait(_Asked(work, answer))
        except queue.Full:
            raise UnavailableError(
                f"More than {WAITING_MAX} requests are waiting; nothing was changed. Ask again."
            ) from None
        return answer

    def stop(self) -> None:
        """Do what has been asked, then end."""
        if self._thread.is_alive():
            self._asked.put(None)
            self._thread.join(_ENDS_WITHIN_S)

    def _serve(self) -> None:
        ending = False
        while not ending:
            group: list[_Asked] = []
            first = self._asked.get()
            if first is None:
                return
            group.append(first)
            while len(group) < TOGETHER_MAX:
                try:
                    following = self._asked.get_nowait()
                except queue.Empty:
                    break
                if following is None:
                    ending = True
                    break
                group.append(following)
            self._do([each for each in group if each.answer.set_running_or_notify_cancel()])

    def _do(self, group: list[_Asked]) -> None:
        if len(group) > 1 and self._together(group):
            return
        for each in group:
            try:
                result = each.work()
            except BaseException as error:  # noqa: BLE001 - it belongs to who asked
                each.answer.set_exception(error)
            else:
                each.answer.set_result(result)

    def _together(self, group: list[_Asked]) -> bool:
        """All in one transaction; False when it had to be undone."""
        try:
            with self._database.together():
                results = [each.work() for each in group]
        except Exception:  # noqa: BLE001 - whoever caused it is told when it is done on its own
            return False
        for each, result in zip(group, results, strict=True):
            each.answer.set_result(result)
        return True
