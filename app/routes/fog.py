"""Fog by URL. Views ask ``engine().fog`` (:class:`engine.serving.fog.Fog`); the browser asks these.

Every time in an address is a *stamp*, ``20210601T113000Z``; every reply but pictures and files is JSON; errors are
``{"error": words}`` with their status, as everywhere. ``v`` in an address makes its reply immutable. {method} is an id of
``methods`` (by default the default detector); wherever {issued} may stand it names the frame from which a forecast starts (by default
the last one).

Pictures, to be laid between the cube's bounds (rows are web-Mercator rows)::

    GET /frames/{cube}/{layer}/{at}.{png|webp}?v=&method=&other=&issued=&width=
        {at}: a stamp, or the index of a frame. A stamp after {issued} is a forecast frame; its address carries `ahead=1`.
        {other}: second detector of `disagreement`.

JSON::

    GET /api/v1/fog/cubes
        {"cubes": [{name, title, synthetic, region, bounds: [w,s,e,n], shape: [rows, columns], frames, first, last, step_minutes,
          elements: […], labelled, time_known, place_known, instrument, notes: […], version, broken}]}
    GET /api/v1/fog/regions
        {"regions": [{id, name, bounds, note, ports: [{name, lon, lat}]}]}
    GET /api/v1/fog/{cube}/layers
        {"layers": [{id, title, order, valid: always|day|night, kind: grey|rgb|ramp|mask, shows, needs: […], format, source, usable, why,
          legend: {title, unit, ramp: [{value, colour, opacity}], ticks: […], note,
                   swatches: [{label, kind: colour|hatch|checks|dashed, colour}]}}],
         "methods": [{id, title}]}
    GET /api/v1/fog/{cube}/frames?layer=&method=&from=&to=&forecast=1&issued=&shown=
        {cube, layer, method, version, bounds, synthetic, total, now,
         "frames": [{time, stamp, label, index, light: day|twilight|night|unknown, gap, missing, forecast, lead, url}]}
        `url` is null where the layer has no picture then (gaps). `shown` (place on the axis) also starts drawing, that frame first.
    GET /api/v1/fog/{cube}/pixel?lon=&lat=&time=&method=&issued=
        {lon, lat, row, column, time, state, words, probability, method, forecast, synthetic, validity: [words], solar_zenith,
         view_zenith, light, values: [{name, words, value, unit}],
         findings: [{check, words, quantity, value, unit, threshold, passed, weight}], notes: [words]}
    GET|POST /api/v1/fog/{cube}/area?method=&from=&to=&region=W,S,E,N&forecast=1&issued=&wait=0   (POST: {"region": GeoJSON, …})
        {cube, method, unit: "km²", words, region_km2, synthetic, pending,
         "frames": [{time, stamp, gap, forecast, lead, fog_km2, obscured_km2, judged_km2, fog_share, obscured_share, judged_share}]}
        Figures are null in gaps and, with `wait=0`, where the mask is not worked out yet (`pending` counts those).
    GET|POST /api/v1/fog/{cube}/points?method=&from=&to=&forecast=1&issued=&point=NAME,LON,LAT   (POST: {"points": [{name, lon, lat}], …})
        {cube, method, synthetic, "points": [{name, lon, lat, port, cell: {lon, lat, km}, why, words,
          "spells": [{state, words, start, end, frames, open_start, open_end, forecast, probability}]}]}
        Without points those of the cube's sea region: its ports.
    GET /api/v1/fog/{cube}/forecast?method=&issued=
        {leads: [{minutes, time, mae, ssim, psnr, csi, persistence, skill, fog_fraction, obscured_fraction, …}], method, issued, notes,
         detector, words: [a sentence a lead]}

Files to keep (``Content-Disposition: attachment``; names carry time, method and SYNTHETIC)::

    GET /exports/fog/{cube}/{stamp}.{tif|geojson|nc|png}?method=&issued=
    GET /exports/fog/{cube}/series.nc?method=&from=&to=
    GET /exports/fog/{cube}/animation.{gif|mp4}?layer=infrared&over=fog&method=&from=&to=&rate=8&width=768

Search inside or outside the fog: ``POST /api/v1/search`` takes beside its other keys
``"fog": {"cube": …, "time": stamp, "side": "inside"|"outside", "method": …}``. In Python
``engine().fog.region(cube, when, side, within=regions)`` gives the Region to put into a Query.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from math import isfinite
from typing import Any, Final
from urllib.parse import quote

from shapely import union_all
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from app.routes.api import body_of, same_origin, text_of
from app.routes.api import regions as regions_of
from app.routes.refusals import Nothing
from app.routes.replies import A_WHILE, ANSWERS, ASK_AGAIN, FRESH, TILES, Lane, guarded, missing, picture
from engine.errors import QueryInvalid
from engine.geometry import joined
from engine.serving import engine
from engine.serving.fog import Kit
from engine.types import Region, utc

MEDIA = {"png": "image/png", "webp": "image/webp"}
MOST_WIDTH = 2048
AHEAD: Final = Lane("ahead", 1, 64)
"""Forecasts are worked out for all their frames at once, which takes seconds: apart, so that tiles never wait for them."""
SERIES: Final = Lane("series", 2, 64)
FILES: Final = Lane("file", 1, 16)


def whole(text: str) -> int | None:
    """A whole number of an address; one of more digits than any address of ours has is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else None


