"""Uploading through a network that is as bad as a vehicle's: what goes over the wire, how evenly, how soon, at what cost.

The uploader is the dora node of a running dataflow; the store is Swift; all bytes are counted by the proxy
between them. awscli and s3cmd upload the same file through the same faults where they are installed.
"""

import json
import random
import shutil
import statistics
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from winnow_runtime.clock import SystemClock
from winnow_schemas.errors import UnavailableError
from winnow_schemas.messages import Outgoing
from winnow_schemas.priority import Priority
from winnow_tools.bench import upload_cpu
from winnow_tools.bench.load import Load
from winnow_tools.bench.rows import Measured, Row
from winnow_tools.bench.upload_faults import Fault, inflict, planned
from winnow_tools.bench.upload_peers import Peer, installed
from winnow_tools.bench.upload_rig import MIB, PART_BYTES, PREFIX, Bucket, bucket_of, flow, write_clip
from winnow_tools.faultproxy import FaultProxy, Faults
from winnow_tools.store import Store

REPETITIONS = 3
SIZE_BYTES = 500_000_000
FAULTS = {Fault.CUT: 30, Fault.BLACK_HOLE: 5, Fault.FLIP: 3, Fault.RESTART: 2, Fault.KILL: 1}
USUAL = Faults(up_mbps=400)
"""50 MB/s: slow enough that a fault hits where it was planned."""
UPLOAD = {
    "connect_timeout_s": 2.0,
    "read_timeout_s": 3.0,
    "first_backoff_s": 0.2,
    "max_backoff_s": 2.0,
    "link": {"mode": "ethernet_depot", "ethernet_max_mbps": 50_000},
}
"""Time-outs to fit black holes of seconds, where on a vehicle they last minutes."""
LIMIT_S = 400.0
RATE_MBPS = 20.0
RATE_BYTES = 40_000_000
P5_BYTES = 2_000_000_000
P0_BYTES = 1_000_000
P0_COUNT = 8
CPU_BYTES = 200_000_000


def measure(load: Load) -> Measured:
    """Run all of it.

    Raises:
        UnavailableError: Swift is not installed, or a dataflow did not end.

    """
    with Store(load.scratch / "s3") as store:
        bench = _Bench(load, store, bucket_of(store))
        rows = [*bench.kills(), *bench.faults(), *bench.rate(), bench.preemption(), bench.cpu()]
    kinds = ", ".join(f"{count} x {fault}" for fault, count in FAULTS.items())
    return Measured(
        rows,
        f"one clip of {SIZE_BYTES / 1e6:.0f} MB in parts of 10 MiB through a proxy at 400 Mbit/s to a local Swift; the "
        f"uploader is the node of a running dataflow; fault run: {kinds}, at offsets uniform over the size by seeds 1 to "
        f"{REPETITIONS}, black holes of 4 s with time-outs of 2 and 3 s",
        REPETITIONS,
    )


