from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from components.timeline import Frame


def page() -> None:
    import streamlit as st

    from components.timeline import Frame, timeline

    days = st.session_state.get("days", 12)
    moved = timeline(
        frames=[Frame.at(f"2021-03-{d + 1:02}") for d in range(days)], index=st.session_state.get("index", 3), over="map", key="time"
    )
    st.session_state.index = moved.index
    st.session_state.moved = moved.changed


def run_page(**state: Any) -> AppTest:
    at = AppTest.from_function(page)
    for name, value in state.items():
        at.session_state[name] = value
    at.run()
    assert not at.exception
    return at


def props(at: AppTest) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(at.get("bidi_component")[0].proto.json)
    return found


def test_time_is_written_out_in_utc() -> None:
    frame = Frame(datetime(2021, 3, 25, 15, 30, tzinfo=UTC), kind="day", note="scan 15:42").props()
    assert (frame["time"], frame["label"]) == ("2021-03-25T15:30:00+00:00", "2021-03-25 15:30 UTC")
    assert Frame.at("2021-03-25T17:30:00+02:00").props()["label"] == "2021-03-25 15:30 UTC"


@pytest.mark.parametrize(("days", "look", "playable"), [(3, "dates", False), (8, "dates", False), (9, "cells", True)])
def test_few_frames_are_dates_and_many_are_played(days: int, look: str, playable: bool) -> None:
    told = props(run_page(days=days, index=0))
    assert (told["look"], told["playable"]) == (look, playable)


def test_where_it_came_to_rest_is_told_once() -> None:
    at = run_page()
    at.session_state["time"] = {"index": {"revision": 5, "index": 9}}
    at.run()
    assert (at.session_state["index"], at.session_state["moved"]) == (9, True)
    at.run()
    assert (at.session_state["index"], at.session_state["moved"]) == (9, False)
    assert (props(at)["index"], props(at)["seen"]) == (9, 5)


@pytest.mark.parametrize(
    "sent", [{"index": 4}, {"index": {"revision": 5, "index": 99}}, {"index": {"revision": 5, "index": "4"}}, {"index": None}]
)
def test_nonsense_from_a_browser_moves_nothing(sent: dict[str, Any]) -> None:
    at = run_page()
    at.session_state["time"] = sent
    at.run()
    assert not at.exception
    assert (at.session_state["index"], at.session_state["moved"]) == (3, False)


@pytest.mark.parametrize(("days", "index", "shown"), [(5, 99, 4), (5, -1, 0), (0, 3, 0)])
def test_an_index_outside_is_brought_inside(days: int, index: int, shown: int) -> None:
    assert run_page(days=days, index=index).session_state["index"] == shown
