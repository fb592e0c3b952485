"""The middle: the map fills the height, time lies under it."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from app.base import base_path
from app.basemaps import basemap_names, basemap_source
from app.questions import Asked, shown_time
from app.state import EVERY_DATE, Drawn, ViewState
from app.views.session import change
from components.map import Camera, Frames, HitOutline, Layer, Legend, Picture, Tiles, map_view
from components.timeline import Frame, timeline
from engine.serving import engine
from engine.types import Hit, spoken

HEIGHT = 420
"""Least height of the map, pixels; it reaches down to the lower edge of the window."""


def stage(state: ViewState, asked: Asked | None, hits: Sequence[Hit]) -> bool:
    """Draw map and time, and take in what the person did there.

    Args:
        state: What is shown.
        asked: The question and its answer, if there is one.
        hits: The hits that are outlined.

    Returns:
        Whether something changed, so that the page must be drawn again.
    """
    events = map_view(
        layers=layers(state, asked),
        regions=[drawn.on_map() for drawn in state.regions],
        hits=[HitOutline.of(hit) for hit in hits],
        camera=camera(state),
        selected=state.tile or None,
        legend=legend(state, asked),
        badge=badge(state),
        base=base_path(),
        height=HEIGHT,
        key="map",
    )
    changed = pick_time(state)
    if events.regions is not None:
        change(regions=tuple(Drawn.from_map(region) for region in events.regions))
        changed = True
    picked = events.picked or (events.clicked and engine().tile_at(state.collection, shown_time(state) or EVERY_DATE, *events.clicked))
    if picked and picked != state.tile:
        change(tile=picked)
        changed = True
    return changed


def badge(state: ViewState) -> str | None:
    """What must never be forgotten of what is shown."""
    if state.fog:
        return "SYNTHETIC" if engine().cube(state.fog).synthetic else None
    shown = engine().collection(state.collection)
    words = ("SYNTHETIC" if shown.synthetic else "", "" if shown.georeferenced else "NOT GEOREFERENCED")
    return " · ".join(word for word in words if word) or None


def pick_time(state: ViewState) -> bool:
    """Draw the strip of real times: of the fog cube while it is shown, else of the collection."""
    if state.fog:
        cube = engine().cube(state.fog)
        moments = [Frame(time, kind=cube.light(index)) for index, time in enumerate(cube.times)]
        moved = timeline(frames=moments, index=state.frame, over="map", base=base_path(), key="fog-times")
        if moved.changed:
            change(frame=moved.index)
        return moved.changed
    times = engine().collection(state.collection).times
    shown = shown_time(state)
    if shown is None:  # every date, or none known
        return False
    moved = timeline(frames=[Frame(time) for time in times], index=times.index(shown), over="map", base=base_path(), key="dates")
    if moved.changed:
        change(when=times[moved.index].isoformat(), tile="")
    return moved.changed


def layers(state: ViewState, asked: Asked | None) -> list[Layer]:
    """The layers from bottom to top: basemap, scene, score surface, fog."""
    base, name = base_path(), quote(state.collection)
    collection = engine().collection(state.collection)
    shown = shown_time(state)
    when = EVERY_DATE if shown is None else quote(shown.isoformat())
    drawn: list[Layer] = [basemap(state)] if collection.georeferenced or state.fog else []  # a plain grid lies on no map
    drawn += [
        Tiles(
            id="scene",
            title=f"Scene {spoken(shown)}" if shown else "Scenes",
            url=f"{base}/tiles/{name}/{when}/{{z}}/{{x}}/{{y}}.png?v={collection.version}",
            bounds=collection.bounds,
            opacity=state.scene_opacity / 100,
            z=1,
        ),
    ]
    if asked is not None and state.score_opacity:
        url = f"{base}/surfaces/{asked.token}.png?v={collection.version}"
        drawn.append(
            Picture(
                id="scores", title="Score surface", url=url, bounds=collection.bounds, opacity=state.score_opacity / 100, z=2, smooth=False
            )
        )
    return drawn + fog_layers(state)


def basemap(state: ViewState) -> Tiles:
    """The offline basemap, or the online one that was picked."""
    if state.basemap in basemap_names():
        address, credit = basemap_source(state.basemap)
        return Tiles(id="base", title=state.basemap, url=address, attribution=credit, max_zoom=17, dims=True)
    return Tiles(id="base", title="Land and sea", url=f"{base_path()}/tiles/base/{{theme}}/{{z}}/{{x}}/{{y}}.png?v=1", max_zoom=12)


def fog_layers(state: ViewState) -> list[Layer]:
    """The infrared picture and the mask of every frame, between the cube's bounds; nothing unless fog is shown."""
    if not state.fog:
        return []
    cube = engine().cube(state.fog)

    def frames(layer: str, title: str, opacity: float, z: int) -> Frames:
        urls = tuple(f"{base_path()}/frames/{quote(state.fog)}/{layer}/{index}.png?v={cube.version}" for index in range(len(cube.times)))
        return Frames(id=layer, title=title, urls=urls, bounds=cube.bounds, index=state.frame, opacity=opacity, z=z)

    return [frames("infrared", "Infrared 10.8 µm", 1.0, 3), frames("fog", "Fog or very low stratus", state.fog_opacity / 100, 4)]


def camera(state: ViewState) -> Camera:
    """Where the map looks; it moves only when another collection or the fog is shown."""
    if state.fog:
        return Camera(token=f"fog {state.fog}", bounds=engine().cube(state.fog).bounds)
    box = engine().collection(state.collection).bounds
    return Camera(token=f"collection {state.collection}", bounds=box, fill=True, home=box)


def legend(state: ViewState, asked: Asked | None) -> Legend | None:
    """What the colours mean."""
    if state.fog:
        return Legend.fog()
    return None if asked is None else Legend.scores(asked.ranking.total)
