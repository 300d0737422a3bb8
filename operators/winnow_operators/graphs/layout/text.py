"""How wide text is, without a browser.

The advance widths are those of DejaVu Sans 2.37, in thousandths of the font size, read from its ``hmtx``
table. It is the widest of the usual screen fonts, so in any other a text is narrower than computed here.
"""

import unicodedata
from enum import Enum
from functools import lru_cache

_REGULAR = (
    *(318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337, 636, 636, 636, 636),
    *(636, 636, 636, 636, 636, 636, 337, 337, 838, 838, 838, 531, 1000, 684, 686, 698, 770, 632, 575, 775),
    *(752, 295, 295, 656, 557, 863, 748, 787, 603, 787, 695, 635, 611, 732, 684, 989, 685, 611, 685, 390),
    *(337, 390, 838, 500, 500, 613, 635, 550, 635, 615, 352, 635, 634, 278, 278, 579, 278, 974, 634, 612),
    *(635, 635, 411, 521, 392, 634, 592, 818, 592, 592, 525, 636, 337, 636, 838),
)
_BOLD = (
    *(348, 456, 521, 838, 696, 1002, 872, 306, 457, 457, 523, 838, 380, 415, 380, 365, 696, 696, 696, 696),
    *(696, 696, 696, 696, 696, 696, 400, 400, 838, 838, 838, 580, 1000, 774, 762, 734, 830, 683, 683, 821),
    *(837, 372, 372, 775, 637, 995, 837, 850, 733, 850, 770, 720, 682, 812, 774, 1103, 771, 724, 725, 457),
    *(365, 457, 838, 500, 500, 675, 716, 593, 716, 678, 435, 716, 712, 343, 343, 665, 343, 1042, 712, 687),
    *(716, 716, 493, 595, 478, 712, 652, 924, 645, 652, 582, 712, 365, 712, 838),
)
_MONO = (602,) * 95
_OTHER = 1000
"""Any other character. Text that has one is drawn with an exact length, so a guess will do."""
_KNOWN = {"…": 1000, "·": 318, "×": 838, "→": 838, "µ": 636, "≥": 838, "–": 500}

ASCENT = 0.93
"""Of DejaVu Sans, as part of the font size."""
DESCENT = 0.24


class Face(Enum):
    """The fonts of a drawing."""

    REGULAR = _REGULAR
    BOLD = _BOLD
    MONO = _MONO


@lru_cache(maxsize=8192)
def text_width(text: str, size_px: float, face: Face = Face.REGULAR) -> float:
    """The width of a line of text in pixels."""
    table = face.value
    total = 0
    for character in text:
        index = ord(character) - 32
        total += table[index] if 0 <= index < len(table) else _KNOWN.get(character, _OTHER)
    return total * size_px / 1000


def is_measured(text: str) -> bool:
    """Whether the width is certain; other text needs ``textLength``."""
    return all(32 <= ord(character) < 127 or character in _KNOWN for character in text)


def visible(text: str) -> str:
    """The text on one line with nothing in it that hides, reorders or stacks characters.

    Control, format, private and unassigned characters become U+FFFD, marks that do not combine into one
    character are left out, white space becomes a space.
    """
    result = []
    for character in unicodedata.normalize("NFC", text):
        category = unicodedata.category(character)
        if category in ("Zs", "Zl", "Zp") or character in "\t\n\r":
            result.append(" ")
        elif category[0] == "C":
            result.append("�")
        elif category[0] != "M":
            result.append(character)
    return "".join(result)


def shorten(text: str, limit_px: float, size_px: float, face: Face = Face.REGULAR) -> str:
    """The text, with its middle replaced by an ellipsis where it is wider than ``limit_px``."""
    text = visible(text)
    if text_width(text, size_px, face) <= limit_px:
        return text
    head, tail = _head(text, limit_px, size_px, face), ""
    while head and text_width(f"{head}…{tail}", size_px, face) > limit_px:
        head = head[:-1]
    while len(head) > len(tail) + 1:
        longer = text[len(text) - len(tail) - 1 :]
        cut = head
        while cut and text_width(f"{cut}…{longer}", size_px, face) > limit_px:
            cut = cut[:-1]
        if len(cut) < len(longer):
            break
        head, tail = cut, longer
    return f"{head}…{tail}"


def _head(text: str, limit_px: float, size_px: float, face: Face) -> str:
    """Enough of the beginning: very long text is not measured again and again."""
    total = 0.0
    for index, character in enumerate(text):
        total += text_width(character, size_px, face)
        if total > limit_px:
            return text[:index]
    return text
