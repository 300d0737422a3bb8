"""A signature put into a campaign's text, so that comments and order stay as they were."""

import json
import re
from typing import Any

from winnow_schemas.campaign import CampaignRefusedError, read_campaign

_BLOCK = re.compile(r"^signature:.*\n?(?:[ \t]+.*\n?|\n)*", re.MULTILINE)


def with_signature(text: str, signed: dict[str, Any], name: str) -> str:
    """The text with the signature of ``signed``; rewritten as JSON where that cannot be done by a line."""
    signature = signed["signature"]
    line = (
        f"signature: {{key: {json.dumps(signature['key'])}, ed25519: {json.dumps(signature['ed25519'])}}}\n"
    )
    written = _BLOCK.sub("", text).rstrip() + "\n\n" + line
    try:
        if not text.lstrip().startswith("{") and read_campaign(written, name).data == signed:
            return written
    except CampaignRefusedError:
        pass  # a form in which a line cannot simply be added
    return json.dumps(signed, indent=2, ensure_ascii=False) + "\n"
