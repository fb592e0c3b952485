"""Fog by URL. Views ask ``engine().fog`` (:class:`engine.serving.fog.Fog`); the browser asks these.

Every time in an address is a *stamp*, ``20210601T113000Z``; every reply but pictures and files is JSON; errors are
``{"error": words}`` with their status, as everywhere. ``v`` in an address makes its reply immutable. {method} is an id of
``methods`` (by default the default detector); wherever {issued} may stand it names the frame from which a forecast starts (by default
the last one).

Pictures, to be laid between the cube's bounds (rows are web-Mercator rows)::

    GET /frames/{cube}/{layer}/{at}.{png|webp}?v=&method=&other=&issued=&width=
        {at}: a stamp, or the index of a frame. A stamp after {issued} is a forecast frame. {other}: second detector of `disagreement`.

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

from datetime import datetime
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from app.routes.refusals import Nothing
from app.routes.replies import ANSWERS, ASK_AGAIN, FRESH, TILES, guarded, missing, picture
from engine.serving import engine
from engine.types import utc

MEDIA = {"png": "image/png", "webp": "image/webp"}
MOST_WIDTH = 2048


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

    return picture(request, await TILES.work(request, draw), MEDIA[form])


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

    return answer(await ANSWERS.work(request, work))


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
        Route(f"{api}/{{cube}}/layers", guarded(layers)),
        Route(f"{api}/{{cube}}/frames", guarded(frames_of(base))),
        Route(f"{api}/{{cube}}/forecast", guarded(forecast)),
        missing(api),
    ]
