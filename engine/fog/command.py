"""``python -m engine fog …``: everything about fog without a browser (design.md §5)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine.fog.detection.command import detect, explain, fit
from engine.fog.export.command import export
from engine.fog.look.command import area, frames, points
from engine.fog.nowcast.command import nowcast
from engine.fog.scores.command import score
from engine.terminal import Json, ProgressLine, answer, quietly

fog_cli = typer.Typer(no_args_is_help=True, help="Fog over the sea: bring data in, detect, forecast, score.")
fog_cli.command()(detect)
fog_cli.command()(explain)
fog_cli.command()(fit)
fog_cli.command()(nowcast)
fog_cli.command()(area)
fog_cli.command()(points)
fog_cli.command()(frames)
fog_cli.command()(export)
fog_cli.command()(score)


@fog_cli.command()
def regions(as_json: Json = False) -> None:
    """List the sea regions with their boxes and the satellites that see them."""
    with quietly():
        from engine.fog.regions import sea_regions

        known = sea_regions().values()
    records = [
        {
            "id": region.id,
            "name": region.name,
            "bounds": [region.bounds.west, region.bounds.south, region.bounds.east, region.bounds.north],
            "satellites": list(region.satellites),
            "name_in_paper": region.name_in_paper,
            "note": region.note,
        }
        for region in known
    ]
    lines = [f"{r.id}  {r.name:40s} {r.bounds.words():45s} {', '.join(r.satellites)}" for r in known]
    answer({"regions": records}, as_json, lambda: "\n".join(lines))


Region = Annotated[str, typer.Option(help="Id of a sea region (see: fog regions), or W,S,E,N in degrees.")]


@fog_cli.command()
def convert(
    source: Annotated[Path, typer.Argument(help="A folder of M4Fog cubes, a track C file, level-1 files, NetCDF, Zarr, or an array.")],
    out: Annotated[Path, typer.Option(help="The cube to write, CUBE.zarr.")],
    layout: Annotated[str, typer.Option(help="m4fog-a, m4fog-b, m4fog-c, satpy, cf or array; by default recognised.")] = "",
    region: Region = "",
    step: Annotated[float, typer.Option(min=0.0, help="Size of a cell, degrees; by default the layout's own, or 0.0125.")] = 0.0,
    element: Annotated[list[str] | None, typer.Option(help="Take only this element; may be given more than once.")] = None,
    name: Annotated[list[str] | None, typer.Option(help="VARIABLE=ELEMENT, where a file's names don't say it.")] = None,
    instrument: Annotated[str, typer.Option(help="Imager (ABI, AHI, AGRI, AGRI-B, SEVIRI, FCI), where the files don't say it.")] = "",
    start: Annotated[str, typer.Option(help="Time of the first frame, ISO 8601, where the files don't say it.")] = "",
    sample: Annotated[int, typer.Option(min=0, help="Which sequence of a track C file.")] = 0,
    lag: Annotated[int, typer.Option(min=1, help="Minutes between the two frames of a track B pair.")] = 30,
    describe: Annotated[Path | None, typer.Option(help="YAML that describes a bare array; by default the one beside it.")] = None,
    observations: Annotated[Path | None, typer.Option(help="Table of ships and stations: visibility, present weather.")] = None,
    masks: Annotated[Path | None, typer.Option(help="Folder of label pictures named by their time.")] = None,
    sst: Annotated[Path | None, typer.Option(help="NetCDF or Zarr with sea surface temperature, for sources that bring none.")] = None,
    synthetic: Annotated[bool | None, typer.Option("--synthetic/--measured", help="Whether the data are made up.")] = None,
    as_json: Json = False,
) -> None:
    """Bring satellite data of another layout into a fog cube."""
    with quietly():
        from engine.errors import SourceInvalid
        from engine.fog.reading import Options
        from engine.fog.reading import convert as run
        from engine.types import utc

        pairs = [each.partition("=") for each in name or ()]
        wrong = [variable for variable, sign, target in pairs if not (variable and sign and target)]
        if wrong:
            raise SourceInvalid(wrong[0], "write names as VARIABLE=ELEMENT, for example IR_108=BT1120.")
        options = Options(
            region=region,
            step=step or None,
            elements=tuple(element or ()),
            instrument=instrument,
            start=utc(start) if start else None,
            sample=sample,
            lag_minutes=lag,
            synthetic=synthetic,
            names={variable: target for variable, _, target in pairs},
            description=describe,
        )
        made = run(source, out, layout, options, observations=observations, masks=masks, sst=sst, progress=ProgressLine())
    series, about = made.series, made.series.provenance
    record = {
        "cube": str(made.written.path),
        "layout": about.layout,
        "elements": list(series.elements),
        "times": [when.isoformat() for when in series.times],
        "shape": [len(series.times), *series.grid.shape],
        "units_detected": dict(about.units_detected),
        "region": about.region,
        "synthetic": about.synthetic,
        "notes": list(made.written.notes),
    }
    rows, columns = series.grid.shape
    words = f"{made.written.path}: {len(series.times):,} frames of {rows} × {columns}, {', '.join(series.elements)}"
    answer(record, as_json, lambda: "\n".join([words, *made.written.notes]))


@fog_cli.command()
def fetch(
    region: Region,
    start: Annotated[str, typer.Option("--from", help="First time, ISO 8601.")],
    out: Annotated[Path, typer.Option(help="Folder for the level-1 files.")],
    end: Annotated[str, typer.Option("--to", help="Last time; by default the first.")] = "",
    series: Annotated[str, typer.Option(help="GOES or Himawari; by default the one that sees the region.")] = "",
    element: Annotated[list[str] | None, typer.Option(help="Only this element; may be given more than once.")] = None,
    every: Annotated[int, typer.Option(min=1, help="Minutes between frames.")] = 30,
    as_json: Json = False,
) -> None:
    """Fetch level-1 files of GOES or Himawari from the public archives, without an account."""
    with quietly():
        from engine.fog.archive import fetch as run
        from engine.types import utc

        first = utc(start)
        got = run(
            region,
            first,
            utc(end) if end else first,
            out,
            series=series,
            elements=tuple(element or ()),
            every=every,
            progress=ProgressLine(),
        )
    record = {
        "platform": got.platform,
        "files": [str(path) for path in got.files],
        "scans": [when.isoformat() for when in got.scans],
        "gaps": [when.isoformat() for when in got.gaps],
        "bytes": got.bytes,
    }
    words = f"{len(got.files)} files of {got.platform}, {len(got.scans)} scans, {got.bytes / 1e6:,.1f} MB in {out}"
    words += f"; {len(got.gaps)} times have none" if got.gaps else ""
    answer(record, as_json, lambda: words)


@fog_cli.command()
def simulate(
    out: Annotated[Path, typer.Argument(help="Folder for the cube, which is named SYNTHETIC_fog_REGION_SEED.zarr.")],
    region: Annotated[str, typer.Option(help="Id of a sea region (see: fog regions).")],
    seed: Annotated[int, typer.Option(min=0, help="Decides everything that is not given.")] = 0,
    start: Annotated[str, typer.Option(help="First time, ISO 8601; by default drawn.")] = "",
    frames: Annotated[int, typer.Option(help="Half-hour steps.")] = 48,
    size: Annotated[int, typer.Option(help="Cells each way; 1024 is the full grid of 0.0125°.")] = 512,
    sensor: Annotated[str, typer.Option(help="Imager (ABI, AHI, AGRI, AGRI-B, SEVIRI, FCI); by default the region's.")] = "",
    regime: Annotated[str, typer.Option(help="Which weather may be drawn: training, thin, cool, moist, murky or demo.")] = "training",
    rate: Annotated[float, typer.Option(help="Share of the sea with fog, 0–1; by default drawn, and often none.")] = 0.0,
    as_json: Json = False,
) -> None:
    """Make up a series of fog, cloud and clear sea over a real coast: SYNTHETIC data with exact labels."""
    with quietly():
        from engine.errors import WeatherInvalid
        from engine.types import utc
        from engine.world.weather import REGIMES
        from engine.world.weather import simulate as run

        if regime not in REGIMES or not 0 <= rate <= 0.9:
            raise WeatherInvalid(f"take one of {', '.join(REGIMES)} and a rate from 0 to 0.9.")
        drawn = REGIMES[regime].at_rate(rate, foggy=1.0) if rate else REGIMES[regime]
        series = run(region, seed, start=utc(start) if start else None, frames=frames, size=size, sensor=sensor, regime=drawn)
        path = series.write(out, progress=ProgressLine())
    record = {
        "cube": str(path),
        "synthetic": True,
        "region": region,
        "seed": seed,
        "regime": regime,
        "instrument": series.provenance.instrument,
        "elements": list(series.elements),
        "times": [when.isoformat() for when in series.times],
        "fog_rate": round(series.scenario.fog_rate, 4),
    }
    words = (
        f"{path}: SYNTHETIC, {len(series.times):,} frames from {series.times[0]:%Y-%m-%d %H:%M} UTC as {series.provenance.instrument} sees"
    )
    fog = f"fog over {series.scenario.fog_rate:.1%} of the sea" if series.scenario.fog_rate else "no fog"
    answer(record, as_json, lambda: f"{words} them; {fog}")
