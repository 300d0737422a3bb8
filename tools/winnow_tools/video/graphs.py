"""Both dashcam graphs over a list of videos, one after the other, under dora."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from winnow_runtime import atomic
from winnow_runtime.dashcam.job import Job, PausedError
from winnow_schemas.errors import UnavailableError
from winnow_schemas.settings.dashcam import DashcamSettings
from winnow_tools.running.launch import RunRequest, prepare
from winnow_tools.running.run import to_its_end
from winnow_tools.video.going import Watcher, forget_others, jobs_of, summarised

GRAPHS = ("jetson", "rtx4090")


def through_graphs(
    videos: list[Path],
    out: Path,
    settings: DashcamSettings,
    graphs: Path,
    watcher: Watcher,
    looking: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Run ``jetson.yml``, then ``rtx4090.yml``; the summary.

    ``settings`` has absolute paths; ``looking`` is called with the graph's name a few times a second.

    Raises:
        BadInputError: a graph cannot be read.
        PausedError: the watcher said so; the same call goes on from the last checkpoints.
        UnavailableError: a graph failed.

    """
    out.mkdir(parents=True, exist_ok=True)
    jobs = list(jobs_of(videos, out, watcher, settings.archive_folder))
    forget_others(out, {job.id for job in jobs})
    own = _settings_file(out, settings, jobs)
    for name in GRAPHS:
        request = RunRequest(
            graphs / f"{name}.yml",
            out,
            environment=(("WINNOW_SETTINGS", str(own)), ("WINNOW_VIDEOS", "")),
            name=name,
        )
        _pass(request, name, jobs, watcher, looking)
    records = [atomic.read_json(job.record) for job in jobs]
    parked = [atomic.read_json(job.parked) for job in jobs]
    for each in parked:
        if isinstance(each, dict):
            watcher.said(f"{each['video']}: {each['reason']}")
    summary = summarised(
        [each for each in records if isinstance(each, dict)],
        [each for each in parked if isinstance(each, dict)],
    )
    atomic.write_json(out / "summary.json", summary)
    return summary


def _settings_file(out: Path, settings: DashcamSettings, jobs: list[Job]) -> Path:
    """The run's own settings: the user's, with the videos named one by one."""
    named = settings.model_copy(update={"videos": [str(job.video.absolute()) for job in jobs]})
    path = out.absolute() / "dora" / "settings.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    value = {"dashcam": named.model_dump(mode="json", exclude_defaults=True), "monitor": {"port": 0}}
    path.write_text(yaml.safe_dump(value, sort_keys=False, allow_unicode=True), "utf-8")
    return path


def _pass(
    request: RunRequest, name: str, jobs: list[Job], watcher: Watcher, looking: Callable[[str], None]
) -> None:
    graph = prepare(request)
    log = request.out / "dora" / f"{name}.log"
    progress = _Progress(jobs, watcher)

    def look() -> bool:
        looking(name)
        return progress.look()

    ended = to_its_end(graph, log, look)
    if ended.stopped:
        raise PausedError
    if ended.returncode:
        raise UnavailableError(
            f"{name}.yml ended with exit code {ended.returncode}; {log} says why, what is done is kept, and the same "
            "command goes on from there."
        )


class _Progress:
    """Tells a watcher what the scratch folders say: they hold the checkpoint of every stage at work."""

    _STAGES = (("plates", "reading"), ("preprocess", "filtering"))

    def __init__(self, jobs: list[Job], watcher: Watcher) -> None:
        self._jobs = jobs
        self._watcher = watcher
        self._at: tuple[str, str] = ("", "")

    def look(self) -> bool:
        for job in self._jobs:
            for stage, told in self._STAGES:
                value = atomic.read_json(job.scratch / f"{stage}.json")
                if isinstance(value, dict):
                    return self._tell(job, told, value["state"])
        return self._watcher.frames(0, 0)

    def _tell(self, job: Job, told: str, state: dict[str, Any]) -> bool:
        if self._at != (job.id, told):
            self._at = (job.id, told)
            self._watcher.stage(job, told)
        return self._watcher.frames(int(state.get("frames", 0)), int(state.get("kept", state.get("seen", 0))))
