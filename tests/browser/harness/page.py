"""The page of the harness: map, time strip and gallery, buttons that change their props, and what Python was told."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import streamlit as st

from components.gallery import Card, gallery
from components.map import Camera, Frames, HitOutline, Legend, MapRegion, Swipe, Tiles, map_view
from components.timeline import Frame, timeline
from engine.types import Bounds

FRAMES = 16
GAP = 9
SCENE = Bounds(-1.5, -1, 1.5, 1)
TILES = {"a": (0.2, "#fde725"), "b": (0.7, "#21918c")}


def told(**news: object) -> None:
    st.session_state.log = [*st.session_state.get("log", []), news]


def explore() -> None:
    state = st.session_state
    state.setdefault("regions", ())
    state.setdefault("index", 2)
    state.setdefault("version", 0)
    state.setdefault("token", "start")
    state.setdefault("picked", None)
    state.runs = state.get("runs", 0) + 1
    side, middle, answer = st.columns([1, 4, 1.2])
    with side:
        st.button("Rerun")
        st.button("Clear", on_click=lambda: state.update(regions=()))
        st.button("Rename", on_click=lambda: state.update(regions=tuple(replace(r, name="<b>Fiji</b> & co") for r in state.regions)))
        st.button("Next version", on_click=lambda: state.update(version=state.version + 1))
        st.button("Fly", on_click=lambda: state.update(token="fly"))
        st.button("Swipe", on_click=lambda: state.update(swipe=0.5))
        st.button("Dateline", on_click=lambda: state.update(token="dateline"))
        opacity = st.slider("Opacity", 0.0, 1.0, 1.0)
    with middle:
        events = map_view(
            layers=[
                Tiles(
                    id="base",
                    url=f"/tile/{state.version}/{{z}}/{{x}}/{{y}}.png",
                    dims=True,
                    attribution='Land: <a href="x">Natural Earth</a>',
                ),
                Frames(
                    id="fog",
                    urls=tuple(None if i == GAP else f"/frame/{i}.png" for i in range(FRAMES)),
                    bounds=SCENE,
                    index=state.index,
                    opacity=opacity,
                    z=1,
                    side="right" if "swipe" in state else "",
                ),
            ],
            regions=state.regions,
            hits=[
                HitOutline.around(name, Bounds(west, 0.2, west + 0.3, 0.5), rank=rank, colour=colour)
                for rank, (name, (west, colour)) in enumerate(TILES.items(), start=1)
            ],
            camera=Camera(token=state.token, centre={"fly": (10, 10), "dateline": (180, 0)}.get(state.token, (0, 0)), zoom=8),
            selected=state.picked,
            swipe=Swipe("nothing", "fog", state.swipe) if "swipe" in state else None,
            legend=Legend.scores(1764),
            badge="SYNTHETIC",
            key="map",
        )
        start = datetime(2021, 3, 25, tzinfo=UTC)
        moments = [
            Frame(
                start + timedelta(minutes=30 * i),
                kind="night" if i < 6 else "twilight" if i < 8 else "day",
                gap=i == GAP,
                forecast=i > 12,
            )
            for i in range(FRAMES)
        ]
        moved = timeline(frames=moments, index=state.index, over="map", key="time")
    with answer:
        cards = [
            Card(tile_id=name, rank=rank, verdict="strong", percentile=0.99, margin=0.05, colour=colour)
            for rank, (name, (_, colour)) in enumerate(TILES.items(), start=1)
        ]
        card = gallery(cards=cards, note="Nothing else <i>here</i> looks like that.", selected=state.picked, key="hits")
        if events.regions is not None:
            state.regions = events.regions
            told(regions=[region.feature() for region in events.regions])
        if events.clicked:
            told(clicked=events.clicked)
        if events.divider is not None and events.divider != state.swipe:
            state.swipe = events.divider
            told(divider=events.divider)
        if events.picked or card:
            state.picked = events.picked or card
            told(picked=state.picked, by="map" if events.picked else "gallery")
        if moved.changed:
            state.index = moved.index
            told(index=moved.index)
        regions: tuple[MapRegion, ...] = state.regions
        st.html(f"<div id='runs'>{state.runs}</div>")
        st.text(json.dumps({"log": state.get("log", []), "index": state.index, "regions": [region.feature() for region in regions]}))


def other() -> None:
    st.write("Another page")


st.set_page_config(layout="wide")
st.html("<style>.stMainBlockContainer { padding: 3.6rem 0 0 0 !important; }</style>")
st.navigation([st.Page(explore, title="Map", default=True), st.Page(other, title="Other")], position="top").run()
