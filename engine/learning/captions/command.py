"""``python -m engine captions …``: sentences from boxes and label rasters."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.terminal import Json, ProgressLine, answer, quietly

if TYPE_CHECKING:
    from engine.learning.captions.writing import CaptionReport


def captions(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="Label files, their folder, or a COCO file.")],
    out: Annotated[Path, typer.Argument(help="The caption file to write, or the folder for captions.json.")],
    kind: Annotated[str, typer.Option(help="dota, coco or raster.")],
    classes: Annotated[Path | None, typer.Option(help="YAML: what names, pixel values or colours are called.")] = None,
    pictures: Annotated[
        Path | None, typer.Option(help="Folder below which the pictures lie; by default images in or beside INPUT.")
    ] = None,
    against: Annotated[list[Path] | None, typer.Option(help="Folder of pictures that must have no near copy here, as a test set.")] = None,
    keep_duplicates: Annotated[bool, typer.Option("--keep-duplicates", help="Keep near copies among the pictures.")] = False,
    distance: Annotated[int, typer.Option(help="Bits of the perceptual hash up to which two pictures are near copies.")] = 4,
    central: Annotated[float, typer.Option(help="Part of each side that is the middle of a picture.")] = 0.5,
    least: Annotated[int, typer.Option(min=1, help="Pixels of the smallest piece of a label raster to speak of.")] = 4,
    difficult: Annotated[bool, typer.Option("--difficult/--no-difficult", help="Speak of what DOTA flags as difficult.")] = True,
    seed: Annotated[int, typer.Option(help="Another seed, other words.")] = 0,
    as_json: Json = False,
) -> None:
    """Make captions from boxes or label rasters, and leave near copies out."""
    with quietly():
        from engine.learning.captions.files import kind_named
        from engine.learning.captions.writing import Rules, write_captions

        rules = Rules(central=central, seed=seed, difficult=difficult, least=least, duplicates=keep_duplicates, distance=distance)
        report = write_captions(
            source,
            out,
            kind_named(kind),
            classes=classes,
            pictures=pictures,
            against=against or (),
            rules=rules,
            progress=ProgressLine(),
        )
    record = {
        "captions": str(report.path),
        "pictures": len(report.captions),
        "sentences": report.sentences,
        "boxes": report.boxes,
        "dropped": report.dropped,
        "duplicates": report.duplicates,
        "skipped": len(report.skipped),
        "seconds": round(report.seconds, 3),
        "dropped_boxes": [{"name": name, "why": why} for name, why in report.faults],
        "skipped_files": [{"name": name, "why": why} for name, why in report.skipped],
    }
    answer(record, as_json, lambda: words(report))


def words(report: CaptionReport) -> str:
    """What was made, in a few lines."""
    lines = [f"{report.sentences:,} sentences on {len(report.captions):,} pictures in {report.path}, {report.seconds:.1f} s"]
    lines += [f"skipped {name}: {why}" for name, why in report.skipped]
    lines += [f"left out of {name}: {why}" for name, why in report.faults]
    return "\n".join(lines)
