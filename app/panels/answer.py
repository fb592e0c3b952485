"""The right panel: the ranked hits, then the labels and neighbours of the picked tile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import quote

import streamlit as st

from app.base import base_path
from app.chrome import told
from app.questions import Asked
from app.state import EVERY_DATE, HITS, MOST_HITS, ViewState
from app.views.session import change, draft, view
from components.gallery import Card, gallery
from components.label_chart import label_chart
from components.picture_row import picture_row
from components.typography import heading, literal, pills, soft
from engine.serving import engine
from engine.types import Hit

NEIGHBOURS = 4
MOST_LIKES = 3
HEIGHT_BESIDE_A_TILE = 330
"""Of the cards while a tile is picked, pixels: its labels stay in sight."""


def thumbnail_url(collection: str, tile: str, size: int) -> str:
    """Versioned address of a tile's picture."""
    version = engine().collection(collection).version
    return f"{base_path()}/thumbnails/{quote(collection)}/{quote(tile)}.webp?size={size}&v={version}"


def shown_hits(asked: Asked | None) -> tuple[Hit, ...]:
    """The hits that pass the model's relevance cut; the weak ones are not shown."""
    return () if asked is None else tuple(hit for hit in asked.ranking.hits if hit.verdict != "weak")


def answer_panel(state: ViewState, asked: Asked | None, flaw: str) -> None:
    """Draw the panel.

    Args:
        state: What is shown.
        asked: The question and its answer, if there is one.
        flaw: Why there is none, in words; empty if nothing was asked.
    """
    status(state)
    if flaw:
        st.warning(literal(flaw))
    elif asked is None:
        heading("Nothing asked yet")
        soft("Type what you are looking for, or try one of the examples. Draw a rectangle or a polygon to search only there.")
    else:
        hits(state, asked)
    if state.tile:
        with told():
            tile(state)


def status(state: ViewState) -> None:
    """The model that answers here, its device, whether it is ready."""
    machine = engine().state
    model = engine().summary(state.collection).model_id
    loading = engine().loading(model)
    ready = machine.ready if model == machine.model else loading is None or not loading.running
    pills(f"{model} · {device_words(machine.device)} · {'ready' if ready and not machine.failed else 'not ready'}")


def device_words(device: str) -> str:
    """A device as a person says it."""
    return "GPU" if device.startswith("cuda") else "CPU" if device else "…"


def hits(state: ViewState, asked: Asked) -> None:
    """The ranked tiles as cards; picking one shows its labels."""
    ranking = asked.ranking
    shown = shown_hits(asked)
    where = place_words(state)
    count = f"{len(shown)} hits in {where}" if len(shown) != 1 else f"1 hit in {where}"
    heading(count, f"{ranking.timings_ms['total']:.0f} ms")
    cards = [Card.of(hit, thumbnail_url(state.collection, hit.tile_id, 160)) for hit in shown]
    if state.when != EVERY_DATE:  # the strip says it once for all
        cards = [replace(card, when="") for card in cards]
    picked = gallery(
        cards=cards,
        note=closing(shown, ranking.relevant, where),
        selected=state.tile or None,
        height=HEIGHT_BESIDE_A_TILE if state.tile else None,
        base=base_path(),
        key="gallery",
    )
    if picked and picked != state.tile:
        change(tile=picked)
        st.rerun()
    rest = min(unseen(shown, ranking.relevant), HITS, MOST_HITS - state.hits)
    if rest > 0:
        st.button(f"Show {rest} more", width="stretch", on_click=lambda: change(hits=min(view().hits + HITS, MOST_HITS)))


def place_words(state: ViewState) -> str:
    """Where was searched, in words."""
    if not state.regions:
        return state.collection
    return state.regions[0].name if len(state.regions) == 1 else f"{len(state.regions)} regions"


def closing(shown: Sequence[Hit], relevant: int, where: str) -> str:
    """The sentence under the last hit."""
    if not shown:
        return f"Nothing in {where} looks like that."
    more = unseen(shown, relevant)
    if more:
        return f"{more:,} more tiles in {where} look like the query."
    return f"Below this line nothing in {where} looks like the query."


def unseen(shown: Sequence[Hit], relevant: int) -> int:
    """How many of the tiles that pass the relevance cut no card stands for."""
    return max(0, relevant - sum(1 + len(hit.merged) for hit in shown))


def tile(state: ViewState) -> None:
    """Labels and neighbours of the picked tile."""
    heading("Tile · labels")
    soft(state.tile)
    with told():
        scores = engine().label_tile(state.collection, state.tile, state.labels)
        label_chart(scores)
        doubt = "too close to say" if scores.abstained else f"margin {scores.margin:.2f}"
        soft(f"Relative to these labels · {doubt} · {engine().collection(state.collection).model}")
    key = draft("labels", state.labels)
    st.text_input(
        "Labels: a set's name, or your own separated by commas",
        key=key,
        on_change=lambda: change(labels=st.session_state[key].strip() or "land_cover"),
    )
    with told():
        neighbours = engine().neighbours(state.collection, state.tile, NEIGHBOURS)
        heading("Tiles that look alike")
        pictures = [(each.tile_id, thumbnail_url(state.collection, each.tile_id, 96)) for each in neighbours]
        picture_row(pictures, pick=lambda tile: change(tile=tile))
    st.button(
        "Rank tiles like this one", width="stretch", on_click=lambda: change(like=tuple(dict.fromkeys((*view().like, state.tile)))[-3:])
    )
