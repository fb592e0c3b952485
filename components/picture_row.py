"""A row of small pictures by URL, each with a button to pick it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

import streamlit as st

from components.typography import literal


def picture_row(pictures: Sequence[tuple[str, str]], *, pick: Callable[[str], object]) -> None:
    """Draw the row.

    Args:
        pictures: Id and address of each.
        pick: Called with the id of the one that was picked.
    """
    if not pictures:
        return
    with st.container(key="pictures"):
        for column, (identity, address) in zip(st.columns(len(pictures), gap="small"), pictures, strict=True):
            column.html(f'<img src="{escape(address)}" alt="{escape(identity)}" loading="lazy" width="100%">')
            column.button(f"Show {literal(identity)}", key=f"pick-{identity}", on_click=pick, args=(identity,), width="stretch")
