"""What `winnow run` reads in dora's log, which is dora 1.1's here."""

from pathlib import Path

import pytest

from winnow_tools.running.dora_log import DoraLog, read_dora_log

TRACEBACK = """\
17:51:18 stdout long-clips: Traceback (most recent call last):
17:51:18 stdout long-clips:   File "own.py", line 17, in run
17:51:18 stdout ring: another node speaks in between
17:51:18 stdout long-clips:     values['x']
17:51:18 stdout long-clips:            ^^^
17:51:18 stdout long-clips: KeyError: 'x'
"""
AGAIN = "17:51:19 DEBUG  long-clips: daemon handling node stop with exit status ExitCode(1) (restart: true, restart_count: 0)\n"
GONE = AGAIN.replace("restart: true", "restart: false")
KILLED = AGAIN.replace("ExitCode(1)", "Signal(9)")
FINE = GONE.replace("ExitCode(1)", "Success")
QUOTED = """\
17:51:19 ERROR  long-clips: daemon exited with code 1 with stderr output:
---------------------------------------------------------------------------------
  File "own.py", line 3
    def (
        ^
SyntaxError: invalid syntax
---------------------------------------------------------------------------------
"""
BACKTRACE = """\
Stack backtrace:
   0: <unknown>
   1: <unknown>
  20: start_thread
             at ./nptl/pthread_create.c:442:8

"""
NO_PROGRAM = f"""\
long-clips: DEBUG    building node


[ERROR]
Dataflow could not be validated.

Caused by:
   0: Could not find source path `/made/own.py`
   1: Could not find source path /made/own.py within uv

Location:
    libraries/core/src/descriptor/mod.rs:712:9

{BACKTRACE}"""
NOT_SPAWNED = f"""\
[ERROR]
Dataflow failed:

Node `long-clips` failed: failed to spawn node: spawn failed: failed to run `/made/own.sh` with args ``

Caused by:
    No such file or directory (os error 2)

{BACKTRACE}"""
OTHER = f"""\
[ERROR]
Something else.

Caused by:
   0: the port is taken

{BACKTRACE}"""


def read(tmp_path: Path, text: str) -> tuple[DoraLog, list[str]]:
    log = tmp_path / "log.txt"
    log.write_text(text)
    found = read_dora_log(log)
    return found, [problem.replace(str(log), "LOG") for problem in found.problems(log)]


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        (TRACEBACK + GONE, ["long-clips: KeyError: 'x' (exit code 1); see LOG."]),
        ((TRACEBACK + AGAIN) * 2 + FINE, ["long-clips: KeyError: 'x' (exit code 1); see LOG."]),
        (GONE + QUOTED, ["long-clips: SyntaxError: invalid syntax (exit code 1); see LOG."]),
        (GONE, ["long-clips: it ended with exit code 1 and said nothing; see LOG."]),
        (TRACEBACK + FINE, []),
        (KILLED + FINE, []),
        (f"17:51:18 stdout long-clips: winnow: No.\n{GONE}", ["long-clips: No."]),
        (f"17:51:18 INFO  x: daemon marking `long-clips` as cascading error caused by `ring`\n{GONE}", []),
        (
            NOT_SPAWNED,
            [
                "long-clips: its program /made/own.sh cannot be started: No such file or directory (os error 2); see LOG."
            ],
        ),
        (OTHER, ["dora: the port is taken"]),
        ("", []),
    ],
)
def test_a_sentence_for_each_node_that_failed(tmp_path: Path, text: str, problems: list[str]):
    assert read(tmp_path, text)[1] == problems


def test_a_program_that_does_not_exist_is_that_of_a_node(tmp_path: Path):
    said = "its program /made/own.py does not exist; correct its path in the graph."
    assert read(tmp_path, NO_PROGRAM)[1] == [f"A node: {said}"]
    (tmp_path / "graph.yml").write_text("nodes:\n- {id: ring}\n- {id: long-clips, path: /made/own.py}\n")
    assert read(tmp_path, NO_PROGRAM)[1] == [f"long-clips: {said}"]


def test_restarts_are_counted(tmp_path: Path):
    found, _ = read(tmp_path, KILLED + TRACEBACK + AGAIN + FINE)
    assert found.restarts["long-clips"] == 2