class _Bench:
    def __init__(self, load: Load, store: Store, bucket: Bucket) -> None:
        self._load, self._store, self._bucket = load, store, bucket
        self._clock = SystemClock()
        self._peers = installed(load.scratch / "peers")

    # --- the dora node, killed and disturbed ---------------------------------------------------------------

    def kills(self) -> list[Row]:
        """One ``kill -9`` at a random place."""
        runs = [self._disturbed("kill", seed, {Fault.KILL: 1}) for seed in range(1, REPETITIONS + 1)]
        beside = {"per run": ", ".join(f"{ratio:.3f}" for ratio, _ in runs)}
        beside |= self._of_peers("kill", {Fault.KILL: 1})
        wanted = 1 + PART_BYTES / SIZE_BYTES + 0.02
        worst = max(ratio for ratio, _ in runs)
        return [
            Row("wire / size, kill -9 of the dora node", worst, "ratio", f"<= {wanted:.5g}", beside),
            Row("whole after kill -9", sum(intact for _, intact in runs), "uploads", f"== {REPETITIONS}"),
        ]

    def faults(self) -> list[Row]:
        """Everything at once, three times in a row."""
        runs = [self._disturbed("faults", seed, FAULTS) for seed in range(1, REPETITIONS + 1)]
        beside = {"per run": ", ".join(f"{ratio:.3f}" for ratio, _ in runs)}
        beside |= self._of_peers("faults", FAULTS)
        worst = max(ratio for ratio, _ in runs)
        return [
            Row("wire / size, fault run", worst, "ratio", "<= 1.6", beside),
            Row("whole after the fault run", sum(whole for _, whole in runs), "uploads", f"== {REPETITIONS}"),
        ]

    def _disturbed(self, name: str, seed: int, counts: dict[Fault, int]) -> tuple[float, bool]:
        """One upload; bytes on the wire per byte of the file, and whether the object is what was sent."""
        self._load.say(f"{name}, run {seed} ...")
        folder = self._load.scratch / f"{name}-{seed}"
        with FaultProxy("127.0.0.1", self._bucket.port, faults=USUAL) as proxy:
            with flow(folder, self._bucket, proxy, UPLOAD) as dataflow:
                clip = write_clip(dataflow.run, f"{name}-{seed}", SIZE_BYTES, Priority.P1, seed)
                dataflow.announce(clip)
                actions = {Fault.RESTART: self._restart_store, Fault.KILL: dataflow.kill_uploader}
                done = threading.Event()
                plan = planned(seed, SIZE_BYTES, counts)
                happened: list[int] = []

                def disturb() -> None:
                    happened.append(
                        inflict(proxy, plan, USUAL, self._clock, actions, going_on=lambda: not done.is_set())
                    )

                thread = threading.Thread(target=disturb, daemon=True)
                thread.start()
                try:
                    dataflow.wait_for([clip.clip_id], LIMIT_S)
                    dataflow.end()
                    dataflow.wait(LIMIT_S)
                finally:
                    done.set()
                    thread.join()
                if happened != [len(plan)]:
                    raise UnavailableError(
                        f"Not all of the {len(plan)} faults happened ({happened}); nothing was measured."
                    )
                arrived = dataflow.receipts() == [clip.clip_id]
            ratio = proxy.up_bytes / SIZE_BYTES
        key = f"{PREFIX}/{clip.name}.mcap"
        whole = arrived and self._is_whole(key, folder / "out" / clip.path)
        self._bucket.remove(key)
        shutil.rmtree(folder)
        self._load.say(f"{name}, run {seed}: {ratio:.3f}, {'whole' if whole else 'NOT whole'}")
        return ratio, whole

    def _is_whole(self, key: str, path: Path) -> bool:
        sidecar = json.loads(path.with_suffix(".json").read_bytes())
        return bool(self._bucket.sha256(key) == sidecar["sha256"])

    def _restart_store(self) -> None:
        self._store.stop()
        self._store.start()

    # --- the peers, the same ------------------------------------------------------------------------------

    def _of_peers(self, name: str, counts: dict[Fault, int]) -> dict[str, Any]:
        """Wire / size of each peer with the faults of seed 1, and what a person had to do for it."""
        found: dict[str, Any] = {}
        for peer in self._peers:
            self._load.say(f"{name}, {peer.name} ...")
            known_as = f"{peer.name} {peer.version}"
            found[known_as] = self._peer(peer, name, counts)
            self._load.say(f"{name}, {known_as}: {found[known_as]}")
        return found or {"peers": "awscli and s3cmd are not on PATH; `make peers` installs them"}

    def _peer(self, peer: Peer, name: str, counts: dict[Fault, int]) -> str:
        run = self._load.scratch / f"{name}-{peer.name}"
        clip = write_clip(run, f"{name}-{peer.name}", SIZE_BYTES, Priority.P1, 1)
        key, path = f"peers/{clip.name}.mcap", run / clip.path
        peer.tries = 0
        with FaultProxy("127.0.0.1", self._bucket.port, faults=USUAL) as proxy:
            peer.prepare(self._bucket, proxy.port)
            done = threading.Event()
            actions = {Fault.RESTART: self._restart_store, Fault.KILL: peer.kill}
            plan = planned(1, SIZE_BYTES, counts)
            arguments = (proxy, plan, USUAL, self._clock, actions)
            thread = threading.Thread(
                target=inflict, args=arguments, kwargs={"going_on": lambda: not done.is_set()}, daemon=True
            )
            thread.start()
            peer.start(path, key)
            finished = peer.until_done(path, key, self._clock, lambda: True)
            done.set()
            thread.join()
            ratio = proxy.up_bytes / SIZE_BYTES
        whole = finished and self._is_whole(key, path)
        self._bucket.remove(key)
        shutil.rmtree(run)
        how = "" if finished else ", did not finish"
        if finished and not whole:
            how = ", says it is done, but the object is not what was sent"
        by_hand = f", started {peer.tries} times by hand" if peer.tries > 1 else ""
        if peer.tries > 1 and peer.resumes:
            by_hand += " with the id of the upload looked up"
        return f"{ratio:.3f}{by_hand}{how}"

    # --- rate, preemption, cost ---------------------------------------------------------------------------

    def rate(self) -> list[Row]:
        """At the socket, on a cellular link: every window of a second, and the mean."""
        self._load.say("rate ...")
        folder = self._load.scratch / "rate"
        settings = UPLOAD | {"link": {"mode": "cellular_5g", "cellular_max_mbps": RATE_MBPS}}
        with (
            FaultProxy("127.0.0.1", self._bucket.port) as proxy,
            flow(folder, self._bucket, proxy, settings) as one,
        ):
            clip = write_clip(one.run, "rate", RATE_BYTES, Priority.P0, 1)
            one.announce(clip)
            one.end()
            one.wait(LIMIT_S)
            arrivals = proxy.up_arrivals()
            most = proxy.most_up_bytes_in(1.0)
        limit = RATE_MBPS * 1e6 / 8
        large = [moment for moment, size in arrivals if size >= MIB // 1024]
        mean = sum(size for _, size in arrivals) / ((large[-1] - large[0]) / 1e9)
        self._bucket.remove(f"{PREFIX}/{clip.name}.mcap")
        shutil.rmtree(folder)
        beside = {"limit, bytes/s": limit, "bytes": proxy.up_bytes, "windows": "every one of 1 s, sliding"}
        return [
            Row("most in 1 s / limit", most / limit, "ratio", "<= 1.05", beside),
            Row("mean rate / limit", mean / limit, "ratio", ">= 0.95", beside),
        ]

    def preemption(self) -> Row:
        """P0s that arrive while 2 GB of P5 are under way; in parts' times until the first byte of each."""
        self._load.say("preemption ...")
        folder = self._load.scratch / "preemption"
        generator = random.Random(5)  # noqa: S311 - a load, no secret
        settings = UPLOAD | {"read_timeout_s": 60.0, "link": {"mode": "wifi_depot"}}
        part_s = PART_BYTES * 8 / (RATE_MBPS * 1e6)
        faults = Faults(up_mbps=RATE_MBPS)
        waits = []
        with (
            FaultProxy("127.0.0.1", self._bucket.port, faults=faults) as proxy,
            flow(folder, self._bucket, proxy, settings) as one,
        ):
            one.announce(write_clip(one.run, "large", P5_BYTES, Priority.P5, 1))
            self._until(lambda: proxy.up_bytes > PART_BYTES, "the P5 did not begin")
            for number in range(P0_COUNT):
                self._clock.sleep_s(generator.uniform(0.5, 1.5) * part_s)
                waits.append(
                    self._p0(
                        one.announce,
                        proxy,
                        write_clip(one.run, f"p0-{number}", P0_BYTES, Priority.P0, number),
                    )
                )
        shutil.rmtree(folder)
        return Row(
            "P0's first byte, behind 2 GB of P5",
            max(waits) / part_s,
            "part times",
            "<= 1",
            {"part time, s": part_s, "waits, s": ", ".join(f"{wait:.2f}" for wait in waits)},
        )

    def _p0(self, announce: Any, proxy: FaultProxy, clip: Outgoing) -> float:
        text = f"/{clip.name}.mcap".encode()
        proxy.await_text(text)
        begun_ns = self._clock.monotonic_ns()
        announce(clip)
        self._until(lambda: text in proxy.seen, "the P0 was not sent")
        return (proxy.seen[text] - begun_ns) / 1e9

    def _until(self, there: Any, otherwise: str) -> None:
        end_ns = self._clock.monotonic_ns() + int(LIMIT_S * 1e9)
        while not there():
            if self._clock.monotonic_ns() > end_ns:
                raise UnavailableError(f"After {LIMIT_S:g} s {otherwise}; nothing was measured.")
            self._clock.sleep_s(0.01)

    def cpu(self) -> Row:
        """Processes of their own, one after the other, alternating."""
        self._load.say("CPU ...")
        spent: dict[str, list[float]] = {"winnow": [], "boto3": []}
        for number in range(REPETITIONS):
            run = self._load.scratch / f"cpu-{number}"
            arguments = {
                "run": str(run),
                "settings": UPLOAD
                | {
                    "endpoint_url": self._bucket.endpoint_url,
                    "credentials_file": str(self._bucket.credentials_file),
                    "bucket": "bench",
                },
                "outgoing": _plain(write_clip(run, f"cpu-{number}", CPU_BYTES, Priority.P1, number)),
                "warm_up": _plain(write_clip(run, f"warm-{number}", 1000, Priority.P1, number)),
            }
            for name, values in spent.items():
                values.append(self._cpu_of(name, arguments))
            shutil.rmtree(run)
        per_100_mb = {name: statistics.median(values) * 1e8 / CPU_BYTES for name, values in spent.items()}
        return Row(
            "CPU / that of boto3's upload_file",
            per_100_mb["winnow"] / per_100_mb["boto3"],
            "ratio",
            "<= 1.5",
            {
                "CPU s per 100 MB": per_100_mb["winnow"],
                "upload_file, CPU s per 100 MB": per_100_mb["boto3"],
                "it includes": "reading and hashing the clip against its sidecar, verification, the sidecar",
            },
        )

    def _cpu_of(self, name: str, arguments: dict[str, Any]) -> float:
        words = [sys.executable, str(Path(upload_cpu.__file__)), name, json.dumps(arguments)]
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=LIMIT_S)
        if done.returncode:
            raise UnavailableError(
                f"{name} did not upload ({done.stderr.strip()[-300:]}); nothing was measured."
            )
        return float(done.stdout)


def _plain(outgoing: Outgoing) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(outgoing.to_json())
    return found
