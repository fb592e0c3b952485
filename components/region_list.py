"""The regions that a person drew, with their areas: rename, delete, or add one by its coordinates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from components.typography import literal, soft


@dataclass(frozen=True, slots=True)
class RegionRow:
    """A line of the list.

    Attributes:
        id: Stable identity.
        name: What the person calls it.
        area_km2: Its area.
        flaw: Why it can't be used; empty if it can.
    """

    id: str
    name: str
    area_km2: float
    flaw: str = ""


def area(km2: float) -> str:
    """An area with a fitting number of digits and a thin space."""
    return f"{km2:,.0f} km²" if km2 >= 100 else f"{km2:.1f} km²" if km2 >= 1 else f"{km2 * 100:.1f} ha"


def region_list(
    rows: Sequence[RegionRow],
    whole: tuple[str, float | None],
    *,
    rename: Callable[[str, str], None],
    delete: Callable[[str], None],
    add: Callable[[str, str], None],
) -> None:
    """Draw the list.

    Args:
        rows: The regions.
        whole: What is searched when there is none: its name and area in km², if it is a real place.
        rename: Called with the id and the new name.
        delete: Called with the id.
        add: Called with a name and ``W,S,E,N``.
    """
    if not rows:
        size_words = "" if whole[1] is None else f" · {area(whole[1])}"
        soft(f"{whole[0]}{size_words}. Draw on the map to search a part of it.")
    for row in rows:
        name, size, bin_ = st.columns([0.5, 0.32, 0.18], vertical_alignment="center", gap="small")
        key = f"region-name-{row.id}-{row.name}"
        name.text_input(
            f"Name of {literal(row.name)}",
            row.name,
            key=key,
            max_chars=60,
            label_visibility="collapsed",
            on_change=lambda identity=row.id, key=key: rename(identity, st.session_state[key]),
        )
        size.markdown(f"<span class='ph-soft'>{area(row.area_km2)}</span>", unsafe_allow_html=True)
        with bin_.container(key=f"bin-{row.id}"):
            st.button(f"Delete {literal(row.name)}", key=f"region-delete-{row.id}", on_click=delete, args=(row.id,))
        if row.flaw:
            st.warning(literal(row.flaw))
    with st.popover("By coordinates", width="stretch"), st.form("region-by-coordinates", clear_on_submit=True, border=False):
        name_text = st.text_input("Name", placeholder="North bay", max_chars=60)
        box_text = st.text_input("West, south, east, north in degrees", key="region-box", placeholder="-99.8, 47.1, -99.7, 47.2")
        if st.form_submit_button("Add region"):
            add(name_text.strip(), box_text)
