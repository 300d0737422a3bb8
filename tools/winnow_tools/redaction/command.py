"""``winnow redactor qualify|show``."""

from pathlib import Path
from typing import Annotated, Any

import pyarrow.parquet as pq
import typer
from rich.table import Table

from winnow_operators.privacy.trial.recall import Recall
from winnow_operators.privacy.trial.scenes import TEST_SET
from winnow_redactor.audit import FOLDER
from winnow_redactor.qualification import FILMS, FRAMES, RECORD, record_of, sentence
from winnow_runtime import atomic
from winnow_runtime.clock import SystemClock
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings.redaction import RedactorSettings, Subject
from winnow_schemas.sidecar import Sidecar, read_sidecar
from winnow_tools.console import print_json, print_table, sentences
from winnow_tools.redaction.measuring import detector_for, on_films, on_photos

redactor_app = typer.Typer(
    name="redactor",
    help="Measure detectors of faces, plates and persons; show what was covered.",
    no_args_is_help=True,
)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@redactor_app.command("qualify")
def qualify_command(
    subject: Annotated[Subject, typer.Argument(help="What the detector looks for.")],
    model: Annotated[
        Path | None, typer.Option(help="The model; without it what ships inside OpenCV and Winnow.")
    ] = None,
    photos: Annotated[
        Path | None,
        typer.Option(
            help="Measure on a folder with manifest.csv (file,x,y,w,h) in place of the drawn films."
        ),
    ] = None,
    write: Annotated[
        bool,
        typer.Option(
            "--write", help="With --photos and --model: write the record that the redactor believes."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Measure the recall of a detector; below the limit the redactor treats it as none. Exit code 1 then."""
    settings = RedactorSettings()
    with sentences():
        if write and (photos is None or model is None):
            raise BadInputError("--write needs --photos and --model; nothing was measured.")
        detector = detector_for(subject, model, settings)
        if photos is not None:
            recall, test_set = on_photos(detector, settings, photos), f"photos in {photos.name}"
            more: dict[str, Any] = {}
        elif subject is Subject.PERSON:
            raise BadInputError(
                "Nobody has drawn persons that object models know; name --photos. Nothing was measured."
            )
        else:
            measured = on_films(detector, settings, SystemClock(), FILMS, FRAMES)
            recall, test_set = measured.plain, TEST_SET
            more = {
                "recall_held": round(measured.held.value, 4),
                "covered_part": round(measured.covered_part, 4),
                "ms_per_frame": round(measured.ms_per_frame, 2),
            }
        record = record_of(detector, settings.margin_fraction, test_set, recall)
        good = bool(record.of) and recall.value >= settings.min_recall
        if write and model is not None:
            atomic.write_json(model.with_name(model.name + RECORD), record.to_json())
    if as_json:
        print_json({**record.to_json(), "interval": _interval(recall), **more, "qualified": good})
    else:
        print(f"{sentence(record, settings.min_recall)}.")
        for name, value in more.items():
            print(f"{name.replace('_', ' ')}: {value}")
    if not good:
        raise typer.Exit(1)


def _interval(recall: Recall) -> list[float]:
    return [round(value, 4) for value in recall.interval]


@redactor_app.command("show")
def show_command(
    run: Annotated[Path, typer.Argument(metavar="DIR", help="A run's folder.")],
    name: Annotated[str, typer.Argument(help="Beginning of a clip's name; empty = all.")] = "",
    doubtful: Annotated[
        bool, typer.Option("--doubtful", help="List the frames that a person should look at.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show what was covered in the clips that left or will leave, from their records and audit tables."""
    with sentences():
        clips = [each for each in _redacted(run) if each.name.startswith(name)]
    if as_json:
        print_json({"clips": [_facts(run, each) for each in clips]})
        return
    if doubtful:
        table = Table("clip", "topic", "t_ns", "why")
        for each in clips:
            for row in _doubts(run, each):
                table.add_row(each.name, row["topic"], str(row["t_ns"]), row["doubt"])
        print_table(table)
        return
    table = Table(
        "clip", "topic", "frames", "with covers", "covered whole", "detected", "held", "doubtful", "why whole"
    )
    for each in clips:
        assert each.redaction is not None
        for topic, done in each.redaction.topics.items():
            counts = (
                done.frames,
                done.covered,
                done.masked,
                done.detected,
                done.held,
                each.redaction.doubtful_count,
            )
            table.add_row(each.name, topic, *map(str, counts), done.why)
    print_table(table)
    print(f"{len(clips)} clips with pictures.")


def _redacted(run: Path) -> list[Sidecar]:
    folder = run / "outgoing"
    if not folder.is_dir():
        raise BadInputError(f"{folder} does not exist; nothing was shown. Name a run's folder.")
    found = [read_sidecar(path) for path in sorted(folder.rglob("*.json"))]
    return [each for each in found if each.redaction is not None and each.redaction.topics]


def _doubts(run: Path, sidecar: Sidecar) -> list[dict[str, Any]]:
    """From the audit table, which has all of them; once per frame."""
    path = run / FOLDER / f"P{sidecar.priority}" / f"{sidecar.name}.parquet"
    rows = pq.read_table(path, columns=["topic", "t_ns", "doubt"]).to_pylist() if path.exists() else []
    seen = {(row["topic"], row["t_ns"]): row for row in rows if row["doubt"]}
    return [seen[key] for key in sorted(seen, key=lambda key: (key[1], key[0]))]


def _facts(run: Path, sidecar: Sidecar) -> dict[str, Any]:
    assert sidecar.redaction is not None
    return {
        "name": sidecar.name,
        "clip_id": sidecar.clip_id,
        "withheld_topics": sidecar.withheld_topics,
        **sidecar.redaction.model_dump(exclude={"doubtful"}),
        "doubtful": _doubts(run, sidecar),
    }
