"""The Engine on a real collection and the real model."""

from __future__ import annotations

import io
import shutil
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import shapely
from PIL import Image

from engine import encoders, imagery, index
from engine.errors import Cancelled, EmptyQuery, TileNotFound
from engine.imagery.maptile import tile_bounds
from engine.serving import Engine
from engine.serving.mosaic import Mosaic
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
    assert machine.summary("mine").tiles == 16
    assert machine.unfinished() == ()
    assert machine.jobs() == (job,)


def test_every_date_shows_the_newest_on_top(machine: Engine) -> None:
    lon, lat = machine.collection("fields").tile("field_20140720/64-64").bounds.centre
    assert machine.tile_at("fields", "all", lon, lat).split("/")[0] in {"field_20200831", "late_20220101"}  # type: ignore[union-attr]
    z, side = 14, 2**14
    x = int((lon + 180) / 360 * side)
    y = int((1 - np.arcsinh(np.tan(np.radians(lat))) / np.pi) / 2 * side)
    assert machine.map_tile("fields", "all", z, x, y) not in (None, machine.map_tile("fields", DAY, z, x, y))


def test_a_closed_engine_can_be_warmed_again(machine: Engine) -> None:
    machine.warm()
    machine.close()
    machine.warm()
    end = time.monotonic() + 60
    while not machine.state.ready and time.monotonic() < end:
        time.sleep(0.05)
    assert machine.state.ready
    assert machine.state.failed == ""


def test_what_was_stopped_is_told_and_gone_on_with(machine: Engine) -> None:
    def tell(stage: str, done: int, total: int) -> None:
        if done >= 16:
            stop.set()

    stop = threading.Event()
    scenes = machine.collection("fields").scenes_at(DAY)
    with pytest.raises(Cancelled):
        index.build(
            "half",
            scenes,
            machine.encoder("pharos-small"),
            spec=imagery.TileSpec(),
            settings=machine.config,
            unit=16,
            batch=16,
            progress=tell,
            cancel=stop,
        )
    assert machine.unfinished() == ("half",)
    job = machine.go_on("half")
    job.wait(120)
    assert job.failed == ""
    assert machine.unfinished() == ()
    assert machine.summary("half").tiles == len(machine.collection("half")) == 32


def test_a_damaged_collection_is_summed_up_all_the_same(machine: Engine) -> None:
    folder = machine.config.collections_dir / "spoilt"
    (folder / "shards").mkdir(parents=True)
    (folder / "collection.json").write_text("{")
    (folder / "shards" / "000001.parquet").write_bytes(b"no shard")
    assert "spoilt" in machine.collections()
    assert "can't be read" in machine.summary("spoilt").damaged
    shutil.rmtree(folder)


def test_neighbouring_scenes_of_one_time_are_one_map_tile(machine: Engine) -> None:
    """A zoom-11 tile (about 13 km) that holds both scenes; their shared edge leaves no gap."""
    scenes = machine.collection("fields").scenes_at(DAY)
    lon, lat = scenes[0].bounds.centre
    side = 2**11
    x = int((lon + 180) / 360 * side)
    y = int((1 - np.arcsinh(np.tan(np.radians(lat))) / np.pi) / 2 * side)
    both = Mosaic(scenes).draw(11, x, y)
    one = Mosaic(scenes[:1]).draw(11, x, y)
    assert both is not None
    assert one is not None

    def covered(body: bytes) -> int:
        return int((np.asarray(Image.open(io.BytesIO(body)).convert("RGBA"))[..., 3] > 0).sum())

    inside = [scene.footprint.intersection(shapely.box(*tile_bounds(11, x, y))).area / scene.footprint.area for scene in scenes]
    assert covered(both) > covered(one) * (sum(inside) / inside[0]) * 0.95
    assert Mosaic(scenes).draw(11, 0, 0) is None
    assert Mosaic(scenes).draw(11, -1, 5) is None
