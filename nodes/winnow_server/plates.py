"""The plates of all videos: taken in from records, searched, and corrected by people."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from winnow_operators.dashcam.tracks.alignment import distance
from winnow_operators.review.searching import How, PlateQuery, grams, least_shared, like, normal
from winnow_schemas.errors import BadInputError, WinnowError
from winnow_schemas.video_record import TEXT_MAX, PlateRecord, VideoRecord
from winnow_server.database import Database
from winnow_server.tables import plate_grams, plate_reviews, plate_texts, plates, results

LISTED = 60
"""Plates of one page."""
CANDIDATES_MAX = 5000
"""Texts that are compared letter by letter; the nearest by shared pairs come first."""


class ReviewState(StrEnum):
    """What a person said of a plate."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    CORRECTED = "corrected"
    REJECTED = "rejected"


class UnknownPlateError(WinnowError):
    """There is no such plate, video or clip."""

    exit_code = 2


class PlateRow(NamedTuple):
    """A plate in a list."""

    id: str
    video: str
    video_name: str
    text: str
    """The text that counts."""
    read: str
    """What the machines read."""
    confidence: float
    country: str
    frames: int
    first_ns: int
    last_ns: int
    position: tuple[float, float] | None
    crop: str
    picture: str
    state: ReviewState
    off: int = 0
    """Letters by which it differs from what was looked for."""


