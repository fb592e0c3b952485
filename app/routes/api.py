"""The JSON API: what the command line's search does, over HTTP."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from app.routes.refusals import ForeignOrigin, TooLarge
from app.routes.replies import ANSWERS, FRESH, guarded, missing
from engine.errors import PharosError, QueryInvalid
from engine.serving import engine
from engine.types import Query, Region, TimeSpan

MOST_HITS: Final = 1000
MOST_BYTES: Final = 1_000_000
MOST_PARTS: Final = 16
"""Texts, likes and regions each; every one of them costs work."""


def same_origin(request: Request) -> None:
    """Refuse a post from another site's page; cookies and loopback addresses give no protection by themselves.

    Raises:
        ForeignOrigin: If the Origin header names another host.
    """
    origin = request.headers.get("origin")
    if origin and urlsplit(origin).netloc != request.headers.get("host"):
        raise ForeignOrigin("A page of another site may not ask here. Open Pharos itself.")


async def body_of(request: Request) -> dict[str, Any]:
    """The JSON object that was posted, read no further than its limit.

    Raises:
        TooLarge: If it is larger.
        QueryInvalid: If it is no JSON object.
    """
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > MOST_BYTES:
            raise TooLarge("The request is larger than 1 MB.")
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        raise QueryInvalid("The body is no JSON.") from None
    if not isinstance(body, dict):
        raise QueryInvalid("The body must be a JSON object.")
    return body


def text_of(value: object, name: str) -> str:
    """A text of the body; nothing is an empty one."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise QueryInvalid(f"“{name}” must be a text.")
    if any("\ud800" <= letter <= "\udfff" for letter in value):
        raise QueryInvalid(f"“{name}” holds half a character.")
    return value


def few(items: list[Any], name: str) -> list[Any]:
    """The items, if they are not too many."""
    if len(items) > MOST_PARTS:
        raise QueryInvalid(f"“{name}” has {len(items):,} parts; at most {MOST_PARTS} are read.")
    return items


def strings(body: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """A text, or a list of texts, of the body."""
    value = body.get(name) or ()
    value = [value] if isinstance(value, str) else value
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise QueryInvalid(f"“{name}” must be a text or a list of texts.")
    return tuple(text_of(item, name) for item in few(list(value), name))


def regions(body: Mapping[str, Any]) -> tuple[Region, ...]:
    """Regions of the body; a file's path is no region here, since the server opens no file for a stranger."""
    value = body.get("region")
    if value is None or value == "" or value == []:
        return ()
    many = value if isinstance(value, list) and value and not isinstance(value[0], int | float) else [value]
    return tuple(region(item) for item in few(many, "region"))


def region(item: object) -> Region:
    """One region: W,S,E,N as text or numbers, or GeoJSON."""
    if isinstance(item, str):
        return Region.from_box(item)
    if isinstance(item, list | dict):
        try:
            return Region.from_like(item)
        except PharosError:
            raise
        except Exception:  # what the geometry library or the depth of the JSON brings up is bad input all the same
            raise QueryInvalid("“region” is no valid GeoJSON polygon.") from None
    raise QueryInvalid("“region” must be W,S,E,N in degrees or a GeoJSON polygon.")


def sides(body: Mapping[str, Any], within: tuple[Region, ...]) -> tuple[Region, ...]:
    """The regions, or what of them lies inside or outside the fog of a frame: ``fog`` is {cube, time, side, method}."""
    fog = body.get("fog")
    if not fog:
        return within
    from engine.fog.moments import unstamped  # not on the start-up path

    if not isinstance(fog, dict):
        raise QueryInvalid("“fog” must be an object with cube, time and side.")
    cube, side, method = (text_of(fog.get(key), key) for key in ("cube", "side", "method"))
    when = unstamped(text_of(fog.get("time"), "time"))
    return (engine().fog.region(cube, when, "outside" if side == "outside" else "inside", method=method, within=within),)


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
        regions=sides(body, regions(body)),
        span=TimeSpan.from_like(text_of(body.get("from"), "from") or None, text_of(body.get("to"), "to") or None),
        sensor=text_of(body.get("sensor"), "sensor"),
        limit=whole(body.get("k", 10)),
    )


async def search(request: Request) -> Response:
    """Rank tiles: GET with a query string, or POST with a JSON object."""
    if request.method == "POST":
        same_origin(request)
        body = await body_of(request)
    else:
        body = dict(request.query_params)
        for name in ("text", "not", "like", "region"):
            body[name] = [part for part in request.query_params.getlist(name) if part]
    ranking = await ANSWERS.work(request, lambda: engine().search(query_from(body)))
    stages = ", ".join(f"{stage};dur={ms:.1f}" for stage, ms in ranking.timings_ms.items())
    return JSONResponse(ranking.record(), headers={"X-Pharos-Stages": stages, "Cache-Control": FRESH})


async def collections(request: Request) -> Response:
    """Names, tiles and times of the collections."""

    def summaries() -> list[dict[str, Any]]:
        known = [engine().summary(name) for name in engine().collections()]
        return [{"name": c.name, "tiles": c.tiles, "model": c.model_id, "times": [t.isoformat() for t in c.times]} for c in known]

    return JSONResponse({"collections": await ANSWERS.work(request, summaries)}, headers={"Cache-Control": FRESH})


def routes(base: str) -> list[BaseRoute]:
    """Version 1 of the API."""
    return [
        Route(f"{base}/api/v1/search", guarded(search), methods=["GET", "POST"]),
        Route(f"{base}/api/v1/collections", guarded(collections)),
        missing(f"{base}/api"),
    ]
