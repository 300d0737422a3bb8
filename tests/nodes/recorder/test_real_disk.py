"""Real file systems that are full or read-only, in a mount namespace of the test's own."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
UNSHARE = ["unshare", "--mount"] if os.getuid() == 0 else ["unshare", "--map-root-user", "--mount"]


def may_mount() -> str:
    """Why this machine lets no test mount anything; empty when it does."""
    if shutil.which("unshare") is None:
        return "unshare is not installed"
    with_tmpfs = [*UNSHARE, "mount", "-t", "tmpfs", "none", "/mnt"]
    done = subprocess.run(with_tmpfs, capture_output=True, text=True, check=False)
    return done.stderr.strip() if done.returncode else ""


REFUSED = may_mount()


@pytest.mark.skipif(bool(REFUSED), reason=f"no mount namespace: {REFUSED}")
@pytest.mark.parametrize("kind", ["full", "read-only", "turns"])
def test_only_memory_while_the_disk_is_away_and_all_of_it_is_said(kind: str, tmp_path: Path) -> None:
    program = [sys.executable, "-m", "tests.nodes.recorder.real_disk", kind, tmp_path, tmp_path / "disk"]
    path = os.pathsep.join(str(ROOT / part) for part in ("nodes", "operators", "schemas", "tools", "."))
    done = subprocess.run(
        [*UNSHARE, *program],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    on_disk = said["on_disk"]
    assert len(on_disk) == len(set(on_disk)), "recorded twice"
    assert {391, 400} <= set(on_disk), "it did not heal"
    gone = 400 - len(on_disk)
    assert gone > 50, "the disk was never away for longer than memory lasts"
    outcomes = [(kind, outcome) for kind, outcome, _ in said["decisions"]]
    assert [row for row in outcomes if row[0] == "warm tier"] == [
        ("warm tier", "down"),
        ("warm tier", "healed"),
    ]
    told = sum(
        int(reason.split()[0]) for _, outcome, reason in said["decisions"] if outcome == "not recorded"
    )
    assert told == gone
    assert max(said["levels"]) == 2
    assert said["levels"][-1] == 1, "messages were lost: that stays a warning"
    # The clip's window is [8 s, 35 s): messages 81 to 350.
    inside = {seq for seq in range(81, 351) if seq not in set(on_disk)}
    assert said["messages"] == 270 - len(inside)
    counts = [count for count, _ in said["missing"]]
    assert counts == ([len(inside)] if kind != "read-only" else [None])
    assert {reason for _, reason in said["missing"]} == {"overwritten in memory and not on disk"}
