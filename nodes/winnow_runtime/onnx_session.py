"""Models that run on ONNX Runtime: read with limits, on the provider that was asked for, which is verified."""

import hashlib
from pathlib import Path
from typing import Any

from winnow_schemas.errors import BadInputError, UnavailableError

MAX_MODEL_BYTES = 512 * 1024 * 1024
PROVIDERS = {
    "cpu": ("CPUExecutionProvider",),
    "cuda": ("CUDAExecutionProvider", "CPUExecutionProvider"),
    "tensorrt": ("TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"),
}
_QUIET = 3
"""Errors only: warnings about every operator that stays on the CPU help nobody."""


def read_model(path: Path, limit_bytes: int = MAX_MODEL_BYTES) -> tuple[bytes, str]:
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


def open_session(model: bytes, name: str, provider: str = "cpu", threads: int = 1) -> Any:
    """An ``onnxruntime.InferenceSession`` that runs where it was asked to.

    Raises:
        BadInputError: the bytes are no model.
        UnavailableError: ONNX Runtime is not installed, or the provider did not come up: a listed one is no proof.

    """
    try:
        import onnxruntime
    except ImportError:
        raise UnavailableError(
            f"ONNX Runtime is not installed, {name} was not loaded. Install winnow-dora[cpu] or winnow-dora[gpu]."
        ) from None
    wanted = PROVIDERS[provider]
    if wanted[0] not in onnxruntime.get_available_providers():
        raise UnavailableError(
            f"This ONNX Runtime has no {wanted[0]}, {name} was not loaded. It has: {', '.join(onnxruntime.get_available_providers())}."
        )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _QUIET
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(model, options, providers=list(wanted))
    except Exception as error:  # noqa: BLE001 - its errors share no base class
        first = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise BadInputError(
            f"{name} is no model that ONNX Runtime can load ({first}); it was not used."
        ) from None
    if session.get_providers()[0] != wanted[0]:
        raise UnavailableError(
            f"{name} runs on {session.get_providers()[0]} in place of {wanted[0]}; it was not used. Check the driver and its libraries."
        )
    return session
