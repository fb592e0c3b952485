"""What is known of all cubes costs a look at the folder, however often a page asks."""

from __future__ import annotations

import shutil
from datetime import timedelta
from typing import Any

import pytest

import engine.fog
from engine.errors import CubeNotFound
from engine.serving.fog.cubes import MOST_CUBES, Cubes
from engine.settings import Settings
from tests.engine.fog.seas import NIGHT, sea_cube

HALF = timedelta(minutes=30)
SHAPE = (8, 8)


@pytest.fixture
def opened(own_data: Settings, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the stores as they are opened."""
    own_data.cubes_dir.mkdir(parents=True)
    names: list[str] = []
    real = engine.fog.open_cube

    def open_cube(name: str, settings: Settings) -> Any:
        names.append(name)
        return real(name, settings)

    monkeypatch.setattr(engine.fog, "open_cube", open_cube)
    return names


def test_a_store_is_opened_once_however_many_there_are_and_again_when_it_changes(own_data: Settings, opened: list[str]) -> None:
    names = [f"sea{number:02d}" for number in range(MOST_CUBES + 3)]
    for name in names:
        sea_cube(own_data.cubes_dir / f"{name}.zarr", [NIGHT, NIGHT + HALF], shape=SHAPE)
    cubes = Cubes(own_data)
    first = cubes.cards()
    assert [card.name for card in first] == opened == names
    assert cubes._opened == {}  # a list keeps none open
    assert cubes.cards() == first
    assert opened == names

    cubes.get("sea00")
    assert cubes.card("sea00") == first[0]
    del opened[:]
    shutil.rmtree(own_data.cubes_dir / "sea03.zarr")
    sea_cube(own_data.cubes_dir / "sea03.zarr", [NIGHT, NIGHT + HALF, NIGHT + 2 * HALF], shape=SHAPE)
    shutil.rmtree(own_data.cubes_dir / "sea05.zarr")
    again = {card.name: card for card in cubes.cards()}
    assert opened == ["sea03"]
    assert again["sea03"].frames == 3
    assert again["sea03"].version != first[3].version
    assert "sea05" not in again
    with pytest.raises(CubeNotFound):
        cubes.card("sea05")


def test_a_torn_store_says_why_and_is_tried_again_when_it_was_mended(own_data: Settings, opened: list[str]) -> None:
    torn = own_data.cubes_dir / "torn.zarr"
    torn.mkdir()
    cubes = Cubes(own_data)
    assert "torn" in cubes.cards()[0].broken
    assert "torn" in cubes.cards()[0].broken
    assert opened == ["torn"]
    torn.rmdir()
    sea_cube(torn, [NIGHT, NIGHT + HALF], shape=SHAPE)
    assert cubes.cards()[0].broken == ""
    assert opened == ["torn", "torn"]
