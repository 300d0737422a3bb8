"""The plates of all videos of a run in one SQLite database and one Parquet file."""

import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from winnow_runtime import atomic

_TABLES = """
CREATE TABLE IF NOT EXISTS video (
  video_id TEXT PRIMARY KEY, video TEXT NOT NULL, frames INTEGER NOT NULL, kept INTEGER NOT NULL,
  duration_ns INTEGER NOT NULL, created TEXT NOT NULL, gps TEXT
);
CREATE TABLE IF NOT EXISTS plate (
  id TEXT PRIMARY KEY, video_id TEXT NOT NULL REFERENCES video, text TEXT NOT NULL, confidence REAL NOT NULL,
  country TEXT NOT NULL, frames INTEGER NOT NULL, first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL,
  latitude_deg REAL, longitude_deg REAL, uncertainty_m REAL, speed_mps REAL, bearing_deg REAL,
  crop TEXT, frame_picture TEXT, votes TEXT NOT NULL, movement_px_s TEXT
);
CREATE INDEX IF NOT EXISTS plate_text ON plate (text);
CREATE TABLE IF NOT EXISTS sighting (
  plate_id TEXT NOT NULL REFERENCES plate, t_ns INTEGER NOT NULL, text TEXT NOT NULL, confidence REAL NOT NULL,
  x1 REAL, y1 REAL, x2 REAL, y2 REAL,
  latitude_deg REAL, longitude_deg REAL, uncertainty_m REAL, speed_mps REAL, bearing_deg REAL,
  PRIMARY KEY (plate_id, t_ns)
);
"""
PLATE = pa.schema(
    [
        ("id", pa.string()),
        ("video_id", pa.string()),
        ("video", pa.string()),
        ("text", pa.string()),
        ("confidence", pa.float64()),
        ("country", pa.string()),
        ("frames", pa.int32()),
        ("first_ns", pa.int64()),
        ("last_ns", pa.int64()),
        ("latitude_deg", pa.float64()),
        ("longitude_deg", pa.float64()),
        ("uncertainty_m", pa.float64()),
        ("speed_mps", pa.float64()),
        ("bearing_deg", pa.float64()),
        ("crop", pa.string()),
        ("votes", pa.string()),
    ]
)


def store(out: Path, record: dict[str, Any]) -> None:
    """Put a video's record into the database; again is harmless."""
    connection = sqlite3.connect(out / "plates.sqlite", timeout=30)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript(_TABLES)
        with connection:
            _replace(connection, record)
    finally:
        connection.close()


def _replace(connection: sqlite3.Connection, record: dict[str, Any]) -> None:
    video_id = record["video_id"]
    connection.execute(
        "DELETE FROM sighting WHERE plate_id IN (SELECT id FROM plate WHERE video_id = ?)", (video_id,)
    )
    connection.execute("DELETE FROM plate WHERE video_id = ?", (video_id,))
    gps = json.dumps(record["gps"]) if record["gps"] else None
    connection.execute(
        "INSERT OR REPLACE INTO video VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            video_id,
            record["video"],
            record["frames"],
            record["kept"],
            record["duration_ns"],
            record["created"],
            gps,
        ),
    )
    for plate in record["plates"]:
        connection.execute(
            "INSERT INTO plate VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                plate["id"], video_id, plate["text"], plate["confidence"], plate["country"], plate["frames"],
                plate["first_ns"], plate["last_ns"], *_placed(plate["position"]), plate.get("crop"),
                plate.get("frame_picture"), json.dumps(plate["votes"]), json.dumps(plate["movement_px_s"]),
            ),
        )  # fmt: skip
        connection.executemany(
            "INSERT OR REPLACE INTO sighting VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (plate["id"], each["t_ns"], each["text"], each["confidence"], *each["box_xyxy"], *_placed(each["position"]))
                for each in plate["timeline"]
            ],
        )  # fmt: skip


def _placed(position: dict[str, Any] | None) -> tuple[float | None, ...]:
    names = ("latitude_deg", "longitude_deg", "uncertainty_m", "speed_mps", "bearing_deg")
    return tuple((position or {}).get(name) for name in names)


def write_parquet(out: Path, records: Iterable[dict[str, Any]]) -> None:
    """All plates of a run in one table."""
    rows = []
    for record in records:
        for plate in record["plates"]:
            row = {name: plate.get(name) for name in PLATE.names}
            row |= {name: (plate["position"] or {}).get(name) for name in PLATE.names[9:14]}
            row["votes"] = json.dumps(plate["votes"])
            rows.append(row)
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows, PLATE), sink, compression="zstd")
    atomic.write_bytes(out / "plates.parquet", sink.getvalue().to_pybytes())
