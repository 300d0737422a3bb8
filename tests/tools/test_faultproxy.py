"""The proxy against a plain echo server."""

import contextlib
import socket
import socketserver
import threading
import time

import pytest
import typer
from typer.testing import CliRunner

from winnow_schemas.errors import UnavailableError
from winnow_tools.faultproxy import FaultProxy, Faults, ScriptStep
from winnow_tools.faultproxy_command import faultproxy_command


class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        try:
            while data := self.request.recv(65536):
                self.request.sendall(data)
        except OSError:
            pass


@pytest.fixture
def echo():
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_address
        server.shutdown()
        thread.join()


def connect(proxy):
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=5)


def exchange(connection, data):
    sender = threading.Thread(target=lambda: connection.sendall(data))
    sender.start()
    received = b""
    while len(received) < len(data):
        part = connection.recv(65536)
        if not part:
            break
        received += part
    sender.join()
    return received


def test_passes_everything_and_counts_it(echo):
    data = bytes(range(256)) * 4096
    with FaultProxy(*echo) as proxy, connect(proxy) as client:
        assert exchange(client, data) == data
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1) == b""
        assert (proxy.up_bytes, proxy.down_bytes, proxy.connections) == (len(data), len(data), 1)
        assert proxy.most_up_bytes_in(60) == len(data)


def test_rate_towards_the_server(echo):
    data = bytes(500_000)
    with FaultProxy(*echo, faults=Faults(up_mbps=8)) as proxy, connect(proxy) as client:
        begin = time.monotonic()
        exchange(client, data)
        assert 0.45 <= time.monotonic() - begin < 1.5


def test_latency_both_ways(echo):
    with FaultProxy(*echo, faults=Faults(latency_ms=50)) as proxy, connect(proxy) as client:
        begin = time.monotonic()
        assert exchange(client, b"ping") == b"ping"
        assert time.monotonic() - begin >= 0.1


def test_flips_one_byte_once_in_the_direction_asked(echo):
    with FaultProxy(*echo, faults=Faults(flip_up_byte=70_000)) as proxy, connect(proxy) as client:
        data = bytes(100_000)
        received = exchange(client, data)
        assert [(i, byte) for i, byte in enumerate(received) if byte] == [(70_000, 0xFF)]
        assert exchange(client, data) == data
        proxy.set_faults(Faults(flip_down_byte=0))
        assert exchange(client, b"ab") == bytes([ord("a") ^ 0xFF]) + b"b"


def test_resets_after_a_byte_and_then_serves_the_next(echo):
    with FaultProxy(*echo, faults=Faults(reset_after_bytes=50_000)) as proxy:
        with connect(proxy) as client, pytest.raises(ConnectionError):
            exchange(client, bytes(49_999)) + exchange(client, b"xy")
        with connect(proxy) as client:
            assert exchange(client, b"again") == b"again"


def test_resets_what_the_server_says(echo):
    with FaultProxy(*echo, faults=Faults(reset_down_after_bytes=50_000)) as proxy:
        with connect(proxy) as client, pytest.raises(ConnectionError):
            exchange(client, bytes(49_999)) + exchange(client, b"xy")
        with connect(proxy) as client:
            assert exchange(client, b"again") == b"again"


@pytest.mark.parametrize("way", ["up", "down"])
def test_latency_one_way(echo, way):
    with FaultProxy(*echo, faults=Faults(**{f"{way}_latency_ms": 60})) as proxy, connect(proxy) as client:
        begin = time.monotonic()
        assert exchange(client, b"ping") == b"ping"
        assert time.monotonic() - begin >= 0.06


@pytest.mark.parametrize(("way", "arrives"), [("up", 0), ("down", 1)])
def test_a_black_hole_one_way(echo, way, arrives):
    with FaultProxy(*echo, faults=Faults(**{f"black_hole_{way}": True})) as proxy, connect(proxy) as client:
        client.settimeout(0.2)
        client.sendall(b"b")
        with pytest.raises(TimeoutError):
            client.recv(1)
        assert proxy.down_bytes == 0
        assert proxy.up_bytes == arrives
        proxy.set_faults(Faults())
        client.settimeout(5)
        assert client.recv(1) == b"b"


