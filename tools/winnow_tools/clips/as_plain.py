"""A clip with its original payloads, whatever its profile: for everything that looks into messages."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from mcap.exceptions import McapError
from mcap.reader import make_reader

from winnow_operators.packing import PackingError
from winnow_runtime.mcapfile.records import channels_of
from winnow_runtime.packing.origin import origin_of
from winnow_runtime.packing.repack import SIDECAR, repack
from winnow_schemas.settings import DeviceSettings
from winnow_schemas.settings.packing import Profile
from winnow_tools.clips.collection import Clip


@contextmanager
def as_plain(clip: Clip) -> Iterator[Clip]:
    """The clip itself when it is plain, else a restored copy that goes away afterwards.

    Raises:
        BadInputError: it cannot be restored.
        UnavailableError: that needs a package which is not installed.

    """
    if clip.sidecar.profile == Profile.PLAIN.value:
        yield clip
        return
    with TemporaryDirectory(prefix="winnow-plain-") as folder:
        path = Path(folder) / clip.path.name
        sidecar = repack(clip.path, path, Profile.PLAIN, DeviceSettings())
        yield replace(clip, path=path, sidecar=sidecar)


@contextmanager
def with_plain_payloads(path: Path) -> Iterator[Path]:
    """A recording for whoever reads any: packed clips as restored copies, with or without their sidecar beside them.

    Raises:
        BadInputError: it is a packed clip and cannot be restored.
        UnavailableError: that needs a package which is not installed.

    """
    inside = _sidecar_of_packed(path)
    if inside is None:
        yield path
        return
    with TemporaryDirectory(prefix="winnow-plain-") as folder:
        packed, plain = Path(folder) / path.name, Path(folder) / f"plain-{path.name}"
        packed.symlink_to(path.resolve())
        beside = path.with_suffix(".json")
        packed.with_suffix(".json").write_bytes(beside.read_bytes() if beside.is_file() else inside)
        repack(packed, plain, Profile.PLAIN, DeviceSettings())
        yield plain


def _sidecar_of_packed(path: Path) -> bytes | None:
    """The copy of the sidecar inside a packed clip; None for every other file, readable or not."""
    if path.suffix != ".mcap" or not path.is_file():
        return None
    try:
        with path.open("rb") as file:
            reader = make_reader(file)
            if all(origin_of(channel) is None for channel in channels_of(reader)):
                return None
            found = (each.data for each in reader.iter_attachments() if each.name == SIDECAR)
            return next(found, None)
    except (McapError, PackingError, ValueError, EOFError, OSError):
        return None
