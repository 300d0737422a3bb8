"""The monitor: a real endpoint on loopback, the diagnostics of 10.3 and their levels, nodes that fall silent."""

import json
import shutil
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.nodes.vehicle_rig import GRAPH, Rings, S, ScriptedSeam, Vehicle

from winnow_monitor.diagnostics import NODES_MAX, SILENT_ERROR_S, SILENT_WARN_S
from winnow_monitor.node import Monitor, run
from winnow_runtime.node import Node
from winnow_runtime.seam import InputClosed
from winnow_schemas.channel import Channel
from winnow_schemas.messages import Health

SETTINGS: dict[str, Any] = {"monitor": {"port": 0, "every_s": 10}}


def health(name: str, level: int = 0, message: str = "OK", values: str = "{}") -> pa.Array:
    return Health(name=name, level=level, message=message, values=values).to_arrow()


@pytest.fixture
def watched(vehicle: Vehicle) -> Iterator[tuple[Monitor, ScriptedSeam]]:
    vehicle.settings = SETTINGS
    node = vehicle.node("monitor")
    seam = node.seam
    assert isinstance(seam, ScriptedSeam)
    monitor = Monitor(node)
    yield monitor, seam
    monitor.close()


def hear(monitor: Monitor, seam: ScriptedSeam) -> None:
    while seam.events:
        monitor.take(monitor.node.next(0.0))


def rows(monitor: Monitor) -> dict[str, Health]:
    return {row.name: row for row in monitor.rows()}


_LABELS = ("topic", "folder", "node", "name")


class Usage(NamedTuple):
    """As the system says it."""

    total: int
    used: int
    free: int


def scrape(out: Path) -> dict[tuple[str, str], float]:
    """(metric, its labels' values joined) -> value, as Prometheus would read it."""
    where = json.loads((out / "monitor.json").read_text())
    with urllib.request.urlopen(
        f"http://{where['address']}:{where['port']}{where['path']}", timeout=10
    ) as answer:
        assert answer.status == 200
        text = answer.read().decode()
    return {
        (
            sample.name,
            "/".join(sample.labels[name] for name in _LABELS if name in sample.labels),
        ): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_endpoint_answers_over_http(vehicle: Vehicle) -> None:
    """Driven as the process is, with a scrape while it runs."""
    vehicle.settings = SETTINGS
    rings = Rings(vehicle)
    for tick in range(20):
        rings.push(Channel("/imu", "json"), tick * S, bytes(100), skip=3 if tick == 10 else 0)
    rings.beat()
    node = vehicle.node("monitor")
    seam = node.seam
    assert isinstance(seam, ScriptedSeam)
    seen: list[dict[tuple[str, str], float]] = []

    def script() -> Iterator[None]:
        seam.push("health_recorder", health("recorder", 1, "2 lost", '{"lost": 2, "text": "x", "nan": NaN}'))
        yield
        yield
        seen.append(scrape(vehicle.out))
        seen.append(scrape(vehicle.out))
        seam.close(stopped=False)

    seam.script = script()
    run(node)
    for metrics in seen:
        assert metrics["winnow_ring_messages_total", "/imu"] == 20
        assert metrics["winnow_ring_bytes_total", "/imu"] == 2000
        assert metrics["winnow_ring_hot_seconds", "/imu"] == 19.0
        assert metrics["winnow_node_level", "recorder"] == 1
        assert metrics["winnow_node_value", "recorder/lost"] == 2
        assert ("winnow_node_value", "recorder/text") not in metrics
        assert 0 < metrics["winnow_disk_used_fraction", str(vehicle.out)] <= 1
    assert not (vehicle.out / "monitor.json").exists()
    assert vehicle.ended("monitor", "decisions")
    table = json.loads((vehicle.out / "diagnostics.json").read_text())
    assert {row["name"] for row in table} >= {"recorder", "ring_buffer", "disk"}


def test_a_busy_port_is_said_and_everything_else_goes_on(vehicle: Vehicle) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        vehicle.settings = {"monitor": {"port": taken.getsockname()[1]}}
        node = vehicle.node("monitor")
        seam = node.seam
        assert isinstance(seam, ScriptedSeam)

        def script() -> Iterator[None]:
            for _ in range(30):
                yield
            seam.close(stopped=True)

        seam.script = script()
        run(node)
    assert ("monitor", "not served") in vehicle.outcomes("monitor")
    assert any(output == "diagnostics" for output, _, _ in seam.sent)
    assert not (vehicle.out / "monitor.json").exists()


def test_the_port_is_free_again_afterwards(vehicle: Vehicle) -> None:
    vehicle.settings = SETTINGS
    monitor = Monitor(vehicle.node("monitor"))
    monitor.serve()
    port = json.loads((vehicle.out / "monitor.json").read_text())["port"]
    monitor.close()
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=2)


