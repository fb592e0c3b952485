from __future__ import annotations

import numpy as np
import pytest

from engine.world.drainage import Drainage, drained


@pytest.fixture(scope="module")
def drainage() -> Drainage:
    y, x = np.mgrid[:60, :60]
    land = np.hypot(x - 30, y - 30) < 25
    rough = np.random.default_rng(0).uniform(0.5, 2, (60, 60)).astype(np.float32)
    return drained(land, np.full((60, 60), 0.3, dtype=np.float32), rough, 30.0)


def test_water_runs_downhill_to_the_sea(drainage: Drainage) -> None:
    height = drainage.height.ravel()
    cells = np.arange(height.size)
    moving = drainage.receiver != cells
    assert (height[drainage.receiver[moving]] < height[moving]).all()
    at = cells
    for _ in range(200):
        at = drainage.receiver[at]
    assert (height[at] == 0).all()


def test_every_drop_arrives(drainage: Drainage) -> None:
    """What reaches the sea is as much as there is land."""
    outlets = drainage.receiver == np.arange(drainage.receiver.size)
    land = (drainage.height > 0).sum()
    assert drainage.catchment.ravel()[outlets].sum() == pytest.approx(land + outlets.sum())


def test_upstream_is_the_catchment(drainage: Drainage) -> None:
    cell = int(np.argsort(np.where(drainage.height > 0, drainage.catchment, 0).ravel())[-5])
    assert drainage.upstream(cell).sum() == drainage.catchment.ravel()[cell]
