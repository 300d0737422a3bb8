import math
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_operators.dashcam.gps.aligning import align
from winnow_operators.dashcam.gps.binaries import gpmf_fixes, novatek_fix
from winnow_operators.dashcam.gps.texts import csv_fixes, gpx_fixes, nmea_fixes, seventy_mai_fixes
from winnow_operators.dashcam.gps.track import Fix, GpsTrack, metres_between, sound
from winnow_schemas.errors import BadInputError

S = 1_000_000_000


def track(fixes, start_ns=0):
    return GpsTrack(fixes, start_ns=start_ns, clock_s=0.0, source="test", aligned="test")


def test_a_position_between_two_fixes_is_on_the_line_and_never_outside_of_the_track():
    found = track([Fix(0, 50.0, 8.0, 10.0, 90.0), Fix(2 * S, 50.0, 8.0003, 12.0, 90.0)])
    middle = found.at(S)
    assert (middle.latitude_deg, middle.longitude_deg) == (50.0, pytest.approx(8.00015))
    assert middle.speed_mps == 11.0
    assert middle.uncertainty_m > found.at(0).uncertainty_m
    assert found.at(-1) is None
    assert found.at(2 * S + 1) is None


def test_nothing_is_interpolated_over_a_tunnel():
    assert track([Fix(0, 50.0, 8.0), Fix(60 * S, 50.1, 8.0)]).at(30 * S) is None


@settings(deadline=None, max_examples=50)
@given(st.floats(1, 80), st.floats(-179.99, 179.99), st.floats(0.01, 0.99))
def test_interpolation_crosses_the_date_line_the_short_way(latitude, longitude, part):
    east = (longitude + 0.001 + 180) % 360 - 180
    one, other = Fix(0, latitude, longitude), Fix(S, latitude, east)
    place = track([one, other]).at(round(part * S))
    assert place is not None
    at = Fix(0, place.latitude_deg, place.longitude_deg)
    assert metres_between(one, at) <= metres_between(one, other) + 0.01


def test_impossible_fixes_are_left_out():
    good = Fix(5, 1.0, 1.0)
    assert sound([Fix(1, 0.0, 0.0), Fix(2, math.nan, 1.0), Fix(3, 91.0, 0.0), good, Fix(5, 2.0, 2.0)]) == [
        good
    ]


def test_nmea_with_and_without_checksums():
    line = "$GPRMC,130225.96,A,4900.90023,N,00826.05783,E,25.61,239.5,260911,,,A*56"
    (fix,) = nmea_fixes([line, line.replace("4900", "4100"), "$GPRMC,nonsense"])
    assert fix.latitude_deg == pytest.approx(49.0150038)
    assert fix.speed_mps == pytest.approx(13.175, abs=1e-3)
    assert fix.t_ns == 1317042145_960000000
    (edited,) = nmea_fixes(
        ["[1784358211371]$GPRMC,060329.000,A,5200.0000,S,00100.0000,W,048.0,145.2,180726,,,A*7A"]
    )
    assert (edited.latitude_deg, edited.longitude_deg) == (-52.0, -1.0)


def test_gpx_and_what_is_none():
    text = b'<gpx><trk><trkseg><trkpt lat="49.5" lon="8.25"><ele>116</ele><time>2011-09-26T13:02:25Z</time></trkpt></trkseg></trk></gpx>'
    assert gpx_fixes(text) == [Fix(1317042145 * S, 49.5, 8.25, None, None, 116.0, None)]
    with pytest.raises(BadInputError, match="not well-formed"):
        gpx_fixes(b"<gpx><trk>")
    bomb = b'<!DOCTYPE a [<!ENTITY a "aaaa">]><gpx>&a;</gpx>'
    with pytest.raises(BadInputError, match="entities"):
        gpx_fixes(bomb)


def test_csv_by_its_header():
    (fix,) = csv_fixes("timestamp;Lat;Lon;speed_kmh\n1317042145.5;49.5;8.25;36\nx;y;z;\n")
    assert fix == Fix(1317042145_500000000, 49.5, 8.25, 10.0, None, None, None)
    with pytest.raises(BadInputError, match="no column for latitude, longitude"):
        csv_fixes("time,a,b\n1,2,3\n")


def test_70mai_and_novatek():
    (fix,) = seventy_mai_fixes(["$V02", "1783850132,A,50.5,9.25,9000,1250,100", "1783850133,V,0,0,0,0,0"])
    assert (fix.latitude_deg, fix.bearing_deg, fix.speed_mps) == (50.5, 90.0, 12.5)
    block = b"freeGPS " + bytes(40) + struct.pack("<6I", 15, 37, 57, 21, 10, 13) + b"ANE\0"
    block += struct.pack("<4f", 5030.0, 3015.0, 19.438445, 7.0) + bytes(30)
    found = novatek_fix(block)
    assert (found.latitude_deg, found.longitude_deg) == (50.5, 30.25)
    assert found.speed_mps == pytest.approx(10.0, abs=1e-4)
    assert novatek_fix(block[:60]) is None


def klv(key, kind, size, payload):
    count = len(payload) // size
    padded = payload + bytes(-len(payload) % 4)
    return key.encode() + struct.pack(">cBH", kind.encode() if kind else b"\0", size, count) + padded


def test_gpmf_and_cut_short():
    values = struct.pack(">10i", *([500000000, 80000000, 100000, 12000, 12000] * 2))
    scale = struct.pack(">5i", 10_000_000, 10_000_000, 1000, 1000, 1000)
    stream = (
        klv("SCAL", "l", 4, scale) + klv("GPSF", "L", 4, struct.pack(">I", 3)) + klv("GPS5", "l", 20, values)
    )
    data = klv("DEVC", "", 1, klv("STRM", "", 1, stream))
    fixes = gpmf_fixes(data, 5 * S, S)
    assert [fix.t_ns for fix in fixes] == [5 * S, 5 * S + S // 2]
    assert fixes[0][1:4] == (50.0, 8.0, 12.0)
    for length in range(len(data)):
        assert gpmf_fixes(data[:length], 0, S) == []


def test_alignment_finds_time_zones_and_refuses_other_days():
    day = 1_700_000_000 * S
    assert align(day, day + 60 * S, created_ns=day + 2 * 3600 * S, duration_ns=60 * S).start_ns == day
    assert align(day, day + 60 * S, created_ns=day + 40 * 3600 * S, duration_ns=60 * S) is None
    assert align(day, day + 60 * S, created_ns=None, duration_ns=61 * S).start_ns == day
    assert align(day, day + 9000 * S, created_ns=None, duration_ns=60 * S) is None
