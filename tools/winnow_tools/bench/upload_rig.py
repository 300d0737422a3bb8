"""The real thing for the benchmark ``upload``: a dataflow with the uploader's node, a proxy that counts, Swift behind it."""

import hashlib
import json
import os
import random
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import yaml
from botocore.config import Config

from winnow_runtime.clock import SystemClock
from winnow_runtime.journal import JournalReader
from winnow_schemas.errors import UnavailableError
from winnow_schemas.messages import Decision, Health, Outgoing, Receipt
from winnow_schemas.priority import Priority
from winnow_tools.bench import upload_feeder
from winnow_tools.faultproxy import FaultProxy
from winnow_tools.running.launch import RunRequest, prepare, start
from winnow_tools.running.processes import node_process
from winnow_tools.store import Store

MIB = 1024 * 1024
PART_BYTES = 10 * MIB
T_NS = 1_775_865_600 * 10**9
"""2026-04-11 00:00 UTC."""
BUCKET = "bench"
PREFIX = "EGLL/v-1/2026/04/11"
_CHUNK_BYTES = 4 * MIB


def write_clip(run: Path, name: str, size_bytes: int, priority: Priority, seed: int) -> Outgoing:
    """A file of random bytes with the sidecar that uploading needs, below ``run/outgoing``."""
    folder = run / "outgoing"
    folder.mkdir(parents=True, exist_ok=True)
    generator, whole, left = random.Random(seed), hashlib.sha256(), size_bytes  # noqa: S311 - a load, no secret
    with (folder / f"{name}.mcap").open("wb") as file:
        while left:
            chunk = generator.randbytes(min(_CHUNK_BYTES, left))
            whole.update(chunk)
            file.write(chunk)
            left -= len(chunk)
    upload_class = int(priority.upload_class)
    trigger = {"type": "bench", "priority": int(priority), "t_ns": T_NS, "value": None, "threshold": None}
    sidecar = {
        "clip_id": f"id-{name}",
        "start_ns": T_NS,
        "end_ns": T_NS + 30 * 10**9,
        "priority": int(priority),
        "upload_class": upload_class,
        "triggers": [trigger],
        "size_bytes": size_bytes,
        "sha256": whole.hexdigest(),
        "vehicle_id": "v-1",
    }
    (folder / f"{name}.json").write_text(json.dumps(sidecar), "utf-8")
    return Outgoing(
        clip_id=f"id-{name}",
        name=name,
        path=f"outgoing/{name}.mcap",
        derived_from="",
        priority=int(priority),
        upload_class=upload_class,
        annotation_priority=0.5,
        diversity_score=0.5,
        withheld_topics=[],
    )


@dataclass(frozen=True, slots=True)
class Bucket:
    """What peers and checks need of the store."""

    endpoint_url: str
    credentials_file: Path
    access_key: str
    secret_key: str

    @property
    def port(self) -> int:
        return int(self.endpoint_url.rpartition(":")[2])

    def client(self) -> Any:
        """Straight to the store, past every proxy."""
        session = boto3.session.Session(
            aws_access_key_id=self.access_key, aws_secret_access_key=self.secret_key, region_name="us-east-1"
        )
        return session.client(
            "s3", endpoint_url=self.endpoint_url, config=Config(s3={"addressing_style": "path"})
        )

    def sha256(self, key: str) -> str:
        """Of an object, read back; empty when it is not there."""
        client, state = self.client(), hashlib.sha256()
        try:
            body = client.get_object(Bucket=BUCKET, Key=key)["Body"]
        except client.exceptions.NoSuchKey:
            return ""
        for chunk in body.iter_chunks(MIB):
            state.update(chunk)
        return state.hexdigest()

    def remove(self, key: str) -> None:
        """Delete an object: room for the next round."""
        self.client().delete_object(Bucket=BUCKET, Key=key)


def bucket_of(store: Store) -> Bucket:
    """The store's own bucket for benchmarks, made if it is missing."""
    keys = json.loads(store.credentials_file.read_bytes())
    found = Bucket(keys["endpoint_url"], store.credentials_file, keys["access_key"], keys["secret_key"])
    found.client().create_bucket(Bucket=BUCKET)
    return found


