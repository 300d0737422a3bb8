import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_operators.dashcam.plates.patterns import LONGEST, log_size, templates_of
from winnow_schemas.errors import BadInputError
from winnow_schemas.library.plate_formats import plate_formats

PATTERNS = [each.pattern for each in plate_formats().formats]


@settings(deadline=None, max_examples=60)
@given(pattern=st.sampled_from(PATTERNS), data=st.data())
def test_every_text_of_a_template_is_what_the_pattern_says_as_a_regular_expression(pattern, data):
    template = data.draw(st.sampled_from(templates_of(pattern)))
    text = "".join(data.draw(st.sampled_from(sorted(each))) for each in template)
    assert re.fullmatch(pattern, text)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("[A-Z", "ends too early"),
        ("[]", "a class is empty"),
        ("A{3,2}", "is no range"),
        ("A{99}", "is no range"),
        ("(AB", "')' is missing"),
        ("A+", "means nothing"),
        ("A)", "not expected"),
        ("[Z-A]", "is no range"),
        ("[A-Z]{12}[0-9]", f"more than {LONGEST} characters"),
        ("(A|B|C|D|E|F|G|H|I|J)" * 4, "more than 2000 templates"),
    ],
)
def test_a_pattern_that_cannot_be_used_says_why(pattern, said):
    with pytest.raises(BadInputError, match=re.escape(said)):
        templates_of(pattern)


def test_the_size_of_a_template_is_how_many_texts_it_stands_for():
    (template,) = templates_of("[A-C][0-9]")
    assert log_size(template) == pytest.approx(3.4012, abs=1e-4)
