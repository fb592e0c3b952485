"""Pixels by URL: basemap and scene tiles, thumbnails, score surfaces, confused pictures; fog frames are in `fog`."""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from app.routes.refusals import Nothing
from app.routes.replies import ANSWERS, TILES, guarded, missing, number, picture
from engine.serving import engine
from engine.settings import ROOT
from engine.types import utc

if TYPE_CHECKING:
    from engine.imagery.basemap import Basemap, Theme

PNG, WEBP = "image/png", "image/webp"
UNDATED = "undated"
LAST_ZOOM = 30
_loading = threading.Lock()


@lru_cache(maxsize=1)
def _basemap() -> Basemap:
    from engine.imagery.basemap import Basemap  # not on the start-up path

    return Basemap(ROOT / "vendor" / "world-atlas" / "land-50m.json")


def basemap() -> Basemap:
    """The offline basemap, drawn from land polygons; loaded once, however many tiles are asked for at first."""
    with _loading:
        return _basemap()


def whole(text: str) -> int | None:
    """A whole number of an address; one of more digits than any address of ours has is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else None


def place(request: Request) -> tuple[int, int, int] | None:
    """Zoom, column and row of a map tile; None where the world has no such tile."""
    z, x, y = (whole(request.path_params[name]) for name in "zxy")
    if z is None or x is None or y is None or z > LAST_ZOOM or x >= 2**z or y >= 2**z:
        return None
    return z, x, y


async def base_tile(request: Request) -> Response:
    """A tile of the offline basemap."""
    theme: Theme = "dark" if request.path_params["theme"] == "dark" else "light"
    if (where := place(request)) is None:
        return picture(request, None, PNG)
    return picture(request, await TILES.work(request, lambda: basemap().tile(*where, theme)), PNG)


async def scene_tile(request: Request) -> Response:
    """A tile of the scenes of one time, in true or false colour; the time is ISO 8601, or ``undated``."""
    collection, when = request.path_params["collection"], request.path_params["when"]
    time = None if when == UNDATED else utc(when)
    if (where := place(request)) is None:
        return picture(request, None, PNG)
    return picture(request, await TILES.work(request, lambda: engine().map_tile(collection, time, *where)), PNG)


async def thumbnail(request: Request) -> Response:
    """A tile of a collection as a small picture."""
    collection, tile = request.path_params["collection"], request.path_params["tile"]
    size = number(request, "size", 160, 16, 512)
    return picture(request, await TILES.work(request, lambda: engine().thumbnail(collection, tile, size)), WEBP)


async def surface(request: Request) -> Response:
    """The score surface of a query that was asked in this process."""
    token = request.path_params["token"]
    drawn = await ANSWERS.work(request, lambda: engine().surface(token))
    if drawn is None:
        raise Nothing("This score surface is no longer kept. Ask the question again.")
    return picture(request, drawn, PNG)


async def confusion(request: Request) -> Response:
    """A picture that a model of an evaluation took for something else."""
    run = request.path_params["run"]
    places = [whole(request.path_params[key]) for key in ("report", "confusion", "place")]
    size = number(request, "size", 96, 16, 512)

    def drawn() -> bytes | None:
        known = [place for place in places if place is not None]
        return engine().evaluations.picture(run, *known, size) if len(known) == len(places) else None

    body = await TILES.work(request, drawn)
    if body is None:
        raise Nothing("No report that is kept names this picture.")
    return picture(request, body, WEBP)


def routes(base: str) -> list[BaseRoute]:
    """The routes; each group ends with a JSON 404."""
    return [
        Route(f"{base}/tiles/base/{{theme}}/{{z}}/{{x}}/{{y}}.png", guarded(base_tile)),
        Route(f"{base}/tiles/{{collection}}/{{when}}/{{z}}/{{x}}/{{y}}.png", guarded(scene_tile)),
        missing(f"{base}/tiles"),
        Route(f"{base}/thumbnails/{{collection}}/{{tile:path}}.webp", guarded(thumbnail)),
        missing(f"{base}/thumbnails"),
        Route(f"{base}/surfaces/{{token}}.png", guarded(surface)),
        missing(f"{base}/surfaces"),
        Route(f"{base}/evaluations/{{run}}/{{report}}/{{confusion}}/{{place}}.webp", guarded(confusion)),
        missing(f"{base}/evaluations"),
    ]
