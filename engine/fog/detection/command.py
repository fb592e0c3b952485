"""``python -m engine fog detect`` and ``fog explain``: masks of a cube, and why a cell is what it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.settings import ASSETS
from engine.terminal import Json, ProgressLine, answer, quietly

if TYPE_CHECKING:
    from engine.fog.detection.run import Over

CubePath = Annotated[Path, typer.Argument(help="A cube, CUBE.zarr, or the name of one in the data folder.")]
When = Annotated[str, typer.Option("--time", help="Only the frame nearest to this time, ISO 8601.")]


def detect(
    cube: CubePath,
    out: Annotated[Path, typer.Option(help="Where the masks go: .zarr or .nc. The names of made-up data get SYNTHETIC in front.")],
    method: Annotated[str, typer.Option(help="physics, or network (experimental).")] = "physics",
    when: When = "",
    dynamic: Annotated[bool, typer.Option("--dynamic", help="With a memory of the frames before, carried along, and hysteresis.")] = False,
    multiframe: Annotated[bool, typer.Option("--multi-frame", help="Three frames at once, carried along, without hysteresis.")] = False,
    as_json: Json = False,
) -> None:
    """Find fog or very low stratus: probability, state, reasons and validity of each cell."""
    with quietly():
        from engine.errors import DetectorUnavailable
        from engine.fog.detection.run import detect_cube
        from engine.fog.nowcast.command import opened
        from engine.types import utc

        if dynamic and multiframe:
            raise DetectorUnavailable(method, "take --dynamic or --multi-frame, not both.")
        over: Over = "dynamic" if dynamic else "multiframe" if multiframe else "frame"
        with opened(cube) as source:
            frames = [source.nearest(utc(when))] if when else None
            found = detect_cube(source, out, method=method, over=over, frames=frames, progress=ProgressLine())
            times = [source.times[frame].isoformat() for frame in frames] if frames else None
    record = found.record() | ({"times": times} if times else {})
    answer(record, as_json, lambda: _words(record))


def explain(
    cube: CubePath,
    lat: Annotated[float, typer.Option(min=-90, max=90, help="Degrees.")],
    lon: Annotated[float, typer.Option(help="Degrees east.")],
    when: When = "",
    as_json: Json = False,
) -> None:
    """Say why a cell is what it is: every test with its value, its threshold and what it counts."""
    with quietly():
        from engine.fog.detection import explain as read
        from engine.fog.look.readout import cell_at
        from engine.fog.nowcast.command import opened
        from engine.types import utc

        with opened(cube) as source:
            frame = source.nearest(utc(when)) if when else len(source.times) - 1
            row, column = cell_at(source, lon, lat)
            record = read(source, frame, row, column).record()
    answer(record, as_json, lambda: _said(record))


def fit(
    out: Annotated[Path, typer.Option(help="Folder for the tables; by default where the detector reads them.")] = ASSETS / "detection",
    recipe: Annotated[Path, typer.Option(help="What is fitted on what.")] = ASSETS / "detection" / "fit.yaml",
    clear_sky: Annotated[bool, typer.Option("--clear-sky", help="First what a clear sky looks like to each imager, then stop.")] = False,
    as_json: Json = False,
) -> None:
    """Fit the detector's tables anew on made-up weather: SYNTHETIC, the training regime alone, held-out regions left out."""
    with quietly():
        from engine.fog.detection.clearing import fit_clear_skies
        from engine.fog.detection.fitting import FitRecipe, balance, sample, written
        from engine.fog.detection.fitting import fit as fit_evidence

        plan, line = FitRecipe.read(recipe), ProgressLine()
        if clear_sky:
            path = written(out / "clear_sky.yaml", fit_clear_skies(plan, line))
            cells = 0
        else:
            looked = sample(plan, line)
            cells = looked.zenith.size
            path = written(out / "physics.yaml", balance(fit_evidence(plan, looked, line), looked))
    record = {"out": str(path), "series": plan.series, "cells": cells, "synthetic": True}
    answer(record, as_json, lambda: f"{path}: fitted on {plan.series:,} SYNTHETIC series")


def _words(record: dict[str, Any]) -> str:
    lines = [
        f"{record['out']}: {record['frames']:,} frames, {record['fog_fraction']:.1%} {record['event']}, "
        f"{record['obscured_fraction']:.1%} obscured by higher cloud, of the cells with data",
        f"by {record['method']}",
        "under: " + ", ".join(f"{name.replace('_', ' ')} {share:.0%}" for name, share in record["validity"].items()),
    ]
    if record["skipped"]:
        lines.append(f"{len(record['skipped'])} frames could not be judged")
    return "\n".join([*lines, *record["notes"], *(["SYNTHETIC data"] if record["synthetic"] else [])])


def _said(record: dict[str, Any]) -> str:
    chance = "" if record["probability"] is None else f", probability {record['probability']:.2f}"
    lines = [f"{record['lat']:.3f} N {record['lon']:.3f} E at {record['time']}: {record['words']}{chance}", *record["validity"]]
    for finding in record["findings"]:
        value = "–" if finding["value"] is None else f"{finding['value']:.2f} {finding['unit']}".strip()
        limit = "" if finding["threshold"] is None else f", turns at {finding['threshold']:.2f}"
        weight = "" if finding["weight"] is None else f", counts {finding['weight']:+.2f}"
        lines.append(f"  {finding['words']}: {finding['quantity']} = {value}{limit}{weight}")
    return "\n".join([*lines, *record["notes"]])
