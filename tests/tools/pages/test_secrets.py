import pytest

from winnow_tools.pages.secrets import HIDDEN, is_secret, shown_text, shown_value, shown_yaml


@pytest.mark.parametrize(
    "name",
    [
        "AWS_SECRET_ACCESS_KEY",
        "TOKEN",
        "db_password",
        "apiKey",
        "PRIVATE_KEY",
        "credentials",
        "AUTH",
        "passphrase",
    ],
)
def test_secret_names_are_known(name):
    assert is_secret(name)
    assert shown_value(name, "abc") == HIDDEN


@pytest.mark.parametrize(
    "name", ["RUST_LOG", "credentials_file", "WINNOW_SETTINGS", "token_ttl", "KEYBOARD", "auth_url"]
)
def test_other_names_are_shown(name):
    assert not is_secret(name)
    assert shown_value(name, "abc") == "abc"


def test_nothing_is_not_hidden():
    assert shown_value("TOKEN", "") == ""


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("--rate 1 --token abc --out x", f"--rate 1 --token {HIDDEN} --out x"),
        ("--password=abc", f"--password={HIDDEN}"),
        ("rtsp://user:pass@10.0.0.1/1", f"rtsp://user:{HIDDEN}@10.0.0.1/1"),
        ("--verbose file.yml", "--verbose file.yml"),
    ],
)
def test_secrets_inside_values_are_hidden(value, shown):
    assert shown_text(value) == shown


def test_yaml_keeps_everything_but_secrets():
    text = "upload:\n  bucket: b  # why\n  access_key: AKIA\n  credentials_file: c.json\n  list:\n    - token: t\n"
    assert shown_yaml(text) == (
        f"upload:\n  bucket: b  # why\n  access_key: {HIDDEN}\n  credentials_file: c.json\n  list:\n    - token: {HIDDEN}"
    )
