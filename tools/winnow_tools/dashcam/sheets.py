"""Contact sheets: what a person looks at to believe a figure."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq

from winnow_operators.dashcam.text.finding import Image
from winnow_runtime import atomic
from winnow_runtime.video.file import Video

_TILE_PX = (320, 180)
_COLUMNS = 6
_MOST_TILES = 96
"""Of a long drive every n-th kept frame is shown."""
_CROP_PX = (300, 90)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_GREEN, _RED, _GREY = (60, 170, 60), (50, 50, 220), (90, 90, 90)


def frames_sheet(video: Path, artifact: Path, target: Path) -> int:
    """The kept frames with their regions, times and reasons; how many are shown."""
    rows = [row for row in pq.read_table(artifact).to_pylist() if row["kept"]]
    rows = rows[:: max(1, -(-len(rows) // _MOST_TILES))]
    by_time = {row["t_ns"]: row for row in rows}
    tiles = []
    with Video(video) as opened:
        for t_ns, image in opened.pictures(sorted(by_time)):
            row = by_time[min(by_time, key=lambda each: abs(each - t_ns))]
            tiles.append(_tile(image, row))
    _write(tiles, _COLUMNS, target)
    return len(tiles)


def plates_sheet(out: Path, plates: Sequence[dict[str, Any]], truths: set[str] | None, target: Path) -> int:
    """The best crop of each record with what was read; red where the truth has no such plate."""
    tiles = []
    for plate in plates:
        picture = cv2.imread(str(out / plate["crop"])) if plate.get("crop") else None
        tile = np.full((_CROP_PX[1] + 30, _CROP_PX[0], 3), 245, np.uint8)
        if picture is not None:
            scale = min(_CROP_PX[0] / picture.shape[1], _CROP_PX[1] / picture.shape[0])
            size = (max(1, int(picture.shape[1] * scale)), max(1, int(picture.shape[0] * scale)))
            tile[: size[1], : size[0]] = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        good = _GREY if truths is None else _GREEN if plate["text"] in truths else _RED
        told = f"{plate['text']}  {plate['confidence']:.2f}  {plate['frames']} fr  {plate['best']['t_ns'] / 1e9:.1f} s"
        cv2.putText(tile, told, (6, _CROP_PX[1] + 21), _FONT, 0.5, good, 1, cv2.LINE_AA)
        tiles.append(np.asarray(tile, np.uint8))
    _write(tiles, 4, target)
    return len(tiles)


def _tile(image: Image, row: dict[str, Any]) -> Image:
    sides = row["regions_xyxy"]
    drawn = image.copy()
    for at in range(0, len(sides), 4):
        left, top, right, bottom = (round(side) for side in sides[at : at + 4])
        cv2.rectangle(drawn, (left, top), (right, bottom), (0, 220, 255), max(2, image.shape[1] // 400))
    tile = np.asarray(cv2.resize(drawn, _TILE_PX, interpolation=cv2.INTER_AREA), np.uint8)
    cv2.rectangle(tile, (0, 0), (150, 16), (0, 0, 0), -1)
    told = f"{row['t_ns'] / 1e9:6.2f} s {row['reason']}"
    cv2.putText(tile, told, (3, 12), _FONT, 0.4, (255, 255, 255), 1, cv2.LINE_AA)
    return tile


def _write(tiles: Sequence[Image], columns: int, target: Path) -> None:
    if not tiles:
        return
    blank = np.full_like(tiles[0], 255)
    padded = [*tiles, *[blank] * (-len(tiles) % columns)]
    lines = [np.hstack(padded[at : at + columns]) for at in range(0, len(padded), columns)]
    target.parent.mkdir(parents=True, exist_ok=True)
    atomic.write_bytes(target, cv2.imencode(".png", np.vstack(lines))[1].tobytes(), durable=False)
