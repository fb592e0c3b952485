"""Fog's right panel: what was found, fog area over time, ports and points, skill, validity, files to keep."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from typing import Any
from urllib.parse import quote

import shapely
import streamlit as st

from app.base import base_path
from app.chrome import told
from app.fog_scene import MASK, FogScene
from app.fog_search import FogAnswer
from app.fog_state import MOST_POINTS, Point, place_text
from app.panels.fog_ask import MAP, moment_words
from app.views.fog_session import WIDGETS, change
from app.views.session import draft
from components.area_chart import area_chart
from components.gallery import Card, gallery
from components.places import places
from components.skill import skill
from components.typography import heading, literal, soft
from engine import geometry
from engine.serving import engine
from engine.types import spoken

RATE, WIDTH = 8, 768
WHAT_FOG_MEANS = "Seen from above only: tops, not the base. So it is “fog or very low stratus”, never just fog."


def fog_facts(scene: FogScene, answer: FogAnswer | None) -> None:
    """Draw the panel.

    Args:
        scene: What is shown.
        answer: What was found inside or outside the fog, if something was asked.
    """
    if answer is not None:
        with told():
            findings(scene, answer)
    heading("Fog area", ", ".join(drawn.name for drawn in scene.state.regions) or "whole sea region")
    with told():
        area(scene)
    heading("Ports and points")
    with told():
        ports(scene)
    if scene.forecast:
        heading("Forecast and its skill")
        skill(url=scene.api("forecast", {"method": scene.asked_method} if scene.asked_method else None), base=base_path(), key="fog-skill")
        by_network(scene)
    heading("Validity")
    validity(scene)
    with st.popover("Export mask, animation, series", type="primary", width="stretch"):
        exports(scene)


def by_network(scene: FogScene) -> None:
    """A switch to the network's forecast, only where it is offered; while that is being found out, nothing."""
    if scene.offer is None:
        finding_out(scene)
    elif not scene.offer:
        key = draft(f"{WIDGETS}learned", scene.state.learned)
        st.toggle("By the network (experimental)", key=key, on_change=lambda: change(learned=st.session_state[key]))
        soft("On the last frames it was better than optical flow and the blend. It has learned from simulated weather alone.")


@st.fragment(run_every=3.0)
def finding_out(scene: FogScene) -> None:
    """Draw the page again when it is known whether the network is offered."""
    if replace(scene).offer is not None:  # asked anew
        st.rerun()


def findings(scene: FogScene, answer: FogAnswer) -> None:
    """The tiles that answer, or what is missing."""
    heading(answer.title)
    if answer.ranking is None:
        st.info(literal(answer.flaw))
    else:
        shown = [hit for hit in answer.ranking.hits if hit.verdict != "weak"]
        version = engine().collection(answer.collection).version
        base = f"{base_path()}/thumbnails/{quote(answer.collection)}"
        cards = [Card.of(hit, f"{base}/{quote(hit.tile_id)}.webp?size=160&v={version}") for hit in shown]
        where = f"{scene.state.side} the fog of {spoken(scene.moment.time)}"
        gallery(cards=cards, note=f"Nothing more {where} looks like that.", height=300, base=base_path(), key="fog-gallery")
        soft(f"{answer.ranking.searched:,} tiles of {answer.collection} lie {where}; what is obscured or not judged is on neither side.")
    st.button("Clear the question", key="fog-clear", on_click=_clear)


def _clear() -> None:
    change(text="")
    st.session_state["fog-text"] = ""


def area(scene: FogScene) -> None:
    """Fog area over time; the browser asks for it."""
    asked: dict[str, Any] = {**scene.asks, "wait": 0}
    regions = scene.regions
    body = None
    if regions:
        body = asked | {"region": geometry.geojson(geometry.joined(shapely.union_all([region.geometry for region in regions])))}
    area_chart(
        url=scene.api("area", None if body else asked),
        body=body,
        stamps=[each.stamp for each in scene.moments],
        labels=[moment_words(each.time, forecast=False) for each in scene.moments],
        lights=[each.light for each in scene.moments],
        index=scene.index,
        base=base_path(),
        key="fog-area",
    )


def ports(scene: FogScene) -> None:
    """Ports and points with the times at which they lie in fog."""
    events = places(
        url=scene.api("points", scene.asks),
        own=[(point.name, point.lon, point.lat) for point in scene.points],
        stamps=[None if each.gap else each.stamp for each in scene.moments],
        times=[each.time.isoformat() for each in scene.moments],
        index=scene.index,
        body=scene.asks,
        over=MAP,
        base=base_path(),
        key="fog-places",
    )
    mine = scene.state.points
    if events.picked is not None and place_text(*events.picked) != scene.state.at:
        change(at=place_text(*events.picked))
        st.rerun()
    if events.added is not None and events.added[0] not in {point.name for point in mine}:
        if len(mine) >= MOST_POINTS:
            st.warning(f"{MOST_POINTS} points are the most. Delete one first.")
        else:
            change(points=(*mine, Point.at(*events.added)))
            st.rerun()
    if events.dropped is not None and any(point.name == events.dropped for point in mine):
        change(points=tuple(point for point in mine if point.name != events.dropped))
        st.rerun()
    elsewhere = [point.name for point in mine if point not in scene.points]
    if elsewhere:
        soft(f"Outside this sea region: {', '.join(elsewhere)}.")


def validity(scene: FogScene) -> None:
    """What must be known to read the mask."""
    lines = [] if scene.mask == MASK else [WHAT_FOG_MEANS]
    lines += [scene.layer(name).legend.note for name in (scene.mask, scene.picture, scene.other) if name]
    lines += list(scene.card.notes)
    if not scene.card.time_known:
        lines.append("The times are nominal: nothing is said about day and night.")
    with st.container(key="fog-notes"):
        for line in dict.fromkeys(line for line in lines if line):
            soft(line)


def exports(scene: FogScene) -> None:
    """Files to keep, each by its address; every one carries time, method and the words “fog or very low stratus”."""
    method = {"method": scene.asked_method}
    moment = scene.moment
    soft(f"The mask at {moment_words(moment.time, forecast=moment.forecast)}")
    if moment.gap:
        soft("There is no picture at this time.")
    else:
        forms = {"tif": "GeoTIFF", "geojson": "GeoJSON", "nc": "NetCDF", "png": "PNG"}
        links({scene.file(f"{moment.stamp}.{form}", method): words for form, words in forms.items()})
    asks = {key: value for key, value in scene.asks.items() if key != "forecast"}
    soft("All times that are shown")
    film = {"layer": scene.picture, "over": scene.mask or "fog", **scene.asks, "rate": RATE, "width": WIDTH}
    links(
        {
            scene.file("animation.gif", film): "Animation, GIF",
            scene.file("animation.mp4", film): "Animation, MP4",
            scene.file("series.nc", asks): "Masks, NetCDF",
        }
    )
    made_up = " SYNTHETIC stands in their names." if scene.card.synthetic else ""
    soft(f"Files are made when you ask for them; a long animation takes a minute.{made_up}")


def links(addresses: dict[str, str]) -> None:
    """Links that download."""
    drawn = "".join(f'<a class="ph-file" href="{escape(address)}" download>{escape(words)}</a>' for address, words in addresses.items())
    st.html(f'<div class="ph-files">{drawn}</div>')