def test_notes_when_a_text_comes_from_a_client(echo):
    with FaultProxy(*echo) as proxy, connect(proxy) as client:
        proxy.await_text(b"/p0.mcap")
        begun = time.monotonic_ns()
        exchange(client, b"PUT /other.mcap")
        assert proxy.seen == {}
        exchange(client, b"PUT /p0.mcap")
        assert begun < proxy.seen[b"/p0.mcap"] < time.monotonic_ns()
        assert sum(size for _, size in proxy.up_arrivals()) == proxy.up_bytes


def test_black_hole_and_back(echo):
    with FaultProxy(*echo) as proxy, connect(proxy) as client:
        assert exchange(client, b"a") == b"a"
        proxy.set_faults(Faults(black_hole=True))
        client.settimeout(0.1)
        client.sendall(b"b")
        with pytest.raises(TimeoutError):
            client.recv(1)
        proxy.set_faults(Faults())
        client.settimeout(5)
        assert client.recv(1) == b"b"


def test_refuses_and_listens_again_on_the_same_port(echo):
    with FaultProxy(*echo, faults=Faults(refuse=True)) as proxy:
        port = proxy.port
        with pytest.raises(ConnectionRefusedError):
            connect(proxy)
        proxy.set_faults(Faults())
        assert proxy.port == port
        with connect(proxy) as client:
            assert exchange(client, b"x") == b"x"


def test_a_script_changes_faults_over_time(echo):
    script = (ScriptStep(at_s=0.2, faults=Faults()), ScriptStep(at_s=0.0, faults=Faults(black_hole=True)))
    with FaultProxy(*echo, script=script) as proxy, connect(proxy) as client:
        begin = time.monotonic()
        assert exchange(client, b"x") == b"x"
        assert time.monotonic() - begin >= 0.15


def test_nobody_behind_it_is_a_reset():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        proxy = FaultProxy("127.0.0.1", closed.getsockname()[1])
        with proxy, pytest.raises(ConnectionResetError), connect(proxy) as client:  # it may come at once
            client.recv(1)


def test_a_taken_port_is_one_sentence(echo):
    with pytest.raises(UnavailableError, match=f"Port {echo[1]} on 127.0.0.1 cannot be listened on"):
        FaultProxy(*echo, listen_port=echo[1]).start()


def test_open_connections_end_with_the_proxy(echo):
    proxy = FaultProxy(*echo)
    proxy.start()
    with connect(proxy) as client:
        assert exchange(client, b"x") == b"x"
        proxy.stop()
        with contextlib.suppress(ConnectionError):  # cut with RST instead of FIN: ended all the same
            assert client.recv(1) == b""


@pytest.fixture
def run():
    app = typer.Typer()
    app.command()(faultproxy_command)
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


def test_the_command_serves_for_a_while_and_counts(run, tmp_path):
    script = tmp_path / "script.yml"
    script.write_text("steps:\n  - at_s: 0\n    faults: {latency_ms: 5}\n")
    done = run("127.0.0.1:9", "--for-s", "0.05", "--script", str(script), "--up-mbps", "5")
    assert done.exit_code == 0
    assert "0 bytes up, 0 bytes down, 0 connections" in done.stdout


def test_the_command_can_do_all_of_it_from_the_start(run):
    arguments = [
        "127.0.0.1:9",
        "--for-s",
        "0.05",
        "--refuse",
        "--black-hole",
        "--reset-after",
        "5",
        "--flip-up",
        "1",
        "--flip-down",
        "2",
    ]
    assert run(*arguments).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["127.0.0.1:9", "--reset-after", "-5"], "reset_after_bytes: -5 is not allowed"),
        (["nowhere"], "'nowhere' is not HOST:PORT"),
        (["127.0.0.1:9", "--up-mbps", "-1"], "up_mbps: -1.0 is not allowed"),
        (["127.0.0.1:9", "--script", "/no/such.yml"], "/no/such.yml cannot be read"),
    ],
)
def test_the_command_refuses_in_one_sentence(run, arguments, words):
    done = run(*arguments)
    assert done.exit_code == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
