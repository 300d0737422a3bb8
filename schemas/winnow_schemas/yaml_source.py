"""YAML from outside, read with limits, remembering where every value stands.

PyYAML's safe loader builds the values; the positions come from the node tree, so that an error can say
``settings.yml:12:5``. Duplicate keys, which YAML libraries silently overwrite, are errors.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from winnow_schemas.errors import BadInputError
from winnow_schemas.yaml_faults import yaml_fault

MAX_BYTES = 4 * 1024 * 1024
"""A scaffolded graph of 1,000 topics is 300 kB; nothing honest is ten times that."""
MAX_NODES = 200_000
"""Counted after aliases are expanded, so that an alias bomb stops here."""
MAX_DEPTH = 32

Path_ = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a file, at a place."""

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        """``file:line:column: message`` with 1-based numbers, as editors expect."""
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


class FileProblemsError(BadInputError):
    """A file has problems; all of them are listed."""

    def __init__(self, problems: list[Problem], what_was_not_done: str) -> None:
        self.problems = problems
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__("\n".join([*map(str, problems), f"{count}; {what_was_not_done}"]))


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """Plain values, and the position of every value and key."""

    name: str
    """The file's name as the user gave it."""
    data: Any
    marks: dict[Path_, tuple[int, int]] = field(default_factory=dict)
    """Path of keys -> (line, column), 1-based; of the value's key in a mapping, of the item in a list."""
    texts: dict[Path_, str] = field(default_factory=dict)
    """Path -> a scalar as it is written, without its quotes. dora reads YAML 1.2, where a plain ``on`` or
    ``1`` may stand for a name; PyYAML's value (``True``, ``1``) has lost what was written."""
    spans: dict[Path_, tuple[int, int]] = field(default_factory=dict)
    """Path -> (line, column) of the first character of a text that stands on one line, quotes left out."""

    def problem_within(self, path: Path_, offset: int, message: str) -> Problem:
        """A problem at a character of a text: its own column where the text stands on one line."""
        if path not in self.spans:
            return self.problem(path, message)
        line, column = self.spans[path]
        return Problem(self.name, line, column + offset, message)

    def below(self, key: str) -> "YamlDocument":
        """The same file as the value of ``key`` in a mapping, for models that want one."""
        return YamlDocument(
            self.name,
            {key: self.data},
            {(key, *path): mark for path, mark in self.marks.items()},
            {(key, *path): text for path, text in self.texts.items()},
            {(key, *path): span for path, span in self.spans.items()},
        )

    def part(self, prefix: Path_) -> "YamlDocument":
        """What stands at ``prefix``, as a document of its own; places stay those of the file."""
        data = self.data
        try:
            for key in prefix:
                data = data[key]
        except (KeyError, IndexError, TypeError):
            data = None
        size = len(prefix)
        marks = {path[size:]: mark for path, mark in self.marks.items() if path[:size] == prefix}
        marks.setdefault((), self._mark(prefix))
        texts = {path[size:]: text for path, text in self.texts.items() if path[:size] == prefix}
        spans = {path[size:]: span for path, span in self.spans.items() if path[:size] == prefix}
        return YamlDocument(self.name, data, marks, texts, spans)

    def _mark(self, path: Path_) -> tuple[int, int]:
        while path and path not in self.marks:
            path = path[:-1]
        return self.marks.get(path, (1, 1))

    def problem(self, path: Path_, message: str) -> Problem:
        """A problem at ``path``, or at its nearest ancestor that exists in the file."""
        line, column = self._mark(path)
        return Problem(self.name, line, column, message)


def load_file(path: Path) -> YamlDocument:
    """Read a YAML file.

    Raises:
        BadInputError: it does not exist, is too large, is not UTF-8 or not YAML.

    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise BadInputError(f"{path} has {size} bytes, the limit is {MAX_BYTES}; it was not read.")
        text = path.read_text("utf-8")
    except OSError as error:
        raise BadInputError(f"{path} cannot be read ({error.strerror}); nothing was started.") from None
    except UnicodeDecodeError as error:
        raise BadInputError(f"{path} is not UTF-8 text (byte {error.start}); it was not read.") from None
    return load_text(text, str(path))


def load_text(text: str, name: str) -> YamlDocument:
    """Read YAML text; ``name`` is used in messages.

    Raises:
        BadInputError: it is not one YAML document within the limits.

    """
    if len(text) > MAX_BYTES:
        raise BadInputError(f"{name} has {len(text)} characters, the limit is {MAX_BYTES}; it was not read.")
    try:
        _check_depth(text, name)
        root = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        fault = yaml_fault(text, error)
        problem = Problem(name, fault.line, fault.column, f"not valid YAML: {fault.message}")
        raise FileProblemsError([problem], "the file was not read.") from None
    if root is None:
        return YamlDocument(name, None)
    walk = _Walk(name)
    data = walk.value(root, ())
    if walk.problems:
        raise FileProblemsError(walk.problems, "the file was not used.")
    return YamlDocument(name, data, walk.marks, walk.texts, walk.spans)


def _check_depth(text: str, name: str) -> None:
    """Refuse deep nesting before a tree is built: PyYAML's C code recurses, and a hundred thousand brackets crash it."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise BadInputError(f"{name} nests deeper than {MAX_DEPTH} levels; it was not read.")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


class _Walk:
    """Turns the node tree into values, counting and remembering."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.marks: dict[Path_, tuple[int, int]] = {}
        self.texts: dict[Path_, str] = {}
        self.spans: dict[Path_, tuple[int, int]] = {}
        self.problems: list[Problem] = []
        self.count = 0
        self.scalars = yaml.SafeLoader("")

    def value(self, node: yaml.Node, path: Path_) -> Any:
        self.count += 1
        if self.count > MAX_NODES or len(path) > MAX_DEPTH:
            limit = f"{MAX_NODES} values" if self.count > MAX_NODES else f"{MAX_DEPTH} levels"
            raise BadInputError(f"{self.name} holds more than {limit} (aliases expanded); it was not read.")
        self.marks.setdefault(path, (node.start_mark.line + 1, node.start_mark.column + 1))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        self.texts[path] = node.value
        if isinstance(node, yaml.ScalarNode) and node.style not in ("|", ">"):
            start, end = node.start_mark, node.end_mark
            if start.line == end.line:
                self.spans[path] = (start.line + 1, start.column + 1 + (node.style in ("'", '"')))
        try:
            return self.scalars.construct_object(node)
        except (yaml.YAMLError, ValueError):
            self._report(node, f"the value {node.value!r} does not fit its tag {node.tag}")
            return None

    def _mapping(self, node: yaml.MappingNode, path: Path_) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._report(key_node, "a key must be plain text")
                continue
            key = str(key_node.value)
            if key in result:
                first = self.marks[(*path, key)][0]
                self._report(
                    key_node, f"the key {key!r} stands here again, first in line {first}; one must go"
                )
                continue
            self.marks[(*path, key)] = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            result[key] = self.value(value_node, (*path, key))
        return result

    def _report(self, node: yaml.Node, message: str) -> None:
        mark = node.start_mark
        self.problems.append(Problem(self.name, mark.line + 1, mark.column + 1, message))
