"""``python -m engine fog …``: everything about fog without a browser (design.md §5)."""

from __future__ import annotations

import typer

from engine.terminal import Json, answer, quietly

fog_cli = typer.Typer(no_args_is_help=True, help="Fog over the sea: bring data in, detect, forecast, score.")


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
