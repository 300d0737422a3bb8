"""Pages are passed on: values that look like secrets are left out of them."""

import re

HIDDEN = "(hidden)"
_NAME = re.compile(
    r"secret|token|passw|passphrase|credential|api_?key|access_?key|private_?key|auth", re.IGNORECASE
)
_HARMLESS = re.compile(r"(_|-)(file|path|dir|folder|url|mode|ttl|timeout)$", re.IGNORECASE)
_OPTION = re.compile(
    r"(?P<name>--?[\w-]*(?:secret|token|passw\w*|api-?key|access-?key|private-?key)[\w-]*(?:=|\s+))(?P<value>[^\s-]\S*)",
    re.IGNORECASE,
)
_URL_LOGIN = re.compile(r"(?P<head>\w+://[^\s/@:]+:)[^\s/@]+@")
_LINE = re.compile(r"""^(?P<head>[\s-]*["']?(?P<name>[\w.-]+)["']?\s*:\s+)(?P<value>[^#\s].*)$""")


def is_secret(name: str) -> bool:
    """Whether a value of this name had better stay here."""
    return bool(_NAME.search(name)) and not _HARMLESS.search(name)


def shown_value(name: str, value: str) -> str:
    """The value, or that it is hidden."""
    return HIDDEN if value and is_secret(name) else shown_text(value)


def shown_text(value: str) -> str:
    """Arguments and the like, without passwords in options and URLs."""
    value = _OPTION.sub(lambda match: match["name"] + HIDDEN, value)
    return _URL_LOGIN.sub(lambda match: f"{match['head']}{HIDDEN}@", value)


def shown_yaml(text: str) -> str:
    """YAML with the values of secret keys left out."""
    lines = []
    for line in text.splitlines():
        match = _LINE.match(line)
        if match and is_secret(match["name"]):
            lines.append(match["head"] + HIDDEN)
        else:
            lines.append(shown_text(line))
    return "\n".join(lines)
