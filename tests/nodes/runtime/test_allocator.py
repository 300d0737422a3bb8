"""What the allocator gives back, seen from outside: in a child, because its thresholds stay for good."""

import subprocess
import sys
import textwrap

import pytest

_CHILD = """
    import sys
    from pathlib import Path
    from winnow_runtime import allocator
    assert getattr(allocator, sys.argv[1])()
    def anonymous():
        status = Path("/proc/self/status").read_text()
        return int(status.split("RssAnon:")[1].split()[0])
    before = anonymous()
    burst = [bytearray(b"x") * (1 << 20) for _ in range(64)]
    held = anonymous()
    last = bytearray(1)
    del burst
    print(held - before, anonymous() - before)
"""


def _held_and_left_kib(action: str) -> tuple[int, int]:
    child = [sys.executable, "-c", textwrap.dedent(_CHILD), action]
    held, left = subprocess.run(child, check=True, capture_output=True, text=True).stdout.split()
    return int(held), int(left)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="thresholds of glibc's malloc")
def test_a_burst_is_given_back_or_kept() -> None:
    held, left = _held_and_left_kib("return_large_blocks")
    kept_held, kept_left = _held_and_left_kib("keep_large_blocks")
    assert min(held, kept_held) >= 60 * 1024
    assert left < held / 2
    assert kept_left > kept_held / 2
