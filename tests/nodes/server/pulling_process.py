"""One node of a dashcam graph as a process: ``python pulling_process.py STAGE FOLDER SHARE URL TOKEN NAME``.

It works until its stdin is closed, or until it is killed.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
sys.path[:0] = [str(ROOT / each) for each in ("nodes", "operators", "schemas", "tools", "")]


def main() -> None:
    from tests.nodes.server.dashcam_devices import Device

    stage, folder, share, url, token, name = sys.argv[1:]
    with Device(stage, Path(folder), Path(share), url, token, name) as device:
        print("ready", flush=True)
        sys.stdin.read()
        if device.trouble is not None:
            raise device.trouble


if __name__ == "__main__":
    main()
