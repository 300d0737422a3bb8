"""Settings of the dashcam graphs; every default is the one that the figures in the documentation were measured with."""

from typing import Literal

from pydantic import Field

from winnow_schemas.validation import Strict


class GateSettings(Strict):
    """Which frames are kept."""

    least_interval_ms: int = Field(default=300, ge=0, le=60_000)
    """Shortest time between two kept frames. A plate that is passed is legible for a second or more: 12 m of distance
    at 40 m/s of closing speed is 0.3 s, and oncoming plates faster than that are blurred."""
    look_every_ms: int = Field(default=100, ge=0, le=60_000)
    """After that, how often the view is compared with the frame kept last."""
    least_brightness: float = Field(default=12, ge=0, le=255)
    """Mean grey level below which nothing is legible."""
    most_brightness: float = Field(default=243, ge=0, le=255)
    """Mean grey level above which nothing is legible."""
    least_contrast: float = Field(default=6, ge=0, le=128)
    """Standard deviation below which there is nothing in the picture: a wall, fog, a lens cap."""
    least_sharpness: float = Field(default=4, ge=0)
    """Laplacian variance below which a frame is blurred whatever the others are."""
    relative_sharpness: float = Field(default=0.4, ge=0, le=1)
    """Part of the usual sharpness of the last second below which a frame is blurred."""
    new_shift: float = Field(default=0.012, ge=0, le=1)
    """Median motion since the frame kept last, in picture diagonals, that makes a view new."""
    new_scale: float = Field(default=0.02, ge=0, le=1)
    """Growth since the frame kept last that makes a view new."""
    new_residual: float = Field(default=0.04, ge=0, le=1)
    """Part of the picture that differs after compensation that makes a view new."""
    still_shift: float = Field(default=0.0012, ge=0, le=1)
    """Median motion between two looks below which the camera stands: half a pixel of 320 x 180."""
    parked_after_s: float = Field(default=1.0, ge=0, le=3600)
    """How long the camera stands before only moving things count."""
    parked_blob: float = Field(default=0.004, ge=0, le=1)
    """Part of the picture that a moving thing covers; a car at 50 m of a wide camera is 0.5 %."""


class ProposerSettings(Strict):
    """Where in a kept frame a plate may be."""

    kind: Literal["text", "tflite", "onnx", "none"] = "text"
    """``text``: text detection at low resolution; ``tflite``: an SSD model, on an Edge TPU where it was compiled for
    one; ``onnx``: a YOLO model; ``none``: the whole frame is one region."""
    model: str = ""
    """File of the model for ``tflite`` and ``onnx``."""
    delegate: str = ""
    """Library of the Edge TPU (``libedgetpu.so.1``); empty = the CPU."""
    edge_tpu: str = Field(default="", pattern="^(|:[0-9]+|(usb|pci)(:[0-9]+)?)$")
    """Which Edge TPU: ``usb``, ``pci``, ``usb:0``, ``:1``; empty = the first."""
    classes: list[int] = Field(default_factory=lambda: [2, 3, 5, 7], max_length=1000)
    """Classes that carry plates; COCO's car, motorcycle, bus and lorry."""
    least_score: float = Field(default=0.3, ge=0, le=1)
    """Weaker proposals are left out."""
    long_side_px: int = Field(default=1280, ge=320, le=4096)
    """How large the text detector sees a frame."""
    most_regions: int = Field(default=24, ge=1, le=400)
    """Of one frame, largest score first."""
    thumbnail_px: int = Field(default=0, ge=0, le=1920)
    """Width of a small picture of each kept frame beside the artifact, about 8 kB at 320; 0 = none."""
    margin: float = Field(default=0.3, ge=0, le=3)
    """Growth of a region on each side, in parts of its larger side."""


class PlateSettings(Strict):
    """How plates are read and joined."""

    countries: list[str] = Field(default_factory=list, max_length=300)
    """ISO codes of the countries whose plates to expect; empty = all."""
    formats: str = ""
    """File of plate formats instead of the library's."""
    detector: str = ""
    """An ONNX model (YOLO) that finds vehicles or plates; empty = text is looked for in the proposals themselves."""
    detector_classes: list[int] = Field(default_factory=list, max_length=1000)
    """Classes of that model to read plates in; empty = all."""
    vehicle_classes: list[int] = Field(default_factory=lambda: [2, 3, 5, 7], max_length=1000)
    """Classes of that model that are vehicles and get records of their own; COCO's car, motorcycle, bus and lorry."""
    least_detection: float = Field(default=0.3, ge=0, le=1)
    """Weaker detections are left out."""
    device: Literal["auto", "cpu", "cuda", "tensorrt"] = "auto"
    """Where networks run; ``auto``: on CUDA where ONNX Runtime has it."""
    least_look: float = Field(default=0.3, ge=0, le=1)
    """Confidence from which a single reading takes part in a vote."""
    least_frames: int = Field(default=2, ge=1, le=1000)
    """A record needs readings in that many frames: a sign that is once misread as a plate is none."""
    least_record: float = Field(default=0.6, ge=0, le=1)
    """Confidence from which a record is written."""
    most_gap_s: float = Field(default=3.0, gt=0, le=600)
    """A plate that is seen again later than this is a new pass."""


class DashcamSettings(Strict):
    """For both graphs."""

    videos: list[str] = Field(default_factory=list, max_length=100_000)
    """Files and folders to go through, relative to the settings file; WINNOW_VIDEOS goes before."""
    gate: GateSettings = GateSettings()
    """Which frames."""
    proposer: ProposerSettings = ProposerSettings()
    """Where in them."""
    plates: PlateSettings = PlateSettings()
    """What they say."""
    gps: str = ""
    """A GPS log for all videos; empty = what lies beside each video, or inside it."""
    gps_offset_s: float = Field(default=0.0, ge=-86_400, le=86_400)
    """Added to the log's times before they are compared with the video's."""
    database: str = Field(default="", max_length=2000)
    """Where plates are stored: a URL such as ``postgresql+psycopg://USER@HOST/NAME``; empty = ``plates.sqlite`` in the
    run's folder."""
    archive: bool = True
    """Whether de-resolved video, crops and records go to ``archive/``."""
    archive_folder: str = ""
    """Where the archive is, such as a mounted network share: it must exist, and is not made; empty = ``archive/`` in the
    run's folder."""
    archive_height_px: int = Field(default=360, ge=120, le=4320)
    """Height of the de-resolved video."""
    archive_codec: Literal["h264", "hevc"] = "h264"
    """Its codec."""
    threads: int = Field(default=0, ge=0, le=256)
    """CPU threads of networks and decoder; 0 = as many as there are."""