def moment(text: str | None) -> datetime | None:
    """The time of a stamp or of ISO text; nothing is none."""
    from engine.fog.moments import unstamped

    if not text:
        return None
    return unstamped(text) if "T" in text and "-" not in text else utc(text)


async def frame(request: Request) -> Response:
    """A frame of a fog cube's layer."""
    cube, layer, form = (request.path_params[key] for key in ("cube", "layer", "form"))
    query = request.query_params
    if form not in MEDIA:
        raise Nothing(f"There is nothing at {request.url.path}.")
    text = request.path_params["at"]
    index = whole(text)
    at = moment(text[:30]) if index is None else index
    if at is None:
        raise Nothing(f"There is no frame “{text[:20]}”.")
    width = whole(query.get("width", ""))

    def draw() -> bytes:
        return engine().fog.frame(
            cube,
            layer,
            at,
            method=query.get("method", ""),
            other=query.get("other", ""),
            issued=moment(query.get("issued")),
            form=form,
            width=None if width is None else min(max(width, 16), MOST_WIDTH),
        )

    lane = AHEAD if "ahead" in query or layer == "forecast" else TILES
    return picture(request, await lane.work(request, draw), MEDIA[form])


async def cubes(request: Request) -> Response:
    """The cubes at a glance."""
    cards = await ANSWERS.work(request, lambda: engine().fog.cards())
    return answer({"cubes": [card.record() for card in cards]})


async def layers(request: Request) -> Response:
    """Layers with their legends, and detectors."""
    name = request.path_params["cube"]

    def work() -> dict[str, Any]:
        drawn = [{**layer.record(), "usable": not why, "why": why} for layer, why in engine().fog.layers(name)]
        return {"layers": drawn, "methods": [{"id": each, "title": title} for each, title in engine().fog.methods().items()]}

    return answer(await ANSWERS.work(request, work), ASK_AGAIN)