class Flow:
    """One dataflow: a feeder, and ``winnow-uploader`` as it runs on a vehicle."""

    def __init__(self, folder: Path, bucket: Bucket, proxy: FaultProxy, upload: dict[str, Any]) -> None:
        self.run = folder / "out"
        self._clock = SystemClock()
        self._feed = folder / "feed.jsonl"
        self._log = folder / "log.txt"
        self._process: subprocess.Popen[bytes] | None = None
        self.run.mkdir(parents=True, exist_ok=True)
        self._feed.touch()
        settings = {
            "vehicle": {"id": "v-1", "airport": "EGLL"},
            "upload": {
                "endpoint_url": f"http://127.0.0.1:{proxy.port}",
                "credentials_file": str(bucket.credentials_file),
                "bucket": BUCKET,
                "part_mib": PART_BYTES // MIB,
                **upload,
            },
        }
        (folder / "settings.yml").write_text(yaml.safe_dump(settings), "utf-8")
        self._graph = folder / "graph.yml"
        self._graph.write_text(yaml.safe_dump(_graph(self._feed), sort_keys=False), "utf-8")

    def start(self) -> None:
        self._process = start(prepare(RunRequest(self._graph, self.run)), self._log)

    def announce(self, clip: Outgoing) -> None:
        """Let the feeder send this."""
        with self._feed.open("a", encoding="utf-8") as feed:
            feed.write(clip.to_json().decode() + "\n")

    def end(self) -> None:
        """Let the feeder end; the uploader follows when its queue is empty."""
        with self._feed.open("a", encoding="utf-8") as feed:
            feed.write("end\n")

    def kill_uploader(self) -> None:
        """``kill -9`` of the node's process; dora starts it again.

        Raises:
            UnavailableError: it does not run.

        """
        pid = None if self._process is None else node_process(self._process.pid, "winnow-uploader")
        if pid is None:
            raise UnavailableError(f"The uploader's node does not run; nothing was measured.{self._said()}")
        os.kill(pid, signal.SIGKILL)

    def receipts(self) -> list[str]:
        """Clips that have arrived, by the journal of the node."""
        folder = self.run / "state" / "uploader" / "receipts"
        return [str(line.record["clip_id"]) for line in JournalReader(folder).read()]

    def wait_for(self, clip_ids: list[str], limit_s: float) -> None:
        """Until these have arrived. The feeder lives on: dora restarts no node whose inputs have all ended.

        Raises:
            UnavailableError: they did not in time, or the dataflow is over.

        """
        assert self._process is not None
        end_ns = self._clock.monotonic_ns() + int(limit_s * 1e9)
        while not set(clip_ids) <= set(self.receipts()):
            if self._process.poll() is not None:
                raise UnavailableError(f"The dataflow ended too early; nothing was measured.{self._said()}")
            if self._clock.monotonic_ns() > end_ns:
                raise UnavailableError(
                    f"The upload had not ended after {limit_s:g} s; nothing was measured.{self._said()}"
                )
            self._clock.sleep_s(0.05)

    def wait(self, limit_s: float) -> None:
        """Until the dataflow has ended by itself.

        Raises:
            UnavailableError: it did not, or not well.

        """
        assert self._process is not None
        try:
            code = self._process.wait(limit_s)
        except subprocess.TimeoutExpired:
            raise UnavailableError(
                f"The upload had not ended after {limit_s:g} s; nothing was measured.{self._said()}"
            ) from None
        if code:
            raise UnavailableError(
                f"The dataflow ended with code {code}; nothing was measured.{self._said()}"
            )

    def close(self) -> None:
        """End everything that is left."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _said(self) -> str:
        return f" Its log ends: {self._log.read_text('utf-8', 'replace').strip()[-600:]}"


@contextmanager
def flow(folder: Path, bucket: Bucket, proxy: FaultProxy, upload: dict[str, Any]) -> Iterator[Flow]:
    """A dataflow that runs during the block."""
    one = Flow(folder, bucket, proxy, upload)
    try:
        one.start()
        yield one
    finally:
        one.close()


def _graph(feed: Path) -> dict[str, Any]:
    return {
        "env": {"WINNOW_SETTINGS": "settings.yml", "WINNOW_FEED": str(feed)},
        "nodes": [
            {
                "id": "redactor",
                "path": str(Path(upload_feeder.__file__).resolve()),
                "outputs": ["outgoing"],
                "output_types": {"outgoing": Outgoing.URN},
            },
            {
                "id": "uploader",
                "path": "winnow-uploader",
                "restart_policy": "on-failure",
                "max_restarts": 10,
                "restart_window": 60.0,
                "inputs": {
                    "outgoing": {
                        "source": "redactor/outgoing",
                        "queue_size": 100,
                        "queue_policy": "backpressure",
                    }
                },
                "outputs": ["receipts", "health", "decisions"],
                "output_types": {"receipts": Receipt.URN, "health": Health.URN, "decisions": Decision.URN},
            },
        ],
    }
