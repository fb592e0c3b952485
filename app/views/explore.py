"""Explore: draw a region, pick a time, ask in words, see the tiles that answer. State in, components, engine, state out."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app.chrome import told
from app.messages import words
from app.panels.answer import answer_panel, shown_hits
from app.panels.ask import ask_panel
from app.panels.stage import stage
from app.questions import Asked, ask
from app.state import ViewState
from app.views.session import change, share, view
from components.typography import heading, literal, soft
from engine.errors import PharosError
from engine.serving import engine
from engine.serving.demo import ISLAND


def explore() -> None:
    """The page."""
    names, working = engine().collections(), bool(engine().state.stage)
    if not names or (names == (ISLAND,) and working):
        return welcome()
    state = settled(view(), names)
    asked, flaw = answered(state)
    with st.container(key="explore"):
        left, middle, right = st.columns([0.205, 0.575, 0.22], gap=None)
        changed = False
        with middle, st.container(key="stage"), told():
            changed = stage(state, asked, shown_hits(asked))
        if changed:
            share()
            st.rerun()
        with left, st.container(key="ask"), told():
            ask_panel(state, names)
        with right, st.container(key="answer"), told():
            answer_panel(state, asked, flaw)
    if working or not engine().state.ready or loads(state):
        warming()
    share()
    return None


def settled(state: ViewState, names: Sequence[str]) -> ViewState:
    """The view without what is not here any more: another collection for one that is gone, no fog for a cube that is."""
    if not state.collection:
        state = change(collection=names[0])
    elif state.collection not in names:
        state = change(collection=names[0], when="", tile="", like=())
    if state.fog and state.fog not in engine().cubes():
        state = change(fog="", frame=0)
        st.session_state.pop("layer-fog", None)
    return state


def loads(state: ViewState) -> bool:
    """Whether the model of the shown collection is being loaded."""
    if not state.collection:
        return False
    job = engine().loading(engine().summary(state.collection).model_id)
    return job is not None and job.running


def answered(state: ViewState) -> tuple[Asked | None, str]:
    """The answer to what is asked, or why there is none."""
    if not state.asks:
        return None, ""
    try:
        return ask(state), ""
    except PharosError as error:
        return None, words(error)


def welcome() -> None:
    """The first start: the island is being made."""
    with st.container(key="welcome"):
        heading("Pharos is getting ready")
        soft("A made-up island and a fog series are being made, so that there is something to ask without a network. SYNTHETIC.")
        if engine().state.demo_failed:
            st.warning(literal(f"{engine().state.demo_failed} Add imagery of your own on the Data page."))
        warming()


@st.fragment(run_every=1.0)
def warming() -> None:
    """What is done behind the page, with how far it is; the page is drawn again when questions can be answered."""
    state = engine().state
    if state.failed:
        st.error(literal(state.failed))
    elif state.ready and not state.stage and engine().collections() and not loads(view()):
        st.rerun()
    else:
        part = min(state.done / state.total, 1.0) if state.total else 0.0
        st.progress(part, f"{state.stage} · {state.done:,} of {state.total:,}" if state.total else state.stage or "starting")
