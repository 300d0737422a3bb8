"""Draco itself, through DracoPy: distinct points on a grid in, the same points in another order out."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from winnow_operators.packing.faults import PackingError
from winnow_schemas.errors import UnavailableError

POINTS_MAX = 16_000_000
"""Points of a cloud that are given to Draco: a bigger one is packed without loss."""
ATTRIBUTE = "intensity"
_MAGIC = b"DRACO"
_POINT_CLOUD = 0
_METADATA_FLAG = 0x80


def encode(
    xyz: NDArray[np.float32],
    attribute: NDArray[np.generic] | None,
    origin: list[float],
    bits: int,
    extent_m: float,
    level: int,
) -> bytes:
    """A Draco point cloud; ``xyz`` (n, 3) in metres, distinct on the grid, ``attribute`` (n,)."""
    draco = _library()
    extra = None if attribute is None else {ATTRIBUTE: np.ascontiguousarray(attribute)[:, None]}
    data: bytes = draco.encode(
        np.ascontiguousarray(xyz),
        quantization_bits=bits,
        compression_level=level,
        quantization_range=extent_m,
        quantization_origin=np.array(origin),
        generic_attributes=extra,
    )
    return data


def decode(
    data: bytes | memoryview, points: int, *, has_attribute: bool
) -> tuple[NDArray[np.float32], NDArray[np.generic] | None]:
    """Exactly ``points`` points, shape (points, 3), and their attribute.

    Raises:
        PackingError: it is damaged, or holds another number of points.

    """
    draco = _library()
    _check_head(bytes(data[:4096]), points)
    try:
        cloud = draco.decode(bytes(data))
        xyz = np.asarray(cloud.points, np.float32).reshape(-1, 3)
        found = None
        if has_attribute:
            found = np.asarray(cloud.get_attribute_by_name(ATTRIBUTE)["data"]).reshape(-1)
    except Exception as error:  # noqa: BLE001 - Draco has errors of many kinds, and none is ours
        raise PackingError(f"A Draco cloud is damaged ({error}); it was not unpacked.") from None
    if len(xyz) != points or (found is not None and len(found) != points):
        raise PackingError(
            f"A Draco cloud holds {len(xyz):,} points and says {points:,}; it was not unpacked."
        )
    return xyz, found


def _check_head(head: bytes, points: int) -> None:
    """The number of points in Draco's own head, before it allocates for them."""
    if head[:5] != _MAGIC or len(head) < 16 or head[7] != _POINT_CLOUD:
        raise PackingError("A Draco cloud does not begin as one; it was not unpacked.")
    at = 11
    if head[10] & _METADATA_FLAG:
        at = (
            head.find(ATTRIBUTE.encode()) + len(ATTRIBUTE) + 2
        )  # then: no sub-metadata, an empty one of the cloud
        at += 1
    if len(head) < at + 4 or int.from_bytes(head[at : at + 4], "little") != points:
        raise PackingError(
            f"A Draco cloud holds another number of points than the {points:,} it says; it was not unpacked."
        )


def _library() -> Any:
    try:
        import DracoPy
    except ImportError:
        raise UnavailableError(
            "Draco clouds need the package DracoPy, which is not installed; nothing was written. Install "
            "`winnow-dora[lidar]`, or set `upload_codec: ordered`."
        ) from None
    return DracoPy
