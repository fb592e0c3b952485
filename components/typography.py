"""Headings and asides in the look of the app; every text is escaped."""

from __future__ import annotations

import re
from html import escape

import streamlit as st


def literal(text: str) -> str:
    """A text as it stands, where Streamlit would read Markdown: names and ids can't draw pictures or links."""
    return re.sub(r"([\\`*_{}\[\]()<>#+.!|~$:-])", r"\\\1", text)


def heading(text: str, right: str = "") -> None:
    """A small heading in the soft colour.

    Args:
        text: What the section is; shown as capitals.
        right: A figure at the right end.
    """
    st.html(f'<div class="ph-head" role="heading" aria-level="2">{escape(text)}<span>{escape(right)}</span></div>')


def soft(text: str) -> None:
    """A sentence in the soft colour."""
    st.html(f'<div class="ph-soft">{escape(text)}</div>')


def pills(*texts: str, synthetic: bool = False) -> None:
    """Short facts as pills.

    Args:
        texts: One a pill; empty ones are left out.
        synthetic: Whether to add the badge that marks made-up data.
    """
    drawn = [f'<span class="ph-pill">{escape(text)}</span>' for text in texts if text]
    if synthetic:
        drawn.append('<span class="ph-pill ph-synthetic">SYNTHETIC</span>')
    st.html(f'<div class="ph-pills">{" ".join(drawn)}</div>')
