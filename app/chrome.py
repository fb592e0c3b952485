"""What frames every page: logo, style, and the words for what went wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import streamlit as st

from app.messages import words
from components.typography import literal
from engine.settings import ASSETS, ROOT


@lru_cache(maxsize=1)
def style() -> str:
    """The app's style sheet."""
    return (ROOT / "app" / "theme.css").read_text(encoding="utf-8")


def frame_page() -> None:
    """Draw the logo and load the style sheet."""
    st.logo(str(ASSETS / "pharos-wordmark.svg"), icon_image=str(ASSETS / "pharos-wordmark.svg"), size="medium")
    st.html(f"<style>{style()}</style>")


@contextmanager
def told() -> Iterator[None]:
    """Say in words what goes wrong inside, and go on with the rest of the page."""
    try:
        yield
    except Exception as error:
        if type(error).__module__.startswith("streamlit"):  # reruns and stops are Streamlit's own control flow
            raise
        st.error(literal(words(error)))
