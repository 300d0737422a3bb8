"""Reads in dora's log which nodes failed, with which last words, and how often each was started again."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import yaml

_SAID = re.compile(r"\S+ stdout ([^\s:]+): ?(.*)")
_STOP = re.compile(
    r"\S+ +\w+ +(\S+): daemon handling node stop with exit status (.+?) \(restart: (true|false),"
)
_CASCADE = re.compile(r"daemon marking `(.+?)` as cascading error")
_STDERR = re.compile(r"\S+ +ERROR +(\S+): daemon exited .* with stderr output:")
_RULE = re.compile(r"-{20,}$")
_FAILED = re.compile(r"Node `(.+?)` failed: (.+)")
_NOT_RUN = re.compile(r"failed to run `(.+?)` with args")
_NO_PROGRAM = re.compile(r"\d+: Could not find source path `?(.+?)`?(?: within .*)?$")
_CAUSE = re.compile(r"[012]: (.+)")
_TRACEBACK = "Traceback (most recent call last):"
_WORDS_MAX = 300
_TOLD_MAX = 20


@dataclass(slots=True)
class DoraLog:
    """What a log holds."""

    said: dict[str, None] = field(default_factory=dict)
    """Sentences that nodes said on their way out, once each."""
    speakers: set[str] = field(default_factory=set)
    words: dict[str, str] = field(default_factory=dict)
    """The last line of a node's last traceback."""
    stderr: dict[str, str] = field(default_factory=dict)
    """The last line of what dora quotes of a node."""
    failed: dict[str, str] = field(default_factory=dict)
    """How a node ended that did not end well, and was not started again."""
    raised: dict[str, str] = field(default_factory=dict)
    """How a node ended that was started again."""
    cascading: set[str] = field(default_factory=set)
    restarts: Counter[str] = field(default_factory=Counter)
    last_words: list[str] = field(default_factory=list)
    """What dora itself says at the end."""

    def problems(self, log: Path) -> list[str]:
        """A sentence of each node that failed; of dora, when it did not get to starting them."""
        told = dict(self.said)
        for node in self.failed | {node: "" for node in self.raised if node in self.words}:
            if node in self.speakers | self.cascading:
                continue
            words = self.words.get(node) or (self.stderr.get(node) if node in self.failed else None)
            status = _status(self.failed.get(node) or self.raised[node])
            text = f"{words} ({status})" if words else f"it ended with {status} and said nothing"
            told[f"{node}: {text}; see {log}."] = None
        told |= dict.fromkeys(self._of_dora(log, {*self.failed, *self.speakers, *self.cascading}))
        return list(told)[:_TOLD_MAX]

    def _of_dora(self, log: Path, known: set[str]) -> Iterable[str]:
        found = False
        for number, line in enumerate(self.last_words):
            if (match := _FAILED.match(line)) and match[1] not in known and "occurred because" not in line:
                found = True
                yield f"{match[1]}: {_not_started(match[2], self.last_words[number + 1 : number + 4])}; see {log}."
            elif (match := _NO_PROGRAM.match(line)) and not found:
                found = True
                yield f"{_node_of(match[1], log)}: its program {match[1]} does not exist; correct its path in the graph."
        if not found and not known:
            yield from (f"dora: {match[1]}" for line in self.last_words if (match := _CAUSE.match(line)))


def read_dora_log(log: Path) -> DoraLog:
    """Read the log of one run."""
    found = DoraLog()
    open_traceback: set[str] = set()
    quoted: str | None = None
    rules = 0
    lines = iter(log.read_text("utf-8", "replace").splitlines())
    for line in lines:
        if quoted is not None and rules < 2:
            rules += bool(_RULE.match(line))
            if line.strip() and not line.startswith(" ") and not _RULE.match(line):
                found.stderr[quoted] = line[:_WORDS_MAX]
        elif match := _SAID.match(line):
            _hear(found, open_traceback, match[1], match[2])
        elif match := _STDERR.match(line):
            quoted, rules = match[1], 0
        elif match := _STOP.match(line):
            _stopped(found, match[1], match[2], again=match[3] == "true")
        elif match := _CASCADE.search(line):
            found.cascading.add(match[1])
        elif line == "[ERROR]":
            found.last_words = _without_backtraces(lines)
    return found


def _hear(found: DoraLog, open_traceback: set[str], node: str, said: str) -> None:
    if said.startswith("winnow: "):
        found.said[f"{node}: {said.removeprefix('winnow: ')}"] = None
        found.speakers.add(node)
    elif said == _TRACEBACK:
        open_traceback.add(node)
    elif node in open_traceback and said and not said.startswith(" "):
        open_traceback.discard(node)
        found.words[node] = said[:_WORDS_MAX]


def _stopped(found: DoraLog, node: str, status: str, *, again: bool) -> None:
    found.restarts[node] += again
    if status != "Success":
        (found.raised if again else found.failed)[node] = status


def _without_backtraces(lines: Iterable[str]) -> list[str]:
    """What follows, without stacks, whose entries look like causes, and without what nodes said."""
    kept, skip, rules = [], False, 0
    for line in lines:
        rules += bool(_RULE.match(line))
        skip = line.strip() != "" if skip else line == "Stack backtrace:"
        if not skip and rules % 2 == 0 and line.strip():
            kept.append(line.strip())
    return kept


def _status(status: str) -> str:
    """``ExitCode(1)`` and ``Signal(9)`` in words."""
    for name, word in (("ExitCode(", "exit code "), ("Signal(", "signal ")):
        if status.startswith(name):
            return word + status.removeprefix(name).removesuffix(")")
    return status


def _not_started(reason: str, following: list[str]) -> str:
    program = _NOT_RUN.search(reason)
    if program is None:
        return reason.partition(" with stderr output")[0]
    cause = next((line for line in following if line != "Caused by:"), "unknown cause")
    return f"its program {program[1]} cannot be started: {cause}"


def _node_of(program: str, log: Path) -> str:
    """The node of the graph of this run that has this program."""
    try:
        nodes = yaml.safe_load(log.with_name("graph.yml").read_text("utf-8"))["nodes"]
        return next(str(node["id"]) for node in nodes if str(node.get("path")) == program)
    except (OSError, ValueError, yaml.YAMLError, KeyError, TypeError, StopIteration):
        return "A node"
