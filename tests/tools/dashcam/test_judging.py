import dataclasses

import pytest

from winnow_operators.dashcam.scenes.drive_plan import DrivePlan
from winnow_runtime.dashcam.positions import read_log
from winnow_schemas.library.plate_formats import plate_formats
from winnow_tools.dashcam.driving import gpx
from winnow_tools.dashcam.judging import judge, nearest


@pytest.fixture(scope="module")
def plan():
    return DrivePlan(plate_formats(), 1)


def record_of(plan, cars, shift_deg=0.0):
    plates = []
    for car in cars:
        truth = plan.truth(car)
        latitude, longitude = plan.place_deg(truth.last_ns / 1e9)
        plates.append(
            {
                "text": car.text,
                "first_ns": truth.first_ns,
                "last_ns": truth.last_ns,
                "best": {"t_ns": truth.last_ns},
                "position": {
                    "latitude_deg": latitude + shift_deg,
                    "longitude_deg": longitude,
                    "uncertainty_m": 5.0,
                },
            }
        )
    return {"plates": plates}


def rows_of(plan, every=5):
    times = [frame * 50_000_000 for frame in range(plan.frames)]
    return [
        {
            "t_ns": t_ns,
            "kept": number % every == 0,
            "reason": "new_view" if number % every == 0 else "too_soon",
        }
        for number, t_ns in enumerate(times)
    ]


def test_a_perfect_record_is_found_perfect(plan):
    judged = judge(plan, record_of(plan, plan.cars), rows_of(plan))
    assert not judged.missed
    assert not judged.false
    assert judged.reduction == pytest.approx(0.8)
    assert judged.passes_seen == judged.legible == len(judged.right)
    assert max(judged.position_errors_m) < 0.01
    assert judged.beyond_uncertainty == 0


def test_what_is_missing_wrong_late_or_double_is_told(plan):
    cars = [car for car in plan.cars if plan.truth(car).legible]
    record = record_of(plan, [*cars[1:], cars[1]])
    record["plates"][1]["text"] = "WRONG1"
    late = record["plates"][2]
    late["first_ns"] = late["last_ns"] = late["last_ns"] + 5_000_000_000
    judged = judge(plan, record, rows_of(plan))
    assert set(judged.missed) == {cars[0].text, cars[2].text, cars[3].text}
    assert sorted(judged.false) == sorted(["WRONG1", cars[3].text, cars[1].text])
    assert nearest("WRONG1", plan) in {car.text for car in plan.cars}


def test_a_gate_that_keeps_nothing_has_seen_nothing(plan):
    judged = judge(plan, {"plates": []}, rows_of(plan, every=100_000))
    assert judged.passes_seen == 0
    assert judged.reduction > 0.99
    assert judged.dropped["day"] == "too_soon"


def test_a_position_that_promises_too_much_is_told(plan):
    judged = judge(plan, record_of(plan, plan.cars[:1], shift_deg=0.001), rows_of(plan))
    assert judged.beyond_uncertainty == 1
    assert judged.position_errors_m[0] == pytest.approx(111.2, abs=0.5)
    assert dataclasses.replace(judged, frames=0).reduction == 0.0


def test_the_log_beside_the_video_is_read_back_as_it_was_planned(plan, tmp_path):
    path = tmp_path / "drive.gpx"
    path.write_text(gpx(plan))
    assert [fix[:3] for fix in read_log(path)] == [fix[:3] for fix in plan.fixes()]
