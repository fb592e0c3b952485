"""A text query inside and outside the fog, with tiles that answer on either side."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.fog.look import Side
from engine.serving import Engine
from engine.settings import Settings
from engine.types import Bounds, Query, Region
from tests.engine.fog.seas import NIGHT
from tests.engine.index.colour_encoder import ColourEncoder

from .ships import BUOYS, SHIPS, bay, tile

EITHER = {"inside": "outside", "outside": "inside"}


@pytest.fixture
def machine(own_data: Settings) -> Iterator[Engine]:
    bay(own_data)
    made = Engine(own_data)
    made._encoders._ready["colours"] = ColourEncoder()  # type: ignore[assignment]
    yield made
    made.close()


@pytest.mark.parametrize("side", ["inside", "outside"])
@pytest.mark.parametrize(("text", "places"), [("a red ship", SHIPS), ("a blue buoy", BUOYS)])
def test_the_answer_lies_on_the_side_that_was_asked(machine: Engine, side: Side, text: str, places: dict[str, tuple[int, int]]) -> None:
    region = machine.fog.region("SYNTHETIC_bay", NIGHT, side)
    ranking = machine.search(Query("ships", texts=(text,), regions=(region,)))
    assert ranking.hits[0].tile_id == tile(places[side])
    assert ranking.hits[0].verdict == "strong"
    found = {each for hit in ranking.hits for each in (hit.tile_id, *hit.merged)}
    assert tile(places[EITHER[side]]) not in found
    assert 32 <= ranking.searched <= 40  # half of 8 × 8 tiles, and those that touch its edge


def test_without_the_fog_both_sides_answer_and_a_drawn_region_narrows_it_further(machine: Engine) -> None:
    everywhere = machine.search(Query("ships", texts=("a red ship",)))
    assert {hit.tile_id for hit in everywhere.hits if hit.verdict == "strong"} == {tile(place) for place in SHIPS.values()}
    ship = machine.collection("ships").tile(tile(SHIPS["inside"])).bounds
    x, y = ship.centre
    drawn = Region.from_like(Bounds(x - 0.1, y - 0.1, x + 0.1, y + 0.1))
    inside = machine.fog.region("SYNTHETIC_bay", NIGHT, "inside", within=(drawn,))
    assert [hit.tile_id for hit in machine.search(Query("ships", texts=("a red ship",), regions=(inside,))).hits] == [tile(SHIPS["inside"])]
