"""``kill -9`` of ring, recorder and extractor at random moments: every P0 window is complete afterwards."""

import json
import os
import shutil
from pathlib import Path

import pytest
from tests.graphs.crashing import Scene, crash_round, make_scene

pytestmark = [pytest.mark.graph]
ROUNDS = int(os.environ.get("WINNOW_CRASH_ROUNDS", "100"))
FIRST_SEED = int(os.environ.get("WINNOW_CRASH_SEED", "1000"))


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return make_scene(tmp_path_factory.mktemp("crashes"))


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [1, 2])
def test_every_p0_window_survives(seed: int, scene: Scene, tmp_path: Path) -> None:
    done = crash_round(scene, tmp_path / "out", seed)
    assert done.complete == done.windows >= 4
    assert done.named == 0


@pytest.mark.timeout(900)
def test_without_a_warm_tier_memory_survives_the_ring(tmp_path: Path) -> None:
    """Clips reach back over the kill; nothing was on disk, so their messages were in memory when it happened."""
    scene = make_scene(tmp_path / "made", warm=False)
    done = crash_round(scene, tmp_path / "out", 3, victims=("ring",))
    assert done.complete == done.windows >= 4
    assert not (tmp_path / "out" / "warm").exists()
    tiers = json.loads((tmp_path / "out" / "state" / "extractor" / "tiers.json").read_bytes()).values()
    assert sum(each["from_memory"] for each in tiers) > 1000
    assert sum(each["from_disk"] for each in tiers) == 0


@pytest.mark.storm
@pytest.mark.timeout(4 * 3600)
def test_every_p0_window_survives_for_long(
    scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    windows = complete = named = 0
    for seed in range(FIRST_SEED, FIRST_SEED + ROUNDS):
        done = crash_round(scene, tmp_path / "out", seed)
        shutil.rmtree(tmp_path / "out")
        windows, complete, named = windows + done.windows, complete + done.complete, named + done.named
        with capsys.disabled():
            print(
                f"seed {seed} x{done.speed} {', '.join(done.kills)}: {done.complete} of {done.windows} windows complete; "
                f"so far {complete} of {windows}, {named} messages named as missing",
                flush=True,
            )
    assert complete == windows
    assert named == 0
