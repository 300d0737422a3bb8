import pytest

from winnow_schemas.errors import BadInputError
from winnow_schemas.simulation.truth import GroundTruth, Odometer, read_truth

EMPTY = GroundTruth(
    script="x",
    seed=1,
    start_ns=0,
    end_ns=10,
    incidents=[],
    expectations=[],
    odometer=Odometer(start_ns=0, every_ns=1, metres=[0.0]),
    every_s=1.0,
    every_m=1.0,
)


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b'{"format": 1}', b"\xff\xfe", b"null"])
def test_other_files_are_named_as_such(data: bytes) -> None:
    with pytest.raises(BadInputError, match="Not a ground-truth file"):
        read_truth(data)


def test_another_format_is_refused() -> None:
    with pytest.raises(BadInputError, match="format 2, this version reads 1"):
        read_truth(EMPTY.to_json().replace(b'"format": 1', b'"format": 2'))


def test_a_file_without_end_is_not_read(monkeypatch) -> None:
    monkeypatch.setattr("winnow_schemas.simulation.truth.MAX_BYTES", 10)
    with pytest.raises(BadInputError, match="the limit is 10"):
        read_truth(EMPTY.to_json())


def test_the_odometer_interpolates_and_knows_its_end() -> None:
    odometer = Odometer(start_ns=100, every_ns=10, metres=[0.0, 0.0, 4.0, 8.0])
    assert odometer.reached_ns(2.0) == 115
    assert odometer.reached_ns(8.0) == 130
    assert odometer.reached_ns(8.1) is None
