from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from components.map import Camera, Frames, HitOutline, Legend, MapRegion, Picture, Shapes, Tiles
from components.map.types import MOST_REGIONS, regions_sent
from engine.types import Bounds, Region

SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [0, 2], [2, 2], [2, 0], [0, 0]]]}
FEATURE = {"type": "Feature", "id": "r1", "properties": {"name": "North bay"}, "geometry": SQUARE}


def page() -> None:
    import streamlit as st

    from components.map import Camera, Tiles, map_view
    from engine.types import Bounds

    events = map_view(
        layers=[Tiles(id="top", url="/t", z=2), Tiles(id="base", url="/b")],
        regions=st.session_state.get("regions", ()),
        camera=Camera(token="here", bounds=Bounds(0, 0, 1, 1)),
        key="map",
    )
    if events.regions is not None:
        st.session_state.regions = events.regions
        st.session_state.told = [*st.session_state.get("told", []), [region.name for region in events.regions]]
    st.session_state.last = events


def run_page() -> AppTest:
    at = AppTest.from_function(page).run()
    assert not at.exception
    return at


def props(at: AppTest) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(at.get("bidi_component")[0].proto.json)
    return found


def draw(at: AppTest, revision: int, *features: dict[str, Any]) -> AppTest:
    at.session_state["map"] = {"regions": {"revision": revision, "features": list(features)}}
    return at.run()


def test_map_is_told_its_layers_from_bottom_to_top_and_where_its_files_are() -> None:
    told = props(run_page())
    assert [layer["id"] for layer in told["layers"]] == ["base", "top"]
    assert told["module"].startswith("/components/map/map.js?v=")
    assert all(address.startswith(("/vendor/", "/components/")) for address in told["assets"].values())
    assert told["camera"]["token"] == "here"
    assert told["seen"] == 0


def test_a_drawn_region_is_told_once_and_then_handed_in_again() -> None:
    at = draw(run_page(), 7, FEATURE)
    assert at.session_state["told"] == [["North bay"]]
    assert props(at)["seen"] == 0  # these props are older than the drawing: the browser keeps its own
    at.run()
    assert at.session_state["told"] == [["North bay"]]
    assert props(at)["seen"] == 7
    assert props(at)["regions"] == [FEATURE]


def test_deleting_the_last_region_is_told_too() -> None:
    at = draw(draw(run_page(), 7, FEATURE), 8)
    assert at.session_state["told"] == [["North bay"], []]
    assert at.session_state["regions"] == ()


@pytest.mark.parametrize(
    "sent",
    [
        {"regions": "nonsense"},
        {"regions": {"revision": "7", "features": []}},
        {"regions": {"revision": 7}},
        {"regions": None},
    ],
)
def test_nonsense_from_a_browser_is_no_event(sent: dict[str, Any]) -> None:
    at = run_page()
    at.session_state["map"] = sent
    at.run()
    assert not at.exception
    assert "told" not in at.session_state


@pytest.mark.parametrize(
    "feature",
    [
        None,
        "text",
        {},
        {**FEATURE, "id": 3},
        {**FEATURE, "geometry": {"type": "Point", "coordinates": [0, 0]}},
        {**FEATURE, "geometry": {"type": "Polygon", "coordinates": []}},
        {**FEATURE, "geometry": {"type": "Polygon", "coordinates": None}},
        {**FEATURE, "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1, "1"], [1, 0], [0, 0]]]}},
        {**FEATURE, "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [float("nan"), 1], [1, 0], [0, 0]]]}},
        {**FEATURE, "geometry": {"type": "Polygon", "coordinates": [[[0], [1], [1], [0]]]}},
    ],
)
def test_what_is_no_region_is_left_out(feature: Any) -> None:
    assert [region.id for region in regions_sent([feature, FEATURE])] == ["r1"]


def test_names_are_one_short_line_and_never_empty() -> None:
    def named(name: Any) -> str:
        return regions_sent([{**FEATURE, "properties": {"name": name}}])[0].name

    assert named("  North \n bay ") == "North bay"
    assert named("x" * 500) == "x" * 60
    assert named("") == named(None) == named(3) == "Region"


def test_ids_stay_unique_and_their_number_is_limited() -> None:
    assert len(regions_sent([FEATURE, {**FEATURE, "properties": {"name": "twin"}}])) == 1
    assert len(regions_sent([{**FEATURE, "id": f"r{n}"} for n in range(2 * MOST_REGIONS)])) == MOST_REGIONS


@given(st.floats(-179, 178), st.floats(-80, 79), st.floats(0.01, 1), st.floats(0.01, 1))
def test_a_region_survives_the_way_to_the_map_and_back(west: float, south: float, width: float, height: float) -> None:
    region = Region.from_like([west, south, west + width, south + height], "bay")
    back = MapRegion.of(region, "r1").region
    assert back.name == "bay"
    assert back.geometry.equals_exact(region.geometry, 1e-9) or back.geometry.symmetric_difference(region.geometry).area < 1e-12


def test_a_region_across_the_antimeridian_is_one_shape_on_the_map_and_two_parts_for_the_engine() -> None:
    region = Region.from_like([179, -18, -178, -16])
    drawn = MapRegion.of(region, "fiji")
    longitudes = [lon for lon, _ in drawn.geometry["coordinates"][0]]
    assert drawn.geometry["type"] == "Polygon"
    assert (min(longitudes), max(longitudes)) == (179, 182)
    assert drawn.region.geometry.symmetric_difference(region.geometry).area == pytest.approx(0, abs=1e-9)
    assert drawn.region.bounds == Bounds(179, -18, -178, -16)


def test_outline_of_a_tile_across_the_antimeridian_runs_on_beyond_it() -> None:
    outline = HitOutline.around("t", Bounds(179.5, 0, -179.5, 1), rank=3, colour="#fde725")
    assert {lon for lon, _ in outline.ring} == {179.5, 180.5}
    assert outline.props()["rank"] == 3


def test_every_kind_of_layer_says_what_the_browser_needs() -> None:
    here = Bounds(1, 2, 3, 4)
    tiles = Tiles(id="t", url="/t/{z}/{x}/{y}.png", bounds=here, dims=True).props()
    assert (tiles["kind"], tiles["bounds"], tiles["dims"]) == ("tiles", [1, 2, 3, 4], True)
    assert Picture(id="p", url="/p.png", bounds=here, opacity=0.5).props()["opacity"] == 0.5
    frames = Frames(id="f", urls=("/0.png", None), bounds=here, index=1, smooth=False).props()
    assert (frames["kind"], frames["urls"], frames["index"], frames["smooth"]) == ("frames", ["/0.png", None], 1, False)
    assert Shapes(id="s", url="/s.geojson", colour="red").props()["colour"] == "red"


def test_home_is_where_the_camera_looks_unless_it_is_said() -> None:
    here, away = Bounds(1, 2, 3, 4), Bounds(5, 6, 7, 8)
    assert Camera(token="a", bounds=here).props()["home"]["bounds"] == [1, 2, 3, 4]
    assert Camera(token="a", bounds=here, home=away).props()["home"]["bounds"] == [5, 6, 7, 8]


def test_legends_say_what_the_colours_mean() -> None:
    assert Legend.scores(1764).props()["unit"] == "percentile of 1,764"
    fog = Legend.fog().props()
    assert fog["title"] == "Fog or very low stratus"
    assert [swatch["label"] for swatch in fog["swatches"]] == ["paler: twilight, weak evidence", "obscured by higher cloud", "no data"]
