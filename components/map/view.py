"""The map: pictures by address, regions that a person draws, hits, and what was done on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from components import frontend
from components.map.types import Camera, HitOutline, Layer, Legend, MapEvents, MapRegion, Mark, Swipe, regions_sent


def map_view(
    *,
    layers: Sequence[Layer],
    regions: Sequence[MapRegion] = (),
    hits: Sequence[HitOutline] = (),
    camera: Camera | None = None,
    selected: str | None = None,
    marks: Sequence[Mark] = (),
    swipe: Swipe | None = None,
    legend: Legend | Sequence[Legend] | None = None,
    badge: str | None = None,
    base: str = "",
    height: int = 480,
    editable: bool = True,
    clickable: bool = True,
    zoom_step: float = 1.0,
    key: str,
) -> MapEvents:
    """Show the map and say what was done on it since the last run.

    Between two messages the browser's regions are the truth: the ones given here take effect once the answer of the person's
    last edit was returned by this function, so store ``MapEvents.regions`` and hand them in again at the next run.

    Args:
        layers: Pictures from the lowest ``z`` to the highest.
        regions: What is drawn.
        hits: Numbered outlines.
        camera: Where to look when its token changes; without one, the world.
        selected: Tile id of the picked hit.
        marks: Named points.
        swipe: The line between layers of its left and its right side.
        legend: Card in the upper right corner, or several below one another.
        badge: A word such as SYNTHETIC beside the tools.
        base: Prefix of the app's own routes.
        height: Least height, pixels; where the window is wide, the map reaches down to its lower edge.
        editable: Whether regions can be drawn.
        clickable: Whether a click beside the hits is an event (and a rerun).
        zoom_step: How much closer one step is; 1 keeps tiles sharp, less lets a box fill the map.
        key: Name of this map; its camera is kept under it in the browser.
    """
    import streamlit as st

    memory = f"_{key}_seen"
    seen = int(st.session_state.get(memory, 0))
    result = frontend.component("map")(
        key=key,
        data={
            "module": frontend.asset_url(base, "map", "map.js"),
            "assets": _assets(base),
            "key": key,
            "layers": [layer.props() for layer in sorted(layers, key=lambda layer: layer.z)],
            "regions": [region.feature() for region in regions],
            "seen": seen,
            "hits": [hit.props() for hit in hits],
            "camera": camera.props() if camera else None,
            "selected": selected,
            "marks": [mark.props() for mark in marks],
            "swipe": swipe.props() if swipe else None,
            "legend": [card.props() for card in ((legend,) if isinstance(legend, Legend) else legend or ())],
            "badge": badge,
            "height": height,
            "editable": editable,
            "clickable": clickable,
            "zoom_step": zoom_step,
        },
        on_regions_change=_rerun,
        on_clicked_change=_rerun,
        on_picked_change=_rerun,
        on_divider_change=_rerun,
    )
    edit = _edit(result.regions)
    drawn = None
    if edit is not None and edit[0] != seen:
        st.session_state[memory] = edit[0]
        drawn = regions_sent(edit[1])
    picked = result.picked if isinstance(result.picked, str) else None
    return MapEvents(drawn, _point(result.clicked), picked, _share(result.divider))


def _rerun() -> None:
    """A named state needs a callback; the rerun itself is all that is wanted."""


def _assets(base: str) -> dict[str, str]:
    return {
        "style": frontend.asset_url(base, "map", "map.css"),
        "shared": frontend.asset_url(base, "shared", "shared.css"),
        "leaflet": frontend.vendor_url(base, "leaflet/leaflet.js"),
        "leaflet_style": frontend.vendor_url(base, "leaflet/leaflet.css"),
        "geoman": frontend.vendor_url(base, "geoman/leaflet-geoman.js"),
        "geoman_style": frontend.vendor_url(base, "geoman/leaflet-geoman.css"),
    }


def _edit(sent: Any) -> tuple[int, list[Any]] | None:  # noqa: ANN401 - whatever a browser may send
    if not isinstance(sent, Mapping):
        return None
    revision, features = sent.get("revision"), sent.get("features")
    return (revision, features) if isinstance(revision, int) and isinstance(features, list) else None


def _share(sent: Any) -> float | None:  # noqa: ANN401
    known = isinstance(sent, int | float) and not isinstance(sent, bool) and 0 <= sent <= 1
    return float(sent) if known else None


def _point(sent: Any) -> tuple[float, float] | None:  # noqa: ANN401
    if not isinstance(sent, Mapping):
        return None
    lon, lat = sent.get("lon"), sent.get("lat")
    return (float(lon), float(lat)) if isinstance(lon, int | float) and isinstance(lat, int | float) else None
