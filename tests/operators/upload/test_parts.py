"""Part sizes, trust in what the store lists, keys, metadata, sidecars, failures."""

import hashlib
import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_operators.upload import failure
from winnow_operators.upload.failure import Cause
from winnow_operators.upload.naming import object_key, object_metadata, same_metadata
from winnow_operators.upload.parts import (
    MIB,
    Part,
    StoredPart,
    composite_etag,
    extents,
    part_size_bytes,
    trusted,
)
from winnow_operators.upload.sidecar import MAX_BYTES, parse_sidecar
from winnow_schemas.errors import BadInputError
from winnow_schemas.priority import Priority, UploadClass

MD5, SHA = "0" * 32, "a" * 64


@given(st.integers(1, 5 * 10**12), st.integers(5, 100))
@settings(deadline=None)
def test_any_object_fits_into_ten_thousand_parts(size, wanted_mib):
    part = part_size_bytes(size, wanted_mib * MIB)
    assert part >= wanted_mib * MIB
    assert part % MIB == 0
    assert part == wanted_mib * MIB or size > wanted_mib * MIB * 10_000
    assert -(-size // part) <= 10_000


@given(st.integers(1, 10**6), st.integers(1, 10**5))
@settings(deadline=None)
def test_extents_cover_the_file_once(size, part):
    spans = extents(size, max(part, size // 500 + 1))
    assert [offset for offset, _ in spans] == [sum(n for _, n in spans[:i]) for i in range(len(spans))]
    assert sum(n for _, n in spans) == size
    assert all(n > 0 for _, n in spans)


class TestTrust:
    mine = Part(1, 0, 100, SHA, MD5)

    @pytest.mark.parametrize(
        "theirs",
        [
            StoredPart(1, 100, MD5),
            StoredPart(1, 100, "kms-etag", SHA),
        ],
    )
    def test_the_same_bytes(self, theirs):
        assert trusted([self.mine], [theirs]) == {1: theirs.etag}

    @pytest.mark.parametrize(
        "theirs",
        [
            StoredPart(1, 99, MD5),
            StoredPart(1, 100, "f" * 32),
            StoredPart(1, 100, MD5, "b" * 64),
            StoredPart(2, 100, MD5),
            StoredPart(1, 100, ""),
        ],
    )
    def test_other_bytes(self, theirs):
        assert trusted([self.mine], [theirs]) == {}

    def test_the_etag_that_we_were_given_for_this_part(self):
        assert trusted([replace(self.mine, etag="kms")], [StoredPart(1, 100, "kms")]) == {1: "kms"}


def test_composite_etag_is_what_s3_computes():
    digests = [hashlib.md5(bytes([i])).digest() for i in range(3)]
    assert composite_etag(d.hex() for d in digests) == hashlib.md5(b"".join(digests)).hexdigest() + "-3"
    assert composite_etag([MD5, "not hex"]) == ""
    assert composite_etag(["ab"]) == ""


def test_key_has_the_utc_day():
    assert object_key("EGLL", "v-1", 1_775_865_599 * 10**9, "a.mcap") == "EGLL/v-1/2026/04/10/a.mcap"
    assert object_key("EGLL", "v-1", 1_775_865_600 * 10**9, "a.mcap") == "EGLL/v-1/2026/04/11/a.mcap"


@pytest.mark.parametrize("name", ["", "a/b", "../a", ".hidden", "a b", "ü", "a\n", "x" * 300])
def test_names_that_are_no_names(name):
    with pytest.raises(BadInputError, match="cannot be part of an object key"):
        object_key("EGLL", "v", 0, name)


def test_metadata_is_the_five_fields_in_plain_ascii():
    found = object_metadata("v", "EGLL", "Größe\r\nX-Evil: 1", Priority.P4, SHA)
    assert list(found) == ["vehicle_id", "airport", "trigger_type", "priority", "sha256"]
    assert found["priority"] == "4"
    assert found["trigger_type"] == "Gr%C3%B6%C3%9Fe%0D%0AX-Evil: 1"
    assert len(object_metadata("v", "a", "ü" * 999, Priority.P0, SHA)["trigger_type"]) <= 128
    assert same_metadata(found, {name.replace("_", "-").upper(): value for name, value in found.items()})
    assert not same_metadata(found, found | {"sha256": "b" * 64})
    assert not same_metadata(found, {})


SIDECAR = {
    "clip_id": "c1",
    "start_ns": 10,
    "end_ns": 20,
    "priority": 1,
    "upload_class": 1,
    "triggers": [
        {"type": "weather", "priority": 5, "t_ns": 11, "value": None, "threshold": None},
        {"type": "ood_spike", "priority": 1, "t_ns": 15, "value": 6.5, "threshold": 5},
        {"type": "ood_spike", "priority": 1, "t_ns": 13, "value": 8.0, "threshold": 5},
    ],
    "size_bytes": 5,
    "sha256": SHA,
    "anything": {"else": [1, 2]},
}


class TestSidecar:
    def test_what_uploading_needs(self):
        found = parse_sidecar(json.dumps(SIDECAR).encode(), "c.json")
        assert (found.trigger_type, found.t_ns, found.uncertainty) == ("ood_spike", 13, 0.8)
        assert found.upload_class is UploadClass.PERCEPTION

    def test_without_triggers_the_start_dates_it(self):
        found = parse_sidecar(json.dumps(SIDECAR | {"triggers": []}).encode(), "c.json")
        assert (found.trigger_type, found.t_ns, found.uncertainty) == ("unknown", 10, 0.0)

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"sha256": "A" * 64}, "sha256"),
            ({"sha256": SHA + "\n"}, "sha256"),
            ({"size_bytes": 0}, "size_bytes"),
            ({"size_bytes": 1e30}, "size_bytes"),
            ({"priority": 6}, "priority"),
            ({"upload_class": 4}, "upload_class"),
            ({"start_ns": -1}, "start_ns"),
            ({"clip_id": ""}, "clip_id"),
            ({"triggers": [{}]}, "triggers"),
            ({"triggers": [{"type": "x", "priority": 1, "t_ns": 0}] * 10_001}, "triggers"),
        ],
    )
    def test_what_it_refuses(self, changes, words):
        with pytest.raises(BadInputError, match=rf"c\.json cannot be used.*{words}.*not queued"):
            parse_sidecar(json.dumps(SIDECAR | changes).encode(), "c.json")

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"\xff",
            b"[1]",
            b'{"clip_id": "\xff"}',
            b'{"x": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
            b'{"x": ' + b'{"x": ' * 200_000 + b"1" + b"}" * 200_000 + b"}",
            b"9" * 10_000,
            b" " * (MAX_BYTES + 1),
        ],
        ids=range(8),
    )
    def test_hostile_bytes_are_one_sentence(self, data):
        with pytest.raises(BadInputError, match="not queued"):
            parse_sidecar(data, "c.json")

    @given(st.binary(max_size=200))
    @settings(deadline=None)
    def test_any_bytes(self, data):
        with pytest.raises(BadInputError):
            parse_sidecar(data, "c.json")


