"""What happens to pictures before a clip leaves (vehicle document 6.4)."""

from enum import StrEnum

from pydantic import Field

from winnow_schemas.validation import Strict


class CameraPolicy(StrEnum):
    """What happens to topics that may show people before a clip leaves."""

    WITHHOLD = "withhold"
    """They are left out of what is sent, and the sidecar says so."""
    REDACT = "redact"
    """Faces, plates and what else `subjects` names are covered in every frame; frames are encoded anew."""
    MASK = "mask"
    """Every frame is covered whole: times and number of frames leave, pictures do not."""
    DETECTIONS = "detections"
    """What the detectors found leaves as a JSON topic in place of the pictures (data minimisation)."""


class Subject(StrEnum):
    """What is covered."""

    FACE = "face"
    PLATE = "plate"
    PERSON = "person"


class Fill(StrEnum):
    """How something is covered."""

    SOLID = "solid"
    """One colour: nothing of it remains."""
    PIXELATE = "pixelate"
    """A grid of at most 4 x 4 means: too few numbers to know anybody by."""
    BLUR = "blur"
    """Looks better, and has been undone by others; only by choice."""


class Fallback(StrEnum):
    """What happens where a topic cannot be redacted: no detector that is good enough, or a frame that nobody can decode."""

    MASK = "mask"
    """The frame is covered whole. A payload that cannot be rebuilt at all withholds its topic."""
    WITHHOLD = "withhold"
    """The topic stays."""
    HOLD = "hold"
    """The clip stays."""


class Originals(StrEnum):
    """What happens to the clip as cut once a redacted copy of it exists."""

    KEEP = "keep"
    """Retention decides as for any clip."""
    LOCK_P0 = "lock_p0"
    """P0 originals get a legal hold and can only be read by their owner; the others are kept."""
    DESTROY = "destroy"
    """P0 originals are locked as above; the pictures of all others are destroyed: the redacted copy takes their place."""


class RedactorSettings(Strict):
    """Privacy before upload (6.4)."""

    cameras: CameraPolicy = CameraPolicy.WITHHOLD
    """What happens to camera topics, and to every other topic that may show people."""
    thermal: CameraPolicy = CameraPolicy.WITHHOLD
    """What happens to thermal topics; no detector is qualified on heat, so `redact` means the fallback."""
    subjects: tuple[Subject, ...] = (Subject.FACE, Subject.PLATE)
    """What `redact` covers; each needs a detector that is good enough."""
    face_model: str = ""
    """ONNX file of a YuNet-type face model; empty = the cascades inside OpenCV, which are not good enough by themselves."""
    person_model: str = ""
    """ONNX file of a YOLO or SSD model with COCO classes, for `person`; empty = none."""
    min_recall: float = Field(default=0.9, ge=0, le=1)
    """A detector whose recall on the test set is below counts as none."""
    min_score: float = Field(default=0.3, ge=0.01, le=0.99)
    """What a model scores below is not covered; low, because a cover too many harms nobody."""
    detect_width_px: int = Field(default=1280, ge=160, le=8192)
    """Wider frames are scaled down for the detectors."""
    hold_s: float = Field(default=0.5, ge=0, le=10)
    """How long something that the detector misses stays covered, before and after it was found."""
    margin_fraction: float = Field(default=0.2, ge=0, le=2)
    """How much a cover is larger than what was found, on each side, of its width and height."""
    fill: Fill = Fill.SOLID
    """How things are covered."""
    without_detector: Fallback = Fallback.MASK
    """No detector that is good enough."""
    undecodable: Fallback = Fallback.MASK
    """A frame that nobody can decode."""
    p0_leaves: bool = True
    """A safety clip that would stay leaves with every frame covered whole, so that safety is never held up."""
    jpeg_quality: int = Field(default=90, ge=10, le=100)
    """Of frames that are encoded anew as JPEG."""
    video_crf: int = Field(default=23, ge=0, le=51)
    """Constant rate factor of video that is encoded anew."""
    originals: Originals = Originals.KEEP
    """What happens to the clip as cut."""
    purpose: str = "autonomous driving perception"
    """GDPR purpose tag."""
    controller: str = "airport operator"
    """GDPR data controller."""
    retention_days: int = Field(default=90, ge=1, le=36_500)
    """GDPR retention tag: how long the cloud may keep pictures with people (6.4); P0 is kept for the investigation."""
