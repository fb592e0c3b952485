from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from components.gallery import Card, better_than
from engine.colours import score_colour
from engine.types import Bounds, Hit


def hit(**more: object) -> Hit:
    values: dict[str, object] = {
        "tile_id": "scene/0-0",
        "rank": 2,
        "score": 0.27,
        "percentile": 0.991,
        "margin": 0.0812,
        "verdict": "strong",
        "bounds": Bounds(0, 0, 1, 1),
        "datetime": datetime(2020, 8, 31, tzinfo=UTC),
        "scene": "scene",
        **more,
    }
    return Hit(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("percentile", "figure"),
    [
        (0.94, "94"),
        (0.969, "96"),
        (0.99, "99"),
        (0.991, "99.1"),
        (0.9989, "99.8"),
        (0.9991, "99.91"),
        (0.99999, "99.99"),
        (1.0, "100"),
        (0.0, "0"),
    ],
)
def test_percentile_as_a_person_says_it(percentile: float, figure: str) -> None:
    assert better_than(percentile) == f"better than {figure}\u2009% of all tiles"


@given(st.floats(0, 1, exclude_max=True))
def test_percentile_is_never_rounded_up(percentile: float) -> None:
    said = float(better_than(percentile).split()[2].removesuffix("%").strip("\u2009% "))
    assert said <= percentile * 100 + 1e-4
    assert said < 100


def test_card_says_the_verdict_first_and_raw_figures_last() -> None:
    card = Card.of(hit(merged=("scene/1-0", "scene/2-0")), "/t.webp")
    told = card.props()
    assert told["title"] == "2 · strong"
    assert told["lines"] == ["better than 99.1\u2009% of all tiles", "merged from 3 overlapping tiles", "+0.081 over neutral · 2020-08-31"]
    assert told["colour"] == score_colour(0.991)


def test_card_leaves_out_what_is_not_known() -> None:
    assert Card.of(hit(datetime=None, margin=-0.02), "").lines[-1] == "−0.020 over neutral"


def test_gallery_tells_the_browser_cards_and_note() -> None:
    def page() -> None:
        import streamlit as st

        from components.gallery import Card, gallery

        card = Card(tile_id="t", rank=1, verdict="fair", percentile=0.9, margin=0.1, colour="#fde725")
        st.session_state.picked = gallery(cards=[card], note="Nothing <b>else</b>.", selected="t", base="/pharos", key="hits")

    at = AppTest.from_function(page).run()
    assert not at.exception
    assert at.session_state["picked"] is None
    told = json.loads(at.get("bidi_component")[0].proto.json)
    assert told["module"].startswith("/pharos/components/gallery/gallery.js?v=")
    assert (told["note"], told["selected"], len(told["cards"])) == ("Nothing <b>else</b>.", "t", 1)
