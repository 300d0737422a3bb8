"""One reading of a file gives its hash and those of its parts."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow_uploader.fingerprint import READ_BYTES, fingerprint


def _sha256(data):
    return hashlib.sha256(data).hexdigest()


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("fingerprint") / "clip.mcap"


@given(
    size=st.one_of(st.integers(0, 300), st.integers(READ_BYTES - 2, 3 * READ_BYTES)),
    part=st.one_of(st.integers(1, 400), st.integers(READ_BYTES - 2, 2 * READ_BYTES)),
)
def test_every_part_has_the_hash_of_its_bytes(path, size, part):
    part = max(part, size // 50 + 1)
    data = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    path.write_bytes(data)
    found = fingerprint(path, part)
    assert found.sha256 == _sha256(data)
    assert [one.sha256 for one in found.parts] == [
        _sha256(data[begin : begin + part]) for begin in range(0, size, part)
    ]
    assert [(one.offset_bytes, one.size_bytes) for one in found.parts] == [
        (begin, min(part, size - begin)) for begin in range(0, size, part)
    ]
    assert {one.md5 for one in found.parts} <= {""}


def test_what_goes_whole_is_one_part_with_its_md5(path):
    path.write_bytes(b"clip")
    found = fingerprint(path, 0)
    (one,) = found.parts
    assert one.sha256 == found.sha256 == _sha256(b"clip")
    assert one.md5 == hashlib.md5(b"clip", usedforsecurity=False).hexdigest()
