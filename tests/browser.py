"""A headless Chromium, driven over a pipe (DevTools protocol), for tests of pages."""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
LIMIT_S = 40.0
"""Longest wait for an answer."""
_FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *(
        "--hide-scrollbars",
        "--disable-dev-shm-usage",
        "--remote-debugging-pipe",
        "--force-device-scale-factor=1",
    ),
)


@pytest.fixture(scope="session")
def browser():
    """A browser for all tests of a session."""
    if PROGRAM is None:
        pytest.skip("there is no Chromium on this machine")
    with Browser() as one:
        yield one


@pytest.fixture
def page(browser, tmp_path):
    """Opens a page; in the end nothing may have been fetched and nothing gone wrong."""

    def show(content, ending="html", **options):
        check()
        path = tmp_path / f"page.{ending}"
        path.write_text(content, "utf-8")
        browser.open(path, **options)
        return browser

    def check():
        assert len(browser.requests) <= 1, browser.requests
        assert all(url.startswith("file:") for url in browser.requests)
        assert browser.messages == []

    browser.requests, browser.messages = [], []
    yield show
    assert browser.requests, "a page was shown"
    check()


class Browser:
    """One browser with one page. Use it with ``with``."""

    def __init__(self):
        self.requests, self.messages, self.number, self.buffer = [], [], 0, b""

    def __enter__(self):
        self.profile = tempfile.mkdtemp(prefix="winnow-chromium-")
        to_read, self.writer = os.pipe()
        self.reader, to_write = os.pipe()

        # The protocol speaks on descriptors 3 and 4.
        self.process = subprocess.Popen(
            [
                "bash",
                "-c",
                f'exec "$@" 3<&{to_read} 4>&{to_write}',
                "bash",
                PROGRAM,
                *_FLAGS,
                f"--user-data-dir={self.profile}",
                "about:blank",
            ],
            pass_fds=(to_read, to_write),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_read)
        os.close(to_write)
        self.session = None
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(target for target in targets if target["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)[
            "sessionId"
        ]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        return self

    def __exit__(self, *_):
        try:
            self.session = None
            self.call("Browser.close")
        except (OSError, TimeoutError):
            self.process.kill()
        self.process.wait(LIMIT_S)
        os.close(self.writer)
        os.close(self.reader)
        shutil.rmtree(self.profile, ignore_errors=True)

    def call(self, method, **params):
        """Call a method of the protocol and return its result."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.writer, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]

    def _next(self):
        while b"\0" not in self.buffer:
            poll = select.poll()  # select takes no descriptor beyond 1023
            poll.register(self.reader, select.POLLIN)
            if not poll.poll(LIMIT_S * 1000):
                raise TimeoutError(f"the browser said nothing for {LIMIT_S} s")
            part = os.read(self.reader, 1 << 20)
            if not part:
                raise OSError("the browser ended")
            self.buffer += part
        raw, self.buffer = self.buffer.split(b"\0", 1)
        answer = json.loads(raw)
        method, params = answer.get("method"), answer.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.messages.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.messages.append(params["entry"]["text"])
        elif method == "Page.loadEventFired":
            self.loaded = True
        return answer

    def open(self, path: Path | str, width=1280, height=900, dark=False, phone=False):
        """Open a file or an address on a screen of that kind and wait until it is loaded."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=phone,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=1, y=1)
        self.requests, self.messages, self.loaded = [], [], False
        self.call("Page.navigate", url=path if isinstance(path, str) else path.resolve().as_uri())
        while not self.loaded:
            self._next()

    def go(self, script):
        """Do something that leads to another page, and wait until that is loaded."""
        self.loaded = False
        self.run(f"setTimeout(() => {{ {script} }}, 0); null")
        while not self.loaded:
            self._next()

    def run(self, script):
        """Evaluate JavaScript and return its value."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"]["exception"].get("description", "script failed"))
        return result["result"].get("value")

    def press(self, key, code=None):
        """Press and release a key."""
        text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
        number = {"Tab": 9, "Enter": 13, "Escape": 27}.get(key, 0)
        common = {"key": key, "code": code or key, "windowsVirtualKeyCode": number}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **common)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def click(self, x, y):
        """Click with the mouse."""
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def shot(self, path: Path, whole=False):
        """Save a screenshot."""
        result = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(result["data"]))