def frames_of(base: str) -> Any:  # noqa: ANN401 - a handler
    """The handler of the frame list; its addresses carry the base path."""

    async def frames(request: Request) -> Response:
        name, query = request.path_params["cube"], request.query_params
        layer = query.get("layer", "fog")

        def work() -> dict[str, Any]:
            strip = engine().fog.strip(
                name,
                layer,
                method=query.get("method", ""),
                start=moment(query.get("from")),
                end=moment(query.get("to")),
                forecast=query.get("forecast") == "1",
                issued=moment(query.get("issued")),
            )
            shown = whole(query.get("shown", ""))
            if shown is not None:
                engine().fog.prepare(strip, min(shown, len(strip.moments) - 1))
            prefix = f"{base}/frames/{quote(name)}/{quote(layer)}/"
            listed = [
                {**each.record(), "url": prefix + file if file else None} for each, file in zip(strip.moments, strip.files, strict=True)
            ]
            return {
                "cube": strip.cube,
                "layer": strip.layer,
                "method": strip.method,
                "version": strip.version,
                "bounds": strip.bounds.array.tolist(),
                "synthetic": strip.synthetic,
                "total": strip.total,
                "now": strip.now,
                "frames": listed,
            }

        return answer(await ANSWERS.work(request, work))

    return frames


async def forecast(request: Request) -> Response:
    """The forecast of the mask with its skill."""
    name, query = request.path_params["cube"], request.query_params

    def work() -> dict[str, Any]:
        found = engine().fog.forecast(name, method=query.get("method", ""), issued=moment(query.get("issued")))
        return {**found.record(), "words": [step.words(found.nowcast.quantity) for step in found.nowcast.steps]}

    return answer(await AHEAD.work(request, work))


async def regions(request: Request) -> Response:
    """The sea regions with their ports."""

    def work() -> list[dict[str, Any]]:
        from engine.fog import sea_regions
        from engine.fog.look import ports

        return [
            {
                "id": each.id,
                "name": each.name,
                "bounds": each.bounds.array.tolist(),
                "note": each.note,
                "ports": [{"name": port.name, "lon": port.lon, "lat": port.lat} for port in ports(each.id)],
            }
            for each in sea_regions().values()
        ]

    return answer({"regions": await ANSWERS.work(request, work)}, A_WHILE)


async def pixel(request: Request) -> Response:
    """Why a pixel is what it is."""
    name, query = request.path_params["cube"], request.query_params
    lon, lat = degrees(query.get("lon")), degrees(query.get("lat"))
    at = moment(query.get("time"))
    if at is None:
        raise QueryInvalid("Say for which “time”, as 20210601T113000Z.")
    work = partial(engine().fog.pixel, name, lon, lat, at, method=query.get("method", ""), issued=moment(query.get("issued")))
    return answer((await ANSWERS.work(request, work)).record())


async def area(request: Request) -> Response:
    """Fog area over time."""
    name, body = request.path_params["cube"], await asked(request)
    drawn = regions_of(body)
    region = None if not drawn else drawn[0] if len(drawn) == 1 else Region(joined(union_all([each.geometry for each in drawn])), "regions")
    work = partial(engine().fog.area, name, region, wait=str(body.get("wait", "1")) != "0", **span(body))
    return answer((await SERIES.work(request, work)).record())


async def points(request: Request) -> Response:
    """From when to when places lie in fog."""
    name, body = request.path_params["cube"], await asked(request)
    many = body.get("points") or []
    if not isinstance(many, list) or not all(isinstance(each, dict) for each in many):
        raise QueryInvalid("“points” must be a list of {name, lon, lat}.")

    def work() -> dict[str, Any]:
        from engine.fog.look import Place

        places = [Place.of(each.get("name"), each.get("lon"), each.get("lat")) for each in many]
        places += [Place.from_text(text) for text in request.query_params.getlist("point")]
        found = engine().fog.points(name, places, **span(body))
        cube = engine().cube(name)
        method = str(body.get("method") or engine().fog.default)
        return {"cube": name, "method": method, "synthetic": cube.synthetic, "points": [each.record() for each in found]}

    return answer(await SERIES.work(request, work))


