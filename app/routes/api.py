"""The JSON API: what the command line's search does, over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from app.routes.replies import guarded, missing, work
from engine.errors import QueryInvalid
from engine.serving import engine
from engine.types import Query, Region, TimeSpan

MOST_HITS = 1000
MOST_BYTES = 1_000_000


class ForeignOrigin(QueryInvalid):
    """A page of another site posts here."""


def same_origin(request: Request) -> None:
    """Refuse a post from another site's page; cookies and loopback addresses give no protection by themselves.

    Raises:
        ForeignOrigin: If the Origin header names another host.
    """
    origin = request.headers.get("origin")
    if origin and urlsplit(origin).netloc != request.headers.get("host"):
        raise ForeignOrigin("A page of another site may not ask here. Open Pharos itself.")


def strings(body: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """A text, or a list of texts, of the body."""
    value = body.get(name) or ()
    value = (value,) if isinstance(value, str) else value
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise QueryInvalid(f"“{name}” must be a text or a list of texts.")
    return tuple(value)


def regions(body: Mapping[str, Any]) -> tuple[Region, ...]:
    """Regions of the body; a file's path is no region here, since the server opens no file for a stranger."""
    value = body.get("region")
    if value is None or value == "":
        return ()
    many = value if isinstance(value, list) and value and not isinstance(value[0], int | float) else [value]
    if any(isinstance(item, str) and any(letter.isalpha() for letter in item) for item in many):
        raise QueryInvalid("“region” must be W,S,E,N in degrees or a GeoJSON polygon.")
    return tuple(Region.from_like(item) for item in many)


def whole(value: object) -> int:
    """How many hits are wanted."""
    try:
        return min(max(int(str(value)), 1), MOST_HITS)
    except ValueError:
        raise QueryInvalid("“k” must be a whole number.") from None


def query_from(body: Mapping[str, Any]) -> Query:
    """The query that a body or an address asks; keys as on the command line.

    Raises:
        QueryInvalid: If a key is of the wrong kind.
    """
    likes = strings(body, "like")
    collection = body.get("collection")
    if not isinstance(collection, str):
        raise QueryInvalid("Say which “collection” to search.")
    known = engine().collection(collection)
    for tile in likes:
        known.tile(tile)  # over HTTP only tiles, never files of this machine
    return Query(
        collection=collection,
        texts=strings(body, "text"),
        negatives=strings(body, "not"),
        likes=likes,
        regions=regions(body),
        span=TimeSpan.from_like(body.get("from") or None, body.get("to") or None),
        sensor=str(body.get("sensor") or ""),
        limit=whole(body.get("k", 10)),
    )


async def search(request: Request) -> Response:
    """Rank tiles: GET with a query string, or POST with a JSON object."""
    if request.method == "POST":
        same_origin(request)
        raw = await request.body()
        if len(raw) > MOST_BYTES:
            raise QueryInvalid("The request is larger than 1 MB.")
        try:
            body = await request.json()
        except ValueError:
            raise QueryInvalid("The body is no JSON.") from None
        if not isinstance(body, dict):
            raise QueryInvalid("The body must be a JSON object.")
    else:
        body = dict(request.query_params)
        for name in ("text", "not", "like"):
            body[name] = request.query_params.getlist(name)
    ranking = await work(lambda: engine().search(query_from(body)))
    stages = ", ".join(f"{stage};dur={ms:.1f}" for stage, ms in ranking.timings_ms.items())
    return JSONResponse(ranking.record(), headers={"X-Pharos-Stages": stages, "Cache-Control": "no-store"})


async def collections(request: Request) -> Response:
    """Names, tiles and times of the collections."""

    def summaries() -> list[dict[str, Any]]:
        opened = [engine().collection(name) for name in engine().collections()]
        return [{"name": c.name, "tiles": len(c), "model": c.model_id, "times": [t.isoformat() for t in c.times]} for c in opened]

    return JSONResponse({"collections": await work(summaries)}, headers={"Cache-Control": "no-store"})


def routes(base: str) -> list[BaseRoute]:
    """Version 1 of the API."""
    return [
        Route(f"{base}/api/v1/search", guarded(search), methods=["GET", "POST"]),
        Route(f"{base}/api/v1/collections", guarded(collections)),
        missing(f"{base}/api"),
    ]
