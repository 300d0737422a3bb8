"""Devices of the dashcam graphs in this process: the real nodes, the real server, a folder as the share."""

import threading
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
import cv2
import numpy as np
import yaml
from tests.fakes import FakeSeam

import winnow_archive.node
import winnow_plates.node
import winnow_preprocess.node
from winnow_operators.dashcam.scenes.photos import paste
from winnow_operators.dashcam.scenes.plates import STYLES, plate_picture
from winnow_runtime.clock import SystemClock
from winnow_runtime.node import Node
from winnow_schemas.settings import load_settings

ROOT = Path(__file__).parents[3]
STAGES = {
    "preprocess": ("jetson.yml", winnow_preprocess.node.run),
    "plates": ("rtx4090.yml", winnow_plates.node.run),
    "archive": ("rtx4090.yml", winnow_archive.node.run),
}


def drive(path: Path, *, seed: int, frames: int = 12, plate: str = "") -> Path:
    """A short drive past a wall, with a plate on it where one is named."""
    generator = np.random.default_rng(seed)
    wall = cv2.resize(generator.integers(40, 220, (10, 40, 3), np.uint8), (800, 270))
    sign = plate_picture(plate, STYLES[1]) if plate else None
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format="mp4") as sink:
        stream = sink.add_stream("libx264", rate=Fraction(10))
        stream.width, stream.height, stream.pix_fmt = 480, 270, "yuv420p"
        for i in range(frames):
            x = 320 - abs(6 * i % 640 - 320)  # along the wall and back
            image = np.ascontiguousarray(wall[:, x : x + 480])
            if sign is not None:
                wide, left, top = 130.0 + i, 150.0 + i, 180.0
                high = wide * sign.shape[0] / sign.shape[1]
                corners = np.array(
                    [[left, top], [left + wide, top], [left + wide, top + high], [left, top + high]]
                )
                paste(image, sign, corners)
            sink.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        sink.mux(stream.encode(None))
    return path


class _Waiting(SystemClock):
    """For the fake seam: waiting for an event takes its time."""

    def advance_s(self, seconds: float) -> None:
        self.sleep_s(seconds)


class Device:
    """One node of a dashcam graph that pulls, in a thread; leaving the ``with`` block stops its dataflow."""

    def __init__(
        self, stage: str, folder: Path, share: Path, url: str, token: str, name: str, **changes: Any
    ) -> None:
        graph, self._run = STAGES[stage]
        descriptor = yaml.safe_load((ROOT / "dataflows" / graph).read_text())
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "token").write_text(token)
        tasks = {"server": url, "worker": name, "shares": {"indoor": str(share)}, "results": "indoor:winnow"}
        values = {"tasks": tasks, "dashcam": {"threads": 1, "proposer": {"kind": "none"}, **changes}}
        (folder / "settings.yml").write_text(yaml.safe_dump(values))
        settings, document = load_settings(folder / "settings.yml")
        self.seam = FakeSeam(stage, descriptor, "run-1", _Waiting())  # type: ignore[arg-type]
        self.node = Node(self.seam, settings, document, folder / "out", SystemClock())
        self.trouble: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    def _work(self) -> None:
        try:
            self._run(self.node)
        except BaseException as error:  # noqa: BLE001 - told by the test's thread
            self.trouble = error

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        assert self.trouble is None, self.trouble

    def stop(self) -> None:
        """As `dora stop`."""
        self.seam.close(stopped=True)
        self._thread.join(20)
        assert not self._thread.is_alive()
        self.node.lock.release()

    @property
    def said(self) -> list[str]:
        return [sentence for _, sentence in self.seam.logged]
