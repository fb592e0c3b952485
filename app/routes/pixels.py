"""Pixels by URL: basemap and scene tiles, thumbnails, score surfaces, fog frames."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from app.routes.replies import guarded, missing, number, picture, work
from engine.serving import engine
from engine.settings import ROOT
from engine.types import utc

if TYPE_CHECKING:
    from engine.imagery.basemap import Basemap

PNG, WEBP = "image/png", "image/webp"
UNDATED = "undated"


@lru_cache(maxsize=1)
def basemap() -> Basemap:
    """The offline basemap, drawn from land polygons."""
    from engine.imagery.basemap import Basemap  # not on the start-up path

    return Basemap(ROOT / "vendor" / "world-atlas" / "land-50m.json")


def place(request: Request) -> tuple[int, int, int]:
    """Zoom, column and row of a map tile."""
    return request.path_params["z"], request.path_params["x"], request.path_params["y"]


async def base_tile(request: Request) -> Response:
    """A tile of the offline basemap."""
    theme = "dark" if request.path_params["theme"] == "dark" else "light"
    z, x, y = place(request)
    return picture(request, await work(lambda: basemap().tile(z, x, y, theme)), PNG)


async def scene_tile(request: Request) -> Response:
    """A tile of the scenes of one time, in true or false colour; the time is ISO 8601, or ``undated``."""
    collection, when = request.path_params["collection"], request.path_params["when"]
    z, x, y = place(request)
    time = None if when == UNDATED else utc(when)
    return picture(request, await work(lambda: engine().map_tile(collection, time, z, x, y)), PNG)


async def thumbnail(request: Request) -> Response:
    """A tile of a collection as a small picture."""
    collection, tile = request.path_params["collection"], request.path_params["tile"]
    size = number(request, "size", 160, 16, 512)
    return picture(request, await work(lambda: engine().thumbnail(collection, tile, size)), WEBP)


async def surface(request: Request) -> Response:
    """The score surface of a query that was asked in this process."""
    token = request.path_params["token"]
    return picture(request, await work(lambda: engine().surface(token)), PNG)


async def frame(request: Request) -> Response:
    """A frame of a fog cube's layer."""
    cube, layer, index = (request.path_params[key] for key in ("cube", "layer", "index"))
    return picture(request, await work(lambda: engine().frame(cube, layer, index)), PNG)


def routes(base: str) -> list[BaseRoute]:
    """The routes; each group ends with a JSON 404."""
    return [
        Route(f"{base}/tiles/base/{{theme}}/{{z:int}}/{{x:int}}/{{y:int}}.png", guarded(base_tile)),
        Route(f"{base}/tiles/{{collection}}/{{when}}/{{z:int}}/{{x:int}}/{{y:int}}.png", guarded(scene_tile)),
        missing(f"{base}/tiles"),
        Route(f"{base}/thumbnails/{{collection}}/{{tile:path}}.webp", guarded(thumbnail)),
        missing(f"{base}/thumbnails"),
        Route(f"{base}/surfaces/{{token}}.png", guarded(surface)),
        missing(f"{base}/surfaces"),
        Route(f"{base}/frames/{{cube}}/{{layer}}/{{index:int}}.png", guarded(frame)),
        missing(f"{base}/frames"),
    ]
