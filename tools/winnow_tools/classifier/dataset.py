"""Data sets of features and labels as Parquet: of a run's clips and what people called them, or of the simulated fleet."""

import csv
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from winnow_classifier.surroundings import lead_of
from winnow_classifier.verdicts import features_of
from winnow_operators.classify.features import extract
from winnow_operators.classify.layout import SIZE, VERSION
from winnow_operators.classify.network import SCENARIOS
from winnow_operators.classify.rules import Surroundings, classify
from winnow_operators.classify.scenario import Scenario
from winnow_operators.fleet.clips import FLEET, FleetClip, fleet_clips
from winnow_runtime import atomic
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings import DeviceSettings
from winnow_tools.clips.collection import clips_of

DAY_NS = 86_400 * 10**9
MAX_LABELS = 10_000_000
COLUMNS = pa.schema(
    [
        *(("clip_id", pa.string()), ("vehicle", pa.string()), ("day", pa.int32()), ("label", pa.string())),
        *(("type", pa.string()), ("priority", pa.int8()), ("t_ns", pa.int64()), ("size_bytes", pa.int64())),
        *(
            ("by_rules", pa.string()),
            ("rules_confidence", pa.float32()),
            ("features", pa.list_(pa.float32(), SIZE)),
        ),
    ]
)


