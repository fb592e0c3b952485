"""What a browser tab shows of one page: kept over reruns and page changes, carried by the address, changed in one place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Generic, TypeVar

import streamlit as st

from app.address import PageState

State = TypeVar("State", bound=PageState)


class Tab(Generic[State]):
    """One page's state in the session of a browser tab.

    Args:
        key: Under which the session keeps it.
        kind: Class of the state.
        widgets: What the keys of the page's widgets begin with; empty if they share none.
    """

    def __init__(self, key: str, kind: type[State], widgets: str = "") -> None:
        self.key, self.kind, self.widgets = key, kind, widgets

    def shown(self) -> State:
        """What is shown now; at first what the address says."""
        if self.key not in st.session_state:
            asked = st.query_params.to_dict()
            st.session_state[self.key] = self.kind.from_query({name: st.query_params.get_all(name) for name in asked})
        state: State = st.session_state[self.key]
        return state

    def change(self, **parts: Any) -> State:  # noqa: ANN401 - the fields of the state
        """Show something else from now on."""
        st.session_state[self.key] = replace(self.shown(), **parts)
        return self.shown()

    def show(self, state: State) -> None:
        """Show another page altogether: its widgets take its values."""
        st.session_state[self.key] = state
        for key in [key for key in st.session_state if self.widgets and str(key).startswith(self.widgets)]:
            del st.session_state[key]

    def share(self) -> None:
        """Bring the address up to date, so that a reload or a link restores the page."""
        query = self.shown().to_query()
        if {name: st.query_params.get_all(name) for name in st.query_params.to_dict()} != query:
            st.query_params.from_dict(query)
