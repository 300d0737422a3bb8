"""A clip with its original payloads, whatever its profile: for everything that looks into messages."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from winnow_runtime.packing.repack import repack
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
