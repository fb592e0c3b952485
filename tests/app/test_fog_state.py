from __future__ import annotations

from urllib.parse import parse_qs, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.fog_state import LAYERS, SIDES, TIMES, FogState, Point, place_of, place_text
from app.state import Drawn

words = st.text("ab1 |~;,%&=+é/水🌊", max_size=12)
names = words.filter(bool)
lons, lats = st.floats(-540, 540), st.floats(-90, 90)
points = st.builds(Point.at, names, lons, lats)
corner = st.tuples(lons, lats)
drawn = st.builds(
    Drawn.from_ring, names, names, st.lists(corner, min_size=3, max_size=6, unique_by=lambda c: (round(c[0], 6), round(c[1], 6)))
)
states = st.builds(
    FogState,
    cube=words,
    start=words,
    when=words,
    picture=words,
    mask=words,
    picture_opacity=st.integers(0, 100),
    mask_opacity=st.integers(0, 100),
    method=words,
    forecast=st.booleans(),
    compare=st.sampled_from(["", LAYERS, TIMES]),
    other=words,
    other_when=words,
    divider=st.integers(0, 100),
    at=st.one_of(st.just(""), st.builds(place_text, lons, lats)),
    points=st.lists(points, max_size=4, unique_by=lambda point: point.name).map(tuple),
    regions=st.lists(drawn, max_size=2, unique_by=lambda each: each.id).map(tuple),
    text=words,
    side=st.sampled_from(SIDES),
    collection=words,
)


@given(states)
def test_a_link_restores_the_page_exactly(state: FogState) -> None:
    address = urlencode(state.to_query(), doseq=True)
    assert FogState.from_query(parse_qs(address, keep_blank_values=True)) == state


@given(st.dictionaries(st.sampled_from(["points", "at", "divider", "compare", "side", "forecast", "regions", "other"]), st.lists(words)))
def test_any_address_gives_a_page(query: dict[str, list[str]]) -> None:
    state = FogState.from_query(query)
    assert 0 <= state.divider <= 100
    assert state.compare in ("", LAYERS, TIMES)
    assert state.place is None or len(state.place) == 2


def test_an_untouched_page_has_a_clean_address() -> None:
    assert FogState().to_query() == {}
    assert FogState(forecast=True).to_query() == {"forecast": ["1"]}


@pytest.mark.parametrize("text", ["a|b|c", "a|1", "|1|2", "a|nan|2", "a|541|0", "a|0|90.1", "a|1|2|3"])
def test_what_is_no_point_is_left_out(text: str) -> None:
    assert FogState.from_query({"points": [text]}).points == ()


@pytest.mark.parametrize("text", ["", "1", "1,2,3", "nan,1", "0,91", "x,y"])
def test_what_is_no_place_is_left_out(text: str) -> None:
    assert FogState.from_query({"at": [text]}).place is None


def test_a_place_is_longitude_first() -> None:
    assert place_of("12.08,-22.41") == (12.08, -22.41)
    assert FogState(at="12.08000,-22.41000").place == (12.08, -22.41)


@pytest.mark.parametrize(("lon", "lat"), [(0.0, -1e-287), (-0.000004, 1e-9), (-0.0, -0.0)])
def test_a_zero_that_was_rounded_to_has_no_sign(lon: float, lat: float) -> None:
    assert place_text(lon, lat) == "0.00000,0.00000"
