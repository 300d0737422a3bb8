"""Watching the link: what is looked at, when a change is told, and what is no interface that can be used."""

import socket
import time

import pytest
from tests.fixtures.fake_clock import FakeClock

from winnow_schemas.errors import BadInputError
from winnow_schemas.messages import LinkState
from winnow_schemas.settings.upload import LinkMode, LinkSettings
from winnow_uploader.interfaces import interfaces, takes_connection
from winnow_uploader.link_monitor import LinkMonitor

CELLULAR = {"wwan0": ["100.64.0.2"]}
BOTH = CELLULAR | {"wlan0": ["10.20.0.7"]}
LISTED = [{"name": "wlan0", "mode": "wifi_depot"}, {"name": "wwan*", "mode": "cellular_5g"}]


class World:
    """Interfaces and a server that come and go."""

    def __init__(self, **settings):
        self.up, self.answers, self.probes, self.told = dict(CELLULAR), True, 0, []
        self.clock = FakeClock()
        self.settings = LinkSettings(**({"interfaces": LISTED} | settings))
        self.monitor = LinkMonitor(
            self.settings,
            lambda mode, uplink: self.told.append((mode, uplink)),
            self.clock,
            look=lambda: self.up,
            probe=self.probe,
        )

    def probe(self, _target, _timeout_s):
        self.probes += 1
        return self.answers

    def changes(self):
        found = []
        while not self.monitor.changes.empty():
            found.append(self.monitor.changes.get().link.mode)
        return found


def test_a_change_is_told_once_and_at_the_first_look():
    world = World()
    assert world.told == [(LinkMode.CELLULAR_5G, None)]
    world.monitor.step()
    world.up = BOTH
    world.monitor.step()
    world.monitor.step()
    world.up = {}
    world.monitor.step()
    assert [mode for mode, _ in world.told] == [
        LinkMode.CELLULAR_5G,
        LinkMode.WIFI_DEPOT,
        LinkMode.DISCONNECTED,
    ]
    assert world.changes() == [mode for mode, _ in world.told]


def test_a_probe_is_asked_now_and_then_and_one_answer_brings_the_link_back():
    world = World(probe="store:443", probe_every_s=10, probe_failures=2)
    world.answers = False
    for _ in range(25):
        world.clock.advance(1)
        world.monitor.step()
    assert world.probes == 3
    assert world.changes()[-1] is LinkMode.DISCONNECTED
    world.answers = True
    world.clock.advance(10)
    world.monitor.step()
    assert world.changes() == [LinkMode.CELLULAR_5G]


def test_the_word_of_another_node_holds_until_it_runs_out():
    world = World(stated_holds_s=60)
    world.monitor.state(LinkState(mode="ethernet_depot", uplink_mbps=800.0))
    assert world.told[-1] == (LinkMode.ETHERNET_DEPOT, 100e6)
    world.clock.advance(61)
    world.monitor.step()
    assert world.told[-1] == (LinkMode.CELLULAR_5G, None)


@pytest.mark.parametrize(
    ("mode", "uplink", "words"),
    [
        ("carrier_pigeon", None, "no link mode"),
        ("wifi_depot", -1.0, "is none"),
        ("wifi_depot", float("nan"), "is none"),
    ],
)
def test_a_word_that_means_nothing_changes_nothing(mode, uplink, words):
    world = World()
    with pytest.raises(BadInputError, match=words):
        world.monitor.state(LinkState(mode=mode, uplink_mbps=uplink))
    assert len(world.told) == 1


def test_its_thread_notices_by_itself_and_ends():
    world = World(look_every_s=0.05)
    world.monitor.start()
    world.up = BOTH
    assert world.monitor.changes.get(timeout=5).link.mode is LinkMode.CELLULAR_5G
    assert world.monitor.changes.get(timeout=5).link.mode is LinkMode.WIFI_DEPOT
    world.monitor.stop()
    world.monitor._thread.join(5)
    assert not world.monitor._thread.is_alive()


class TestInterfaces:
    def test_this_machine_has_its_loopback(self):
        assert "127.0.0.1" in interfaces()["lo"]

    @pytest.mark.parametrize(
        ("state", "carrier", "there"),
        [
            ("up", "1", True),
            ("unknown", "1", True),
            ("down", "1", False),
            ("up", "0", False),
            ("up", None, False),
        ],
    )
    def test_up_with_a_carrier_and_an_address_that_is_not_link_local(self, tmp_path, state, carrier, there):
        folder = tmp_path / "net" / "wlan9"
        folder.mkdir(parents=True)
        (folder / "operstate").write_text(f"{state}\n")
        if carrier is not None:
            (folder / "carrier").write_text(f"{carrier}\n")
        table = tmp_path / "if_inet6"
        table.write_text(
            "fe800000000000000000000000000001 02 40 20 80    wlan9\n"
            "fd000020000000000000000000000005 02 40 00 80    wlan9\n"
            "not an address\n"
        )
        found = interfaces(tmp_path / "net", table)
        assert found == ({"wlan9": ("fd00:20::5",)} if there else {})

    def test_without_an_address_or_without_linux_there_is_none(self, tmp_path):
        folder = tmp_path / "net" / "wlan9"
        folder.mkdir(parents=True)
        (folder / "operstate").write_text("up")
        (folder / "carrier").write_text("1")
        assert interfaces(tmp_path / "net", tmp_path / "none") == {}
        assert interfaces(tmp_path / "none", tmp_path / "none") == {}


def test_a_probe_is_a_connection():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert takes_connection(f"127.0.0.1:{port}", 2.0)
    assert not takes_connection(f"127.0.0.1:{port}", 2.0)
    assert not takes_connection("127.0.0.1:99999", 2.0)


def test_a_probe_does_not_wait_longer_than_it_may():
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        full = [socket.socket() for _ in range(3)]
        for one in full:
            one.setblocking(False)
            one.connect_ex(deaf.getsockname())
        begun = time.monotonic()
        takes_connection(f"127.0.0.1:{deaf.getsockname()[1]}", 0.2)
        assert time.monotonic() - begun < 2
        for one in full:
            one.close()
