from __future__ import annotations

import json

import numpy as np
import pytest

from engine.fog.network.features import Sight
from engine.fog.network.gate import BLOCK, Gate
from engine.fog.network.windows import Window

SIDE = 4 * BLOCK


def window(seed: int, cosine: float = -0.4, warmer: float = 0.0, land: bool = False) -> Window:
    """Night over a sea of 285 K with patches of cloud up to 10 K colder."""
    dice = np.random.default_rng(seed)
    shape = (SIDE, SIDE)
    cloud = dice.random((4, 4)).repeat(BLOCK, 0).repeat(BLOCK, 1)
    sst = np.full(shape, dice.uniform(283, 287))
    window = sst - 1 - 10 * cloud + warmer + dice.normal(0, 0.1, shape)
    bands = {"BT1120": window, "BT0390": window - 2 * cloud + dice.normal(0, 0.1, shape), "BT1230": window - 1, "SST": sst}
    seen = Sight(
        {name: values.astype(np.float32) for name, values in bands.items()},
        *(np.full(shape, value, np.float32) for value in (cosine, 90, 1.2)),
        np.full(shape, land),
        0.0125,
    )
    return Window(seen, np.zeros(shape, np.int8), np.zeros(shape, np.float32))


@pytest.fixture(scope="module")
def gate() -> Gate:
    return Gate.fit([window(seed) for seed in range(60)])


def share(gate: Gate, seen: Window) -> float:
    return gate.strange(seen.sight.features(), seen.sight.land)[1]


def test_what_was_learned_passes_and_what_was_not_does_not(gate: Gate) -> None:
    assert np.mean([share(gate, window(seed)) for seed in range(100, 120)]) < 0.1
    assert share(gate, window(0, warmer=25.0)) == 1
    assert share(gate, window(0, cosine=0.7)) == 1  # no day was ever seen


def test_land_is_not_looked_at(gate: Gate) -> None:
    assert share(gate, window(0, warmer=25.0, land=True)) == 0


def test_strange_blocks_are_found_where_they_are(gate: Gate) -> None:
    seen = window(3)
    for values in seen.sight.bands.values():
        values[:BLOCK, :BLOCK] += 30
    cells, part = gate.strange(seen.sight.features(), seen.sight.land)
    assert cells[:BLOCK, :BLOCK].all()
    assert part >= 1 / 16
    assert cells[BLOCK:, BLOCK:].mean() < 0.3


def test_it_is_the_same_after_writing_and_reading(gate: Gate) -> None:
    again = Gate.from_record(json.loads(json.dumps(gate.record())))
    for warmer in (0.0, 4.0, 8.0):
        assert abs(share(again, window(7, warmer=warmer)) - share(gate, window(7, warmer=warmer))) <= 1 / 16
    with pytest.raises(ValueError, match="others"):
        Gate.from_record(gate.record() | {"block": 3})
