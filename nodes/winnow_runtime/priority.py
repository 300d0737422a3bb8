"""How much of the processors this process gets where they are short."""

import os
from pathlib import Path

_OWN_THREADS = Path("/proc/self/task")


def give_way(steps: int) -> bool:
    """Lower this thread and those that it starts by ``steps`` of nice; dora's threads go on receiving as before.

    Returns whether the system allowed it.
    """
    try:
        os.nice(steps)
    except OSError:
        return False
    return True


def come_first(steps: int) -> bool:
    """Raise every thread of this process by ``steps`` of nice, those in which dora receives too.

    On Linux nice belongs to the thread: with the calling thread alone raised, messages waited for the others.
    Raising is a privilege (root, CAP_SYS_NICE or RLIMIT_NICE). Returns whether the system allowed it.
    """
    try:
        for thread in _OWN_THREADS.iterdir():
            own = os.getpriority(os.PRIO_PROCESS, int(thread.name))
            os.setpriority(os.PRIO_PROCESS, int(thread.name), own - steps)
    except OSError:
        return False
    return True
