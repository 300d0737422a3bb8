"""How long the page with a search for near matches takes among 100,000 plates."""

import random
import string

import urllib3

from winnow_runtime.clock import SystemClock
from winnow_schemas.errors import UnavailableError
from winnow_schemas.ids import content_id
from winnow_schemas.video_record import PlateRecord, VideoRecord
from winnow_server.accounts import Role
from winnow_server.database import Database
from winnow_server.plates import PlateBook
from winnow_server.tables import open_database
from winnow_tools.bench.load import Load
from winnow_tools.bench.rows import Row
from winnow_tools.bench.task_server import server

PLATES = 100_000
PER_VIDEO = 5000
QUERIES = 60
WANTED = "<= 100"
_LETTERS = [letter for letter in string.ascii_uppercase if letter not in "IOQ"]
_PASSWORD = "a password for ten seconds"  # noqa: S105 - of a server that lives that long


def search_row(load: Load) -> Row:
    """One row: the median over random plates with one wrong letter, asked one after the other."""
    folder = load.scratch / "plates"
    folder.mkdir(parents=True)
    load.say(f"search among {PLATES} plates ...")
    url = f"sqlite:///{folder}/server.sqlite"
    texts = _fill(url)
    chance = random.Random(5)  # noqa: S311 - a repeatable load
    took_ms = []
    with server(folder, url) as (address, accounts):
        accounts.set_person("looker", Role.VIEW, _PASSWORD)
        pool = urllib3.PoolManager(retries=False)
        form = {"name": "looker", "password": _PASSWORD}
        reply = pool.request("POST", f"{address}/login", fields=form, encode_multipart=False, redirect=False)
        cookie = {"Cookie": reply.headers.get("set-cookie", "").partition(";")[0]}
        clock = SystemClock()
        for _ in range(QUERIES):
            text = chance.choice(texts)
            place = chance.randrange(len(text))
            wrong = text[:place] + chance.choice(_LETTERS) + text[place + 1 :]
            began = clock.monotonic_ns()
            page = pool.request("GET", f"{address}/plates?q={wrong}", headers=cookie, redirect=False)
            took_ms.append((clock.monotonic_ns() - began) / 1e6)
            if page.status != 200 or f">{text}<" not in page.data.decode():
                raise UnavailableError(f"The search for {wrong} did not find {text}; nothing was measured.")
    took_ms.sort()
    return Row(
        "near-match search over 100,000 plates",
        took_ms[QUERIES // 2],
        "ms",
        WANTED,
        {"95th percentile, ms": took_ms[QUERIES * 95 // 100], "first to last": "the whole page over HTTP"},
    )


def _fill(url: str) -> list[str]:
    """Plates of four shapes; some texts come more than once, as on a street."""
    chance = random.Random(4)  # noqa: S311 - a repeatable load
    texts: list[str] = []
    engine = open_database(url)
    book = PlateBook(Database(engine, SystemClock()))
    for start in range(0, PLATES, PER_VIDEO):
        video = content_id("bench video", start)
        plates = []
        for number in range(start, start + PER_VIDEO):
            text = _plate(chance)
            texts.append(text)
            plates.append(
                PlateRecord(
                    id=content_id("bench plate", number),
                    text=text,
                    confidence=0.9,
                    country="",
                    frames=3,
                    first_ns=number,
                    last_ns=number,
                )
            )
        book.take_in(VideoRecord(f"{start}.mp4", video, 9000, 900, 10**11, plates), 0, "")
    engine.dispose()
    return texts


def _plate(chance: random.Random) -> str:
    shape = chance.choice(("LLNNNLL", "LLNNNNL", "LNNNNN", "NNNLLL", "LLLNNNN"))
    return "".join(chance.choice(_LETTERS if each == "L" else string.digits) for each in shape)
