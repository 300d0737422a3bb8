"""One reading of a file gives its hash and those of its parts."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow_uploader.fingerprint import READ_BYTES, Fingerprinting, fingerprint


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


@given(size=st.integers(0, 3000), part=st.integers(20, 900), stretches=st.lists(st.integers(1, 900)))
def test_in_stretches_it_is_the_same(path, size, part, stretches):
    path.write_bytes(bytes(number % 251 for number in range(size)))
    hashing = Fingerprinting(path, part)
    steps = [*stretches, *[500] * 7]
    found = next(found for stretch in steps if (found := hashing.advance(stretch)) is not None)
    assert found == fingerprint(path, part)


def test_of_a_file_that_shrinks_the_rest_is_missing(path):
    path.write_bytes(b"x" * 1000)
    hashing = Fingerprinting(path, 300)
    assert hashing.advance(350) is None
    path.write_bytes(b"x" * 310)
    found = hashing.advance(10**6)
    assert len(found.parts) == 4
    assert found.sha256 != _sha256(b"x" * 1000)
