"""Mistakes in YAML are told in our words: line, column, what was expected and what was found."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_schemas.errors import BadInputError
from winnow_schemas.yaml_source import FileProblemsError, load_text

CASES = {
    "too shallow": ("a:\n  b: 1\n c: 2\n", "3:2", "expected an indentation of 0 or 2 spaces, as the keys above have, found 1 space"),
    "too deep": (
        "a:\n  b: 1\n    c: 2\n", "3:6",
        ("expected the indentation of the line above, 2 spaces, or less, found 4 spaces: 'b: 1' has a value already and "
        "can have nothing below it"),
    ),
    "below a comment": ("a: 1\n# why\n  b: 2\n", "3:3", "expected an indentation of 0 spaces, as the keys above have, found 2 spaces"),
    "in a list": (
        "a:\n  - x: 1\n   y: 2\n", "3:4",
        ("expected another item of the list, which begins with '- ' after 2 spaces, or a key of the item above after "
        "4 spaces, found 'y: 2' after 3 spaces"),
    ),
    "item for key": ("b: 1\n- a\n", "2:1", "expected 'key: value' like the lines above, found a list item '- a'"),
    "tab": ("a:\n\tb: 1\n", "2:1", "expected spaces, found a tab; YAML is indented with spaces only"),
    "no colon": ("a: 1\nb 2\nc: 3\n", "2:1", "expected 'key: value', found 'b 2' without a colon and a space"),
    "list": ("a: [1, 2\nb: 3\n", "2:2", "expected ',' or ']': the '[' at line 1, column 4 is not closed"),
    "map": ("a: {x: 1\n", "2:1", "expected ',' or '}': the '{' at line 1, column 4 is not closed"),
    "quote": ("a: 'x\nb: 2\n", "1:4", "expected a closing ', found the end of the file"),
    "escape": (
        'a: "x\\q"\n', "1:6",
        "'\\q' is nothing in double quotes; write \\\\ for a backslash, or use single quotes",
    ),
    "reference": ("a: *x\n", "1:4", "'*x' begins a reference in YAML; put a text that begins so in quotes"),
    "stars": ("a: **\n", "1:4", "'**' begins a reference in YAML; put a text that begins so in quotes"),
    "at": ("a: @x\n", "1:4", "a text that begins with '@' must stand in quotes"),
    "colon": (
        "when: speed: 3\n", "1:12",
        "expected the end of the value, found another colon after 'speed'; put a value with a colon in quotes",
    ),
    "above": ("when: > 3\n", "1:7", "'>' begins a text of several lines in YAML; put this value in quotes"),
    "item on the line": ("a: - b\n", "1:4", "expected a value, found a list item; write the list on the lines below its key"),
    "documents": ("a: 1\n---\nb: 2\n", "2:1", "expected one document, found '---', which begins another; remove it"),
    "control": ("a: 1\nb: \x07\n", "2:4", "the control character U+0007 cannot stand in YAML; remove it"),
    "key": (f"{'x' * 2000}: 1\n", "1:2001", "a key is longer than YAML allows (1024 characters)"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_mistake_is_told_with_its_place_and_what_was_expected(name: str) -> None:
    text, place, sentence = CASES[name]
    with pytest.raises(FileProblemsError) as caught:
        load_text(text, "s.yml")
    assert str(caught.value).splitlines()[0] == f"s.yml:{place}: not valid YAML: {sentence}"


LINES = st.lists(
    st.builds(
        lambda indent, words: " " * indent + words,
        st.integers(0, 5),
        st.sampled_from(
            ["a: 1", "b:", "- c", "- d: 2", "e", "f: [1", "g: {h: 1", "]", "}", "'", '"i', "j: *k", "l: &", "\tm: 1",
             "n: > 3", "--- ", "o: p: q", "# r", "", "%s", "!t", "? u", ": v", "w: |", "x: \x00", "\u2028y: 1"]
        ),
    ),
    max_size=12,
).map("\n".join)  # fmt: skip


@given(LINES)
@settings(deadline=None, max_examples=300)
def test_any_text_is_read_or_refused_within_the_text(text: str) -> None:
    """A fault never lies outside the text, and nothing but our own errors comes out."""
    try:
        load_text(text, "s.yml")
    except FileProblemsError as error:
        for problem in error.problems:
            assert 1 <= problem.line <= text.count("\n") + text.count("\u2028") + 2
            assert problem.column >= 1
    except BadInputError as error:
        assert "s.yml" in str(error)  # noqa: PT017
