"""The left panel: ask → where → when → which collection → layers, from top to bottom."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import streamlit as st

from app.basemaps import basemap_names
from app.chrome import told
from app.questions import selected_tiles, shown_time
from app.state import EVERY_DATE, HITS, Drawn, ViewState
from app.views.session import change, draft, view
from components.query_bar import query_bar
from components.region_list import RegionRow, region_list
from components.typography import heading, soft
from engine import geometry
from engine.serving import engine
from engine.types import Bounds, Region, spoken, utc

TEXT, NEGATIVE = "ask-text", "ask-negative"


def ask_panel(state: ViewState, names: Sequence[str]) -> None:
    """Draw the panel.

    Args:
        state: What is shown.
        names: Of the collections.
    """
    collection = engine().collection(state.collection)
    heading("Ask")
    draft(TEXT, state.text)
    draft(NEGATIVE, state.negative)
    query_bar(
        keys=(TEXT, NEGATIVE),
        tiles=selected_tiles(state),
        examples=engine().examples(state.collection),
        likes=state.like,
        ask=_ask,
        try_example=_try_example,
        drop_like=lambda tile: change(like=tuple(t for t in view().like if t != tile)),
    )
    heading("Where")
    rows = [RegionRow(d.id, d.name, 0.0 if d.flaw else d.region.area_km2, d.flaw) for d in state.regions]
    whole = ("The whole collection", geometry.area_km2(collection.bounds.polygon) if collection.georeferenced else None)
    region_list(rows, whole, rename=_rename, delete=_delete, add=_add)
    heading("When", f"{len(collection.times)} dates" if len(collection.times) > 1 else "")
    _when(state, collection.times)
    heading("Collection")
    st.selectbox(
        "Collection",
        names,
        key=draft("collection", state.collection),
        format_func=lambda name: f"{name} · SYNTHETIC" if engine().summary(name).synthetic else name,
        label_visibility="collapsed",
        on_change=lambda: change(collection=st.session_state["collection"], when="", tile="", like=()),
    )
    heading("Layers")
    _layers(state)


def _ask() -> None:
    change(text=st.session_state[TEXT], negative=st.session_state[NEGATIVE], tile="", hits=HITS)


def _try_example(example: str) -> None:
    st.session_state[TEXT] = example
    change(text=example, tile="", hits=HITS)


def _rename(identity: str, name: str) -> None:
    change(regions=tuple(replace(d, name=name.strip() or d.name) if d.id == identity else d for d in view().regions))


def _delete(identity: str) -> None:
    change(regions=tuple(d for d in view().regions if d.id != identity))


def _add(name: str, box: str) -> None:
    with told():
        west, south, east, north = _corners(Region.from_box(box).bounds)
        ring = [(west, south), (east, south), (east, north), (west, north)]
        name = name or f"Region {len(view().regions) + 1}"
        change(regions=(*view().regions, Drawn.from_ring(uuid.uuid4().hex[:8], name, ring)))


def _corners(box: Bounds) -> tuple[float, float, float, float]:
    """Corners of a box as a ring that goes on beyond 180° where it crosses the antimeridian."""
    return box.west, box.south, box.west + box.width, box.north


def _when(state: ViewState, times: Sequence[datetime]) -> None:
    options = [*[time.isoformat() for time in reversed(times)], EVERY_DATE]
    shown = shown_time(state)
    st.session_state["when"] = EVERY_DATE if shown is None else shown.isoformat()
    st.selectbox(
        "When",
        options,
        key="when",
        format_func=lambda option: "every date" if option == EVERY_DATE else spoken(utc(option)),
        label_visibility="collapsed",
        on_change=lambda: change(when=st.session_state["when"], tile=""),
    )


def _layers(state: ViewState) -> None:
    def slider(label: str, field: str, value: int) -> None:
        key = draft(f"layer-{field}", value)
        st.slider(label, 0, 100, key=key, format="%d %%", on_change=lambda: change(**{field: st.session_state[key]}))

    slider("Scene", "scene_opacity", state.scene_opacity)
    slider("Score surface", "score_opacity", state.score_opacity)
    cubes = engine().cubes()
    if cubes:
        key = draft("layer-fog", bool(state.fog))
        st.toggle("Fog or very low stratus", key=key, on_change=lambda: change(fog=cubes[0] if st.session_state[key] else "", frame=0))
        if state.fog:
            slider("Fog opacity", "fog_opacity", state.fog_opacity)
    with st.popover("Basemap", width="stretch"):
        names = ("", *basemap_names())
        st.selectbox(
            "Basemap",
            names,
            key=draft("basemap", state.basemap if state.basemap in names else ""),
            format_func=lambda name: name or "Offline: land and sea",
            on_change=lambda: change(basemap=st.session_state["basemap"]),
        )
        soft("Online basemaps are fetched by your browser from their providers; Pharos itself needs no network.")
