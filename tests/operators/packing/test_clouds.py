"""Clouds through every codec: what must be the same is the same, the rest within the bound."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.clouds import XYZ, XYZI, XYZIRT, cloud, cloud_channel, structured, sweep

from winnow_operators.packing.cloud import pack_cloud, unpack_cloud
from winnow_operators.packing.cloud_layout import layout_of
from winnow_operators.packing.draco import draco_fields, pack_draco, unpack_draco
from winnow_operators.packing.entropy import Squeezer
from winnow_operators.packing.sameness import on_grid
from winnow_schemas.settings.packing import Codec, Entropy

pytest.importorskip("DracoPy")
ENCODINGS = ("cdr", "ros1")
BOUND_M = 0.01

odd = st.sampled_from([np.nan, np.inf, -np.inf, -0.0, 0.0, 1e30, -1e30, 1e-40, 123456.78, 0.005, 0.015])
coordinates = st.one_of(
    odd,
    st.floats(-200, 200, width=32),
    st.integers(-100_000, 100_000).map(lambda millimetres: millimetres / 1000),
)


@st.composite
def clouds(draw: st.DrawFn, fields: list[tuple[str, str]]) -> NDArray[np.void]:
    """Few points, many of them odd or equal."""
    rows = draw(st.lists(st.tuples(*[coordinates] * 3), max_size=40))
    rows += [rows[index % len(rows)] for index in draw(st.lists(st.integers(0, 50), max_size=20)) if rows]
    xyz = np.array(rows, np.float32).reshape(-1, 3)
    count = len(xyz)
    others = [
        np.array(draw(st.lists(st.floats(0, 255, width=32), min_size=count, max_size=count)), np.float32),
        np.arange(count).astype(np.uint16),
        np.linspace(0, 0.1, count).astype(np.float32),
    ]
    return structured(fields, [*xyz.T, *others[: len(fields) - 3]])


def layout(payload: bytes, encoding: str):
    found = layout_of(cloud_channel(encoding), payload)
    assert found is not None
    return found


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("entropy", list(Entropy))
@settings(deadline=None, max_examples=60)
@given(points=clouds(XYZIRT))
def test_lossless_clouds_come_back_byte_for_byte(
    encoding: str, entropy: Entropy, points: NDArray[np.void]
) -> None:
    payload = cloud(points, encoding)
    packed, error = pack_cloud(payload, layout(payload, encoding), Squeezer(entropy))
    assert unpack_cloud(packed) == payload
    assert error == 0


def test_numbers_that_are_none_and_signal_it_are_kept_without_a_word() -> None:
    """Warnings are errors here: the cast of a signalling NaN to float64 gives one."""
    points = structured(XYZI, [np.full(50, 0x7FA00001, "<u4").view("<f4")] * 4)
    payload = cloud(points)
    packed, _ = pack_cloud(payload, layout(payload, "cdr"), Squeezer(Entropy.ZSTD))
    assert unpack_cloud(packed) == payload


@settings(deadline=None, max_examples=100)
@given(points=clouds(XYZIRT), bound=st.sampled_from([0.001, 0.01, 0.02, 0.5]))
def test_ordered_clouds_keep_everything_but_millimetres(points: NDArray[np.void], bound: float) -> None:
    payload = cloud(points)
    packed, error = pack_cloud(payload, layout(payload, "cdr"), Squeezer(), bound)
    back = unpack_cloud(packed)
    place = layout(payload, "cdr")
    assert (back[: place.begin], back[place.end :]) == (payload[: place.begin], payload[place.end :])
    restored = np.frombuffer(back, points.dtype, len(points), place.begin)
    for name in ("intensity", "ring", "time"):
        assert restored[name].tobytes() == points[name].tobytes()
    for axis in "xyz":
        finite = np.isfinite(points[axis])
        assert restored[axis][~finite].tobytes() == points[axis][~finite].tobytes()
        wrong = np.abs(restored[axis][finite].astype(float) - points[axis][finite].astype(float))
        assert wrong.max(initial=0) <= bound
        assert error >= wrong.max(initial=0) - 1e-12
    assert on_grid(cloud_channel(), payload, Codec.ORDERED, bound, 8) == back


@pytest.mark.parametrize("fields", [XYZ, XYZI], ids=["xyz", "xyzi"])
@settings(deadline=None, max_examples=150)
@given(data=st.data(), bound=st.sampled_from([0.005, 0.01, 0.02]), encoding=st.sampled_from(ENCODINGS))
def test_draco_keeps_the_multiset_within_the_bound(
    fields: list[tuple[str, str]], data: st.DataObject, bound: float, encoding: str
) -> None:
    points = data.draw(clouds(fields))
    payload = cloud(points, encoding)
    made = pack_draco(payload, layout(payload, encoding), Squeezer(), bound)
    if made is None:  # kilometres apart: the caller takes the ordered codec
        far = points["x"][np.isfinite(points["x"])]
        assert len(far)
        return
    message, error, _ = made
    back = unpack_draco(message)
    place = layout(payload, encoding)
    assert len(back) == len(payload)
    assert (back[: place.begin], back[place.end :]) == (payload[: place.begin], payload[place.end :])
    restored = np.frombuffer(back, points.dtype, len(points), place.begin)
    whole = np.isfinite(np.stack([points[axis] for axis in "xyz"])).all(axis=0)
    again = np.isfinite(np.stack([restored[axis] for axis in "xyz"])).all(axis=0)
    assert (whole == again).all()
    assert restored[~whole].tobytes() == points[~whole].tobytes()
    assert error <= bound
    assert _matched(points[whole], restored[whole], bound)
    channel = cloud_channel(encoding)
    assert on_grid(channel, payload, Codec.DRACO, bound, 8) == on_grid(channel, back, Codec.DRACO, bound, 8)


def _matched(points: NDArray[np.void], restored: NDArray[np.void], bound: float) -> bool:
    """Whether there is a one-to-one match within the bound: both in one order of cells twice as wide as the error.

    Rounding to the codec's own grid gives each original its cell; the restored points are those cells.
    """
    step = 2 * bound * 0.998

    def cells(one: NDArray[np.void]) -> Counter[tuple[float, ...]]:
        xyz = np.stack([one[axis].astype(np.float64) for axis in "xyz"], axis=1)
        near = np.abs(xyz) < 2**30 * step
        return Counter(map(tuple, np.where(near, np.rint(xyz / step), xyz).tolist()))

    return cells(points) == cells(restored)


def test_equal_points_stay_as_many_as_they_were() -> None:
    points = np.repeat(sweep(50), 7)
    payload = cloud(points)
    made = pack_draco(payload, layout(payload, "cdr"), Squeezer(), BOUND_M)
    assert made is not None
    assert len(unpack_draco(made[0])) == len(payload)


def test_few_intensities_are_exact_and_many_within_what_is_measured() -> None:
    points = sweep(5000)
    few, many = points.copy(), points.copy()
    few["intensity"] = np.round(points["intensity"] / 255, 2)
    many["intensity"] = points["intensity"] + np.linspace(0, 0.9, len(points))
    for chosen, is_exact in ((few, True), (many, False)):
        payload = cloud(chosen)
        made = pack_draco(payload, layout(payload, "cdr"), Squeezer(), BOUND_M)
        assert made is not None
        message, _, error = made
        assert (error == 0) == is_exact
        assert error <= 256 / 255 / 2 + 1e-6
        back = np.frombuffer(unpack_draco(message), chosen.dtype, len(chosen), layout(payload, "cdr").begin)
        assert np.abs(np.sort(back["intensity"]) - np.sort(chosen["intensity"])).max() <= error + 1e-6


def test_clouds_with_rings_or_times_keep_their_order() -> None:
    payload = cloud(sweep(10, fields=XYZIRT))
    assert draco_fields(layout(payload, "cdr")) is None
    assert pack_draco(payload, layout(payload, "cdr"), Squeezer(), BOUND_M) is None


def test_padding_that_says_something_is_not_thrown_away() -> None:
    fields = np.dtype({"names": list("xyz"), "formats": ["<f4"] * 3, "offsets": [0, 4, 8], "itemsize": 16})
    points = np.zeros(20, fields)
    silent = cloud(points)
    place = layout(silent, "cdr")
    assert pack_draco(silent, place, Squeezer(), BOUND_M) is not None
    loud = silent[: place.begin + 13] + b"\7" + silent[place.begin + 14 :]
    assert pack_draco(loud, place, Squeezer(), BOUND_M) is None
    assert unpack_cloud(pack_cloud(loud, place, Squeezer())[0]) == loud


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\0\1\0\0",
        cloud(sweep(5))[:60],
        cloud(sweep(5), big_endian=True),
        cloud(sweep(5), row_padding=3),
        b"\0\0" + cloud(sweep(5))[2:],
    ],
    ids=["empty", "head only", "cut", "big-endian", "padded rows", "big-endian CDR"],
)
def test_what_is_no_plain_cloud_is_left_to_another_codec(payload: bytes) -> None:
    assert layout_of(cloud_channel(), payload) is None


def test_lossless_columns_beat_the_chunk_compression_on_a_generated_sweep() -> None:
    import lz4.frame

    payload = cloud(sweep(60_000))
    packed, _ = pack_cloud(payload, layout(payload, "cdr"), Squeezer())
    assert len(lz4.frame.compress(payload)) / len(packed) >= 1.3


def test_upload_is_a_fifth_of_a_generated_sweep() -> None:
    payload = cloud(sweep(60_000))
    made = pack_draco(payload, layout(payload, "cdr"), Squeezer(), BOUND_M)
    assert made is not None
    assert len(made[0]) / len(payload) <= 0.2
