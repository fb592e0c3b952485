"""The command line: a contract for scripts, teaching and measuring (see docs/command-line.md).

With ``--json`` a command prints one JSON object as its last line and nothing else on standard output; progress goes to
standard error. Exit 0 on success, 2 on bad input with one clear line. Heavy parts are imported when a command needs
them, so that ``--help`` and errors answer at once.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

from engine.errors import CollectionExists, PharosError, RecipeInvalid
from engine.evaluation.command import evaluate_cli
from engine.fog.command import fog_cli
from engine.learning.captions.command import captions
from engine.settings import ROOT, settings
from engine.terminal import Json, ProgressLine, answer, quietly

cli = typer.Typer(add_completion=False, help="Question the Earth in plain words.", pretty_exceptions_enable=False)
models_cli = typer.Typer(invoke_without_command=True, help="List the encoders, or add one of your own.")
cli.add_typer(models_cli, name="models")
cli.add_typer(evaluate_cli, name="evaluate")
cli.add_typer(fog_cli, name="fog")
cli.command()(captions)

CollectionName = Annotated[str, typer.Option("--collection", help="Name of the collection.")]
Regions = Annotated[list[str] | None, typer.Option("--region", help="W,S,E,N in degrees or a .geojson file; may be given more than once.")]


@cli.command()
def index(
    paths: Annotated[list[str], typer.Argument(help="GeoTIFF or COG files, pictures, folders of them, or http(s) addresses.")],
    collection: CollectionName,
    model: Annotated[str, typer.Option(help="Id of the encoder, see: models; with --resume by default the collection's own.")] = "",
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run, or add scenes.")] = False,
    tile: Annotated[str, typer.Option(help="Side of a tile, as 64px or 300m; by default chosen from the resolution.")] = "",
    overlap: Annotated[float, typer.Option(help="What neighbouring tiles share, in the unit of --tile.")] = 0.0,
    place: Annotated[str, typer.Option(help="W,S,E,N in degrees: where a raster without a CRS lies.")] = "",
    unplaced: Annotated[bool, typer.Option("--unplaced", help="Show rasters without a CRS on a plain grid.")] = False,
    as_json: Json = False,
) -> None:
    """Cut scenes into tiles, embed them, and keep the vectors as a collection."""
    with quietly():
        from engine import encoders, imagery
        from engine import index as collections
        from engine.types import Region

        before = indexed_with(collection, resume)  # what can be refused at once is, before anything is scanned or loaded
        where = Region.from_like(place).bounds if place else None
        progress = ProgressLine()
        spec = imagery.TileSpec.parse(tile, overlap) if tile else imagery.TileSpec()
        found = imagery.find_scenes(paths, place=where, unplaced=unplaced, progress=progress)
        encoder = encoders.load(model or before or settings().model, progress=progress)
        report = collections.build(collection, found.scenes, encoder, spec=spec, resume=resume, progress=progress)
        skipped = [{"name": name, "why": why} for name, why in (*found.skipped, *report.unreadable)]
    record = {
        "collection": report.collection,
        "model": report.model,
        "scenes": report.scenes,
        "tiles": report.tiles,
        "skipped": report.skipped + len(skipped),
        "seconds": round(report.seconds, 3),
        "tiles_per_second": round(report.tiles_per_second, 2),
        "skipped_files": skipped,
    }
    lines = [f"{report.tiles:,} tiles of {report.scenes:,} scenes in “{report.collection}”, {report.seconds:.1f} s ({report.model})"]
    lines += [f"skipped {entry['name']}: {entry['why']}" for entry in skipped]
    answer(record, as_json, lambda: "\n".join(lines))


def indexed_with(collection: str, resume: bool) -> str:
    """Id of the model that a collection was begun with, or nothing where there is none yet.

    Raises:
        CollectionNameInvalid: If the name can't name a collection.
        CollectionExists: If it exists and is not to be resumed.
    """
    from engine.index.collection import folder_of
    from engine.index.manifest import FILE, Manifest

    folder = folder_of(collection)
    if not (folder / FILE).is_file():
        return ""
    if not resume:
        raise CollectionExists(collection)
    return Manifest.read(folder).model_id


@cli.command()
def search(
    collection: CollectionName,
    text: Annotated[list[str] | None, typer.Argument(help="What to look for; several texts are averaged.")] = None,
    negative: Annotated[list[str] | None, typer.Option("--not", help="What to stay away from.")] = None,
    like: Annotated[list[str] | None, typer.Option(help="A tile id or a picture to look like.")] = None,
    region: Regions = None,
    start: Annotated[str, typer.Option("--from", help="Earliest time, ISO 8601.")] = "",
    end: Annotated[str, typer.Option("--to", help="Latest time, ISO 8601; a bare day includes its evening.")] = "",
    sensor: Annotated[str, typer.Option(help="Only scenes of this sensor.")] = "",
    k: Annotated[int, typer.Option("--k", min=1, help="How many hits at most.")] = 10,
    merge: Annotated[bool, typer.Option("--merge/--no-merge", help="Join overlapping hits of one scene.")] = True,
    as_json: Json = False,
) -> None:
    """Rank the tiles of a collection by what you look for."""
    with quietly():
        from engine import encoders
        from engine import index as collections
        from engine.types import Query, Region, TimeSpan

        query = Query(
            collection=collection,
            texts=tuple(text or ()),
            negatives=tuple(negative or ()),
            likes=tuple(like or ()),
            regions=tuple(Region.from_like(r) for r in region or ()),
            span=TimeSpan.from_like(start or None, end or None),
            sensor=sensor,
            limit=k,
            merge=merge,
        )
        opened = collections.Collection.open(collection)
        ranking = collections.search(opened, query, encoders.load(opened.model_id, progress=ProgressLine()))
    lines = [
        f"{hit.rank:3d}  {hit.verdict:6s}  better than {hit.percentile:.1%}  {hit.margin:+.3f} over neutral  {hit.tile_id}"
        for hit in ranking.hits
    ]
    lines.append(f"{ranking.relevant:,} of {ranking.searched:,} tiles look like the query.")
    answer(ranking.record(), as_json, lambda: "\n".join(lines))


@cli.command()
def label(
    collection: CollectionName,
    labels: Annotated[str, typer.Option(help="Comma-separated labels, or the name of a set in assets/labels.")],
    region: Regions = None,
    start: Annotated[str, typer.Option("--from", help="Earliest time, ISO 8601.")] = "",
    end: Annotated[str, typer.Option("--to", help="Latest time, ISO 8601.")] = "",
    as_json: Json = False,
) -> None:
    """Put zero-shot labels on the tiles of a collection, and say how much area each takes."""
    with quietly():
        from engine import encoders
        from engine import index as collections
        from engine.labels import LabelSet, label_collection
        from engine.types import Region, TimeSpan

        wanted = LabelSet.from_like(labels)
        opened = collections.Collection.open(collection)
        encoder = encoders.load(opened.model_id, progress=ProgressLine())
        regions = tuple(Region.from_like(r) for r in region or ())
        labelled = label_collection(opened, wanted, encoder, regions=regions, span=TimeSpan.from_like(start or None, end or None))
    lines = [f"{area:10.2f} km²  {name}" for name, area in labelled.shares_km2.items()]
    lines.append(f"{labelled.abstained:,} of {len(labelled.tiles):,} tiles abstained")
    answer(labelled.record(), as_json, lambda: "\n".join(lines))


@cli.command()
def world(
    out: Annotated[Path, typer.Option(help="Folder for the scenes, their truth and the fog cube.")],
    seed: Annotated[int, typer.Option(help="Another seed, another island.")] = 7,
    bands: Annotated[bool, typer.Option("--bands", help="Write twelve optical bands of each date too.")] = False,
    radar: Annotated[bool, typer.Option("--radar", help="Write the radar twin of each date too: VV and VH in dB.")] = False,
    as_json: Json = False,
) -> None:
    """Make the made-up island and a fog cube: SYNTHETIC data with exact truth."""
    with quietly():
        from engine.world import make_world

        made = make_world(out, seed, bands=bands, radar=radar, progress=ProgressLine())
    record = {
        "scenes": [str(path) for path in made.scenes],
        "cubes": [str(path) for path in made.cubes],
        "bands": [str(path) for path in made.bands],
        "radar": [str(path) for path in made.radar],
        "seconds": round(made.seconds, 3),
        "synthetic": True,
    }
    answer(record, as_json, lambda: f"{len(made.scenes)} scenes and {len(made.cubes)} cube in {out}, {made.seconds:.1f} s (SYNTHETIC)")


@cli.command()
def train(
    recipe: Annotated[Path, typer.Argument(help="A recipe in assets/recipes, or a YAML file of your own.")],
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint.")] = False,
    seed: Annotated[int | None, typer.Option(min=0, help="In the place of the recipe's seed; the same pictures stay held out.")] = None,
    as_json: Json = False,
) -> None:
    """Train a dual encoder from a recipe."""
    with quietly():
        from engine.learning import train as run

        path = recipe if recipe.exists() else ROOT / "assets" / "recipes" / f"{recipe.stem}.yaml"
        if not path.exists():
            known = ", ".join(sorted(p.stem for p in (ROOT / "assets" / "recipes").glob("*.yaml")))
            raise RecipeInvalid(str(recipe), f"there is no such file. Known recipes: {known}.")
        report = run(path, resume=resume, seed=seed, progress=ProgressLine())
    record = {
        "checkpoint": str(report.checkpoint),
        "epochs": report.epochs,
        "metrics": dict(report.metrics),
        "seconds": round(report.seconds, 1),
    }
    answer(record, as_json, lambda: f"{report.checkpoint}: {report.epochs} epochs, {report.seconds:.0f} s, {dict(report.metrics)}")


@models_cli.callback()
def models(context: typer.Context, as_json: Json = False) -> None:
    """List the encoders: ready ones can be used without a network."""
    if context.invoked_subcommand:
        return
    with quietly():
        from engine.encoders import registry

        cards = [card.record() for card in registry().values()]
    lines = [f"{'ready' if c['ready'] else '     '}  {c['id']:24s} {c['dim'] or '?':>5}  {c['licence']}" for c in cards]
    answer({"models": cards}, as_json, lambda: "\n".join(lines))


@models_cli.command("add")
def add(
    file: Annotated[Path, typer.Argument(help="A checkpoint: .pt, .pth, .bin or .safetensors.")],
    name: Annotated[str, typer.Option("--id", help="What to call it; by default the file's stem.")] = "",
    architecture: Annotated[str, typer.Option(help="open_clip architecture or a JSON config; guessed where it can be.")] = "",
    quick_gelu: Annotated[bool, typer.Option("--quick-gelu", help="For weights that began as OpenAI's; shapes can't show it.")] = False,
    as_json: Json = False,
) -> None:
    """Add a checkpoint file of your own."""
    with quietly():
        from engine.encoders import add_model

        card = add_model(file, model_id=name or None, architecture=architecture or None, quick_gelu=quick_gelu)
    answer({"models": [card.record()]}, as_json, lambda: f"added {card.id}: index with --model {card.id}")


@cli.command()
def bench(
    name: Annotated[str, typer.Argument(help="A script in benchmarks/, or all.")],
    as_json: Json = False,
) -> None:
    """Run a benchmark and print its figures and ratios."""
    known = sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py") if path.stem != "__init__")
    if name != "all" and name not in known:
        raise PharosError(f"There is no benchmark “{name}”. Known: {', '.join(known)}, all.")
    chosen = [each for each in known if each != "ablation"] if name == "all" else [name]  # which trains for an hour or two
    with quietly():
        figures = {each: importlib.import_module(f"benchmarks.{each}").main() for each in chosen}
    record = figures if name == "all" else figures[name]
    answer(record, as_json, lambda: json.dumps(record, indent=2))


def main() -> None:
    """Run the command line; every way to fail ends in one clear line and its exit code."""
    command = typer.main.get_command(cli)
    try:
        command(sys.argv[1:] or ["--help"], standalone_mode=False)
    except PharosError as error:
        fail(str(error))
    except typer.Abort:
        fail("Stopped.", 130)
    except KeyboardInterrupt:
        fail("Stopped. What was acknowledged is kept.", 130)
    except TyperException as error:  # wrong options and arguments
        fail(getattr(error, "format_message", error.__str__)())
    except Exception as error:
        if os.environ.get("PHAROS_DEBUG"):
            raise
        fail(f"Pharos failed inside ({type(error).__name__}: {error}). Set PHAROS_DEBUG=1 to see where.", 1)


def fail(message: str, code: int = 2) -> None:
    """End with one line on standard error."""
    typer.echo(" ".join(message.split()), err=True)
    raise SystemExit(code)
