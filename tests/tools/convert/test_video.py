"""Videos with positions: every frame as it was coded, at its time, and every fix."""

from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from click.testing import Result
from google.protobuf import message_factory
from hypothesis import given, settings
from hypothesis import strategies as st
from mcap.reader import make_reader
from tests.shared_recordings import SHARED
from typer.testing import CliRunner

from winnow_operators.fields.protobuf_fields import load_descriptor
from winnow_tools.cli import app
from winnow_tools.convert.track import read_track

T0 = 1_775_900_000
FRAMES = 20


def convert(*arguments: Any) -> Result:
    result = CliRunner().invoke(app, ["convert", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def make_video(path: Path, codec: str = "libx264", **options: str) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=10, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.time_base = Fraction(1, 10)
        for number in range(FRAMES):
            picture = np.full((48, 64, 3), number * 10, np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def messages(path: Path) -> dict[str, list[tuple[int, Any]]]:
    found: dict[str, list[tuple[int, Any]]] = {}
    with path.open("rb") as file:
        for schema, channel, message in make_reader(file, validate_crcs=True).iter_messages():
            assert schema is not None
            kind = message_factory.GetMessageClass(load_descriptor(schema.name, schema.data))
            found.setdefault(channel.topic, []).append((message.log_time, kind.FromString(message.data)))
    return found


def shades(frames: list[Any], codec: str = "h264") -> list[int]:
    """The grey of each picture, decoded from the messages' own bytes in their order."""
    context = av.CodecContext.create(codec, "r")
    pictures = [
        frame
        for message in frames
        for packet in context.parse(bytes(message.data))
        for frame in context.decode(packet)
    ]
    pictures += [frame for packet in context.parse(None) for frame in context.decode(packet)]
    pictures += context.decode(None)
    return [round(int(frame.to_ndarray(format="rgb24")[24, 32, 0]) / 10) for frame in pictures]


def tracks(folder: Path) -> dict[str, Path]:
    """The same ten fixes in each form."""
    fixes = [(number * 0.2, 48.5 + number / 1000, -11.25 - number / 1000) for number in range(10)]
    lines = ["unix_time_s,lat_deg,lon_deg,alt_m,video_t_s"]
    gpx, nmea = [], []
    for t_s, latitude, longitude in fixes:
        lines.append(f"{T0 + 2 + t_s:.3f},{latitude},{longitude},100.5,{t_s:.3f}")
        moment = datetime.fromtimestamp(T0 + 2 + t_s, UTC)
        stamp = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        gpx.append(f'<trkpt lon="{longitude}" lat="{latitude}"><ele>100.5</ele><time>{stamp}</time></trkpt>')
        hour, place = moment.strftime("%H%M%S.") + f"{moment.microsecond // 10000:02d}", ""
        place = (
            f"{int(latitude)}{latitude % 1 * 60:010.7f},N,0{int(-longitude)}{-longitude % 1 * 60:010.7f},W"
        )
        for body in (
            f"GPGGA,{hour},{place},1,08,1.0,100.5,M,0.0,M,,",
            f"GPRMC,{hour},A,{place},1.0,2.0,{moment:%d%m%y},,,A",
        ):
            checksum = 0
            for byte in body.encode():
                checksum ^= byte
            nmea.append(f"${body}*{checksum:02X}")
    forms = {
        "csv": "\n".join([*lines, ",,,,", "soon,here,there,,"]),
        "gpx": f"<?xml version='1.0'?><gpx><trk><trkseg>{''.join(gpx)}</trkseg></trk></gpx>",
        "nmea": "\r\n".join([*nmea, "$GPRMC,120000.00,A,4800.0,N,01100.0,E,1,2,010120,,,A*00"]),
    }
    paths = {}
    for name, content in forms.items():
        paths[name] = folder / f"track.{name}"
        paths[name].write_text(content)
    return paths


@pytest.mark.parametrize("form", ["csv", "gpx", "nmea"])
def test_frames_and_fixes_arrive_at_their_times(tmp_path: Path, form: str) -> None:
    video = make_video(tmp_path / "in.mp4", bf="0", g="5", preset="ultrafast")
    result = convert(video, tmp_path / "out.mcap", "--gps", tracks(tmp_path)[form])
    assert result.exit_code == 0, result.output
    found = messages(tmp_path / "out.mcap")
    frames, fixes = found["/camera/video"], found["/gps/fix"]
    begin_ns = (T0 + 2) * 10**9
    assert [t_ns for t_ns, _ in frames] == [begin_ns + number * 100_000_000 for number in range(FRAMES)]
    assert [message.timestamp.ToNanoseconds() for _, message in frames] == [t_ns for t_ns, _ in frames]
    assert {message.format for _, message in frames} == {"h264"}
    assert shades([message for _, message in frames]) == list(range(FRAMES))
    assert [t_ns for t_ns, _ in fixes] == [begin_ns + number * 200_000_000 for number in range(10)]
    for number, (_, fix) in enumerate(fixes):
        assert fix.latitude == pytest.approx(48.5 + number / 1000, abs=1e-8)
        assert fix.longitude == pytest.approx(-11.25 - number / 1000, abs=1e-8)
        assert fix.altitude == 100.5


def test_frames_that_are_shown_later_than_decoded_keep_both_orders(tmp_path: Path) -> None:
    video = make_video(tmp_path / "in.mkv", bf="2", g="10")
    assert convert(video, tmp_path / "out.mcap", "--start", "2026-04-11T09:33:20Z").exit_code == 0
    frames = messages(tmp_path / "out.mcap")["/camera/video"]
    times = [t_ns for t_ns, _ in frames]
    assert times == sorted(set(times))
    shown = [message.timestamp.ToNanoseconds() for _, message in frames]
    assert shown != sorted(shown)
    assert min(shown) == T0 * 10**9
    assert np.diff(sorted(shown)).tolist() == [100_000_000] * (FRAMES - 1)
    assert shades([message for _, message in frames]) == list(range(FRAMES))


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ([], "Nothing says when "),
        (["--start", "yesterday"], "is no time like"),
        (["--start", "2026-04-11", "--cdr"], "without --cdr"),
        (["--start", "2026-04-11", "--gps", "nothing.csv"], "nothing.csv cannot be read"),
        (["--gps", "words.csv"], "has no columns for time, latitude and longitude"),
        (["--gps", "empty.csv"], "holds no position with a time"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], part: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("words.csv").write_text("a,b\n1,2\n")
    Path("empty.csv").write_text("unix_time_s,lat_deg,lon_deg\n1,99,0\n,,\n")
    video = make_video(tmp_path / "in.mkv")
    result = convert(video, "out.mcap", *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert part in result.stderr
    assert result.stderr.count("\n") == 1
    assert not Path("out.mcap").exists()
    assert not Path("out.mcap.part").exists()


def test_other_codecs_and_no_videos_are_named(tmp_path: Path) -> None:
    other = make_video(tmp_path / "in.mp4", "mpeg4")
    result = convert(other, tmp_path / "out.mcap", "--start", "2026-04-11")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "is mpeg4, and viewers take H.264 and H.265" in result.stderr
    (tmp_path / "bad.mp4").write_bytes(b"no video")
    assert "cannot be read as a video" in convert(tmp_path / "bad.mp4", tmp_path / "out.mcap").stderr
    (tmp_path / "a.mcap").write_bytes(b"")
    assert "belong to a video" in convert(tmp_path / "a.mcap", tmp_path / "b.mcap", "--start", "2026").stderr


@settings(max_examples=60, deadline=None)
@given(
    junk=st.binary(max_size=300),
    head=st.sampled_from([b"<trkpt lat='1' lon='2'><time>", b"$GPRMC,", b"time,lat,lon\n"]),
)
def test_any_track_is_read_or_refused(
    junk: bytes, head: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "junk.track"
    path.write_bytes(head + junk)
    from winnow_schemas.errors import BadInputError

    try:
        fixes = read_track(path)
    except BadInputError:
        return
    assert all(abs(fix.latitude_deg) <= 90 for fix in fixes)


@pytest.mark.shared
@pytest.mark.parametrize("suffix", ["_gps.csv", ".gpx", ".nmea"])
def test_a_real_drive(tmp_path: Path, suffix: str) -> None:
    folder = SHARED / "data" / "drive" / "kitti0001_gps"
    if not folder.exists():
        pytest.skip(f"{folder} is not here (set WINNOW_SHARED)")
    video = folder / "kitti0001_cam02.mp4"
    result = convert(video, tmp_path / "out.mcap", "--gps", folder / f"kitti0001_cam02{suffix}")
    assert result.exit_code == 0, result.output
    found = messages(tmp_path / "out.mcap")
    assert len(found["/camera/video"]) == len(found["/gps/fix"]) == 54
    assert found["/gps/fix"][0][1].latitude == pytest.approx(49.0150038, abs=1e-6)
    context = av.CodecContext.create("h264", "r")
    decoded = [
        frame
        for _, message in found["/camera/video"]
        for packet in context.parse(bytes(message.data))
        for frame in context.decode(packet)
    ]
    assert len(decoded) >= 50
