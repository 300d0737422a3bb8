"""Two machines on one: network namespaces, a cable with a rate, two dora daemons, the task server. Needs root."""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from winnow_runtime.clock import SystemClock
from winnow_server.accounts import Accounts, Role

ROOT = Path(__file__).parents[2]
RATE = "200mbit"


class TwoMachines:
    """`jetson` and `rtx4090`, which also has coordinator and server."""

    def __init__(self, base: Path) -> None:
        self.base = base
        mark = f"w{os.getpid() % 100_000}"
        self.names = {"jetson": f"{mark}j", "rtx4090": f"{mark}r"}
        self.addresses = {"jetson": "10.213.7.1", "rtx4090": "10.213.7.2"}
        self.processes: list[subprocess.Popen[bytes]] = []
        self.share = base / "share"
        self.share.mkdir(parents=True)
        accounts = Accounts(base / "server/state/server/tokens.json")
        self.device = accounts.new_token("device", Role.DEVICE)
        self.admin = accounts.new_token("admin", Role.ADMIN)

    def inside(self, machine: str, *command: str, wait: bool = True) -> str:
        """Run a command on a machine."""
        whole = ["ip", "netns", "exec", self.names[machine], *command]
        environment = {**os.environ, "DORA_COORDINATOR_ADDR": self.addresses["rtx4090"]}
        if wait:
            done = subprocess.run(
                whole, capture_output=True, text=True, check=False, timeout=90, env=environment
            )
            return done.stdout + done.stderr
        log = (self.base / f"{machine}-{len(self.processes)}.log").open("wb")
        with log:
            self.processes.append(
                subprocess.Popen(
                    whole, stdout=log, stderr=log, env=environment, start_new_session=True, cwd=self.base
                )
            )
        return ""

    def connect(self) -> None:
        """Namespaces, and the cable between them."""
        for name in self.names.values():
            _ip("netns", "add", name)
        _ip("link", "add", self.names["jetson"], "type", "veth", "peer", "name", self.names["rtx4090"])
        for machine, name in self.names.items():
            _ip("link", "set", name, "netns", name)
            _ip("-n", name, "addr", "add", f"{self.addresses[machine]}/24", "dev", name)
            _ip("-n", name, "link", "set", "lo", "up")
            _ip("-n", name, "link", "set", name, "up")
            self.inside(
                machine, "tc", "qdisc", "add", "dev", name, "root", "tbf", "rate", RATE, "burst", "256kb", "latency", "50ms"
            )  # fmt: skip

    def cable(self, *, plugged: bool) -> None:
        """Pull the cable, or plug it in."""
        name = self.names["jetson"]
        _ip("-n", name, "link", "set", name, "up" if plugged else "down")

    def start(self) -> None:
        """Server, coordinator, daemons, graph."""
        here, other = self.addresses["rtx4090"], self.addresses["jetson"]
        (self.base / "server.yml").write_text(
            f"out: server\nserver: {{host: {here}, port: 8600, insecure: true, lease_s: 5.0, backoff_s: 0.1}}\n"
        )
        self.inside("rtx4090", "winnow", "server", "--settings", str(self.base / "server.yml"), wait=False)
        self.inside("rtx4090", "dora", "coordinator", "--interface", here, "--store", "memory", wait=False)
        SystemClock().sleep_s(3)
        for machine, mine, theirs in (("jetson", other, here), ("rtx4090", here, other)):
            self.inside(
                machine, "dora", "daemon", "--machine-id", machine, "-c", here, "--zenoh-no-multicast",
                "--zenoh-listen", f"{mine}:5456", "--zenoh-connect", f"tcp/{theirs}:5456", wait=False,
            )  # fmt: skip
        SystemClock().sleep_s(4)
        graph = self._graph()
        said = self.inside("rtx4090", "dora", "start", str(graph), "--detach", "--name", "dashcam")
        assert "dashcam" in said or "started" in said, said

    def _graph(self) -> Path:
        """dashcam.yml, with a folder per machine in the place of /etc/winnow/dataflows."""
        flows = self.base / "dataflows"
        shutil.copytree(ROOT / "dataflows/types", flows / "types")
        document = yaml.safe_load((ROOT / "dataflows/dashcam.yml").read_text())
        for node in document["nodes"]:
            node["deploy"]["working_dir"] = str(self.base / node["deploy"]["machine"])
        for machine in self.names:
            tasks = {
                "server": f"http://{self.addresses['rtx4090']}:8600",
                "worker": machine,
                "shares": {"indoor": str(self.share)},
                "results": "indoor:winnow",
                "token_file": str(self.base / "token"),
                "timeout_s": 3,
            }
            # Few frames are kept: what is tried here is the link, not how fast plates are read.
            dashcam = {"threads": 1, "proposer": {"kind": "none"}, "gate": {"least_interval_ms": 30_000}}
            values = {"out": "../out", "tasks": tasks, "dashcam": dashcam, "monitor": {"port": 0}}
            settings = self.base / machine / "settings" / "dashcam.yml"
            settings.parent.mkdir(parents=True)
            settings.write_text(yaml.safe_dump(values))
        (self.base / "token").write_text(self.device)
        graph = flows / "dashcam.yml"
        graph.write_text(yaml.safe_dump(document, sort_keys=False))
        return graph

    def winnow(self, *arguments: str) -> str:
        """`winnow tasks` beside the server."""
        (self.base / "admin").write_text(self.admin)
        return self.inside(
            "rtx4090", "env", f"WINNOW_SERVER=http://{self.addresses['rtx4090']}:8600",
            f"WINNOW_TOKEN_FILE={self.base / 'admin'}", "winnow", *arguments,
        )  # fmt: skip

    def nodes(self) -> dict[str, int]:
        """Program -> process number of every node that runs."""
        found = {}
        for path in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                words = (path / "cmdline").read_bytes().split(b"\0")
                environment = (path / "environ").read_bytes()
                names = [word for word in words[:2] if b"/winnow-" in word]
                if names and str(self.base).encode() in environment:
                    found[names[0].rsplit(b"/", 1)[1].decode()] = int(path.name)
        return found

    def stop(self) -> None:
        """Everything, also what daemons started."""
        pids = set(self.nodes().values())
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)
        for pid in pids | set(self.nodes().values()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for name in self.names.values():
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


@contextlib.contextmanager
def two_machines(base: Path) -> Iterator[TwoMachines]:
    """Both machines, running.

    Skips where namespaces are not to be had.
    """
    if os.geteuid() != 0 or shutil.which("ip") is None or shutil.which("tc") is None:
        pytest.skip("network namespaces need root, ip and tc")
    if shutil.which("winnow-preprocess") is None or shutil.which("dora") is None:
        pytest.skip("winnow's programs are not on PATH")
    machines = TwoMachines(base)
    try:
        machines.connect()
    except subprocess.CalledProcessError as error:
        machines.stop()
        pytest.skip(f"network namespaces are not to be had: {error.stderr.decode()[:200]}")
    try:
        machines.start()
        yield machines
    finally:
        machines.stop()
