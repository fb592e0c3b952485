"""From what is shown to what is asked of the engine, and the answer kept until the question changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import streamlit as st

from app.state import EVERY_DATE, ViewState
from engine.errors import PharosError
from engine.serving import engine
from engine.types import Query, Ranking, TimeSpan, utc

ANSWER = "answer"


@dataclass(frozen=True, slots=True)
class Asked:
    """A query and its answer.

    Attributes:
        query: What was asked.
        ranking: What was found.
        token: Under which the engine draws the query's score surface.
    """

    query: Query
    ranking: Ranking
    token: str


def shown_time(state: ViewState) -> datetime | None:
    """The real time nearest to the picked one, the newest when none is picked; None where every date is shown.

    Every date is shown when the person asks for it, when no scene has a time, and, unless one is picked, on a plain grid of
    pictures, where times say nothing about what can be seen.
    """
    collection = engine().collection(state.collection)
    times = collection.times
    if not times or state.when == EVERY_DATE or (not state.when and not collection.georeferenced):
        return None
    if not state.when:
        return times[-1]
    try:
        picked = utc(state.when)
    except PharosError:
        return times[-1]
    return min(times, key=lambda real: abs(real - picked))


def query_of(state: ViewState) -> Query:
    """The query that a view asks: its regions, and the scenes of its time.

    Raises:
        TileNotFound: If a tile to look like is none of the collection; an address can't name files of this machine.
    """
    for tile in state.like:
        engine().collection(state.collection).tile(tile)
    real = shown_time(state)
    return Query(
        collection=state.collection,
        texts=(state.text,) if state.text.strip() or not state.like else (),
        negatives=(state.negative,) if state.negative.strip() else (),
        likes=state.like,
        regions=tuple(drawn.region for drawn in state.regions if not drawn.flaw),
        span=TimeSpan(real, real),
        limit=state.hits,
    )


def selected_tiles(state: ViewState) -> int:
    """How many tiles the query would rank; 0 where the regions miss the collection."""
    try:
        return engine().count(query_of(state))
    except PharosError:
        return 0


def ask(state: ViewState) -> Asked:
    """Answer the view's question, or give the answer again when nothing of it has changed.

    Raises:
        PharosError: If it can't be answered as it stands.
    """
    query = query_of(state)
    kept: tuple[object, Asked] | None = st.session_state.get(ANSWER)
    version = engine().collection(state.collection).version
    if kept is not None and kept[0] == (repr(query), version):
        engine().remember(query)  # still shown, so its surface must still be drawn
        return kept[1]
    asked = Asked(query, engine().search(query), engine().remember(query))
    st.session_state[ANSWER] = ((repr(query), version), asked)
    return asked
