"""Validates a YAML document whole: every problem at once, each with its place and with what is allowed."""

import difflib
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from winnow_schemas.yaml_source import FileProblemsError, Path_, Problem, YamlDocument

Model = TypeVar("Model", bound=BaseModel)


class Strict(BaseModel):
    """Base of all settings: frozen, nothing unknown accepted, defaults validated too."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_default=True, use_attribute_docstrings=True
    )


def validate(model: type[Model], document: YamlDocument) -> Model:
    """Build ``model`` from the document.

    Raises:
        FileProblemsError: with all problems, in the order of the file.

    """
    data = {} if document.data is None else document.data
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problems = [_problem(model, document, details) for details in error.errors(include_url=False)]
    problems = sorted(set(problems), key=lambda problem: (problem.line, problem.column, problem.message))
    raise FileProblemsError(problems, "nothing was started.") from None


def validate_part(
    model: type[Model], data: Any, document: YamlDocument, prefix: Path_
) -> tuple[Model | None, list[Problem]]:
    """Build ``model`` from ``data``, which stands at ``prefix`` in the document, or partly does.

    Gives all problems instead of raising, so that a caller can collect those of several parts.
    """
    try:
        return model.model_validate(data), []
    except ValidationError as error:
        found = {_problem(model, document.part(prefix), each) for each in error.errors(include_url=False)}
    name = ".".join(map(str, prefix))
    problems = []
    for problem in sorted(found, key=lambda each: (each.line, each.column, each.message)):
        rest = problem.message.removeprefix("the file")
        joint = "." if rest == problem.message and name else ""
        problems.append(Problem(problem.file, problem.line, problem.column, f"{name}{joint}{rest}"))
    return None, problems


def _problem(model: type[BaseModel], document: YamlDocument, details: ErrorDetails) -> Problem:
    location, message = _fault(model, details)
    path = _without_tags(document, location)
    name = ".".join(map(str, path)) or "the file"
    place = path[:-1] if details["type"] == "missing" else path
    return document.problem(place, f"{name}: {message}")


def _fault(model: type[BaseModel], details: ErrorDetails) -> tuple[Path_, str]:
    path: Path_ = tuple(part for part in details["loc"] if part != "[key]")
    kind, context = details["type"], details.get("ctx", {})
    if kind == "extra_forbidden":
        allowed = sorted(_fields(model, path[:-1]))
        close = difflib.get_close_matches(str(path[-1]), allowed, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"allowed: {', '.join(allowed) or 'nothing'}"
        return path, f"no such setting; {hint}"
    if kind == "missing":
        return path, "this setting is required and missing"
    if kind == "union_tag_not_found":
        return path, f"the setting {context['discriminator']} is required and missing"
    if kind == "union_tag_invalid":
        return path, _unknown_tag(context)
    value = details["input"]
    shown = "" if isinstance(value, dict | list) else f"{value!r} "
    return path, f"{shown}is not allowed; {_allowed(details, context)}"


def _without_tags(document: YamlDocument, location: Path_) -> Path_:
    """Leave out what pydantic adds to name the member of a tagged union: the file has no such key."""
    path: Path_ = ()
    for index, part in enumerate(location):
        if (*path, part) in document.marks or index == len(location) - 1:
            path = (*path, part)
    return path


def _unknown_tag(context: dict[str, Any]) -> str:
    tag = context["tag"]
    expected = [name.strip().strip("'") for name in context["expected_tags"].split(",")]
    close = difflib.get_close_matches(tag, expected, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"allowed: {', '.join(sorted(expected))}"
    return f"{context['discriminator'].strip(chr(39))} {tag!r} is not known; {hint}"


def _allowed(details: ErrorDetails, context: dict[str, Any]) -> str:
    bounds = {
        "greater_than": ("gt", ">"),
        "greater_than_equal": ("ge", ">="),
        "less_than": ("lt", "<"),
        "less_than_equal": ("le", "<="),
    }
    if details["type"] in bounds:
        key, sign = bounds[details["type"]]
        return f"it must be {sign} {context[key]:g}"
    if details["type"] in ("enum", "literal_error"):
        return f"allowed: {context['expected']}"
    if details["type"] == "string_pattern_mismatch":
        return f"it must match {context['pattern']}"
    message = details["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    return message if details["type"] == "value_error" else f"it must be {message}"


def _fields(model: type[BaseModel], path: Path_) -> set[str]:
    """Names of the fields of the model that stands at ``path`` below ``model``."""
    current: Any = model
    for part in path:
        if isinstance(current, type) and issubclass(current, BaseModel):
            info = current.model_fields.get(str(part))
            current = info.annotation if info else None
        elif members := _tagged(current):  # a union of models told apart by a key: the one named here
            current = members.get(str(part))
        else:  # a mapping or list of models: its element
            current = next((arg for arg in reversed(get_args(current)) if arg is not ...), None)
        current = (
            next(
                (arg for arg in get_args(current) if isinstance(arg, type) and issubclass(arg, BaseModel)),
                current,
            )
            if not _is_container(current) and not _tagged(current)
            else current
        )
    return (
        set(current.model_fields) if isinstance(current, type) and issubclass(current, BaseModel) else set()
    )


def _tagged(hint: Any) -> dict[str, type[BaseModel]]:
    """The members of ``Annotated[A | B, Field(discriminator=...)]`` by tag; empty for anything else."""
    key = next((getattr(arg, "discriminator", None) for arg in get_args(hint)[1:]), None)
    if not isinstance(key, str):
        return {}
    members = get_args(get_args(hint)[0])
    return {tag: member for member in members for tag in get_args(member.model_fields[key].annotation)}


def _is_container(hint: Any) -> bool:
    origin = getattr(hint, "__origin__", None)
    return origin in (dict, list, tuple)
