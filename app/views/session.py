"""The view that a browser tab shows of Explore."""

from __future__ import annotations

from typing import Final

import streamlit as st

from app.state import ViewState
from app.tab import Tab

TAB: Final = Tab("view", ViewState)
view, change, share = TAB.shown, TAB.change, TAB.share


def draft(key: str, value: object) -> str:
    """A widget's key whose first value is ``value``; Streamlit forgets widgets of a page that was left.

    Args:
        key: Of the widget.
        value: What it shows when it is new.
    """
    if key not in st.session_state:
        st.session_state[key] = value
    return key