class TestFailure:
    @pytest.mark.parametrize(
        ("code", "status", "cause"),
        [
            ("NoSuchBucket", 404, Cause.CONFIGURATION),
            ("SignatureDoesNotMatch", 403, Cause.CONFIGURATION),
            ("ExpiredToken", 400, Cause.EXPIRED),
            ("RequestTimeTooSkewed", 403, Cause.CLOCK),
            ("BadDigest", 400, Cause.BYTES),
            ("SlowDown", 503, Cause.STORE),
            ("NoSuchUpload", 404, Cause.UPLOAD_GONE),
            ("PreconditionFailed", 412, Cause.EXISTS),
            ("EntityTooLarge", 400, Cause.CONFIGURATION),
            ("403", 403, Cause.CONFIGURATION),
            ("Whatever", 599, Cause.STORE),
            ("Whatever", 418, Cause.CONFIGURATION),
        ],
    )
    def test_causes(self, code, status, cause):
        assert failure.of_answer("PutObject", code, "words", status, "fleet").cause is cause

    def test_what_a_person_can_do(self):
        told = failure.of_answer("PutObject", "NoSuchBucket", "", 404, "fleet").sentence
        assert "Create the bucket 'fleet'" in told
        assert "nothing was lost" in told
        assert "upload.endpoint_url" in failure.of_answer("x", "?", "", 403, "b").sentence

    def test_who_waits(self):
        assert {cause for cause in Cause if cause.concerns_all} == {
            Cause.LINK,
            Cause.EXPIRED,
            Cause.CONFIGURATION,
            Cause.CLOCK,
        }
        assert failure.of_silence("PutObject", "x" * 999).cause is Cause.LINK
        assert len(failure.of_silence("PutObject", "x" * 999).sentence) < 300
