"""The detector on a GPU beside a bare loop over the same model in the same run."""

from pathlib import Path
from time import perf_counter

import numpy as np

from winnow_operators.dashcam.text.finding import Image
from winnow_runtime.inference.detector import OnnxDetector
from winnow_runtime.inference.onnx import OnnxSession
from winnow_tools.bench.rows import Row

BATCHES = (1, 8, 32)
_GOES, _WARM = 30, 5


def gpu_rows(model: Path | None) -> list[Row]:
    """One row per batch; without a GPU or a model, rows that say so."""
    import onnxruntime as ort

    note = ""
    if "CUDAExecutionProvider" not in ort.get_available_providers():
        note = "ONNX Runtime has no CUDA provider here (no GPU, or not the onnxruntime-gpu wheel)"
    elif model is None:
        note = "no --recordings with yolo/yolox_nano.onnx"
    if note or model is None:
        return [Row(_name(batch), None, "ratio", ">= 0.9", note=note) for batch in BATCHES]
    detector = OnnxDetector(model, device="cuda")
    return [_row(detector, model, batch) for batch in BATCHES]


def _row(detector: OnnxDetector, model: Path, batch: int) -> Row:
    if detector.fixed_batch not in {0, batch}:
        note = f"{model.name} takes batches of {detector.fixed_batch} only"
        return Row(_name(batch), None, "ratio", ">= 0.9", note=note)
    ours, bare = frames_per_s(detector, model, batch)
    beside = {"detector, frames/s": ours, "bare loop, frames/s": bare, "runs on": detector.provider}
    return Row(_name(batch), ours / bare, "ratio", ">= 0.9", beside)


def frames_per_s(detector: OnnxDetector, model: Path, batch: int) -> tuple[float, float]:
    """Of the detector with its letterbox and suppression, and of the session alone."""
    image: Image = np.random.default_rng(1).integers(0, 255, (720, 1280, 3), np.uint8)
    images = [image] * batch
    session = OnnxSession(model, device="cuda" if "CUDA" in detector.provider else "cpu")
    ready = np.zeros((batch, 3, detector.height_px, detector.width_px), np.float32)
    speeds = []
    for work in (lambda: detector.detect(images, 0.3), lambda: session.run(ready)):
        for _ in range(_WARM):
            work()
        begun = perf_counter()
        for _ in range(_GOES):
            work()
        speeds.append(batch * _GOES / (perf_counter() - begun))
    return speeds[0], speeds[1]


def _name(batch: int) -> str:
    return f"GPU: detector over a bare ONNX Runtime loop, batch {batch}"
