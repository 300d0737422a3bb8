"""The queue as it lies on disk, read beside a running uploader without disturbing it."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from winnow_operators.upload.budget import DailyBudget, day_of
from winnow_operators.upload.forecast import Outlook, forecast
from winnow_operators.upload.link import Link
from winnow_schemas.errors import BadInputError, UnavailableError
from winnow_schemas.priority import UploadClass
from winnow_schemas.settings.upload import LinkMode, UploadSettings
from winnow_uploader.control import Control, read_control
from winnow_uploader.item import ItemState
from winnow_uploader.live import Live, read_live

_CLOSED = tuple(state.value for state in ItemState if not state.is_open)
_QUERY = """
SELECT clip_id, name, path, priority, upload_class, state, size_bytes, part_bytes, attempts, reason, hold_reason,
    hold_until_ns, urgent, score, queued_wall_ns,
    (SELECT COALESCE(SUM(size_bytes), 0) FROM parts WHERE parts.clip_id = items.clip_id AND etag != '') AS sent
FROM items WHERE state != 'done' ORDER BY urgent DESC, upload_class, score, queued_wall_ns
"""


@dataclass(frozen=True, slots=True)
class Clip:
    """One row of the queue."""

    clip_id: str
    name: str
    path: str
    priority: int
    upload_class: int
    state: str
    size_bytes: int
    part_bytes: int
    attempts: int
    reason: str
    hold_reason: str
    hold_until_ns: int
    urgent: int
    score: float
    queued_wall_ns: int
    sent_bytes: int
    """In the store, in whole parts."""

    @property
    def is_open(self) -> bool:
        return self.state not in _CLOSED

    @property
    def left_bytes(self) -> int:
        """What is still to be sent of its data."""
        if not self.is_open or self.state in (ItemState.WHOLE, ItemState.VERIFIED):
            return 0
        return self.size_bytes - self.sent_bytes


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything that ``winnow upload status`` says."""

    clips: Sequence[Clip]
    """All that are not done."""
    done: int
    spent: dict[UploadClass, int]
    """Wire bytes of today (UTC)."""
    live: Live | None
    """What the running uploader said last; None when none runs."""
    control: Control
    settings: UploadSettings
    wall_ns: int

    @property
    def queued(self) -> list[Clip]:
        return [clip for clip in self.clips if clip.is_open]

    @property
    def set_aside(self) -> list[Clip]:
        return [clip for clip in self.clips if not clip.is_open]

    @property
    def budget(self) -> DailyBudget:
        return DailyBudget.of(self.settings)

    @property
    def link(self) -> Link:
        """The link as the uploader last knew it."""
        if self.live is None:
            return Link(self.settings.link.mode)
        return Link(LinkMode[self.live.link.upper()], self.live.goodput_bytes_per_s)

    def outlooks(self) -> list[Outlook]:
        """When each class will have gone."""
        left: dict[UploadClass, int] = {}
        for clip in self.queued:
            if not clip.hold_reason or clip.upload_class == UploadClass.SAFETY:
                one = UploadClass(clip.upload_class)
                left[one] = left.get(one, 0) + clip.left_bytes
        return forecast(self.settings.link, self.budget, self.link, left, self.spent, self.wall_ns)


def state_folder(run: Path) -> Path:
    """Where the uploader of a run keeps its state.

    Raises:
        BadInputError: no uploader has ever worked in this folder.

    """
    folder = run / "state" / "uploader"
    if not (folder / "queue" / "uploads.db").is_file():
        raise BadInputError(
            f"No uploader has worked in {run} (there is no {folder / 'queue' / 'uploads.db'}); nothing was done. "
            "Name the run's folder."
        )
    return folder


def read_overview(run: Path, wall_ns: int) -> Overview:
    """Read the queue of a run.

    Raises:
        BadInputError: there is none.
        UnavailableError: it cannot be read.

    """
    folder = state_folder(run)
    live = read_live(folder)
    fresh = live if live is not None and live.is_fresh(wall_ns) else None
    path = folder / "queue" / "uploads.db"
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=5.0)) as database:
            clips = [Clip(*row) for row in database.execute(_QUERY)]
            (done,) = database.execute("SELECT COUNT(*) FROM items WHERE state = 'done'").fetchone()
            spent = dict(_spent(database, day_of(wall_ns)))
    except sqlite3.Error as error:
        raise UnavailableError(
            f"{path} cannot be read ({error}); nothing is known of the queue. Start the uploader once: it rebuilds "
            "a damaged state."
        ) from None
    settings = UploadSettings.model_validate(live.settings) if live is not None else UploadSettings()
    return Overview(clips, done, spent, fresh, read_control(folder), settings, wall_ns)


def _spent(database: sqlite3.Connection, day: int) -> Iterator[tuple[UploadClass, int]]:
    for number, size in database.execute("SELECT upload_class, wire_bytes FROM spent WHERE day = ?", (day,)):
        yield UploadClass(number), size


def chosen(clips: Sequence[Clip], beginning: str) -> Clip:
    """The one clip whose name or id begins so.

    Raises:
        BadInputError: there is none, or more than one.

    """
    exact = [clip for clip in clips if beginning in (clip.clip_id, clip.name)]
    found = exact or [
        clip for clip in clips if clip.name.startswith(beginning) or clip.clip_id.startswith(beginning)
    ]
    if len(found) == 1 and beginning:
        return found[0]
    if not found or not beginning:
        raise BadInputError(
            f"No clip whose name or id begins with {beginning[:80]!r} waits to be sent; nothing was changed. "
            "`winnow upload status DIR --clips` lists them."
        )
    names = ", ".join(clip.name for clip in found[:5])
    raise BadInputError(
        f"{len(found)} clips begin with {beginning[:80]!r} ({names}{', ...' if len(found) > 5 else ''}); nothing was "
        "changed. Give more of the name."
    )
