from __future__ import annotations

from urllib.parse import parse_qs, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.state import Drawn, ViewState

words = st.text("ab1 |~;,%&=+é水🌊", max_size=12)
names = words.filter(bool)
corner = st.tuples(st.floats(-360, 360), st.floats(-90, 90))
percent = st.integers(0, 100)
drawn = st.builds(
    Drawn.from_ring, names, names, st.lists(corner, min_size=3, max_size=8, unique_by=lambda c: (round(c[0], 6), round(c[1], 6)))
)
states = st.builds(
    ViewState,
    collection=words,
    text=words,
    negative=words,
    like=st.lists(names, max_size=3).map(tuple),
    regions=st.lists(drawn, max_size=3).map(tuple),
    when=words,
    tile=words,
    labels=names,
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
    st.dictionaries(st.sampled_from(["regions", "frame", "fog_opacity", "text", "when", "like", "nonsense"]), st.lists(words, max_size=3))
)
def test_any_address_gives_a_view(query: dict[str, list[str]]) -> None:
    state = ViewState.from_query(query)
    assert 0 <= state.fog_opacity <= 100


def test_an_untouched_view_has_a_clean_address() -> None:
    assert ViewState().to_query() == {}


@pytest.mark.parametrize("text", ["a|b|1,2;3,4", "a|b|1,2;3,4;nan,1", "a|b", "a|b|1,2;3,4;5", "||"])
def test_a_garbled_region_is_left_out(text: str) -> None:
    assert ViewState.from_query({"regions": [text]}).regions == ()


def test_a_drawing_that_crosses_itself_says_so() -> None:
    bow_tie = Drawn.from_ring("1", "bow", [(0, 0), (2, 2), (2, 0), (0, 2)])
    assert "crosses itself" in bow_tie.flaw
    assert Drawn.from_ring("1", "box", [(0, 0), (2, 0), (2, 2), (0, 2)]).flaw == ""
