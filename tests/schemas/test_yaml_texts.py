from winnow_schemas.yaml_source import load_text


def test_scalars_are_kept_as_written():
    document = load_text("a: on\nb: [1, 010, 'x', 1.50, ~]\nc: {d: yes}\ne: |\n  text\n", "x.yml")
    assert document.data["a"] is True
    assert document.texts == {
        ("a",): "on",
        ("b", 0): "1",
        ("b", 1): "010",
        ("b", 2): "x",
        ("b", 3): "1.50",
        ("b", 4): "~",
        ("c", "d"): "yes",
        ("e",): "text\n",
    }


def test_an_alias_stands_for_its_text():
    assert load_text("a: &x off\nb: *x\n", "x.yml").texts == {("a",): "off", ("b",): "off"}


def test_an_empty_document_has_none():
    assert load_text("", "x.yml").texts == {}
