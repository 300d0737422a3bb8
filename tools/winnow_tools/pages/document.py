"""A whole HTML document in one file: nothing is fetched, and the browser is told to refuse if it were."""

import base64
import hashlib
from collections.abc import Sequence
from typing import Any

from winnow_tools.pages.assets import read_asset
from winnow_tools.pages.markup import attribute, script_data, text


def html_document(
    title: str, body: str, *, styles: Sequence[str], scripts: Sequence[str] = (), data: Any = None
) -> str:
    """The document.

    Args:
        title: plain text.
        body: markup; every outside text in it must have been escaped.
        styles: names of assets, in order.
        scripts: names of assets, in order.
        data: what the scripts read from the element ``data``; JSON.

    """
    style = "".join(read_asset(name) for name in styles)
    script = "".join(read_asset(name) for name in scripts)
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    packed = (
        f'<script type="application/json" id="data">{script_data(data)}</script>' if data is not None else ""
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{attribute(policy)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
        '<link rel="icon" href="data:,">\n'
        f"<title>{text(title)}</title>\n<style>{style}</style>\n</head>\n"
        f"<body>\n{body}\n{packed}\n<script>{script}</script>\n</body>\n</html>\n"
    )


def _digest(content: str) -> str:
    """The hash by which a policy allows an inline style or script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
