"""Fog: a sea and a night of it; what the satellite saw, what a detector says of it and why, how it goes on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from app.chrome import told
from app.fog_scene import FogScene
from app.fog_search import search_fog
from app.panels.fog_ask import fog_ask, other_seas, sea_panel
from app.panels.fog_facts import fog_facts
from app.panels.fog_stage import fog_stage
from app.views.fog_session import change, share, shown
from components.typography import heading, literal, soft
from engine.serving import engine
from engine.serving.fog import CubeCard

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator


def fog() -> None:
    """The page."""
    cards = engine().fog.cards()
    if not cards:
        return nothing()
    settled(cards)
    scene: FogScene | None = None
    with st.container(key="fog"):
        left, middle, right = st.columns([0.205, 0.575, 0.22], gap=None)
        with left, st.container(key="fog-ask"), told():
            sea_panel(cards)
            scene = FogScene.of(shown())
            _ = scene.axis
        if scene is not None:
            show_scene(scene, left, middle, right)
    share()
    return None


def show_scene(scene: FogScene, left: DeltaGenerator, middle: DeltaGenerator, right: DeltaGenerator) -> None:
    """Draw the three columns: the map first, since everything else refers to it."""
    answer = search_fog(scene)
    hits = [hit for hit in answer.ranking.hits if hit.verdict != "weak"] if answer and answer.ranking else []
    changed = False
    with middle, st.container(key="fog-stage"), told():
        changed = fog_stage(scene, hits)
    if changed:
        share()
        st.rerun()
    with left, st.container(key="fog-layers"), told():
        fog_ask(scene)
    with right, st.container(key="fog-facts"), told():
        fog_facts(scene, answer)


def settled(cards: Sequence[CubeCard]) -> None:
    """Another cube for one that is gone; at first the first that can be read."""
    names = [card.name for card in cards]
    if shown().cube not in names:
        change(cube=next((card.name for card in cards if not card.broken), names[0]))


def nothing() -> None:
    """No cube is here: it is being made, or how to bring one."""
    state = engine().state
    with st.container(key="welcome"):
        if state.stage and not state.demo_failed:
            heading("A night of sea fog is being made")
            soft("A made-up series off Namibia, so that there is something to look at without a network. SYNTHETIC.")
            waiting()
            return
        heading("No fog series yet")
        if state.demo_failed:
            st.warning(literal(state.demo_failed))
        soft("Make one over any of the fifteen sea regions, or bring a real one; it appears here by itself. In a terminal:")
        other_seas(engine().config.cubes_dir)


@st.fragment(run_every=1.0)
def waiting() -> None:
    """How far the demo is; the page is drawn again when its cube is there."""
    state = engine().state
    if engine().fog.names() or not state.stage:
        st.rerun()
    part = min(state.done / state.total, 1.0) if state.total else 0.0
    st.progress(part, f"{state.stage} · {state.done:,} of {state.total:,}" if state.total else state.stage)
