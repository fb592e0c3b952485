"""Zero-shot labels of a tile as bars."""

from __future__ import annotations

from html import escape

import streamlit as st

from engine.types import LabelScores


def label_chart(scores: LabelScores, most: int = 5) -> None:
    """Draw the likeliest labels, hatched where the model abstains.

    Args:
        scores: Labels and their probabilities.
        most: How many bars.
    """
    best = sorted(zip(scores.labels, scores.probabilities, strict=True), key=lambda pair: -pair[1])[:most]
    kind = "ph-bars ph-abstained" if scores.abstained else "ph-bars"
    rows = "".join(
        f'<span>{escape(label)}</span><span class="ph-track"><i style="width:{share:.1%}"></i></span><b>{share:.0%}</b>'
        for label, share in best
    )
    st.html(f'<div class="{kind}" role="list" aria-label="Labels of the tile">{rows}</div>')
