"""Plates in SQLite and PostgreSQL: stored twice they are there once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from sqlalchemy import create_engine, func, select

from winnow_runtime.dashcam.store import (
    metadata,
    plates,
    sightings,
    store,
    url_of,
    vehicles,
    videos,
    write_parquet,
)
from winnow_schemas.errors import BadInputError, UnavailableError
from winnow_tools.bench.postgres import Postgres


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    try:
        server = Postgres()
    except UnavailableError as error:
        pytest.skip(str(error))
    with server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield ""
        return
    url = request.getfixturevalue("postgres").url
    yield url
    engine = create_engine(url)
    metadata.drop_all(engine)
    engine.dispose()


def record(video_id: str = "cafe", count: int = 2) -> dict[str, Any]:
    place = {
        "latitude_deg": 47.1,
        "longitude_deg": 9.5,
        "uncertainty_m": 6.0,
        "speed_mps": 8.0,
        "bearing_deg": 63.0,
    }
    look = {"text": "RK891AU", "confidence": 0.9, "box_xyxy": [1.0, 2.0, 3.0, 4.0]}
    return {
        "video_id": video_id,
        "video": "/v/drive.mp4",
        "frames": 100,
        "kept": 10,
        "duration_ns": 5 * 10**12,
        "created": "",
        "gps": {"source": "drive.gpx"},
        "vehicles": [
            {
                "id": f"{video_id}-car",
                "video_id": video_id,
                "class": 2,
                "confidence": 0.8,
                "frames": 3,
                "first_ns": 4 * 10**12,
                "last_ns": 5 * 10**12,
                "growth": 1.4,
                "position": place,
                "plates": ["RK891AU"],
                "movement_px_s": [1.0, 2.0],
            }
        ],
        "plates": [
            {
                "id": f"{video_id}-{number}",
                "text": "RK891AU",
                "confidence": 0.97,
                "country": "SK",
                "frames": 2,
                "first_ns": 4 * 10**12,
                "last_ns": 5 * 10**12,
                "position": place if number else None,
                "votes": {"agreeing": 2},
                "movement_px_s": None,
                "timeline": [
                    {**look, "t_ns": 4 * 10**12, "position": place},
                    {**look, "t_ns": 4 * 10**12, "position": None},
                    {**look, "t_ns": 5 * 10**12, "position": None},
                ],
            }
            for number in range(count)
        ],
    }


def counts(out: Path, database: str) -> list[int]:
    engine = create_engine(url_of(out, database))
    with engine.connect() as connection:
        found = [
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (videos, plates, sightings, vehicles)
        ]
    engine.dispose()
    return found


def test_stored_twice_is_there_once(database: str, tmp_path: Path):
    for _ in range(2):
        store(tmp_path, record(), database)
    assert counts(tmp_path, database) == [1, 2, 4, 1]
    store(tmp_path, record("beef", 1), database)
    assert counts(tmp_path, database) == [2, 3, 6, 2]
    store(tmp_path, record(count=0), database)
    assert counts(tmp_path, database) == [2, 1, 2, 2]


def test_what_is_no_database_is_a_sentence(tmp_path: Path):
    with pytest.raises(BadInputError, match="is no URL; no plate was stored"):
        store(tmp_path, record(), "nonsense")
    with pytest.raises(BadInputError, match="of kind 'mysql'"):
        store(tmp_path, record(), "mysql://a@b/c")


def test_a_database_that_does_not_answer_is_waited_for_like_a_disk(tmp_path: Path):
    with pytest.raises(UnavailableError, match=r"does not take the plates .*; they stand in") as caught:
        store(tmp_path, record(), "postgresql+psycopg://nobody:secret@127.0.0.1:1/none")
    assert "secret" not in str(caught.value)


def test_parquet_has_both_tables(tmp_path: Path):
    write_parquet(tmp_path, [record(), record("beef", 0)])
    assert pq.read_table(tmp_path / "plates.parquet").column("text").to_pylist() == ["RK891AU"] * 2
    cars = pq.read_table(tmp_path / "vehicles.parquet").to_pylist()
    assert [(each["class"], each["plates"], each["latitude_deg"]) for each in cars] == [
        (2, '["RK891AU"]', 47.1)
    ] * 2
