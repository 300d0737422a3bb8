import pytest

from winnow_operators.graphs.grammar import GrammarError, node_id_flaw, parse_source, port_id_flaw
from winnow_operators.graphs.model import Logs, OutputRef, Timer


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("camera/image", OutputRef("camera", "image")),
        ("runtime/operator/out", OutputRef("runtime", "operator/out")),
        ("dora/timer/millis/100", Timer(100_000_000)),
        ("dora/timer/secs/5", Timer(5_000_000_000)),
        ("dora/timer/micros/7", Timer(7_000)),
        ("dora/timer/nanos/1", Timer(1)),
        ("dora/timer/hz/30", Timer(33_333_333)),
        ("dora/timer/hz/0.5", Timer(2_000_000_000)),
        ("dora/logs", Logs()),
        ("dora/logs/error", Logs("error")),
        ("dora/logs/INFO/camera", Logs("info", "camera")),
    ],
)
def test_reads_what_dora_reads(text, source):
    assert parse_source(text) == source


@pytest.mark.parametrize(
    "text",
    [
        "",
        "camera",
        "/image",
        "camera/",
        "dora/timer",
        "dora/timer/millis",
        "dora/timer/millis/x",
        "dora/timer/millis/-1",
        "dora/timer/millis/0",
        "dora/timer/weeks/1",
        "dora/timer/hz/0",
        "dora/timer/hz/nan",
        "dora/timer/hz/inf",
        "dora/timer/hz/1e300",
        "dora/timer/secs/99999999999999999999",
        "dora/logs/loud",
        "dora/other/1",
        "a/" + "b" * 500,
    ],
)
def test_refuses_what_dora_refuses(text):
    with pytest.raises(GrammarError):
        parse_source(text)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (Timer(100_000_000), "every 100 ms"),
        (Timer(60_000_000_000), "every 60 s"),
        (Timer(33_333_333), "30 Hz"),
        (Timer(250_000), "every 250 µs"),
        (Timer(1_234_500), "every 1234500 ns"),
        (Logs(), "logs"),
        (Logs("warn", "ring"), "logs warn of ring"),
    ],
)
def test_says_what_an_input_listens_to(source, text):
    assert str(source) == text


def test_knows_ids_that_dora_refuses():
    assert not node_id_flaw("camera_1.front-left")
    assert "reserved" in node_id_flaw("dora")
    assert "dot" in node_id_flaw("..")
    assert "letters" in node_id_flaw("two words")
    assert not port_id_flaw("a/b.c-d_e")
    assert "slashes" in port_id_flaw("a//b")
    assert "letters" in port_id_flaw("<a>")
