"""``winnow clips repack``: a clip in another profile."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from winnow_runtime.packing.repack import repack
from winnow_runtime.packing.settings import settings_inside
from winnow_schemas.errors import BadInputError, UnavailableError
from winnow_schemas.settings import DeviceSettings, load_settings
from winnow_schemas.settings.packing import Profile
from winnow_schemas.sidecar import Sidecar, TopicPacking
from winnow_tools.clips.collection import clips_of
from winnow_tools.console import bytes_text, print_json, sentences


def repack_command(
    where: Annotated[
        Path, typer.Argument(metavar="CLIP", help="A clip, or a folder of clips: each is repacked.")
    ],
    profile: Annotated[
        Profile,
        typer.Option(
            help="packed: smaller, without loss. upload: clouds and raw images with a stated error, smaller still. "
            "plain: back to original payloads and schemas."
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="FILE.mcap, or a folder; default: repacked/PROFILE/ in a run's folder, else NAME.PROFILE.mcap "
            "beside the clip.",
        ),
    ] = None,
    settings: Annotated[
        Path | None,
        typer.Option(help="Settings that say codec and error per topic; default: those inside the clip."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Write clips in another profile, with their sidecars; the clips themselves stay as they are.

    What was packed gives back the very file when it is made plain again, SHA-256 included. What went through
    `upload` gives back schemas, times and numbers of points, with coordinates within the bound that the
    sidecar states. Exit code 0 only when every clip was written.
    """
    with sentences():
        made = list(_repacked(where, profile, output, settings))
    if as_json:
        print_json({"clips": [_row(path, source, sidecar) for path, source, sidecar in made]})
        return
    for path, source, sidecar in made:
        before, after = source.size_bytes or 0, sidecar.size_bytes or 0
        print(
            f"{path}: {bytes_text(after)}, {source.profile} had {bytes_text(before)} ({before / after:.2f} x)"
        )
        for line in packing_lines(sidecar):
            print(f"  {line}")


def packing_lines(sidecar: Sidecar) -> Iterator[str]:
    """What a profile made of a clip, in sentences: ratio in all, then per topic, with bounds."""
    packing = sidecar.packing
    if packing is None:
        return
    if sidecar.profile == Profile.PLAIN.value:
        yield "Plain again, from a profile with losses."
    elif sidecar.size_bytes and packing.source_bytes:
        ratio = packing.source_bytes / sidecar.size_bytes
        yield f"Profile {sidecar.profile}: {ratio:.2f} x smaller than plain ({bytes_text(packing.source_bytes)})."
    for topic, one in packing.topics.items():
        ratio = one.payload_bytes / max(1, one.stored_bytes)
        size = "was" if sidecar.profile == Profile.PLAIN.value else f"{ratio:.2f} x,"
        yield f"{topic}: {size} {one.codec}{_bound(one)}"


def _bound(one: TopicPacking) -> str:
    if not one.is_lossy:
        return ", exact"
    parts = []
    if one.bound_m is not None:
        parts.append(f"error at most {one.bound_m * 100:g} cm (measured {(one.error_m or 0) * 100:.3g} cm)")
    if one.intensity_error:
        parts.append(f"intensity within {one.intensity_error:.3g}")
    if one.bound_psnr_db is not None:
        parts.append(f"PSNR at least {one.bound_psnr_db:g} dB (measured {one.psnr_db or 0:.1f} dB)")
    return ", " + ", ".join(parts)


def _repacked(
    where: Path, profile: Profile, output: Path | None, settings: Path | None
) -> Iterator[tuple[Path, Sidecar, Sidecar]]:
    problems: list[str] = []
    clips = list(clips_of(where, problems))
    if problems or not clips:
        raise BadInputError(problems[0] if problems else f"There is no clip in {where}; nothing was written.")
    one = where.is_file()
    chosen: DeviceSettings | None = load_settings(settings)[0] if settings is not None else None
    for clip in clips:
        target = _target(clip.path, profile, output, one=one)
        if target.exists():
            raise BadInputError(f"{target} exists; nothing was written over it.")
        try:
            sidecar = repack(clip.path, target, profile, chosen or settings_inside(clip.path))
        except OSError as error:
            raise UnavailableError(
                f"{target} cannot be written ({error.strerror}); the clip stays as it is."
            ) from None
        yield target, clip.sidecar, sidecar


def _target(clip: Path, profile: Profile, output: Path | None, *, one: bool) -> Path:
    if output is None:
        stem = clip.stem
        for other in Profile:
            stem = stem.removesuffix(f".{other.value}")
        if clip.parent.parent.name == "clips":  # a run's folder: only clips as cut lie under clips/
            return clip.parent.parent.parent / "repacked" / profile.value / clip.parent.name / clip.name
        return clip.with_name(f"{stem}.{profile.value}.mcap")
    if one and output.suffix == ".mcap":
        return output
    if output.suffix == ".mcap":
        raise BadInputError(
            f"{output} is one file and several clips were named; nothing was written. Name a folder."
        )
    return output / clip.name


def _row(path: Path, source: Sidecar, sidecar: Sidecar) -> dict[str, object]:
    packing = sidecar.packing
    return {
        "path": str(path),
        "clip_id": sidecar.clip_id,
        "profile": sidecar.profile,
        "from": source.profile,
        "size_bytes": sidecar.size_bytes,
        "source_bytes": source.size_bytes,
        "sha256": sidecar.sha256,
        "packing": packing.model_dump(mode="json", exclude_none=True) if packing is not None else None,
    }
