"""A folder that is a ROS 2 bag: ``metadata.yaml`` where there is one, and the files it names."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from winnow_runtime.recordings.container import SUPPORTED, recording_files
from winnow_runtime.recordings.faults import Faults, RecordingError, count
from winnow_runtime.recordings.limits import Limits
from winnow_schemas.errors import BadInputError
from winnow_schemas.yaml_source import load_file

_METADATA = "metadata.yaml"


@dataclass(frozen=True, slots=True)
class BagFolder:
    """What a folder says about the recording in it."""

    files: tuple[Path, ...]
    """In the order of recording."""
    compresses_files: bool
    """Each file is zstd-compressed as a whole."""
    compresses_messages: bool
    """Each payload is zstd-compressed."""
    qos: dict[str, str]
    """Topic -> offered QoS profiles as YAML text."""


def read_folder(folder: Path, limits: Limits, faults: Faults) -> BagFolder:
    """Find the files of a bag.

    Raises:
        RecordingError: there are none, or too many, or they are compressed in an unknown way.

    """
    try:
        found = list(recording_files(folder))
    except OSError as error:
        raise RecordingError(f"{folder} cannot be listed ({error.strerror}); nothing was read.") from None
    information = _information(folder, faults)
    files = _named_files(folder, information, found, faults)
    if not files:
        raise RecordingError(
            f"{folder} holds no recording (no {_METADATA}, no .mcap and no .db3 file); supported are {SUPPORTED}; "
            "nothing was read."
        )
    if len(files) > limits.files:
        raise RecordingError(
            f"{folder} holds {count(len(files), 'file')}, the limit is {limits.files:,}; nothing was read."
        )
    mode = str(information.get("compression_mode") or "none").lower()
    kind = str(information.get("compression_format") or "zstd").lower()
    if mode not in ("none", "file", "message") or (mode != "none" and kind != "zstd"):
        raise RecordingError(
            f"{folder} is compressed by {kind!r} per {mode!r}; zstd per file or message is read; nothing was read."
        )
    return BagFolder(
        files=tuple(files),
        compresses_files=mode == "file" or any(path.suffix == ".zstd" for path in files),
        compresses_messages=mode == "message",
        qos=_qos(information),
    )


def _information(folder: Path, faults: Faults) -> dict[str, Any]:
    path = folder / _METADATA
    if not path.exists():
        return {}
    try:
        data = load_file(path).data
        information = data["rosbag2_bagfile_information"]
        if isinstance(information, dict):
            return information
        raise TypeError  # noqa: TRY301 - the same sentence as for a missing key
    except BadInputError as error:
        faults.add(f"{_METADATA} is not used ({str(error).splitlines()[0]}); the files beside it were read.")
    except (KeyError, TypeError):
        faults.add(f"{_METADATA} is not that of a ROS 2 bag and was not used; the files beside it were read.")
    return {}


def _named_files(folder: Path, information: dict[str, Any], found: list[Path], faults: Faults) -> list[Path]:
    """The files that the metadata name, by their last part only: nothing outside the folder is opened."""
    names = information.get("relative_file_paths")
    if not isinstance(names, list) or not names:
        return found
    files = []
    for name in names:
        path = folder / PurePosixPath(str(name)).name
        if path.is_file():
            files.append(path)
        else:
            messages = _messages_of(information, str(name))
            faults.add(f"{path.name}, named by {_METADATA}, is missing{messages}; the other files were read.")
    return files or found


def _messages_of(information: dict[str, Any], name: str) -> str:
    files = information.get("files")
    for entry in files if isinstance(files, list) else []:
        if (
            isinstance(entry, dict)
            and entry.get("path") == name
            and isinstance(entry.get("message_count"), int)
        ):
            return f" with its {count(entry['message_count'], 'message')}"
    return ""


def _qos(information: dict[str, Any]) -> dict[str, str]:
    """QoS as text: rosbag2 writes text up to version 8 of its metadata and structure from 9 on."""
    topics = information.get("topics_with_message_count")
    result = {}
    for entry in topics if isinstance(topics, list) else []:
        topic = entry.get("topic_metadata") if isinstance(entry, dict) else None
        if not isinstance(topic, dict):
            continue
        qos = topic.get("offered_qos_profiles")
        if qos:
            result[str(topic.get("name"))] = (
                qos if isinstance(qos, str) else yaml.safe_dump(qos, sort_keys=False)
            )
    return result