class PlateBook:
    """All plates of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- taking in ----------------------------------------------------------------------------------------

    def stamps(self) -> dict[str, tuple[int, str]]:
        """Video -> where its record was found, and what the file looked like."""
        with self._database.reading() as connection:
            rows = connection.execute(select(results.c.video, results.c.root, results.c.stamp))
            return {row.video: (row.root, row.stamp) for row in rows}

    def take_in(self, record: VideoRecord, root: int, stamp: str) -> None:
        """Put a video's plates in the place of what was known of it; what people said stays."""
        with self._database.writing() as (connection, now):
            connection.execute(delete(plates).where(plates.c.video == record.video_id))
            connection.execute(delete(results).where(results.c.video == record.video_id))
            connection.execute(
                insert(results).values(
                    video=record.video_id,
                    root=root,
                    stamp=stamp,
                    name=record.video.rsplit("/", 1)[-1],
                    created=record.created,
                    frames=record.frames,
                    kept=record.kept,
                    duration_ns=record.duration_ns,
                    gathered_ns=now,
                )
            )
            known = {each.id: each for each in record.plates}
            said = self._reviews(connection, list(known))
            texts = {said[plate.id].text if plate.id in said else plate.text for plate in known.values()}
            ids = self._text_ids(connection, texts)
            rows = [_values(plate, record.video_id, said.get(plate.id), ids, now) for plate in known.values()]
            if rows:
                connection.execute(insert(plates), rows)

    @staticmethod
    def _reviews(connection: Connection, ids: Sequence[str]) -> dict[str, Row[Any]]:
        found: dict[str, Row[Any]] = {}
        for start in range(0, len(ids), 500):
            part = ids[start : start + 500]
            statement = select(plate_reviews).where(plate_reviews.c.plate.in_(part))
            found |= {row.plate: row for row in connection.execute(statement)}
        return found

    @staticmethod
    def _text_ids(connection: Connection, texts: set[str]) -> dict[str, int]:
        """Number every text; a new one goes into the index of pairs."""
        dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
        found = PlateBook._numbers(connection, texts)
        new = sorted(texts - found.keys())
        if new:
            add = dialect.insert(plate_texts).on_conflict_do_nothing()
            connection.execute(add, [{"text": text} for text in new])
            found |= PlateBook._numbers(connection, set(new))
            pairs = [{"gram": gram, "text": found[text]} for text in new for gram in grams(normal(text))]
            connection.execute(dialect.insert(plate_grams).on_conflict_do_nothing(), pairs)
        return found

    @staticmethod
    def _numbers(connection: Connection, texts: set[str]) -> dict[str, int]:
        found: dict[str, int] = {}
        ordered = sorted(texts)
        for start in range(0, len(ordered), 500):
            part = plate_texts.c.text.in_(ordered[start : start + 500])
            rows = connection.execute(select(plate_texts.c.text, plate_texts.c.id).where(part))
            found |= {row.text: row.id for row in rows}
        return found

    # --- looking ------------------------------------------------------------------------------------------

    def search(
        self, query: PlateQuery, state: ReviewState | None = None, *, page: int = 0
    ) -> tuple[list[PlateRow], bool]:
        """Plates, nearest first, then newest; and whether there are more."""
        with self._database.reading() as connection:
            statement = _listed().limit(LISTED + 1).offset(page * LISTED)
            if state is not None:
                statement = statement.where(plates.c.state == state)
            if query.how is How.ALL:
                rows = _rows(connection, statement.order_by(plates.c.gathered_ns.desc(), plates.c.id.desc()))
            elif query.how is How.PATTERN:
                fitting = plate_texts.c.text.like(like(query.text), escape="\\")
                rows = _rows(connection, statement.where(fitting).order_by(plate_texts.c.text, plates.c.id))
            else:
                rows = self._near(connection, statement, query, page)
        return rows[:LISTED], len(rows) > LISTED

    def _near(
        self, connection: Connection, statement: Select[Any], query: PlateQuery, page: int
    ) -> list[PlateRow]:
        wanted = grams(query.text)
        shared = func.count()
        candidates = (
            select(plate_texts.c.id, plate_texts.c.text)
            .join(plate_grams, plate_grams.c.text == plate_texts.c.id)
            .where(plate_grams.c.gram.in_(wanted))
            .group_by(plate_texts.c.id, plate_texts.c.text)
            .having(shared >= least_shared(query.text, query.most_off))
            .order_by(shared.desc(), plate_texts.c.id)
            .limit(CANDIDATES_MAX)
        )
        off = {}
        for number, text in connection.execute(candidates):
            if abs(len(text) - len(query.text)) <= query.most_off:
                differs = distance(query.text, normal(text))
                if differs <= query.most_off:
                    off[number] = differs
        if not off:
            return []
        nearest = sorted(off, key=lambda number: (off[number], number))[: (page + 1) * LISTED + 1]
        # Every text has a plate, and the nearest texts fill the pages in front.
        everything = statement.limit(None).offset(None).where(plates.c.shown.in_(nearest))
        rows = [
            row._replace(off=off[number])
            for number, row in _numbered(connection, everything.add_columns(plates.c.shown))
        ]
        rows.sort(key=lambda row: (row.off, row.text, row.video_name, row.first_ns, row.id))
        return rows[page * LISTED : (page + 1) * LISTED + 1]

    def plate(self, identity: str) -> PlateRow:
        """One plate.

        Raises:
            UnknownPlateError: there is none.

        """
        with self._database.reading() as connection:
            rows = _rows(connection, _listed().where(plates.c.id == identity))
        if not rows:
            raise UnknownPlateError(f"There is no plate {identity[:40]!r}.")
        return rows[0]

    def review(self, identity: str) -> dict[str, Any] | None:
        """Who said what of a plate."""
        with self._database.reading() as connection:
            row = connection.execute(
                select(plate_reviews).where(plate_reviews.c.plate == identity)
            ).one_or_none()
        return None if row is None else dict(row._mapping)

    def of_video(self, video: str) -> list[PlateRow]:
        """A video's plates in the order of their appearance."""
        with self._database.reading() as connection:
            ordered = _listed().where(plates.c.video == video).order_by(plates.c.first_ns, plates.c.id)
            return _rows(connection, ordered)

    def video(self, video: str) -> Row[Any]:
        """What is known of a video.

        Raises:
            UnknownPlateError: nothing.

        """
        with self._database.reading() as connection:
            row = connection.execute(select(results).where(results.c.video == video)).one_or_none()
        if row is None:
            raise UnknownPlateError(f"There is no result of a video {video[:40]!r}.")
        return row

    def videos(self, limit: int = 200) -> list[Row[Any]]:
        """The newest results."""
        statement = select(results).order_by(results.c.gathered_ns.desc(), results.c.video).limit(limit)
        with self._database.reading() as connection:
            return list(connection.execute(statement))

    def counts(self) -> dict[str, int]:
        """Review state -> plates."""
        with self._database.reading() as connection:
            rows = connection.execute(select(plates.c.state, func.count()).group_by(plates.c.state))
            return {state: number for state, number in rows}  # noqa: C416 - rows are no pairs for mypy

    # --- people -------------------------------------------------------------------------------------------

    def judge(self, identity: str, state: ReviewState, text: str, person: str) -> None:
        """Keep what a person says of a plate; OPEN takes it back.

        Raises:
            BadInputError: a correction without a text.
            UnknownPlateError: there is no such plate.

        """
        with self._database.writing() as (connection, now):
            read = connection.execute(select(plates.c.text).where(plates.c.id == identity)).scalar()
            if read is None:
                raise UnknownPlateError(f"There is no plate {identity[:40]!r}; nothing was changed.")
            shown = normal(text) if state is ReviewState.CORRECTED else read
            if not shown or "*" in shown or "?" in shown or len(shown) > TEXT_MAX:
                raise BadInputError(
                    f"{text[:40]!r} is no text of a plate (1 to {TEXT_MAX} letters and digits); nothing was changed."
                )
            connection.execute(delete(plate_reviews).where(plate_reviews.c.plate == identity))
            if state is not ReviewState.OPEN:
                connection.execute(
                    insert(plate_reviews).values(
                        plate=identity, state=state, text=shown, person=person, at_ns=now
                    )
                )
            number = self._text_ids(connection, {shown})[shown]
            connection.execute(
                update(plates).where(plates.c.id == identity).values(shown=number, state=state)
            )


