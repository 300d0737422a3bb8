"""What must hold for every page: it is one file, fetches nothing, and shows outside text as text."""

import base64
import hashlib
import re
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "input", "img", "hr"}
FETCHING = {"src", "srcset", "action", "formaction", "poster", "data", "background", "ping", "xlink:href"}


class Page(HTMLParser):
    """The elements of a document, and what is inside scripts and styles."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.raw, self.open, self.texts = [], {"script": [], "style": []}, [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data):
        if self.open and self.open[-1] in self.raw:
            self.raw[self.open[-1]].append(data)
        else:
            self.texts.append(data)


def check_page(text):
    """Check a whole document and return it parsed."""
    page = Page(text)
    assert page.open == [], "every element is closed"
    for tag, attributes in page.elements:
        assert tag not in ("iframe", "object", "embed", "base", "img", "foreignobject", "use", "image"), tag
        assert not FETCHING & set(attributes), (tag, attributes)
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        assert "style" not in attributes, "the policy refuses inline styles"
        href = attributes.get("href", "")
        assert href.startswith(("#", "./", "data:,")) or not href, href
    policy = next(
        a["content"]
        for t, a in page.elements
        if t == "meta" and a.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    (style,) = page.raw["style"]
    scripts = [attributes for tag, attributes in page.elements if tag == "script"]
    running = [body for body, own in zip(page.raw["script"], scripts, strict=True) if "type" not in own]
    code = "".join([*running, style])
    assert not re.search(
        r"https?:|//[a-z]+\.|url\(|@import|\bimport\(|fetch\(|XMLHttp|WebSocket|eval\(|innerHTML", code
    )
    assert f"style-src '{digest(style)}'" in policy
    assert [f"script-src '{digest(body)}'" in policy for body in running] == [True]
    return page


def digest(content):
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
