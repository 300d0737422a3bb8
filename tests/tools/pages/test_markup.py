import json

from hypothesis import given
from hypothesis import strategies as st

from winnow_tools.pages.markup import attribute, clean, script_data, text


def test_text_becomes_text():
    assert text("<b>&\"'") == "&lt;b&gt;&amp;\"'"
    assert attribute("\"><b>&'\n") == "&quot;&gt;&lt;b&gt;&amp;&#x27;&#10;"


def test_what_no_document_may_hold_is_made_visible():
    assert clean("a\0b\ud800c\u202ed\ufeff") == "a\ufffdb\ufffdc\ufffdd\ufffd"
    assert clean("tab\tline\n中é") == "tab\tline\n中é"


@given(
    st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)
)
def test_data_cannot_end_its_element(value):
    packed = script_data(value)
    assert not set("<>&\u2028\u2029") & set(packed)
    packed.encode("ascii")
    json.loads(packed)


def test_data_arrives_as_it_was():
    assert json.loads(script_data({"a": ["</script>", 1, None, "é中"]})) == {
        "a": ["</script>", 1, None, "é中"]
    }
