"""Deep nesting is refused before PyYAML's C code recurses into it, which would end the process."""

import pytest

from winnow_schemas.errors import BadInputError
from winnow_schemas.yaml_source import MAX_DEPTH, load_text


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 50_000, "- " * 50_000, "? " * 5_000])
def test_deep_nesting_is_a_sentence(text: str) -> None:
    with pytest.raises(BadInputError, match=f"nests deeper than {MAX_DEPTH} levels|not valid YAML"):
        load_text(text, "offer")


def test_what_is_as_deep_as_allowed_is_read() -> None:
    text = "[" * MAX_DEPTH + "1" + "]" * MAX_DEPTH
    value = load_text(text, "offer").data
    for _ in range(MAX_DEPTH):
        (value,) = value
    assert value == 1
