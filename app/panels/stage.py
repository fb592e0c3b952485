"""The middle: the map fills the height, time lies under it."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from app.base import base_path
from app.basemaps import basemap_names, basemap_source
from app.panels.answer import hit_colour
from app.questions import Asked, shown_time
from app.state import EVERY_DATE, ViewState
from components.map import Camera, HitOutline, Layer, Legend, MapEvents, map_view
from components.timeline import Frame, timeline
from engine.serving import engine
from engine.types import Hit, spoken

MAP, DATES, FOG_TIMES = "map", "dates", "fog-times"
HEIGHT = 640
"""Pixels before the browser has said how high the window is."""

CORE_LAYER, SURFACE, FOG = "scene", "surface", "fog"


def stage(state: ViewState, asked: Asked | None, hits: Sequence[Hit]) -> tuple[MapEvents, int, int]:
    """Draw map and time.

    Args:
        state: What is shown.
        asked: The question and its answer, if there is one.
        hits: The hits that are outlined.

    Returns:
        What the person did on the map, the index of the picked date, the index of the picked fog frame.
    """
    cube = engine().cube(state.fog) if state.fog else None
    events = map_view(
        layers=layers(state, asked),
        regions=[drawn.feature() for drawn in state.regions],
        hits=[HitOutline(hit.tile_id, hit.rank, hit_colour(hit), tuple(hit.bounds.array.tolist()), hit.verdict) for hit in hits],
        camera=camera(state),
        selected=state.tile or None,
        legend=legend(state, asked),
        badge="SYNTHETIC" if engine().collection(state.collection).synthetic or cube is not None else "",
        base=base_path(),
        height=HEIGHT,
        key=MAP,
    )
    times = engine().collection(state.collection).times
    shown = shown_time(state)
    date = times.index(shown) if shown in times else 0
    if cube is not None:
        frames = [Frame(time.isoformat(), spoken(time), kind=cube.light(index)) for index, time in enumerate(cube.times)]
        frame = timeline(frames=frames, index=state.frame, layer=FOG, playable=True, base=base_path(), key=FOG_TIMES).index
        return events, date, frame
    if times:
        dates = [Frame(time.isoformat(), spoken(time), kind="scene") for time in times]
        date = timeline(frames=dates, index=date, layer=None, playable=False, base=base_path(), key=DATES).index
    return events, date, state.frame


def layers(state: ViewState, asked: Asked | None) -> list[Layer]:
    """The layers from bottom to top: basemap, scene, score surface, fog."""
    base = base_path()
    collection = engine().collection(state.collection)
    drawn = [basemap(state)]
    shown = shown_time(state)
    when = "undated" if shown is None else quote(shown.isoformat())
    drawn.append(
        Layer(
            id=CORE_LAYER,
            kind="tiles",
            url=f"{base}/tiles/{quote(state.collection)}/{when}/{{z}}/{{x}}/{{y}}.png?v={collection.version}",
            version=f"{state.collection} {when} {collection.version}",
            title="Scene",
            opacity=state.scene_opacity / 100,
            bounds=tuple(collection.bounds.array.tolist()),
            order=1,
        )
    )
    if asked is not None and state.score_opacity:
        drawn.append(
            Layer(
                id=SURFACE,
                kind="image",
                url=f"{base}/surfaces/{asked.token}.png?v={collection.version}",
                version=f"{asked.token} {collection.version}",
                title="Score surface",
                opacity=state.score_opacity / 100,
                bounds=tuple(collection.bounds.array.tolist()),
                order=2,
            )
        )
    if state.fog:
        drawn += fog_layers(state)
    return drawn


def basemap(state: ViewState) -> Layer:
    """The offline basemap, or the online one that was picked."""
    if state.basemap in basemap_names():
        address, credit = basemap_source(state.basemap)
        return Layer(id="base", kind="tiles", url=address, version=state.basemap, title=state.basemap, attribution=credit, order=0)
    address = f"{base_path()}/tiles/base/{{theme}}/{{z}}/{{x}}/{{y}}.png?v=1"
    return Layer(id="base", kind="tiles", url=address, version="offline", title="Land and sea", attribution="Natural Earth", order=0)


def fog_layers(state: ViewState) -> list[Layer]:
    """The infrared picture and the mask of every frame, between the cube's bounds."""
    cube = engine().cube(state.fog)
    box = tuple(cube.bounds.array.tolist())

    def frames(layer: str, title: str, opacity: float, order: int) -> Layer:
        urls = tuple(f"{base_path()}/frames/{quote(state.fog)}/{layer}/{index}.png?v={cube.version}" for index in range(len(cube.times)))
        version = f"{state.fog} {cube.version}"
        return Layer(
            id=layer, kind="frames", urls=urls, index=state.frame, version=version, title=title, opacity=opacity, bounds=box, order=order
        )

    return [frames("infrared", "Infrared 10.8 µm", 1.0, 3), frames(FOG, "Fog or very low stratus", state.fog_opacity / 100, 4)]


def camera(state: ViewState) -> Camera:
    """Where the map looks; it moves only when the collection or the fog cube changes."""
    if state.fog:
        return Camera(bounds=tuple(engine().cube(state.fog).bounds.array.tolist()), token=f"fog {state.fog}")
    return Camera(bounds=tuple(engine().collection(state.collection).bounds.array.tolist()), token=f"collection {state.collection}")


def legend(state: ViewState, asked: Asked | None) -> Legend | None:
    """What the colours mean."""
    if state.fog:
        ticks = ("0.35", "probability", "1")
        return Legend(title="Fog or very low stratus", ramp="fog", ticks=ticks, hatches=("obscured by higher cloud",))
    if asked is None:
        return None
    return Legend(title="Score", note=f"percentile of {asked.ranking.total:,}", ramp="viridis", ticks=("0", "50", "100"))


__all__ = ["EVERY_DATE", "stage"]
