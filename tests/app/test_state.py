from __future__ import annotations

import math
from urllib.parse import parse_qs, urlencode

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from app.state import MOST_CORNERS, MOST_HITS, Drawn, ViewState
from components.map import MapRegion

words = st.text("ab1 |~;,%&=+é水🌊", max_size=12)
names = words.filter(bool)
corner = st.tuples(st.floats(-540, 540), st.floats(-90, 90))
percent = st.integers(0, 100)
drawn = st.builds(
    Drawn.from_ring, names, names, st.lists(corner, min_size=3, max_size=8, unique_by=lambda c: (round(c[0], 6), round(c[1], 6)))
)
states = st.builds(
    ViewState,
    collection=words,
    text=words,
    negative=words,
    like=st.lists(names, max_size=3, unique=True).map(tuple),
    regions=st.lists(drawn, max_size=3, unique_by=lambda d: d.id).map(tuple),
    when=words,
    tile=words,
    labels=names,
    hits=st.integers(1, MOST_HITS),
    fog=words,
    frame=st.integers(0, 500),
    basemap=words,
    scene_opacity=percent,
    score_opacity=percent,
    fog_opacity=percent,
)


@given(states)
def test_a_link_restores_the_view_exactly(state: ViewState) -> None:
    address = urlencode(state.to_query(), doseq=True)
    assert ViewState.from_query(parse_qs(address, keep_blank_values=True)) == state


@given(
    st.dictionaries(
        st.sampled_from(["regions", "frame", "hits", "fog_opacity", "text", "when", "like", "nonsense"]), st.lists(words, max_size=3)
    )
)
def test_any_address_gives_a_view(query: dict[str, list[str]]) -> None:
    state = ViewState.from_query(query)
    assert 0 <= state.fog_opacity <= 100
    assert 1 <= state.hits <= MOST_HITS


def test_an_untouched_view_has_a_clean_address() -> None:
    assert ViewState().to_query() == {}


@pytest.mark.parametrize(
    "text", ["a|b|1,2;3,4", "a|b|1,2;3,4;nan,1", "a|b", "a|b|1,2;3,4;5", "||", "a|b|0,0;541,0;1,1", "a|b|0,0;1,0;1,90.1"]
)
def test_a_garbled_region_is_left_out(text: str) -> None:
    assert ViewState.from_query({"regions": [text]}).regions == ()


def test_a_drawing_that_crosses_itself_says_so() -> None:
    bow_tie = Drawn.from_ring("1", "bow", [(0, 0), (2, 2), (2, 0), (0, 2)])
    assert "crosses itself" in bow_tie.flaw
    assert Drawn.from_ring("1", "box", [(0, 0), (2, 0), (2, 2), (0, 2)]).flaw == ""


def test_what_is_named_twice_counts_once() -> None:
    box = "0,0;1,0;1,1"
    state = ViewState.from_query({"like": ["b", "a", "b"], "regions": [f"1|first|{box}", f"2|other|{box}", f"1|second|{box}"]})
    assert state.like == ("b", "a")
    assert [drawn.name for drawn in state.regions] == ["first", "other"]


wild = st.floats(allow_nan=True, allow_infinity=True)


@given(st.lists(st.tuples(wild, wild), max_size=6))
def test_a_flaw_is_told_and_never_raised(ring: list[tuple[float, float]]) -> None:
    assert isinstance(Drawn("1", "any", tuple(ring)).flaw, str)


def from_map(ring: list[tuple[float, float]]) -> Drawn:
    return Drawn.from_map(MapRegion("1", "drawn", {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}))


def star(corners: int, wobble: float) -> list[tuple[float, float]]:
    turns = [2 * math.pi * i / corners for i in range(corners)]
    return [(10 + (1 + wobble * (i % 2)) * math.cos(t), 50 + (1 + wobble * (i % 2)) * math.sin(t)) for i, t in enumerate(turns)]


@pytest.mark.parametrize(("corners", "wobble"), [(3000, 0.0), (501, 0.0), (3000, 0.01)])
def test_a_drawing_of_many_corners_keeps_its_shape_and_fits_an_address(corners: int, wobble: float) -> None:
    drawn = from_map(star(corners, wobble))
    assert 3 <= len(drawn.ring) <= MOST_CORNERS
    whole, kept = shapely.Polygon(star(corners, wobble)), shapely.Polygon(drawn.ring)
    assert kept.intersection(whole).area / kept.union(whole).area > 0.97
    state = ViewState(regions=(drawn,))
    assert ViewState.from_query(state.to_query()) == state


def test_a_freehand_line_that_crosses_itself_is_thinned_too() -> None:
    eight = [(math.sin(2 * math.pi * i / 2000), math.sin(4 * math.pi * i / 2000)) for i in range(2000)]
    drawn = from_map(eight)
    assert 3 <= len(drawn.ring) <= MOST_CORNERS
    assert drawn.flaw


def test_a_drawing_on_a_far_copy_of_the_world_lies_where_it_means() -> None:
    assert from_map([(1440, 0), (1442, 0), (1442, 2)]).ring == ((0, 0), (2, 0), (2, 2))
    assert from_map([(178, 0), (184, 0), (184, 4)]).ring == ((178, 0), (184, 0), (184, 4))
