"""A node that announces clips as a redactor does: each line of WINNOW_FEED is an ``Outgoing``, the line ``end`` the last.

Not a console script: the benchmark ``upload`` puts its path into a graph, and appends to the file while it runs.
"""

import json
import os
from pathlib import Path

from winnow_runtime.node import Node, run_as_process
from winnow_schemas.messages import Outgoing

LOOK_EVERY_S = 0.02


def run(node: Node) -> None:
    """Send every line that is complete, until the last."""
    with Path(os.environ["WINNOW_FEED"]).open("r", encoding="utf-8") as feed:
        pending = ""
        while node.closed is None:
            node.next(LOOK_EVERY_S)
            pending += feed.read()
            *lines, pending = pending.split("\n")
            for line in lines:
                if line == "end":
                    node.finish()
                    return
                clip = Outgoing.from_builtins(json.loads(line))
                node.emit("outgoing", clip, clip.clip_id)
    node.finish()


if __name__ == "__main__":
    run_as_process(run)
