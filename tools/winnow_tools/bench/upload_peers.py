"""awscli and s3cmd doing the same upload through the same proxy, started again by hand until they are done."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from winnow_runtime.clock import Clock
from winnow_tools.bench.upload_rig import BUCKET, Bucket

LIMIT_S = 240.0
"""For one upload; who needs longer is said not to have finished."""
TRIES = 60
VERSION_LIMIT_S = 30.0
_KEEP = ("HOME", "LANG", "PATH", "TMPDIR")


@dataclass(slots=True)
class Peer:
    """One command line program that is installed."""

    name: str
    program: str
    folder: Path
    version: str
    resumes: bool
    """Whether it can go on with an upload that was broken off, when it is told which."""
    _environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    tries: int = 0

    def prepare(self, bucket: Bucket, port: int) -> None:
        """Write its configuration."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._environment = {key: os.environ[key] for key in _KEEP if key in os.environ}
        if self.name == "awscli":
            self._environment |= {
                "AWS_ACCESS_KEY_ID": bucket.access_key,
                "AWS_SECRET_ACCESS_KEY": bucket.secret_key,
                "AWS_DEFAULT_REGION": "us-east-1",
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
                "AWS_CONFIG_FILE": str(self.folder / "config"),
                "AWS_SHARED_CREDENTIALS_FILE": str(self.folder / "none"),
                "AWS_EC2_METADATA_DISABLED": "true",
            }
            (self.folder / "config").write_text(
                "[default]\ncli_connect_timeout = 2\ncli_read_timeout = 3\ns3 =\n  addressing_style = path\n"
                "  multipart_chunksize = 10MB\n  max_concurrent_requests = 1\n",
                "utf-8",
            )
            return
        (self.folder / "s3cfg").write_text(
            f"[default]\naccess_key = {bucket.access_key}\nsecret_key = {bucket.secret_key}\n"
            f"host_base = 127.0.0.1:{port}\nhost_bucket = 127.0.0.1:{port}\nuse_https = False\n"
            "multipart_chunk_size_mb = 10\nsocket_timeout = 3\nbucket_location = us-east-1\n",
            "utf-8",
        )

    def start(self, path: Path, key: str) -> None:
        """Begin, or begin again as its manual says."""
        self.tries += 1
        url = f"s3://{BUCKET}/{key}"
        if self.name == "awscli":
            words = [self.program, "s3", "cp", "--only-show-errors", str(path), url]
            words += ["--cli-connect-timeout", "2", "--cli-read-timeout", "3"]
        else:
            upload_id = self._open_upload(url) if self.tries > 1 else ""
            again = ["--continue-put", f"--upload-id={upload_id}"] if upload_id else []
            words = [
                self.program,
                "-c",
                str(self.folder / "s3cfg"),
                "--no-progress",
                *again,
                "put",
                str(path),
                url,
            ]
        with (self.folder / "log.txt").open("ab") as log:
            self.process = subprocess.Popen(
                words, env=self._environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )

    def kill(self) -> None:
        """``kill -9``."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def until_done(self, path: Path, key: str, clock: Clock, going_on: Callable[[], bool]) -> bool:
        """Start it again whenever it gives up; whether it says in the end that it is done."""
        end_ns = clock.monotonic_ns() + int(LIMIT_S * 1e9)
        while self.process is not None and going_on():
            code = self.process.poll()
            if code == 0:
                return True
            if clock.monotonic_ns() > end_ns or (code is not None and self.tries >= TRIES):
                break
            if code is not None:
                clock.sleep_s(1.0)
                self.start(path, key)
            clock.sleep_s(0.02)
        self.kill()
        return False

    def _open_upload(self, url: str) -> str:
        """The id of the upload that was broken off, as a person would look it up."""
        words = [self.program, "-c", str(self.folder / "s3cfg"), "multipart", f"s3://{BUCKET}"]
        try:
            done = subprocess.run(
                words, env=self._environment, capture_output=True, text=True, check=False, timeout=30
            )
        except subprocess.TimeoutExpired:
            return ""
        found = [line.split() for line in done.stdout.splitlines() if url in line]
        return found[-1][-1] if found and re.fullmatch(r"\S+", found[-1][-1]) else ""


def installed(folder: Path) -> Sequence[Peer]:
    """The peers that are on PATH and start; a name that some version manager left there is none."""
    known = (("awscli", "aws", False), ("s3cmd", "s3cmd", True))
    return [
        Peer(name, program, folder / name, version, resumes)
        for name, command, resumes in known
        if (program := shutil.which(command)) and (version := _version(program))
    ]


def _version(program: str) -> str:
    """What it says of itself, "1.46.2" of "aws-cli/1.46.2 Python/3.11"; empty if it does not start."""
    try:
        done = subprocess.run(
            [program, "--version"], capture_output=True, text=True, check=False, timeout=VERSION_LIMIT_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = re.search(r"\d+(\.\d+)+", done.stdout)
    return found.group() if found and done.returncode == 0 else ""
