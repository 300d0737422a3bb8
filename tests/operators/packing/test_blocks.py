"""Blocks of small messages come back exactly."""

from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_operators.packing.block import Timed, pack_block, unpack_block
from winnow_operators.packing.entropy import Squeezer
from winnow_schemas.settings.packing import Entropy

times = st.integers(0, 2**64 - 1)


@st.composite
def messages(draw: st.DrawFn) -> list[Timed]:
    same = draw(st.one_of(st.none(), st.integers(0, 30)))
    size = st.binary(max_size=60) if same is None else st.binary(min_size=same, max_size=same)
    return draw(
        st.lists(st.builds(Timed, times, times, st.integers(0, 2**32 - 1), size), min_size=1, max_size=40)
    )


@settings(deadline=None, max_examples=200)
@given(block=messages(), entropy=st.sampled_from(Entropy))
def test_blocks_come_back_exactly(block: list[Timed], entropy: Entropy) -> None:
    back = unpack_block(pack_block(block, Squeezer(entropy)))
    assert [one._replace(data=bytes(one.data)) for one in back] == block


def test_signals_shrink_by_column() -> None:
    import struct

    import zstandard

    block = [
        Timed(
            index * 2_000_000,
            index * 2_000_000 + 17,
            index,
            struct.pack("<IIddd", index, 2_000_000 * index % 10**9, 9.81 + index * 1e-4, 0.01, -0.02),
        )
        for index in range(500)
    ]
    rows = b"".join(struct.pack("<QQI", *one[:3]) + bytes(one.data) for one in block)
    assert len(pack_block(block, Squeezer())) * 3 < len(zstandard.compress(rows, 3))
