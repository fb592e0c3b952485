"""The demo's island on disk: complete it is not touched, spoilt it is healed, a person's collection is left alone."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import rasterio

import engine.encoders
import engine.world
from engine import imagery, index
from engine.errors import CollectionBusy, WeightsCorrupt
from engine.index.lock import writing
from engine.serving import Engine, demo
from engine.serving import encoders as serving_encoders
from engine.settings import Settings
from engine.world import World
from tests.engine.index.colour_encoder import ColourEncoder
from tests.scenes import write_scene


class Ready(ColourEncoder):
    """As it comes from the registry: on a device."""

    device = "cpu"


@pytest.fixture(autouse=True)
def small_world(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Two small scenes and a cube that is only a folder, in place of the island."""
    made = []

    def make(out: Path, seed: int, **_: Any) -> World:
        made.append(seed)
        scenes = tuple(write_scene(out / "scenes" / f"island_{day}.tif", seed=seed, size=128) for day in (20200101, 20200701))
        for path in scenes:
            with rasterio.open(path, "r+") as scene:
                scene.update_tags(PHAROS_SYNTHETIC="1")
        cube = out / "cubes" / "sea.zarr"
        cube.mkdir(parents=True)
        return World(scenes, (), (cube,), 0.0)

    monkeypatch.setattr(engine.world, "make_world", make)
    return made


def content(config: Settings) -> dict[str, tuple[int, int]]:
    home = config.collections_dir / demo.ISLAND
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_ino) for path in home.rglob("*") if path.is_file() and path.name != ".lock"}


def start(config: Settings, encoder: ColourEncoder | None = None) -> None:
    demo.make_demo(config)
    demo.index_demo(config, encoder or ColourEncoder())  # type: ignore[arg-type]


def test_a_second_start_touches_nothing(own_data: Settings, small_world: list[int]) -> None:
    start(own_data)
    before, version = content(own_data), index.Collection.open(demo.ISLAND).version
    start(own_data)
    assert content(own_data) == before
    (demo.demo_dir(own_data) / ".indexed").unlink()
    start(own_data)
    assert index.Collection.open(demo.ISLAND).version == version
    assert small_world == [7]
    assert (own_data.cubes_dir / "sea.zarr").is_dir()


@pytest.mark.parametrize("lost", ["demo/scenes/island_20200101.tif", "cubes/sea.zarr"])
def test_what_is_lost_of_the_demo_is_made_again(own_data: Settings, small_world: list[int], lost: str) -> None:
    start(own_data)
    path = own_data.data_dir / lost
    if path.is_dir():
        path.rmdir()
    else:
        path.unlink()
    assert not demo.demo_is_made(own_data)
    start(own_data)
    assert path.exists()
    assert small_world == [7, 7]


def test_another_model_indexes_the_island_anew(own_data: Settings) -> None:
    start(own_data)
    start(own_data, ColourEncoder(hash_="ffffffffffff"))
    assert index.Collection.open(demo.ISLAND).model_hash == "ffffffffffff"


@pytest.mark.parametrize("spoilt", ["collection.json", "shards/000001.parquet"])
def test_a_damaged_island_is_healed(own_data: Settings, spoilt: str) -> None:
    start(own_data)
    tiles = len(index.Collection.open(demo.ISLAND))
    (own_data.collections_dir / demo.ISLAND / spoilt).write_bytes(b"spoilt")
    start(own_data)
    opened = index.Collection.open(demo.ISLAND)
    assert (len(opened), opened.damaged) == (tiles, {})


@pytest.mark.parametrize("spoil", [False, True])
def test_a_persons_island_is_left_alone(own_data: Settings, tmp_path: Path, spoil: bool) -> None:
    mine = imagery.find_scenes([write_scene(tmp_path / "mine" / "bay_20200101.tif", size=128)]).scenes
    index.build(demo.ISLAND, mine, ColourEncoder(hash_="ffffffffffff"), spec=imagery.TileSpec())  # type: ignore[arg-type]
    if spoil:
        (own_data.collections_dir / demo.ISLAND / "collection.json").write_bytes(b"spoilt")
    before = content(own_data)
    start(own_data)
    assert content(own_data) == before


def test_an_island_that_a_person_has_added_to_is_left_alone(own_data: Settings, tmp_path: Path) -> None:
    start(own_data)
    mine = imagery.find_scenes([write_scene(tmp_path / "mine" / "bay_20200101.tif", size=128)]).scenes
    index.build(demo.ISLAND, mine, ColourEncoder(), spec=imagery.TileSpec(), resume=True)  # type: ignore[arg-type]
    before = index.Collection.open(demo.ISLAND).version
    start(own_data, ColourEncoder(hash_="ffffffffffff"))
    assert index.Collection.open(demo.ISLAND).version == before
    (own_data.collections_dir / demo.ISLAND / "collection.json").write_bytes(b"spoilt")
    start(own_data)
    assert (own_data.collections_dir / demo.ISLAND / "collection.json").read_bytes() == b"spoilt"


def test_a_second_server_waits_for_nobody(own_data: Settings) -> None:
    demo.make_demo(own_data)
    with writing(own_data.collections_dir / demo.ISLAND), pytest.raises(CollectionBusy):
        demo.index_demo(own_data, ColourEncoder())  # type: ignore[arg-type]


def test_a_demo_that_fails_is_no_failure_of_the_model(own_data: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine.encoders, "load", lambda *_, **__: Ready())
    machine = Engine(own_data)
    with writing(own_data.collections_dir / demo.ISLAND):
        machine.warm()
        end = time.monotonic() + 30
        while not (machine.state.ready and not machine.state.stage) and time.monotonic() < end:
            time.sleep(0.02)
    assert "being indexed by" in machine.state.demo_failed
    assert (machine.state.failed, machine.state.ready) == ("", True)
    machine.close()


def test_a_model_that_comes_late_makes_up_for_the_warm_up(own_data: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: Any, **__: Any) -> Ready:
        raise WeightsCorrupt("colours", "no.")

    monkeypatch.setattr(serving_encoders, "RETRY_SECONDS", 0.0)
    monkeypatch.setattr(engine.encoders, "load", missing)
    machine = Engine(own_data)
    machine.warm()
    end = time.monotonic() + 30
    while (not machine.state.failed or machine.state.stage) and time.monotonic() < end:
        time.sleep(0.02)
    assert not machine.state.ready
    time.sleep(0.1)  # the thread ends
    monkeypatch.setattr(engine.encoders, "load", lambda *_, **__: Ready())
    assert machine.encoder(own_data.model).id == "colours"
    while demo.ISLAND not in machine.collections() and time.monotonic() < end:
        time.sleep(0.02)
    assert machine.state.failed == ""
    assert demo.ISLAND in machine.collections()
    machine.close()
