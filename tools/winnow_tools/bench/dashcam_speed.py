"""What filtering costs beside decoding alone, and beside DVR-Scan."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter, process_time

import av
import cv2

from winnow_operators.dashcam.gate.gate import MotionGate
from winnow_runtime.video.file import Video
from winnow_schemas.settings.dashcam import GateSettings
from winnow_tools.bench.load import Say
from winnow_tools.bench.rows import Row

REPETITIONS = 7
"""Decoding alone and with the gate in turns; the fastest of each counts, since other programs only slow down."""
PEER = "WINNOW_DVR_SCAN"
"""The program `dvr-scan`, as the user names it; otherwise that on PATH."""
_OURS = "import sys; from pathlib import Path; from winnow_tools.bench.dashcam_speed import filtered; filtered(Path(sys.argv[1]))"


def decoded(path: Path) -> int:
    """Decode all frames with PyAV and do nothing with them; how many."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        return sum(1 for _ in container.decode(stream))


def filtered(path: Path) -> int:
    """Decode, measure and judge all frames; how many."""
    cv2.setNumThreads(1)  # as the node does
    gate = MotionGate(GateSettings())
    count = 0
    with Video(path) as video:
        for frame in video.small():
            gate.step(frame.t_ns, frame.gray)
            count += 1
    return count


def speed_row(path: Path, what: str, say: Say) -> Row:
    """Frames/s of decode, gate and measures over frames/s of decode alone, in one process, by turns."""
    say(f"decode and gate beside decode alone, {what}")
    alone, whole = _Best(decoded), _Best(filtered)
    for _ in range(REPETITIONS):
        alone.once(path)
        whole.once(path)
    return Row(
        f"decode + gate + measures over decode alone, {what}",
        whole.frames_per_s / alone.frames_per_s,
        "ratio",
        ">= 0.85",
        {
            "decode alone, frames/s": alone.frames_per_s,
            "decode + gate + measures, frames/s": whole.frames_per_s,
            "by CPU time": alone.cpu_ms / whole.cpu_ms,
            "CPU ms per frame": f"{alone.cpu_ms:.2f} and {whole.cpu_ms:.2f}",
            "frames": alone.frames,
            "repetitions": REPETITIONS,
        },
    )


class _Best:
    """The fastest of several goes."""

    def __init__(self, work: Callable[[Path], int]) -> None:
        self._work = work
        self.frames = 0
        self.frames_per_s = 0.0
        self.cpu_ms = float("inf")

    def once(self, path: Path) -> None:
        wall, cpu = perf_counter(), process_time()
        self.frames = self._work(path)
        self.cpu_ms = min(self.cpu_ms, (process_time() - cpu) / self.frames * 1e3)
        self.frames_per_s = max(self.frames_per_s, self.frames / (perf_counter() - wall))


def peer_row(path: Path, say: Say) -> Row:
    """CPU per frame of the filter beside DVR-Scan's on the same clip, both as processes with their start."""
    name = "filter: CPU per frame over DVR-Scan's"
    program = os.environ.get(PEER) or shutil.which("dvr-scan")
    if not program or not Path(program).is_file():
        return Row(name, None, "ratio", note=f"DVR-Scan is not installed and no {PEER} names it")
    say("the same clip by DVR-Scan")
    frames = decoded(path)
    ours = min(_cpu_s([sys.executable, "-c", _OURS, str(path)]) for _ in range(2)) / frames * 1e3
    theirs = (
        min(_cpu_s([program, "-i", str(path), "--scan-only", "--quiet"]) for _ in range(2)) / frames * 1e3
    )
    beside = {"ours, CPU ms per frame": ours, "DVR-Scan (MOG2), CPU ms per frame": theirs, "frames": frames}
    return Row(name, ours / theirs, "ratio", "", beside)


def _cpu_s(command: Sequence[str]) -> float:
    """CPU seconds of a process and its threads."""
    with subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, list(command))
    return usage.ru_utime + usage.ru_stime
