"""The worker on a thread of its own, so that the node keeps listening while a part is under way."""

import queue
import threading

from winnow_schemas.messages import Decision, Outgoing
from winnow_schemas.priority import UploadClass
from winnow_uploader.results import Happened, Step
from winnow_uploader.worker import UploadWorker


class Sender:
    """Steps the worker, again and again.

    The worker hands out receipts and decisions with each step and counts them as kept when the next step is
    asked for: so the thread goes on only after the node has written the last ones to its journals. A step without
    any waits for nobody: the link would stand idle for as long as the node listens to others.
    """

    def __init__(self, worker: UploadWorker) -> None:
        self._worker = worker
        self._todo: queue.Queue[Outgoing] = queue.Queue()
        self.results: queue.Queue[Step | Decision] = queue.Queue()
        self._kept = threading.Event()
        self._kept.set()
        self._wake = threading.Event()
        self._leaving = False
        self.failure: BaseException | None = None
        self.busy = 0
        """Clips handed in that the worker has not queued yet."""
        self._thread = threading.Thread(target=self._run, name="sender", daemon=True)
        self._thread.start()

    def add(self, outgoing: Outgoing) -> None:
        """Hand in a clip."""
        self.busy += 1
        self._todo.put(outgoing)
        if outgoing.upload_class == UploadClass.SAFETY:
            self._worker.make_way()
        self._wake.set()

    def kept(self) -> None:
        """What the last step with receipts or decisions said is in the journals; not to be called for others."""
        self._kept.set()

    def leave(self) -> bool:
        """Stop after, or in the middle of, the current part; it is sent again next time.

        Returns whether the thread has ended, so that the worker may be asked and closed.
        """
        self._leaving = True
        self._worker.stop()
        self._kept.set()
        self._wake.set()
        self._thread.join(5)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while True:
                self._take_in()
                self._kept.wait()
                if self._leaving:
                    return
                step = self._worker.step()
                if step.has_news:
                    self._kept.clear()
                self.results.put(step)
                if step.happened in (Happened.IDLE, Happened.WAITING):
                    self._wake.wait(0.5)
                    self._wake.clear()
        except BaseException as error:  # noqa: BLE001 - told to the node, which ends with it
            self.failure = error

    def _take_in(self) -> None:
        while True:
            try:
                outgoing = self._todo.get_nowait()
            except queue.Empty:
                return
            self.results.put(self._worker.add(outgoing))
