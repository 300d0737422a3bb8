"""A served clip: ranges, leave for other origins, and nothing for who does not know the address."""

import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_schemas.errors import BadInputError, UnavailableError
from winnow_tools.clips.serving import Served, parse_range, served

DATA = bytes(range(256)) * 2000


@pytest.fixture
def clip(tmp_path: Path) -> Iterator[Served]:
    path = tmp_path / "a clip.mcap"
    path.write_bytes(DATA)
    with served(path) as found:
        yield found


def ask(url: str, method: str = "GET", **headers: str) -> tuple[int, bytes, dict[str, Any]]:
    request = urllib.request.Request(url, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.status, response.read(), dict(response.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), dict(error.headers)


def test_the_whole_file(clip: Served) -> None:
    status, body, headers = ask(clip.url, Origin="https://app.foxglove.dev")
    assert (status, body) == (200, DATA)
    assert headers["Accept-Ranges"] == "bytes"
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert "Content-Range" in headers["Access-Control-Expose-Headers"]


@pytest.mark.parametrize(
    ("given", "begin", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=100-299", 100, 300),
        ("bytes=511990-", 511990, 512000),
        ("bytes=-7", 511993, 512000),
    ],
)
def test_ranges(clip: Served, given: str, begin: int, end: int) -> None:
    status, body, headers = ask(clip.url, Range=given)
    assert (status, body) == (206, DATA[begin:end])
    assert headers["Content-Range"] == f"bytes {begin}-{end - 1}/{len(DATA)}"
    status, body, headers = ask(clip.url, "HEAD", Range=given)
    assert (status, body, headers["Content-Length"]) == (206, b"", str(end - begin))


def test_a_range_behind_the_end_is_refused(clip: Served) -> None:
    status, body, headers = ask(clip.url, Range="bytes=512000-")
    assert (status, body, headers["Content-Range"]) == (416, b"", "bytes */512000")


def test_a_browser_may_ask_before(clip: Served) -> None:
    status, _, headers = ask(clip.url, "OPTIONS", Origin="https://app.foxglove.dev")
    assert status == 204
    assert headers["Access-Control-Allow-Headers"] == "Range"
    assert headers["Access-Control-Allow-Private-Network"] == "true"


def test_who_does_not_know_the_address_gets_nothing(clip: Served) -> None:
    root = clip.url.split("/", 3)
    for path in ("", "a%20clip.mcap", "x/a%20clip.mcap", "../../etc/passwd"):
        status, body, _ = ask(f"{root[0]}//{root[2]}/{path}")
        assert (status, body) == (404, b"")


def test_viewers_get_the_address(clip: Served) -> None:
    viewers = clip.viewers()
    assert viewers["Rerun"] == f"rerun {clip.url}"
    for name in ("Lichtblick", "Foxglove"):
        assert "ds=remote-file&ds.url=http%3A%2F%2F127.0.0.1%3A" in viewers[name]


def test_a_port_in_use_is_one_sentence(clip: Served, tmp_path: Path) -> None:
    port = int(clip.url.split(":")[2].split("/")[0])
    with pytest.raises(UnavailableError, match="is not served"), served(tmp_path / "a clip.mcap", port):
        pass


@settings(max_examples=200, deadline=None)
@given(
    text=st.one_of(st.text(max_size=30), st.from_regex(r"bytes=\d{0,5}-\d{0,5}", fullmatch=True)),
    size=st.integers(0, 99999),
)
def test_a_range_is_inside_the_file_or_refused(text: str, size: int) -> None:
    try:
        begin, end = parse_range(text, size)
    except BadInputError:
        return
    assert 0 <= begin < end <= size
