"""The view that a browser tab shows: kept over reruns and page changes, carried by the address, changed in one place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from app.state import ViewState

KEY = "view"


def view() -> ViewState:
    """What is shown now; at first what the address says."""
    if KEY not in st.session_state:
        asked = st.query_params.to_dict()
        st.session_state[KEY] = ViewState.from_query({name: st.query_params.get_all(name) for name in asked})
    state: ViewState = st.session_state[KEY]
    return state


def change(**parts: Any) -> ViewState:  # noqa: ANN401 - the fields of ViewState
    """Show something else from now on."""
    st.session_state[KEY] = replace(view(), **parts)
    return view()


def share() -> None:
    """Bring the address up to date, so that a reload or a link restores the view."""
    query = view().to_query()
    if {name: st.query_params.get_all(name) for name in st.query_params.to_dict()} != query:
        st.query_params.from_dict(query)


def draft(key: str, value: object) -> str:
    """A widget's key whose first value is ``value``; Streamlit forgets widgets of a page that was left.

    Args:
        key: Of the widget.
        value: What it shows when it is new.
    """
    if key not in st.session_state:
        st.session_state[key] = value
    return key