async def export(request: Request) -> Response:
    """A mask as a file."""
    name, at, form = (request.path_params[key] for key in ("cube", "at", "form"))
    query = request.query_params
    if at == "animation" and form in ("gif", "mp4"):
        return kept(await FILES.work(request, partial(animation, name, form, query)))
    if at == "series" and form == "nc":
        more = {"method": query.get("method", ""), "start": moment(query.get("from")), "end": moment(query.get("to"))}
        return kept(await FILES.work(request, lambda: engine().fog.exports.series(name, **more)))
    when = whole(at)
    where = moment(at[:30]) if when is None else when
    if where is None:
        raise Nothing(f"There is nothing at {request.url.path}.")
    how = {"method": query.get("method", ""), "issued": moment(query.get("issued")), "layer": query.get("layer", "fog")}
    return kept(await FILES.work(request, lambda: engine().fog.exports.mask(name, where, form, **how)))


def animation(name: str, form: str, query: Mapping[str, str]) -> Kit:
    """A span as GIF or MP4."""
    return engine().fog.exports.animation(
        name,
        form,
        layer=query.get("layer", "infrared"),
        over=query.get("over", "fog"),
        rate=min(max(degrees(query.get("rate", "8")), 1.0), 30.0),
        width=whole(query.get("width", "")) or 640,
        **span(query),
    )


def kept(kit: Kit) -> Response:
    """A file that the browser keeps under its name, which is plain letters."""
    headers = {
        "Content-Disposition": f'attachment; filename="{kit.name}"',
        "Cache-Control": FRESH,
        "X-Content-Type-Options": "nosniff",
    }
    return Response(kit.body, media_type=kit.media, headers=headers)


async def asked(request: Request) -> dict[str, Any]:
    """What is asked: the address's query, and over it the JSON object that was posted."""
    query: dict[str, Any] = dict(request.query_params)
    if request.method == "POST":
        same_origin(request)
        query |= await body_of(request)
    return query


def span(query: Mapping[str, Any]) -> dict[str, Any]:
    """Method, span and forecast of a query."""
    return {
        "method": text_of(query.get("method"), "method"),
        "start": moment(text_of(query.get("from"), "from")),
        "end": moment(text_of(query.get("to"), "to")),
        "forecast": str(query.get("forecast", "0")) in ("1", "True"),
        "issued": moment(text_of(query.get("issued"), "issued")),
    }


def degrees(text: str | None) -> float:
    """A number of an address.

    Raises:
        QueryInvalid: If it is none.
    """
    try:
        number = float(text or "")
    except ValueError:
        number = float("nan")
    if not isfinite(number):
        raise QueryInvalid(f"“{(text or '')[:20]}” is no number; give lon and lat in degrees.")
    return number


def answer(record: dict[str, Any], keep: str = FRESH) -> JSONResponse:
    """A record as JSON."""
    return JSONResponse(record, headers={"Cache-Control": keep})


def routes(base: str) -> list[BaseRoute]:
    """The routes; they stand before those of the API, whose group ends with a JSON 404."""
    api = f"{base}/api/v1/fog"
    return [
        Route(f"{base}/frames/{{cube}}/{{layer}}/{{at}}.{{form}}", guarded(frame)),
        missing(f"{base}/frames"),
        Route(f"{api}/cubes", guarded(cubes)),
        Route(f"{api}/regions", guarded(regions)),
        Route(f"{api}/{{cube}}/layers", guarded(layers)),
        Route(f"{api}/{{cube}}/frames", guarded(frames_of(base))),
        Route(f"{api}/{{cube}}/forecast", guarded(forecast)),
        Route(f"{api}/{{cube}}/pixel", guarded(pixel)),
        Route(f"{api}/{{cube}}/area", guarded(area), methods=["GET", "POST"]),
        Route(f"{api}/{{cube}}/points", guarded(points), methods=["GET", "POST"]),
        missing(api),
        Route(f"{base}/exports/fog/{{cube}}/{{at}}.{{form}}", guarded(export)),
        missing(f"{base}/exports"),
    ]
