"""``python -m engine fog score``: a mask against labels."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from engine.terminal import Json, answer, quietly


def score(
    mask: Annotated[Path, typer.Argument(help="A mask: cube or store, NetCDF, GeoTIFF, PNG or .npy.")],
    truth: Annotated[Path, typer.Option(help="Labels in the same forms, for example a cube with fog_label.")],
    stratus: Annotated[bool, typer.Option("--stratus", help="Count low stratus as the event too; by default only fog counts.")] = False,
    as_json: Json = False,
) -> None:
    """Score a mask: as a whole, by light, region and higher cloud, with intervals over events."""
    with quietly():
        from engine.fog.scores.files import Comparison, Frames
        from engine.fog.scores.scorecard import scorecard

        joined = Comparison.of(Frames.open(mask), Frames.open(truth), stratus_counts=stratus)
        card = scorecard(joined.pairs())
        record = card.record()
    record["skipped"] = joined.skipped
    record["synthetic"] = joined.mask.synthetic or joined.truth.synthetic
    answer(record, as_json, lambda: _words(record))


def _words(record: dict[str, Any]) -> str:
    rows = [("all", record), *record["by"].items(), *record["by_cover"].items()]
    lines = [f"{'':20s}{'pixels':>12s}" + "".join(f"{name:>9s}" for name in _SHOWN)]
    for name, part in rows:
        if part["n"]:
            figures = "".join(f"{'–' if part[ratio] is None else format(part[ratio], '.3f'):>9s}" for ratio in _SHOWN)
            lines.append(f"{name:20s}{part['n']:12,d}{figures}")
    interval = record["intervals"]["csi"]
    events = record["events"]
    spread = (
        "one event says nothing about others"
        if interval is None
        else f"CSI {interval[0]:.3f} to {interval[1]:.3f} (95 %) over {events} events"
    )
    lines.append(f"{record['frames']} frame{'s' * (record['frames'] != 1)}, {events} event{'s' * (events != 1)}: {spread}")
    if record["synthetic"]:
        lines.append("SYNTHETIC data")
    return "\n".join(lines)


_SHOWN = ("csi", "pod", "far", "hss", "bias", "f1", "iou_mean")
