"""``python -m engine fog area``, ``fog points`` and ``fog frames``: what the fog view shows, without it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.terminal import Json, ProgressLine, answer, quietly

if TYPE_CHECKING:
    from engine.fog.cube import Cube
    from engine.fog.moments import Moment

CubePath = Annotated[Path, typer.Argument(help="A cube, CUBE.zarr, or the name of one in the data folder.")]
Method = Annotated[str, typer.Option(help="Detector: physics, or network (experimental).")]
Start = Annotated[str, typer.Option("--from", help="Earliest time, ISO 8601.")]
End = Annotated[str, typer.Option("--to", help="Latest time, ISO 8601.")]
Forecast = Annotated[bool, typer.Option("--forecast", help="Add the next three hours.")]


def area(
    cube: CubePath,
    region: Annotated[str, typer.Option(help="W,S,E,N in degrees or a .geojson file; by default the whole cube.")] = "",
    method: Method = "physics",
    start: Start = "",
    end: End = "",
    forecast: Forecast = False,
    as_json: Json = False,
) -> None:
    """Say how much sea lies under fog or very low stratus at each time, in km²; gaps stay gaps."""
    with quietly():
        from engine.fog.look import area_series
        from engine.fog.look.judge import judge
        from engine.fog.nowcast.command import opened
        from engine.types import Region

        where = Region.from_like(region) if region else None
        with opened(cube) as source:
            series = area_series(source, axis_of(source, start, end, forecast), judge(source, method), where, progress=ProgressLine())
    record = series.record()
    answer(record, as_json, lambda: "\n".join(_line(frame) for frame in record["frames"]))


def points(
    cube: CubePath,
    point: Annotated[list[str] | None, typer.Option(help="NAME,LON,LAT; may be given more than once; by default the ports.")] = None,
    method: Method = "physics",
    start: Start = "",
    end: End = "",
    forecast: Forecast = False,
    as_json: Json = False,
) -> None:
    """Say from when to when ports and points lie in fog or very low stratus."""
    with quietly():
        from engine.fog.look import Place, place_spells, ports
        from engine.fog.look.judge import judge
        from engine.fog.nowcast.command import opened

        places = [Place.from_text(text) for text in point or ()]
        with opened(cube) as source:
            axis = axis_of(source, start, end, forecast)
            chosen = places or ports(source.provenance.region)
            found = place_spells(source, axis, judge(source, method), chosen, progress=ProgressLine())
            record = {"cube": source.name, "method": method, "synthetic": source.synthetic, "points": [each.record() for each in found]}
    answer(record, as_json, lambda: "\n".join(f"{each.place.name}: {each.words}" for each in found) or "no ports are known there")


def frames(
    cube: CubePath,
    out: Annotated[Path, typer.Option(help="Folder for the pictures, one a frame, named by their time.")],
    layer: Annotated[str, typer.Option(help="Which layer; a wrong name lists them.")] = "fog",
    method: Method = "physics",
    start: Start = "",
    end: End = "",
    width: Annotated[int | None, typer.Option(min=16, max=2048, help="Pixels; by default one a cell.")] = None,
    as_json: Json = False,
) -> None:
    """Draw the frames of a layer as a web map shows them: to be laid between the cube's bounds, in Mercator rows."""
    with quietly():
        from engine.fog.detection import detect
        from engine.fog.export.command import kept
        from engine.fog.layers import layer_named
        from engine.fog.nowcast.command import opened
        from engine.fog.rendering import draw_frame

        recipe, progress = layer_named(layer), ProgressLine()
        began, files = time.monotonic(), []
        with opened(cube) as source:
            axis = axis_of(source, start, end)
            shown = [moment for moment in axis if moment.index is not None]
            for done, moment in enumerate(shown):
                progress("drawing frames", done, len(shown))
                drawn = draw_frame(source, layer, moment.index or 0, width=width, find=lambda each, index: detect(each, index, method))
                path = out / f"{layer}_{moment.stamp}.{recipe.format}"
                files.append(str(kept(path, drawn.encoded(recipe.format), synthetic=source.synthetic)))
            record = {
                "cube": source.name,
                "layer": layer,
                "bounds": source.bounds.array.tolist(),
                "files": files,
                "times": [moment.time.isoformat() for moment in shown],
                "gaps": [moment.time.isoformat() for moment in axis if moment.gap],
                "legend": recipe.legend.record(),
                "synthetic": source.synthetic,
                "seconds": round(time.monotonic() - began, 3),
            }
    answer(record, as_json, lambda: f"{len(files)} frames of {recipe.title} in {out}, {record['seconds']} s")


def axis_of(cube: Cube, start: str, end: str, forecast: bool = False) -> tuple[Moment, ...]:
    """The moments of a span of a cube.

    Raises:
        FrameNotFound: If no frame lies in it.
    """
    from engine.errors import FrameNotFound
    from engine.fog.moments import ahead, moments
    from engine.fog.nowcast import LEADS
    from engine.types import TimeSpan

    span = TimeSpan.from_like(start or None, end or None)
    inside = [index for index, when in enumerate(cube.times) if span.holds(when)]
    if not inside:
        raise FrameNotFound(cube.name, "in that span", f"it covers {TimeSpan(cube.times[0], cube.times[-1]).words()}.")
    axis = moments(cube, inside[0], inside[-1])
    return axis + ahead(cube, cube.times[-1], LEADS) if forecast else axis


def _line(frame: dict[str, Any]) -> str:
    when = f"{frame['label']}{' forecast' if frame['forecast'] else ''}"
    if frame["fog_km2"] is None:
        return f"{when:30s} {'no frame' if frame['gap'] else frame['why'] or 'not known'}"
    shares = f"{frame['fog_share']:6.1%} of the sea; judged {frame['judged_share']:.0%}, obscured {frame['obscured_share']:.0%}"
    return f"{when:30s} {frame['fog_km2']:12,.0f} km²  {shares}"