def test_without_rings_there_are_metrics_all_the_same(vehicle: Vehicle) -> None:
    vehicle.settings = SETTINGS
    monitor = Monitor(vehicle.node("monitor"))
    monitor.serve()
    metrics = scrape(vehicle.out)
    assert metrics["winnow_node_level", "ring_buffer"] == 0
    monitor.close()


class TestDiagnostics:
    def test_they_come_every_ten_seconds(self, vehicle: Vehicle) -> None:
        vehicle.settings = SETTINGS
        node = vehicle.node("monitor")
        seam = node.seam
        assert isinstance(seam, ScriptedSeam)

        def script() -> Iterator[None]:
            for _ in range(70):  # 35 s
                for name in ("ring", "recorder"):
                    seam.push(f"health_{name}", health(name))
                yield
                yield
                yield
            seam.close(stopped=False)

        seam.script = script()
        run(node)
        sent = [value[0].as_py() for output, value, _ in seam.sent if output == "diagnostics"]
        times = [row for row in sent if row["name"] == "disk"]
        assert len(times) == 4  # three times ten seconds, and at the end

    @pytest.mark.parametrize(("lost", "level"), [(100, 0), (101, 1)])
    def test_ring_more_than_a_hundred_dropped(
        self, vehicle: Vehicle, watched: tuple[Monitor, ScriptedSeam], lost: int, level: int
    ) -> None:
        monitor, _ = watched
        rings = Rings(vehicle)
        rings.push(Channel("/a", "json"), 1, b"x")
        rings.push(Channel("/b", "json"), 1, b"x")
        rings.writers["a"].count_lost(lost)
        rings.beat()
        monitor.step()
        row = rows(monitor)["ring_buffer"]
        assert row.level == level
        assert (row.message == f"Dropped: {lost}") == bool(level)
        assert json.loads(row.values) == {"dropped": lost, "dropped//a": lost, "dropped//b": 0}

    @pytest.mark.parametrize(("used", "level"), [(0.5, 0), (0.90, 0), (0.91, 1), (0.95, 1), (0.96, 2)])
    def test_disks(
        self, watched: tuple[Monitor, ScriptedSeam], monkeypatch: pytest.MonkeyPatch, used: float, level: int
    ) -> None:
        monitor, _ = watched
        monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10_000, int(used * 10_000), 0))
        row = rows(monitor)["disk"]
        assert row.level == level
        assert f"{used * 100:.0f}%" in row.message

    def test_the_warm_tiers_own_disk_counts_too(
        self, vehicle: Vehicle, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        vehicle.settings = {**SETTINGS, "recorder": {"folder": str(vehicle.base / "nvme" / "ring")}}
        monitor = Monitor(vehicle.node("monitor"))
        (vehicle.base / "nvme").mkdir()
        monkeypatch.setattr(
            shutil, "disk_usage", lambda folder: Usage(100, 97 if Path(folder).name == "nvme" else 10, 3)
        )
        assert rows(monitor)["disk"].level == 2

    def test_a_disk_that_does_not_answer_is_an_error(
        self, watched: tuple[Monitor, ScriptedSeam], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(_: object) -> None:
            raise OSError(5, "Input/output error")

        monkeypatch.setattr(shutil, "disk_usage", refuse)
        row = rows(watched[0])["disk"]
        assert row.level == 2
        assert "Input/output error" in row.message

    def test_a_full_disk_does_not_stop_the_monitor(
        self, watched: tuple[Monitor, ScriptedSeam], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from winnow_runtime import atomic

        def refuse(*_: Any, **__: Any) -> None:
            raise OSError(28, "No space left on device")

        monitor, seam = watched
        monkeypatch.setattr(atomic, "write_json", refuse)
        monitor.publish()
        assert [value[0].as_py()["name"] for output, value, _ in seam.sent if output == "diagnostics"] == [
            "ring_buffer",
            "disk",
        ]


class TestSilence:
    def test_a_node_that_falls_silent_is_a_warning_then_an_error(
        self, vehicle: Vehicle, watched: tuple[Monitor, ScriptedSeam]
    ) -> None:
        monitor, seam = watched
        seam.push("health_recorder", health("recorder"))
        hear(monitor, seam)
        assert rows(monitor)["recorder"].level == 0
        vehicle.clock.advance_s(SILENT_WARN_S + 1)
        row = rows(monitor)["recorder"]
        assert row.level == 1
        assert "Silent for 11 s; it said last: OK" in row.message
        vehicle.clock.advance_s(SILENT_ERROR_S)
        assert rows(monitor)["recorder"].level == 2
        seam.push("health_recorder", health("recorder"))
        hear(monitor, seam)
        assert rows(monitor)["recorder"].level == 0

    def test_a_node_that_never_spoke_is_noticed(
        self, vehicle: Vehicle, watched: tuple[Monitor, ScriptedSeam]
    ) -> None:
        monitor, _ = watched
        assert "triggers" not in rows(monitor)
        vehicle.clock.advance_s(SILENT_WARN_S + 1)
        assert "it never spoke" in rows(monitor)["triggers"].message

    def test_a_node_that_left_is_not_waited_for(
        self, vehicle: Vehicle, watched: tuple[Monitor, ScriptedSeam]
    ) -> None:
        monitor, seam = watched
        seam.push("health_recorder", health("recorder", 1, "lost some"))
        seam.events.append(InputClosed("health_recorder"))
        hear(monitor, seam)
        vehicle.clock.advance_s(1000)
        row = rows(monitor)["recorder"]
        assert (row.level, row.message) == (1, "lost some")


class TestHostileHealth:
    @pytest.mark.parametrize(
        "values", ["not JSON", "[1]", "7", '{"x": NaN, "y": Infinity, "z": {"a": []}}', ""]
    )
    def test_odd_values(self, watched: tuple[Monitor, ScriptedSeam], values: str) -> None:
        monitor, seam = watched
        seam.push("health_ring", health("ring", 0, "OK", values))
        hear(monitor, seam)
        monitor.publish()
        text = (monitor.node.out / "diagnostics.json").read_text()
        json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))

    def test_what_is_no_health_is_counted(self, watched: tuple[Monitor, ScriptedSeam]) -> None:
        monitor, seam = watched
        seam.push("health_ring", pa.array([1, 2, 3]))
        hear(monitor, seam)
        assert monitor.roster.ignored == 1

    def test_names_without_end_are_bounded(self, watched: tuple[Monitor, ScriptedSeam]) -> None:
        monitor, seam = watched
        for number in range(NODES_MAX + 50):
            seam.push("health_ring", health(f"n{number}"))
        hear(monitor, seam)
        assert len(monitor.roster.health) == NODES_MAX
        assert monitor.roster.ignored == 50


def _loops() -> dict[str, Callable[[Node], None]]:
    from winnow_classifier.node import run as classifier
    from winnow_extractor.node import run as extractor
    from winnow_recorder.node import run as recorder
    from winnow_redactor.node import run as redactor
    from winnow_retention.node import run as retention
    from winnow_triggers.node import run as triggers

    return {
        "recorder": recorder,
        "triggers": triggers,
        "extractor": extractor,
        "classifier": classifier,
        "redactor": redactor,
        "retention": retention,
    }


@pytest.mark.parametrize("node_id", list(_loops()))
def test_every_node_speaks_once_a_second_and_the_monitor_understands(vehicle: Vehicle, node_id: str) -> None:
    vehicle.settings = {**SETTINGS, "triggers": {"library": "none"}}
    rings = Rings(vehicle)
    rings.value("/a", S, 1)
    rings.beat()
    node = vehicle.node(node_id)
    seam = node.seam
    assert isinstance(seam, ScriptedSeam)
    begun = vehicle.clock.monotonic_ns()

    def script() -> Iterator[None]:
        while vehicle.clock.monotonic_ns() - begun < 10 * S:
            yield
        for edge in node.wiring.inputs(node_id):
            if edge.source_node != "ring":
                writer = vehicle.journal(edge.source_node, edge.output)
                writer.end()
                writer.close()
        rings.end()

    seam.script = script()
    _loops()[node_id](node)
    said = [value for output, value, _ in seam.sent if output == "health"]
    assert 9 <= len(said) <= 13
    vehicle.gone(node_id)
    monitor = Monitor(vehicle.node("monitor"))
    for value in said:
        health = Health.from_arrow(value)
        assert health.level == 0
        assert len(json.loads(health.values)) >= 2
        monitor.roster.hear(health, vehicle.clock.monotonic_ns())
    assert rows(monitor)[node_id].level == 0


def test_the_graph_of_the_tests_has_every_node_of_the_vehicle() -> None:
    import yaml

    path = Path(__file__).parents[3] / "dataflows" / "vehicle.yml"
    real = {node["id"]: node for node in yaml.safe_load(path.read_text())["nodes"]}
    for node in GRAPH["nodes"]:
        assert set(node["outputs"]) == set(real[node["id"]].get("outputs", []))
        assert node["output_types"] == real[node["id"]].get("output_types", {})
