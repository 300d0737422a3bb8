"""Plates and vehicles of all videos in one database, SQLite by default and PostgreSQL by URL, and as Parquet files."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Double,
    Engine,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    delete,
    insert,
    select,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from winnow_runtime import atomic
from winnow_schemas.errors import BadInputError, UnavailableError

_BUSY_S = 30
metadata = MetaData()
videos = Table(
    "video",
    metadata,
    Column("video_id", String(64), primary_key=True),
    Column("video", Text, nullable=False),
    Column("frames", Integer, nullable=False),
    Column("kept", Integer, nullable=False),
    Column("duration_ns", BigInteger, nullable=False),
    Column("created", Text, nullable=False),
    Column("gps", Text),
)


PLACE = ("latitude_deg", "longitude_deg", "uncertainty_m", "speed_mps", "bearing_deg")


def _place_columns() -> list[Column[Any]]:
    return [Column(name, Double) for name in PLACE]


plates = Table(
    "plate",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("video_id", String(64), ForeignKey("video.video_id"), nullable=False, index=True),
    Column("text", String(32), nullable=False, index=True),
    Column("confidence", Double, nullable=False),
    Column("country", String(8), nullable=False),
    Column("frames", Integer, nullable=False),
    Column("first_ns", BigInteger, nullable=False),
    Column("last_ns", BigInteger, nullable=False),
    *_place_columns(),
    Column("crop", Text),
    Column("frame_picture", Text),
    Column("votes", Text, nullable=False),
    Column("movement_px_s", Text),
)
sightings = Table(
    "sighting",
    metadata,
    Column("plate_id", String(64), ForeignKey("plate.id"), primary_key=True),
    Column("t_ns", BigInteger, primary_key=True),
    Column("text", String(32), nullable=False),
    Column("confidence", Double, nullable=False),
    *(Column(side, Double) for side in ("x1", "y1", "x2", "y2")),
    *_place_columns(),
)
vehicles = Table(
    "vehicle",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("video_id", String(64), ForeignKey("video.video_id"), nullable=False, index=True),
    Column("class", Integer, nullable=False),
    Column("confidence", Double, nullable=False),
    Column("frames", Integer, nullable=False),
    Column("first_ns", BigInteger, nullable=False),
    Column("last_ns", BigInteger, nullable=False),
    *_place_columns(),
    Column("growth", Double, nullable=False),
    Column("plates", Text, nullable=False),
    Column("movement_px_s", Text, nullable=False),
)
VEHICLE = pa.schema(
    [
        ("id", pa.string()),
        ("video_id", pa.string()),
        ("class", pa.int32()),
        ("confidence", pa.float64()),
        ("frames", pa.int32()),
        ("first_ns", pa.int64()),
        ("last_ns", pa.int64()),
        *((name, pa.float64()) for name in PLACE),
        ("growth", pa.float64()),
        ("plates", pa.string()),
        ("movement_px_s", pa.string()),
    ]
)
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
        *((name, pa.float64()) for name in PLACE),
        ("crop", pa.string()),
        ("votes", pa.string()),
    ]
)


def store(out: Path, record: dict[str, Any], database: str = "") -> None:
    """Put a video's record into the database; again is harmless.

    ``database``: a URL of SQLAlchemy's; empty = ``plates.sqlite`` in the run's folder.

    Raises:
        BadInputError: the URL is none, or its driver is not installed.
        UnavailableError: nothing answers there, or it refuses.

    """
    url = url_of(out, database)
    shown = url.render_as_string(hide_password=True)
    try:
        engine = _engine(url)
        try:
            metadata.create_all(engine)
            with engine.begin() as connection:
                _replace(connection, record)
        finally:
            engine.dispose()
    except (NoSuchModuleError, ImportError):
        raise BadInputError(
            f"The driver of {shown} is not installed; no plate was stored. Install winnow-dora[postgres]."
        ) from None
    except DBAPIError as error:
        reason = (str(error.orig).strip().splitlines() or [type(error.orig).__name__])[0][:200]
        raise UnavailableError(
            f"The database {shown} does not take the plates ({reason}); they stand in {out / 'records'}."
        ) from None


def url_of(out: Path, database: str) -> URL:
    """Where the plates go.

    Raises:
        BadInputError: that is no URL, or of a kind that is not known.

    """
    if not database:
        return URL.create("sqlite", database=str(out / "plates.sqlite"))
    try:
        url = make_url(database)
    except ArgumentError:
        raise BadInputError(
            f"dashcam.database {database[:200]!r} is no URL; no plate was stored. "
            "Write sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME."
        ) from None
    if url.get_backend_name() not in {"sqlite", "postgresql"}:
        raise BadInputError(
            f"dashcam.database is of kind {url.get_backend_name()!r}, plates are stored with sqlite and postgresql; "
            "no plate was stored."
        )
    return url


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        return create_engine(url, connect_args={"timeout": _BUSY_S})
    return create_engine(url, pool_size=1, connect_args={"connect_timeout": _BUSY_S})


def _replace(connection: Connection, record: dict[str, Any]) -> None:
    video_id = record["video_id"]
    of_video = select(plates.c.id).where(plates.c.video_id == video_id)
    connection.execute(delete(sightings).where(sightings.c.plate_id.in_(of_video)))
    connection.execute(delete(plates).where(plates.c.video_id == video_id))
    connection.execute(delete(vehicles).where(vehicles.c.video_id == video_id))
    connection.execute(delete(videos).where(videos.c.video_id == video_id))
    names = ("video_id", "video", "frames", "kept", "duration_ns", "created")
    gps = json.dumps(record["gps"]) if record["gps"] else None
    connection.execute(insert(videos).values(gps=gps, **{name: record[name] for name in names}))
    for plate in record["plates"]:
        connection.execute(insert(plates).values(_plate_row(video_id, plate)))
        # Two readings of one moment are one row: the better one, which comes first.
        looks: dict[int, dict[str, Any]] = {}
        for each in plate["timeline"]:
            looks.setdefault(each["t_ns"], _sighting_row(plate["id"], each))
        if looks:
            connection.execute(insert(sightings), list(looks.values()))

    if seen := record.get("vehicles"):
        connection.execute(insert(vehicles), [_vehicle_row(each) for each in seen])


def _vehicle_row(vehicle: dict[str, Any]) -> dict[str, Any]:
    row = {name: vehicle.get(name) for name in VEHICLE.names} | _placed(vehicle["position"])
    return row | {name: json.dumps(vehicle[name]) for name in ("plates", "movement_px_s")}


def _plate_row(video_id: str, plate: dict[str, Any]) -> dict[str, Any]:
    names = ("id", "text", "confidence", "country", "frames", "first_ns", "last_ns")
    return {
        **{name: plate[name] for name in names},
        **_placed(plate["position"]),
        "video_id": video_id,
        "crop": plate.get("crop"),
        "frame_picture": plate.get("frame_picture"),
        "votes": json.dumps(plate["votes"]),
        "movement_px_s": json.dumps(plate["movement_px_s"]),
    }


def _sighting_row(plate_id: str, each: dict[str, Any]) -> dict[str, Any]:
    sides = dict(zip(("x1", "y1", "x2", "y2"), each["box_xyxy"], strict=True))
    row = {"plate_id": plate_id, "t_ns": each["t_ns"], "text": each["text"], "confidence": each["confidence"]}
    return {**row, **sides, **_placed(each["position"])}


def _placed(position: dict[str, Any] | None) -> dict[str, float | None]:
    return {name: (position or {}).get(name) for name in PLACE}


def write_parquet(out: Path, records: Iterable[dict[str, Any]]) -> None:
    """All plates of a run in one table, all vehicles in another."""
    rows, seen = [], []
    for record in records:
        seen += [_vehicle_row(each) for each in record.get("vehicles", [])]
        for plate in record["plates"]:
            row = {name: plate.get(name) for name in PLATE.names}
            row |= _placed(plate["position"])
            row["votes"] = json.dumps(plate["votes"])
            rows.append(row)
    for name, found, schema in (("plates", rows, PLATE), ("vehicles", seen, VEHICLE)):
        sink = pa.BufferOutputStream()
        pq.write_table(pa.Table.from_pylist(found, schema), sink, compression="zstd")
        atomic.write_bytes(out / f"{name}.parquet", sink.getvalue().to_pybytes())