@dataclass(frozen=True, slots=True)
class DataSet:
    """Clips with features and labels, in the order of the file."""

    name: str
    sha256: str
    features: NDArray[np.float32]
    """Shape ``(n, 128)``."""
    labels: NDArray[np.int64]
    """Class numbers, shape ``(n,)``."""
    by_rules: NDArray[np.int64]
    part: NDArray[np.int64]
    """0 = training, 1 = validation, 2 = test."""
    sizes_bytes: list[int]
    priorities: NDArray[np.int64]
    times_ns: NDArray[np.int64]

    def of(self, part: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Features and labels of a part."""
        rows = self.part == part
        return self.features[rows], self.labels[rows]


def fleet_rows(seed: int, count: int) -> Iterator[dict[str, Any]]:
    """Rows of the simulated fleet."""
    for clip in fleet_clips(seed, count):
        ruled = classify([(clip.facts.type, clip.facts.priority)], _surroundings(clip))
        yield {
            "clip_id": clip.clip_id,
            "vehicle": clip.vehicle,
            "day": clip.day,
            "label": clip.scenario.value,
            "type": clip.facts.type,
            "priority": clip.facts.priority,
            "t_ns": clip.facts.t_ns,
            "size_bytes": clip.size_bytes,
            "by_rules": ruled.scenario.value,
            "rules_confidence": ruled.confidence,
            "features": extract(clip.facts, clip.samples).vector,
        }


def _surroundings(clip: FleetClip) -> Surroundings:
    def last(name: str) -> float | None:
        return float(clip.samples[name].values[-1]) if name in clip.samples else None

    return Surroundings(
        last("visibility"), last("rain_rate"), last("ambient_light"), clip.facts.sun_elevation_deg
    )


def run_rows(
    run: Path, labels: dict[str, str], settings: DeviceSettings, problems: list[str]
) -> Iterator[dict[str, Any]]:
    """Rows of a run's labelled clips; why others are left out is added to ``problems``."""
    for clip in clips_of(run, problems):
        sidecar = clip.sidecar
        label = labels.get(sidecar.clip_id) or labels.get(sidecar.name)
        if label is None:
            problems.append(f"{sidecar.name} has no label; it was left out.")
            continue
        try:
            made = features_of(clip.path, sidecar, settings)
            lead = lead_of(sidecar)
        except BadInputError as error:
            problems.append(str(error))
            continue
        ruled = classify([(each.type, each.priority) for each in sidecar.triggers], Surroundings())
        yield {
            "clip_id": sidecar.clip_id,
            "vehicle": sidecar.vehicle_id,
            "day": lead.t_ns // DAY_NS,
            "label": label,
            "type": lead.type,
            "priority": sidecar.priority,
            "t_ns": lead.t_ns,
            "size_bytes": sidecar.size_bytes or 0,
            "by_rules": (clip.verdict or {}).get("scenario_class", ruled.scenario.value),
            "rules_confidence": ruled.confidence,
            "features": made.vector,
        }


def read_labels(path: Path) -> dict[str, str]:
    """Clip id or name -> scenario, from CSV (``clip_id,label``) or JSON (an object, or objects with those keys).

    Raises:
        BadInputError: the file cannot be read, or names a scenario that does not exist.

    """
    try:
        text = path.read_text("utf-8")
        rows = _json_labels(json.loads(text)) if path.suffix == ".json" else _csv_labels(text)
        labels = dict(rows)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadInputError(
            f"{path} is no list of labels ({error}); CSV with clip_id,label or JSON is needed. Nothing was written."
        ) from None
    for clip, label in labels.items():
        if label not in set(Scenario):
            raise BadInputError(
                f"{path} calls {clip[:60]!r} {label[:60]!r}; allowed: {', '.join(Scenario)}. Nothing was written."
            )
    return labels


def _csv_labels(text: str) -> Iterator[tuple[str, str]]:
    for row in csv.DictReader(text.splitlines()):
        yield row["clip_id"], row["label"]


def _json_labels(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        yield from ((str(clip), str(label)) for clip, label in value.items())
    else:
        yield from ((str(row["clip_id"]), str(row["label"])) for row in value)


def write_rows(rows: Iterable[dict[str, Any]], path: Path, name: str) -> int:
    """Write a data set; how many clips it has.

    Raises:
        BadInputError: there are no rows.

    """
    table = pa.Table.from_pylist([{**row, "features": row["features"].tolist()} for row in rows], COLUMNS)
    if not table.num_rows:
        raise BadInputError("No clip has a label and features; nothing was written.")
    table = table.replace_schema_metadata({"feature_version": VERSION, "name": name})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    atomic.write_bytes(path, sink.getvalue().to_pybytes())
    return int(table.num_rows)


def read_dataset(path: Path) -> DataSet:
    """Read a data set.

    Raises:
        BadInputError: it is none, or of another feature version.

    """
    try:
        table = pq.read_table(path)
        said = table.schema.metadata or {}
    except (OSError, pa.ArrowException) as error:
        raise BadInputError(f"{path} is no data set ({str(error)[:120]}); nothing was done.") from None
    version = said.get(b"feature_version", b"none").decode("utf-8", "replace")
    if version != VERSION or not set(COLUMNS.names) <= set(table.column_names):
        raise BadInputError(
            f"{path} has the features {version[:60]!r}, {VERSION!r} is needed; make it again. Nothing was done."
        )
    features = np.stack(table["features"].to_numpy()).astype(np.float32)
    numbers = {each.value: number for number, each in enumerate(SCENARIOS)}
    try:
        labels = np.array([numbers[each] for each in table["label"].to_pylist()], np.int64)
        ruled = np.array([numbers[each] for each in table["by_rules"].to_pylist()], np.int64)
    except KeyError as error:
        raise BadInputError(
            f"{path} has the label {error}, which does not exist; nothing was done."
        ) from None
    groups = zip(table["vehicle"].to_pylist(), table["day"].to_pylist(), strict=True)
    return DataSet(
        said.get(b"name", b"").decode("utf-8", "replace"),
        content_hash(features, labels),
        features,
        labels,
        ruled,
        np.array([part_of(vehicle, day) for vehicle, day in groups], np.int64),
        table["size_bytes"].to_pylist(),
        table["priority"].to_numpy().astype(np.int64),
        table["t_ns"].to_numpy(),
    )


def content_hash(features: NDArray[np.float32], labels: NDArray[np.int64]) -> str:
    """Of what is learned from, to four decimals: the same on machines whose last bits differ."""
    rounded = np.round(features.astype(np.float64) * 1e4).astype(np.int64)
    return hashlib.sha256(rounded.tobytes() + labels.tobytes()).hexdigest()


def part_of(vehicle: str, day: int) -> int:
    """Training (70 %), validation or test: whole days of a vehicle, because clips of one day are alike."""
    place = int.from_bytes(hashlib.sha256(f"{vehicle}/{day}".encode()).digest()[:4], "big") % 100
    return 0 if place < 70 else 1 if place < 85 else 2


def fleet_name(seed: int, count: int) -> str:
    """What a data set of the fleet is called."""
    return f"{FLEET}, seed {seed}, {count} clips"