def _values(
    plate: PlateRecord, video: str, said: Row[Any] | None, ids: dict[str, int], now: int
) -> dict[str, Any]:
    place = plate.position
    return {
        "id": plate.id,
        "video": video,
        "shown": ids[said.text if said else plate.text],
        "text": plate.text,
        "confidence": plate.confidence,
        "country": plate.country,
        "frames": plate.frames,
        "first_ns": plate.first_ns,
        "last_ns": plate.last_ns,
        "latitude_deg": place.latitude_deg if place else None,
        "longitude_deg": place.longitude_deg if place else None,
        "crop": plate.crop or "",
        "picture": plate.frame_picture or "",
        "state": said.state if said else ReviewState.OPEN,
        "gathered_ns": now,
    }


def _listed() -> Select[Any]:
    return (
        select(plates, plate_texts.c.text.label("counts"), results.c.name.label("video_name"))
        .join(plate_texts, plate_texts.c.id == plates.c.shown)
        .join(results, results.c.video == plates.c.video)
    )


def _rows(connection: Connection, statement: Select[Any]) -> list[PlateRow]:
    return [_row(row) for row in connection.execute(statement)]


def _numbered(connection: Connection, statement: Select[Any]) -> list[tuple[int, PlateRow]]:
    return [(row.shown, _row(row)) for row in connection.execute(statement)]


def _row(row: Row[Any]) -> PlateRow:
    placed = row.latitude_deg is not None and row.longitude_deg is not None
    return PlateRow(
        row.id,
        row.video,
        row.video_name,
        row.counts,
        row.text,
        row.confidence,
        row.country,
        row.frames,
        row.first_ns,
        row.last_ns,
        (row.latitude_deg, row.longitude_deg) if placed else None,
        row.crop,
        row.picture,
        ReviewState(row.state),
    )
