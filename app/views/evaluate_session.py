"""What a browser tab shows of Evaluate: kept over reruns and page changes, carried by the address, changed in one place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from app.evaluate_state import EvaluateState

KEY = "evaluate"
WIDGETS = "evaluate-"
"""Keys of this page's widgets begin with it."""


def shown() -> EvaluateState:
    """What is shown now; at first what the address says."""
    if KEY not in st.session_state:
        asked = st.query_params.to_dict()
        st.session_state[KEY] = EvaluateState.from_query({name: st.query_params.get_all(name) for name in asked})
    state: EvaluateState = st.session_state[KEY]
    return state


def change(**parts: Any) -> EvaluateState:  # noqa: ANN401 - the fields of EvaluateState
    """Show something else from now on."""
    st.session_state[KEY] = replace(shown(), **parts)
    return shown()


def show(state: EvaluateState) -> None:
    """Show another page altogether: its widgets take its values."""
    st.session_state[KEY] = state
    for key in [key for key in st.session_state if str(key).startswith(WIDGETS)]:
        del st.session_state[key]


def share() -> None:
    """Bring the address up to date, so that a reload or a link restores the page."""
    query = shown().to_query()
    if {name: st.query_params.get_all(name) for name in st.query_params.to_dict()} != query:
        st.query_params.from_dict(query)
