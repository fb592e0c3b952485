"""Fog's middle: the map with its two layers and the swipe, the time strip under it. Playing and stepping happen in the browser."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from app.base import base_path
from app.fog_scene import FogScene
from app.fog_state import place_text
from app.panels.fog_ask import MAP, moment_words
from app.state import Drawn
from app.views.fog_session import change
from components.map import Camera, Frames, HitOutline, Legend, Mark, Picture, Swatch, Swipe, Tiles, map_view
from components.map import Layer as MapLayer
from components.timeline import Frame, timeline
from engine.serving import engine
from engine.serving.fog import Strip
from engine.types import Hit

if TYPE_CHECKING:
    from engine.fog import Layer
    from engine.fog.moments import Moment

HEIGHT = 420
"""Least height of the map, pixels; it reaches down to the lower edge of the window."""
PREPARED = "fog-prepared"


def fog_stage(scene: FogScene, hits: Sequence[Hit] = ()) -> bool:
    """Draw map and time, and take in what the person did there.

    Args:
        scene: What is shown.
        hits: What was found inside or outside the fog.

    Returns:
        Whether something changed, so that the page must be drawn again.
    """
    state = scene.state
    events = map_view(
        layers=layers(scene),
        regions=[drawn.on_map() for drawn in state.regions],
        hits=[HitOutline.of(hit) for hit in hits],
        camera=Camera(token=f"fog {scene.card.name}", bounds=scene.axis.bounds),
        marks=marks(scene),
        swipe=swipe(scene),
        legend=legends(scene),
        badge="SYNTHETIC" if scene.card.synthetic else None,
        base=base_path(),
        height=HEIGHT,
        zoom_step=0.25,
        key=MAP,
    )
    moved = timeline(
        frames=[frame(each) for each in scene.moments],
        index=scene.index,
        playable=len(scene.moments) > 1,
        over=MAP,
        base=base_path(),
        key="fog-times",
    )
    changed = moved.changed
    if moved.changed:
        change(when=scene.moments[moved.index].stamp)
    if events.regions is not None:
        change(regions=tuple(Drawn.from_map(region) for region in events.regions))
        changed = True
    picked = None if events.clicked is None else place_text(*events.clicked)
    if events.clicked is not None and picked != state.at and scene.axis.bounds.polygon.buffer(1e-9).covers(_point(*events.clicked)):
        change(at=picked)
        changed = True
    if events.divider is not None and round(100 * events.divider) != state.divider:
        change(divider=round(100 * events.divider))
        changed = True
    return changed


def _point(lon: float, lat: float) -> object:
    from shapely.geometry import Point

    return Point((lon + 180) % 360 - 180, lat)


def frame(moment: Moment) -> Frame:
    """A place on the time axis as the strip shows it."""
    note = f"{moment.missing:,} frames missing" if moment.missing > 1 else f"+{moment.lead} min" if moment.lead else ""
    kind = "scene" if moment.light == "unknown" else moment.light
    return Frame(moment.time, kind=kind, gap=moment.gap, forecast=moment.forecast, note=note)


def layers(scene: FogScene) -> list[MapLayer]:
    """From bottom to top: land and sea, the picture, the mask, and what B shows."""
    state = scene.state
    drawn: list[MapLayer] = [
        Tiles(id="base", title="Land and sea", url=f"{base_path()}/tiles/base/{{theme}}/{{z}}/{{x}}/{{y}}.png?v=1", max_zoom=12)
    ]
    pairs = [("picture", scene.picture, state.picture_opacity, 1), ("mask", scene.mask, state.mask_opacity, 2)]
    for place, name, percent, z in pairs:
        if name:
            drawn += sides(scene, place, scene.strip(name), percent / 100, z)
    if scene.other:
        percent = state.mask_opacity if scene.is_mask(scene.other) else state.picture_opacity
        drawn.append(film(scene, "other", scene.strip(scene.other), percent / 100, 5, side="right"))
    return drawn


def sides(scene: FogScene, place: str, strip: Strip, opacity: float, z: int) -> list[MapLayer]:
    """A layer that follows the strip; with two times, A's half of it and B's frame on the other."""
    prepare(scene, place, strip)
    left = film(scene, place, strip, opacity, z, side="left" if scene.state.compare else "")
    still = scene.urls(strip)[scene.other_index] if scene.compares_times else None
    if still is None:
        return [left]
    smooth = not scene.is_mask(strip.layer)
    return [left, Picture(id=f"{place}-b", url=still, bounds=strip.bounds, opacity=opacity, z=z + 3, smooth=smooth, side="right")]


def film(scene: FogScene, place: str, strip: Strip, opacity: float, z: int, *, side: str) -> Frames:
    """The frames of a layer."""
    layer = scene.layer(strip.layer)
    return Frames(
        id=place,
        title=layer.title,
        urls=scene.urls(strip),
        bounds=strip.bounds,
        index=scene.index,
        opacity=opacity,
        z=z,
        smooth=layer.kind != "mask",
        side="left" if side == "left" else "right" if side == "right" else "",
    )


def prepare(scene: FogScene, place: str, strip: Strip) -> None:
    """Let the frames be drawn behind the page, once for each choice of layer."""
    asked = st.session_state.setdefault(PREPARED, {})
    print_ = (strip.cube, strip.layer, strip.version, strip.method, len(strip.moments), strip.moments[0].stamp)
    if asked.get(place) != print_:
        asked[place] = print_
        engine().fog.prepare(strip, scene.index)


def swipe(scene: FogScene) -> Swipe | None:
    """The line between A and B."""
    at = scene.state.divider / 100
    if scene.other:
        names = [scene.layer(name).title for name in (scene.picture, scene.mask) if name]
        return Swipe(" + ".join(names) or "map", scene.layer(scene.other).title, at)
    if scene.compares_times:
        other = scene.moments[scene.other_index]
        return Swipe("time of the strip", moment_words(other.time, forecast=other.forecast), at)
    return None


def marks(scene: FogScene) -> list[Mark]:
    """Ports, the person's points, and the picked place."""
    found = [Mark(port.name, port.lon, port.lat, port.name) for port in engine().fog.ports(scene.card.name)]
    found += [Mark(point.name, point.lon, point.lat, point.name) for point in scene.points]
    if scene.state.place is not None:
        found.append(Mark("picked", *scene.state.place, kind="picked"))
    return found


def legends(scene: FogScene) -> list[Legend]:
    """What the colours mean, the uppermost layer first."""
    return [legend(scene.layer(name)) for name in (scene.mask, scene.other, scene.picture) if name]


def legend(layer: Layer) -> Legend:
    """A layer's legend as the map shows it."""
    card = layer.legend
    low, high = (card.ramp[0][0], card.ramp[-1][0]) if card.ramp else (0.0, 1.0)

    def place(value: float) -> float:
        return (value - low) / (high - low) if high > low else 0.0

    return Legend(
        title=card.title,
        unit=card.unit,
        ramp=tuple(f"{colour}{round(255 * share):02x} {100 * place(value):.1f}%" for value, colour, share in card.ramp),
        ticks=tuple(f"{value:g}".replace("-", "−") for value in card.ticks),
        places=tuple(round(place(value), 4) for value in card.ticks),
        swatches=tuple(Swatch(each.label, each.kind, each.colour) for each in card.swatches),
    )
