"""Uploads one clip and says each step on a line; to be killed. Argument: JSON."""

import json
import sys
from pathlib import Path

from winnow_schemas.messages import Outgoing
from winnow_schemas.settings.device import VehicleSettings
from winnow_schemas.settings.upload import UploadSettings
from winnow_uploader import UploadWorker

arguments = json.loads(sys.argv[1])
worker = UploadWorker(
    UploadSettings(**arguments["settings"]),
    VehicleSettings(id="v-1", airport="EGLL"),
    Path(arguments["run"]),
    Path(arguments["state"]),
)
worker.add(Outgoing.from_builtins(arguments["outgoing"]))
for step in worker.drain(60):
    print(step.happened.value, step.detail, flush=True)
    for receipt in step.receipts:
        print("receipt", receipt.clip_id, flush=True)
worker.close()
