"""ONNX Runtime sessions: opened with limits, and asked afterwards which device they really use.

A provider that is listed is no proof: the wheel for GPUs lists CUDA on machines without one and then runs
on the CPU. What counts is the session's own list after it has run.
"""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from winnow_schemas.errors import BadInputError, UnavailableError

MOST_MODEL_BYTES = 2 * 1024**3
"""protobuf's own limit: a larger file is no ONNX model."""
SMALL_MODEL_BYTES = 512 * 1024 * 1024
"""Of a model that is read whole to know its SHA-256."""
_QUIET = 4
"""Fatal errors only: what went wrong is in the exception, and warnings about operators help nobody."""
Device = Literal["auto", "cpu", "cuda", "tensorrt"]
_PROVIDERS: Mapping[str, tuple[str, ...]] = {
    "cpu": ("CPUExecutionProvider",),
    "cuda": ("CUDAExecutionProvider", "CPUExecutionProvider"),
    "tensorrt": ("TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"),
}


def read_model(path: Path, limit_bytes: int = SMALL_MODEL_BYTES) -> tuple[bytes, str]:
    """A model file and its SHA-256.

    Raises:
        BadInputError: it is missing, empty, or larger than ``limit_bytes``.

    """
    try:
        with path.open("rb") as file:
            data = file.read(limit_bytes + 1)
    except OSError as error:
        raise BadInputError(
            f"The model {path} cannot be read ({error.strerror}); it was not loaded."
        ) from None
    if not data or len(data) > limit_bytes:
        raise BadInputError(
            f"The model {path} has {len(data) or 'no'} bytes, between 1 and {limit_bytes} are allowed; it was not loaded."
        )
    return data, hashlib.sha256(data).hexdigest()


def open_session(model: bytes | Path, name: str, device: Device = "cpu", threads: int = 1) -> Any:
    """An ``onnxruntime.InferenceSession``, on the device that was asked for as far as that can be told before a run.

    ``model``: its bytes, or the path of one that has data in files beside it. ``threads``: of the CPU.

    Raises:
        BadInputError: it is no model.
        UnavailableError: ONNX Runtime is not installed, or the device did not come up.

    """
    try:
        import onnxruntime as ort
    except ImportError:
        raise UnavailableError(
            f"ONNX Runtime is not installed, so {name} was not loaded and no network can run; "
            "install winnow-dora[cpu], winnow-dora[gpu], or NVIDIA's wheel on a Jetson."
        ) from None
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = _QUIET
    wanted = _wanted(device, ort.get_available_providers(), name)
    try:
        session = ort.InferenceSession(
            str(model) if isinstance(model, Path) else model, options, providers=list(wanted)
        )
    except Exception as error:  # noqa: BLE001 - its exceptions have no common base
        raise BadInputError(
            f"{name} is no model that ONNX Runtime can open ({_first_line(error)}); it was not used."
        ) from None
    verify_device(session, name, device)
    return session


def verify_device(session: Any, name: str, device: Device) -> None:
    """Whether the device that was asked for is the one that is used; a session may change it at its first run.

    Raises:
        UnavailableError: it is not.

    """
    used = str(session.get_providers()[0])
    if device in {"cuda", "tensorrt"} and used != _PROVIDERS[device][0]:
        raise UnavailableError(
            f"{name} was to run on {device} and runs on {used}: the CUDA libraries or the GPU are missing; "
            "nothing was read. Set device: cpu, or install winnow-dora[gpu] with its libraries."
        )


class OnnxSession:
    """One model on one device."""

    def __init__(self, path: Path, *, device: Device = "auto", threads: int = 0) -> None:
        """``threads``: of the CPU; 0 = as many as this process may use.

        Raises:
            BadInputError: the file is no model that ONNX Runtime can run.
            UnavailableError: ONNX Runtime is not installed, or the device that was asked for is not used.

        """
        _check_file(path)
        self._session = open_session(path, str(path), device, threads or len(os.sched_getaffinity(0)))
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
        verify_device(self._session, self.path.name, self._device)


def _wanted(device: Device, available: list[str], name: str) -> tuple[str, ...]:
    if device != "auto":
        wanted = _PROVIDERS[device]
        if wanted[0] not in available:
            raise UnavailableError(
                f"This ONNX Runtime has no {wanted[0]}, {name} was not loaded. It has: {', '.join(available)}. "
                "Set device: cpu, or install winnow-dora[gpu]."
            )
        return tuple(each for each in wanted if each in available)
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
