"""Values of nodes in a clip: drawn by contact sheets, and back as Arrow, from every profile."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pytest
from click.testing import Result
from mcap.reader import make_reader
from mcap.writer import Writer
from tests.clip_makers import clip_of
from typer.testing import CliRunner

from winnow_operators.native.keeping import keep
from winnow_tools.cli import app

T0 = 1_775_900_000_000_000_000
TICK_NS = 100_000_000
COUNT = 20


def picture(number: int) -> np.ndarray:
    return np.full((30, 40, 3), (number * 10, 200, 20), np.uint8)


def sent() -> list[tuple[str, int, pa.Array, dict[str, Any]]]:
    """What four nodes send: pictures, points, positions, and a list of numbers that is not always finite."""
    rows: list[tuple[str, int, pa.Array, dict[str, Any]]] = []
    for number in range(COUNT):
        t_ns = T0 + number * TICK_NS
        shape = {"encoding": "bgr8", "width": 40, "height": 30}
        rows.append(("/picture", t_ns, pa.array(picture(number).reshape(-1)), shape))
        points = np.random.default_rng(number).normal(0, 5, 300).astype(np.float32)
        rows.append(("/points", t_ns, pa.array(points), {"primitive": "points3d"}))
        position = {"latitude": 48.0 + number * 1e-5, "longitude": 11.5, "altitude": 500.0}
        rows.append(("/position", t_ns, pa.array([position]), {}))
        rows.append(("/scores", t_ns, pa.array([0.5, float("inf") if number % 2 else 1.0]), {}))
    return rows


@pytest.fixture(scope="module")
def clip() -> Iterator[Path]:
    with TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as base:
        recording = Path(base) / "drive.mcap"
        with recording.open("wb") as file:
            writer = Writer(file)
            writer.start()
            numbers: dict[str, int] = {}
            for topic, t_ns, value, metadata in sent():
                channel, payload = keep(topic, value, metadata, t_ns)
                if topic not in numbers:
                    schema = writer.register_schema(
                        channel.schema_name, channel.schema_encoding, channel.schema_data
                    )
                    numbers[topic] = writer.register_channel(
                        topic, channel.encoding, schema, dict(channel.metadata)
                    )
                writer.add_message(numbers[topic], t_ns, payload, t_ns)
            writer.finish()
        yield clip_of(recording, Path(base) / "clip", 3)


def clips(*arguments: object) -> Result:
    result = CliRunner().invoke(app, ["clips", *map(str, arguments)], env={"COLUMNS": "200"})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def assert_all_back(folder: Path) -> None:
    for topic in ("/picture", "/points", "/position", "/scores"):
        table = pa.ipc.open_file(folder / f"{topic[1:]}.arrow").read_all()
        wanted = [(t_ns, value) for each, t_ns, value, _ in sent() if each == topic]
        assert table["t_ns"].to_pylist() == [t_ns for t_ns, _ in wanted]
        for back, (_, value) in zip(table["value"], wanted, strict=True):
            assert back.values.equals(value)


@pytest.mark.parametrize("profile", ["plain", "packed", "upload"])
def test_values_come_back_from_every_profile(clip: Path, tmp_path: Path, profile: str) -> None:
    where = clip
    if profile != "plain":
        assert clips("repack", clip, "--profile", profile, "-o", tmp_path / "small").exit_code == 0
        (where,) = (tmp_path / "small").rglob("*.mcap")
    result = clips("export", where, "-o", tmp_path / "values", "--format", "arrow")
    assert result.exit_code == 0, result.output
    assert_all_back(tmp_path / "values")


def test_a_contact_sheet_shows_pictures_and_clouds(clip: Path, tmp_path: Path) -> None:
    result = clips("thumbs", clip, "-o", tmp_path / "sheet.png")
    assert result.exit_code == 0, result.output
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet is not None
    greenish = (abs(sheet.astype(int) - (100, 200, 20)).max(axis=2) <= 100) & (sheet[..., 1] > 190)
    assert greenish.mean() > 0.05


def test_positions_and_numbers_are_columns_of_a_table(clip: Path, tmp_path: Path) -> None:
    assert clips("export", clip, "-o", tmp_path / "tables", "--format", "csv").exit_code == 0
    head, first, *_ = (tmp_path / "tables" / "position.csv").read_text("utf-8").splitlines()
    cells = dict(zip(head.split(","), first.split(","), strict=True))
    assert (cells["latitude"], cells["longitude"]) == ("48.0", "11.5")


def test_changed_pictures_are_named_and_the_others_restored(clip: Path, tmp_path: Path) -> None:
    changed = tmp_path / "changed.mcap"
    with clip.open("rb") as source, changed.open("wb") as file:
        reader = make_reader(source)
        writer = Writer(file)
        writer.start()
        numbers: dict[int, int] = {}
        for schema, channel, message in reader.iter_messages():
            assert schema is not None
            if channel.id not in numbers:
                number = writer.register_schema(schema.name, schema.encoding, schema.data)
                numbers[channel.id] = writer.register_channel(
                    channel.topic, channel.message_encoding, number, channel.metadata
                )
            data = message.data
            if channel.topic == "/picture":
                data = data.replace(bytes(picture(3)[:2]), bytes(240))
            writer.add_message(numbers[channel.id], message.log_time, data, message.publish_time)
        writer.finish()
    changed.with_suffix(".json").write_bytes(clip.with_suffix(".json").read_bytes())
    result = clips("export", changed, "-o", tmp_path / "values", "--format", "arrow")
    assert result.exit_code == 3
    assert "1 messages of /picture were not restored" in result.output
    table = pa.ipc.open_file(tmp_path / "values" / "picture.arrow").read_all()
    assert len(table) == COUNT - 1


def test_a_clip_without_such_values_writes_nothing(tmp_path: Path) -> None:
    recording = tmp_path / "drive.mcap"
    with recording.open("wb") as file:
        writer = Writer(file)
        writer.start()
        number = writer.register_channel("/a", "json", 0)
        for tick in range(10):
            writer.add_message(number, T0 + tick * TICK_NS, b"{}", T0)
        writer.finish()
    result = clips(
        "export", clip_of(recording, tmp_path / "clip", 1), "-o", tmp_path / "out", "--format", "arrow"
    )
    assert result.exit_code == 2
    assert "was an Arrow value; nothing was written" in result.output
    assert not (tmp_path / "out").exists()
