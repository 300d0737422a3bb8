"""The parts of a settings file that concern a node."""

from winnow_schemas.yaml_source import YamlDocument, load_text
from winnow_tools.pages.secrets import shown_yaml

SECTIONS_BY_PROGRAM: dict[str, tuple[str, ...]] = {
    # Which sections of DeviceSettings each of Winnow's programs reads.
    "winnow-ring": ("ring", "topics", "default_topic"),
    "winnow-recorder": ("recorder", "topics", "default_topic"),
    "winnow-triggers": ("triggers", "signals", "position"),
    "winnow-extractor": ("clips", "topics", "default_topic", "vehicle"),
    "winnow-classifier": ("classifier",),
    "winnow-redactor": ("redactor", "topics"),
    "winnow-uploader": ("upload", "vehicle"),
    "winnow-retention": ("retention",),
    "winnow-monitor": ("monitor",),
    "winnow-ledger": ("vehicle",),
    "winnow-sim": ("vehicle",),
}


def settings_sections(settings: str) -> dict[str, str]:
    """The top-level sections of a settings file as written, comments included, secrets left out.

    Raises:
        BadInputError: it is not YAML within the limits.

    """
    document = load_text(settings, "settings")
    lines = shown_yaml(settings).split("\n")
    starts = sorted((line - 1, key) for key, line in _top_level(document))
    sections = {}
    for index, (start, key) in enumerate(starts):
        end = starts[index + 1][0] if index + 1 < len(starts) else len(lines)
        sections[key] = "\n".join(_without_next_comment(lines[start:end])).rstrip()
    return sections


def _top_level(document: YamlDocument) -> list[tuple[str, int]]:
    return [(str(path[0]), line) for path, (line, _) in document.marks.items() if len(path) == 1]


def _without_next_comment(lines: list[str]) -> list[str]:
    """Without the comment that stands before the next section and speaks of that."""
    end = len(lines)
    while end > 1 and (not lines[end - 1].strip() or lines[end - 1].startswith("#")):
        end -= 1
    return lines[:end]
