"""ONNX Runtime sessions: opened with limits, and asked afterwards which device they really use.

A provider that is listed is no proof: the wheel for GPUs lists CUDA on machines without one and then runs
on the CPU. What counts is the session's own list after it has run.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from winnow_schemas.errors import BadInputError, UnavailableError

MOST_MODEL_BYTES = 2 * 1024**3
"""protobuf's own limit: a larger file is no ONNX model."""
Device = Literal["auto", "cpu", "cuda", "tensorrt"]
_PROVIDERS: Mapping[str, tuple[str, ...]] = {
    "cpu": ("CPUExecutionProvider",),
    "cuda": ("CUDAExecutionProvider", "CPUExecutionProvider"),
    "tensorrt": ("TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"),
}


class OnnxSession:
    """One model on one device."""

    def __init__(self, path: Path, *, device: Device = "auto", threads: int = 0) -> None:
        """``threads``: of the CPU; 0 = as many as this process may use.

        Raises:
            BadInputError: the file is no model that ONNX Runtime can run.
            UnavailableError: ONNX Runtime is not installed, or the device that was asked for is not used.

        """
        try:
            import onnxruntime as ort
        except ImportError as error:
            raise UnavailableError(
                f"ONNX Runtime cannot be loaded ({error}), so no network can run and nothing was read; "
                "install winnow-dora[cpu], winnow-dora[gpu], or NVIDIA's wheel on a Jetson."
            ) from None
        _check_file(path)
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads or len(os.sched_getaffinity(0))
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 4
        wanted = _wanted(device, ort.get_available_providers())
        try:
            self._session = ort.InferenceSession(str(path), options, providers=list(wanted))
        except Exception as error:  # noqa: BLE001 - its exceptions have no common base
            raise BadInputError(
                f"{path} is not a model that ONNX Runtime can open ({_first_line(error)}); nothing was run with it."
            ) from None
        self.path = path
        self.inputs: tuple[tuple[str, tuple[Any, ...], str], ...] = tuple(
            (each.name, tuple(each.shape), each.type) for each in self._session.get_inputs()
        )
        self.outputs: tuple[tuple[str, tuple[Any, ...]], ...] = tuple(
            (each.name, tuple(each.shape)) for each in self._session.get_outputs()
        )
        self._device = device

    @property
    def metadata(self) -> dict[str, str]:
        return dict(self._session.get_modelmeta().custom_metadata_map)

    @property
    def provider(self) -> str:
        """The device that the session uses, as it says itself."""
        return str(self._session.get_providers()[0])

    def run(self, batch: npt.NDArray[Any]) -> list[npt.NDArray[np.float32]]:
        """All outputs for one input.

        Raises:
            BadInputError: the model refuses the input.

        """
        try:
            answers = self._session.run(None, {self.inputs[0][0]: batch})
        except Exception as error:  # noqa: BLE001 - as above
            raise BadInputError(
                f"{self.path.name} refused an input of shape {batch.shape} ({_first_line(error)}); it was not looked at."
            ) from None
        return [np.asarray(answer) for answer in answers]

    def verify_device(self) -> None:
        """After a first run: whether the device that was asked for is the one that is used.

        Raises:
            UnavailableError: it is not.

        """
        if self._device in {"cuda", "tensorrt"} and self.provider != _PROVIDERS[self._device][0]:
            raise UnavailableError(
                f"{self.path.name} was to run on {self._device} and runs on {self.provider}: the CUDA libraries or the "
                "GPU are missing; nothing was read. Set device: cpu, or install winnow-dora[gpu] with its libraries."
            )


def _wanted(device: Device, available: list[str]) -> tuple[str, ...]:
    if device != "auto":
        return tuple(each for each in _PROVIDERS[device] if each in available) or _PROVIDERS["cpu"]
    # TensorRT builds an engine for minutes at the first run: only when it is asked for.
    return tuple(each for each in _PROVIDERS["cuda"] if each in available)


def _check_file(path: Path) -> None:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise BadInputError(
            f"The model {path} cannot be read ({error.strerror}); nothing was run with it."
        ) from None
    if not 0 < size <= MOST_MODEL_BYTES:
        raise BadInputError(
            f"The model {path} has {size} bytes, an ONNX model has 1 to {MOST_MODEL_BYTES}; nothing was run with it."
        )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
