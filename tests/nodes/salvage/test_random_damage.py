"""Random files, random damage: the result opens, agrees with its report, and invents nothing as certain."""

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcap.writer import CompressionType
from tests.mcap_spec import read
from tests.recording_makers import NO_INDEX, Sent, write_mcap
from tests.recovering import recovered

T0 = 1_700_000_000_000_000_000
MESSAGES = st.lists(
    st.builds(
        Sent,
        st.sampled_from(["/a", "/b", "/camera/front"]),
        st.integers(T0, T0 + 10**10),
        st.one_of(
            st.binary(max_size=40),
            st.integers(50, 900).map(lambda size: bytes(range(256)) * (size // 256 + 1)),
        ),
        st.just(-1),
    ),
    min_size=1,
    max_size=25,
)
FORMS = st.fixed_dictionaries(
    {
        "compression": st.sampled_from(list(CompressionType)),
        "chunk_bytes": st.sampled_from([1, 200, 1500, 1 << 20]),
        "chunked": st.booleans(),
    }
)
INDEX = st.sampled_from([{}, NO_INDEX, {"enable_crcs": False}, {"enable_data_crcs": True}])
DAMAGES = st.lists(
    st.tuples(
        st.sampled_from(["flip", "zero", "noise", "cut out", "insert", "double", "truncate", "extend"]),
        st.floats(0, 1),
        st.integers(1, 300),
        st.integers(1, 255),
    ),
    min_size=1,
    max_size=4,
)


def damaged(data: bytes, damages: list[tuple[str, float, int, int]]) -> bytes:
    for kind, part, length, value in damages:
        at = int(part * len(data))
        end = min(len(data), at + length)
        noise = bytes((value * step * step + step) % 256 for step in range(end - at))
        changes = {
            "flip": bytes(byte ^ value for byte in data[at : at + 1]) + data[at + 1 : end],
            "zero": bytes(end - at),
            "noise": noise,
            "cut out": b"",
            "insert": noise + data[at:end],
            "double": data[at:end] * 2,
        }
        if kind == "truncate":
            data = data[:at]
        elif kind == "extend":
            data = data + bytes(length * 20)
        else:
            data = data[:at] + changes[kind] + data[end:]
    return data


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(MESSAGES, FORMS, INDEX, DAMAGES)
def test_the_result_is_whole_and_certain_messages_are_genuine(messages, form, index, damages):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = write_mcap(folder / "whole.mcap", messages, **form, **index).read_bytes()
        genuine = set(read(data))
        assert set(recovered(folder, data).messages) == genuine
        broken = damaged(data, damages)
        result = recovered(folder, broken)
        strict = recovered(folder, broken, strict=True)
        assert set(strict.messages) <= genuine
        unverified = sum(topic.unverified for topic in result.report.topics.values())
        assert len(strict.messages) == len(result.messages) - unverified
        assert strict.report.left_out == unverified
        assert sum(message not in genuine for message in result.messages) <= unverified
        again = recovered(folder, result.data) if result.data else result
        assert again.messages == result.messages


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=3000), st.booleans())
def test_any_bytes_are_survived(noise: bytes, begins_right: bool):
    with tempfile.TemporaryDirectory() as name:
        data = b"\x89MCAP0\r\n" * begins_right + noise
        assert recovered(Path(name), data, strict=True).messages == []
