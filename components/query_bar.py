"""Where a person asks: the question, what to stay away from, tiles to look like, examples."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from components.typography import literal


def query_bar(
    *,
    keys: tuple[str, str],
    tiles: int,
    examples: Sequence[str],
    likes: Sequence[str],
    ask: Callable[[], None],
    try_example: Callable[[str], None],
    drop_like: Callable[[str], None],
) -> None:
    """Draw the bar; Enter does what the button does.

    Args:
        keys: Session keys of the question and of what to stay away from.
        tiles: How many tiles will be ranked; the button says so.
        examples: Questions that work on this collection.
        likes: Ids of tiles to look like.
        ask: Called when the person asks.
        try_example: Called with an example.
        drop_like: Called with a tile's id that is no longer wanted.
    """
    with st.form("ask", border=False, enter_to_submit=True):
        st.text_input("What are you looking for?", key=keys[0], placeholder="a lake with reeds", label_visibility="collapsed")
        with st.expander("Stay away from …"):
            st.text_input("Stay away from", key=keys[1], placeholder="ploughed field", label_visibility="collapsed")
        st.form_submit_button(f"Rank {tiles:,} tiles", type="primary", width="stretch", on_click=ask)
    for like in likes:
        st.button(f"≈ {literal(like)} ✕", key=f"like-{like}", help="Stop looking like this tile", on_click=drop_like, args=(like,))
    if examples:
        with st.container(key="examples", horizontal=True, gap="small"):
            for example in examples:
                st.button(example, key=f"example-{example}", help=f"Try “{example}”", on_click=try_example, args=(example,))
