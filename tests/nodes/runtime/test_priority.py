"""Priorities of whole processes and of single threads, tried in a child whose nice may change."""

import subprocess
import sys
import textwrap

import pytest

_CHILD = """
    import os, sys, threading
    from winnow_runtime import priority
    stay = threading.Event()
    other = threading.Thread(target=stay.wait)
    other.start()
    before = [os.getpriority(os.PRIO_PROCESS, t) for t in (threading.get_native_id(), other.native_id)]
    allowed = getattr(priority, sys.argv[1])(5)
    after = [os.getpriority(os.PRIO_PROCESS, t) for t in (threading.get_native_id(), other.native_id)]
    stay.set()
    print(allowed, *(b - a for a, b in zip(before, after)))
"""


def _moved(action: str) -> tuple[bool, int, int]:
    child = [sys.executable, "-c", textwrap.dedent(_CHILD), action]
    allowed, own, other = subprocess.run(child, check=True, capture_output=True, text=True).stdout.split()
    return allowed == "True", int(own), int(other)


def test_giving_way_leaves_the_threads_that_receive() -> None:
    assert _moved("give_way") == (True, 5, 0)


def test_coming_first_raises_every_thread() -> None:
    allowed, own, other = _moved("come_first")
    if not allowed:
        pytest.skip("raising the priority is not allowed here (CAP_SYS_NICE)")
    assert (own, other) == (-5, -5)
