"""A text query restricted to one side of the fog: the mask of the shown frame becomes the region of a search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import streamlit as st

from app.messages import words
from engine.errors import PharosError
from engine.serving import engine
from engine.types import Query, Ranking, spoken

if TYPE_CHECKING:
    from app.fog_scene import FogScene

HITS: Final = 8
ANSWER: Final = "fog-answer"


@dataclass(frozen=True, slots=True)
class FogAnswer:
    """What was found, or why nothing could be looked for.

    Attributes:
        title: What was asked, in words.
        collection: Where was searched; empty if nowhere.
        ranking: What was found.
        flaw: What is missing, in words; empty if nothing is.
    """

    title: str
    collection: str = ""
    ranking: Ranking | None = None
    flaw: str = ""


def search_fog(scene: FogScene) -> FogAnswer | None:
    """Answer the question of the page; None while nothing is asked. An answer is kept until the question changes."""
    if not scene.state.text or scene.moment.gap:
        return None
    print_ = (scene.state.text, scene.state.side, scene.state.collection, scene.card.name, scene.moment.stamp, scene.method, scene.regions)
    kept: tuple[object, FogAnswer] | None = st.session_state.get(ANSWER)
    if kept is not None and kept[0] == repr(print_):
        return kept[1]
    answer = found(scene)
    if not answer.flaw:
        st.session_state[ANSWER] = (repr(print_), answer)
    return answer


def found(scene: FogScene) -> FogAnswer:
    """Search where the mask says so."""
    state, when = scene.state, scene.moment.time
    title = f"“{state.text}” {state.side} the fog"
    try:
        here = lying_here(scene)
        if not here:
            return FogAnswer(title, flaw=nothing_here(scene))
        region = engine().fog.region(scene.card.name, when, "outside" if state.side == "outside" else "inside", within=scene.regions)
        query = Query(here[0], texts=(state.text,), regions=(region,), limit=HITS)
        return FogAnswer(title, here[0], engine().search(query))
    except PharosError as error:
        return FogAnswer(title, flaw=words(error))


def lying_here(scene: FogScene) -> list[str]:
    """Collections with imagery in the cube's box, the chosen one alone where one is chosen."""
    names = engine().collections()
    chosen = [scene.state.collection] if scene.state.collection in names else names
    box = scene.axis.bounds.polygon
    opened = [engine().collection(name) for name in chosen]
    return [each.name for each in opened if each.georeferenced and len(each) and each.bounds.polygon.intersects(box)]


def nothing_here(scene: FogScene) -> str:
    """What is missing, plainly."""
    names = engine().collections()
    known = f"Indexed are: {', '.join(names)}." if names else "Nothing is indexed yet."
    return (
        f"No indexed imagery lies in this sea region, so there is nothing to rank {scene.state.side} its fog "
        f"at {spoken(scene.moment.time)}. "
        f"{known} Index imagery of these coasts or waters on the Data page, and ask again."
    )
