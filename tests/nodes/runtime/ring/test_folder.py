"""When a run's folder in shared memory is dead."""

import json
from pathlib import Path

from winnow_runtime.processes import Process
from winnow_runtime.ring.folder import RingFolder, remove_stale


def test_a_run_whose_daemon_lives_is_not_dead(tmp_path: Path) -> None:
    """The ring was killed before any reader came; the daemon is about to start it again."""
    folder = RingFolder.of(tmp_path, "theirs")
    folder.create("theirs", tmp_path)
    assert folder.daemon() == Process(0, 0)  # no dora started this process
    value = json.loads((folder.path / "owner.json").read_text())
    value |= {"pid": 2**22, "ticks": 1}
    for daemon, removed in (([*Process.current()], []), ([2**22, 1], [("winnow-theirs", 0)])):
        (folder.path / "owner.json").write_text(json.dumps(value | {"daemon": daemon}))
        assert remove_stale(tmp_path, RingFolder.of(tmp_path, "mine")) == removed


def test_what_stands_where_the_daemon_should_is_no_reason_to_crash(tmp_path: Path) -> None:
    folder = RingFolder.of(tmp_path, "odd")
    folder.path.mkdir()
    for text in ("", "[]", "{}", '{"daemon": 3}', '{"daemon": ["x", 1]}', '{"daemon": [1]}'):
        (folder.path / "owner.json").write_text(text)
        assert folder.daemon() == Process(0, 0)
        assert folder.abandoned
