"""The Engine on a real collection and the real model."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine import encoders, imagery, index
from engine.errors import EmptyQuery, TileNotFound
from engine.serving import Engine
from engine.serving.mosaic import draw_mosaic, tile_box
from engine.settings import Settings
from engine.types import Query, Region, TimeSpan
from tests.scenes import write_scene

DAY = datetime(2014, 7, 20, tzinfo=UTC)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    config = Settings(data_dir=folder)
    write_scene(folder / "scenes" / "field_20140720.tif", seed=1)
    write_scene(folder / "scenes" / "next_20140720.tif", seed=2, west=502_560)
    write_scene(folder / "scenes" / "field_20200831.tif", seed=3)
    found = imagery.find_scenes([folder / "scenes"])
    index.build("fields", found.scenes, encoders.load(settings=config), spec=imagery.TileSpec(), settings=config)
    return folder


@pytest.fixture
def machine(home: Path) -> Iterator[Engine]:
    engine = Engine(Settings(data_dir=home, demo=False))
    yield engine
    engine.close()


def test_it_becomes_ready_behind_the_page(machine: Engine) -> None:
    assert not machine.state.ready
    machine.warm()
    end = time.monotonic() + 60
    while not machine.state.ready and time.monotonic() < end:
        time.sleep(0.05)
    assert machine.state.ready
    assert machine.state.device == "cpu"
    assert machine.state.failed == ""


def test_the_tile_under_a_click_is_that_of_the_shown_date(machine: Engine) -> None:
    tile = machine.collection("fields").tile("field_20140720/64-64")
    lon, lat = tile.bounds.centre
    assert machine.tile_at("fields", DAY, lon, lat) == "field_20140720/64-64"
    assert machine.tile_at("fields", datetime(2020, 8, 31, tzinfo=UTC), lon, lat) == "field_20200831/64-64"
    assert machine.tile_at("fields", DAY, lon + 5, lat) is None


def test_neighbours_leave_the_tile_itself_out(machine: Engine) -> None:
    found = machine.neighbours("fields", "field_20140720/0-0", 4)
    assert len(found) == 4
    assert "field_20140720/0-0" not in {hit.tile_id for hit in found}
    assert [hit.score for hit in found] == sorted((hit.score for hit in found), reverse=True)


def test_the_count_is_what_a_search_would_rank(machine: Engine) -> None:
    query = Query("fields", texts=("water",), span=TimeSpan(DAY, DAY))
    assert machine.count(query) == machine.search(query).searched == 32
    part = Query("fields", texts=("water",), regions=(Region.from_like(machine.collection("fields").tile("field_20140720/64-64").bounds),))
    assert machine.count(part) == machine.search(part).searched < 48


def test_what_cant_be_asked_is_told(machine: Engine) -> None:
    with pytest.raises(EmptyQuery):
        machine.search(Query("fields"))
    with pytest.raises(TileNotFound):
        machine.thumbnail("fields", "none/0-0", 64)


def test_a_new_scene_is_seen_without_a_restart(machine: Engine, home: Path) -> None:
    before = machine.collection("fields")
    write_scene(home / "more" / "late_20220101.tif", seed=9)
    found = imagery.find_scenes([home / "more"])
    index.build("fields", found.scenes, machine.encoder("pharos-small"), spec=imagery.TileSpec(), settings=machine.config, resume=True)
    after = machine.collection("fields")
    assert len(after) == len(before) + 16
    assert after.version != before.version


def test_an_upload_is_indexed_behind_the_page(machine: Engine, home: Path) -> None:
    body = (home / "scenes" / "field_20140720.tif").read_bytes()
    job = machine.index_uploads("mine", [("../../field_20140720.tif", io.BytesIO(body))])
    job.wait(120)
    assert job.failed == ""
    assert "16 tiles" in job.outcome
    assert "mine" in machine.collections()
    assert not (home.parent / "field_20140720.tif").exists()


def test_neighbouring_scenes_of_one_time_are_one_map_tile(machine: Engine) -> None:
    """A zoom-11 tile (about 13 km) that holds both scenes; their shared edge leaves no gap."""
    scenes = machine.collection("fields").scenes_at(DAY)
    lon, lat = scenes[0].bounds.centre
    side = 2**11
    x = int((lon + 180) / 360 * side)
    y = int((1 - np.arcsinh(np.tan(np.radians(lat))) / np.pi) / 2 * side)
    both = draw_mosaic(scenes, 11, x, y)
    one = draw_mosaic(scenes[:1], 11, x, y)
    assert both is not None
    assert one is not None

    def covered(body: bytes) -> int:
        return int((np.asarray(Image.open(io.BytesIO(body)).convert("RGBA"))[..., 3] > 0).sum())

    inside = [scene.footprint.intersection(tile_box(11, x, y)).area / scene.footprint.area for scene in scenes]
    assert covered(both) > covered(one) * (sum(inside) / inside[0]) * 0.95
    assert draw_mosaic(scenes, 11, 0, 0) is None
    assert draw_mosaic(scenes, 11, -1, 5) is None
