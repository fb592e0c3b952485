from __future__ import annotations

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from components.frontend import asset_path, own_files
from components.map import Frames, Legend, Mark, Swipe
from components.readout.view import place_sent
from engine.types import Bounds

FOLDERS = ("readout", "area_chart", "places", "skill")


def page() -> None:
    import streamlit as st

    from components.area_chart import area_chart
    from components.map import map_view
    from components.places import places
    from components.readout import readout
    from engine.types import Bounds

    st.session_state.map = map_view(layers=[], key="sea")
    st.session_state.read = readout(
        url="/pixel",
        query={"method": "physics"},
        stamps=["20250914T023000Z", None],
        labels=["2025-09-14 02:30 UTC", "2025-09-14 03:00 UTC"],
        index=1,
        bounds=Bounds(4, -26.8, 16.8, -14),
        methods={"physics": "Physics"},
        at=(12.08, -22.41),
        over="sea",
        base="/pharos",
        key="why",
    )
    area_chart(url="/area", stamps=["20250914T023000Z"], labels=["a"], lights=["night"], index=0, body={"wait": 0}, key="area")
    st.session_state.place = places(
        url="/points", own=[("Rig", 1.0, 2.0)], stamps=[None], times=["2025"], index=0, body={}, over="sea", key="ports"
    )


def run_page(**state: Any) -> AppTest:
    at = AppTest.from_function(page, default_timeout=60)
    for name, value in state.items():
        at.session_state[name] = value
    at.run()
    assert not at.exception
    return at


def told(at: AppTest, module: str) -> dict[str, Any]:
    found = [json.loads(each.proto.json) for each in at.get("bidi_component")]
    return next(data for data in found if f"/components/{module}/" in data["module"])


@pytest.mark.parametrize("folder", FOLDERS)
def test_each_component_has_its_script_and_style(folder: str) -> None:
    files = own_files("/pharos", folder)
    assert all(address.startswith("/pharos/components/") and "?v=" in address for address in files.values())
    assert asset_path(folder, f"{folder}.js") is not None
    assert asset_path(folder, f"{folder}.css") is not None


def test_components_are_told_what_they_ask_for_and_where() -> None:
    at = run_page()
    why = told(at, "readout")
    assert (why["url"], why["query"], why["at"], why["bounds"]) == ("/pixel", {"method": "physics"}, [12.08, -22.41], [4, -26.8, 16.8, -14])
    assert why["stamps"] == ["20250914T023000Z", None]
    assert told(at, "area_chart")["body"] == {"wait": 0}
    assert told(at, "places")["own"] == [{"name": "Rig", "lon": 1, "lat": 2}]


def said(revision: int, kind: str, value: Any) -> dict[str, Any]:
    return {"told": {"revision": revision, "kind": kind, "value": value}}


def test_what_a_person_did_comes_back_checked_and_once() -> None:
    at = run_page(
        why=said(1, "place", {"lon": 12.5, "lat": -20}),
        ports=said(5, "added", {"name": " My  rig ", "lon": 1, "lat": 2}),
        sea={"divider": 0.25},
    )
    assert at.session_state.read.place == (12.5, -20)
    assert at.session_state.place.added == ("My rig", 1, 2)
    assert at.session_state.map.divider == 0.25
    at.run()
    assert at.session_state.read.place is None
    assert at.session_state.place.added is None
    at.session_state["ports"] = said(6, "dropped", "Rig")
    at.session_state["why"] = said(2, "freed", True)
    at.run()
    assert at.session_state.place.dropped == "Rig"
    assert at.session_state.read.freed
    at.session_state["ports"] = said(7, "picked", {"lon": 3, "lat": 4})
    at.run()
    assert at.session_state.place.picked == (3, 4)


@pytest.mark.parametrize("sent", [None, 3, {}, {"lon": 1}, {"lon": "1", "lat": 2}, {"lon": float("nan"), "lat": 0}, {"lon": 0, "lat": 91}])
def test_what_is_no_place_is_none(sent: Any) -> None:
    assert place_sent(sent) is None


@pytest.mark.parametrize("sent", [-0.1, 1.1, "0.5", True])
def test_what_is_no_place_of_the_divider_is_none(sent: Any) -> None:
    assert run_page(sea={"divider": sent}).session_state.map.divider is None


def test_a_point_without_a_name_is_none() -> None:
    assert run_page(ports=said(1, "added", {"name": " ", "lon": 1, "lat": 2})).session_state.place.added is None


def test_marks_sides_and_ticks_are_told_as_they_are() -> None:
    assert Mark("a", 1.0, 2.0, "A").props() == {"id": "a", "lon": 1, "lat": 2, "label": "A", "kind": "place"}
    assert Swipe("one", "two", 0.3).props() == {"left": "one", "right": "two", "at": 0.3}
    frames = Frames(id="b", urls=("/0.png",), bounds=Bounds(0, 0, 1, 1), side="right", pinned=True).props()
    assert (frames["side"], frames["pinned"]) == ("right", True)
    assert Legend(title="t", ticks=("0", "1"), places=(0.0, 1.0)).props()["places"] == [0, 1]
