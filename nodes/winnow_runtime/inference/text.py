"""The text networks that come with the rapidocr wheel: PP-OCR's small detector and recogniser (Apache-2.0).

Only the files are used; what goes into and comes out of them is in `winnow_operators.dashcam.text`.
"""

import importlib.util
from pathlib import Path

import numpy as np

from winnow_operators.dashcam.text.finding import Floats
from winnow_operators.dashcam.text.recognising import Alphabet
from winnow_runtime.inference.onnx import Device, OnnxSession
from winnow_schemas.errors import BadInputError, UnavailableError


class OnnxText:
    """Both networks on ONNX Runtime."""

    def __init__(
        self,
        detector: Path | None = None,
        recogniser: Path | None = None,
        *,
        device: Device = "auto",
        threads: int = 0,
    ) -> None:
        """Without paths, the wheel's own.

        Raises:
            BadInputError: a file is no such model.
            UnavailableError: rapidocr or ONNX Runtime is not installed.

        """
        self._detector = OnnxSession(detector or bundled("_det_"), device=device, threads=threads)
        self._recogniser = OnnxSession(recogniser or bundled("_rec_"), device=device, threads=threads)
        characters = self._recogniser.metadata.get("character", "").splitlines()
        if not characters:
            raise BadInputError(
                f"{self._recogniser.path} does not say which characters it knows (metadata `character`); "
                "nothing was read with it. Use a PP-OCR recogniser as rapidocr exports it."
            )
        # The space comes last, after those that are listed.
        self.alphabet = Alphabet([*characters, " "])

    @property
    def providers(self) -> tuple[str, str]:
        """Devices that detector and recogniser use."""
        return self._detector.provider, self._recogniser.provider

    def text_map(self, batch: Floats) -> Floats:
        answer = self._detector.run(batch)[0]
        if answer.ndim != 4 or answer.shape[1] != 1:
            raise BadInputError(
                f"{self._detector.path} answers an array of shape {answer.shape}, a text detector one of "
                "(n, 1, height, width); nothing was read with it."
            )
        return np.asarray(answer[:, 0], np.float32)

    def characters(self, batch: Floats) -> Floats:
        answer = self._recogniser.run(batch)[0]
        if answer.ndim != 3 or answer.shape[2] != self.alphabet.size:
            raise BadInputError(
                f"{self._recogniser.path} answers an array of shape {answer.shape}, with {self.alphabet.size} "
                "characters it should be (n, steps, characters); nothing was read with it."
            )
        return np.asarray(answer, np.float32)


def bundled(kind: str) -> Path:
    """A model file of the rapidocr wheel, found without importing it.

    Raises:
        UnavailableError: it is not installed.

    """
    spec = importlib.util.find_spec("rapidocr")
    folders = list(spec.submodule_search_locations or []) if spec else []
    found = sorted(path for folder in folders for path in Path(folder, "models").glob(f"*{kind}*.onnx"))
    if not found:
        raise UnavailableError(
            "The text networks come with the rapidocr wheel, which is not installed (or has no "
            f"models/*{kind}*.onnx); no plate was read. Install rapidocr>=3.8, or name model files of your own."
        )
    return found[0]
