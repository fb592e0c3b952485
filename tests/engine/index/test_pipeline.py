"""Indexing real files: what is acknowledged stays, and an interrupted run ends as an uninterrupted one."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.errors import (
    Cancelled,
    CollectionBusy,
    CollectionDamaged,
    CollectionExists,
    CollectionNameInvalid,
    DiskFull,
    ModelMismatch,
    NothingToIndex,
    TilesMismatch,
    WeightsCorrupt,
)
from engine.imagery import TileSpec, find_scenes
from engine.index import BuildReport, Collection, build, search
from engine.settings import Settings, settings
from engine.types import Query, TimeSpan
from tests.engine.index.colour_encoder import ColourEncoder

SPEC = TileSpec(32)
ROOT = Path(__file__).resolve().parents[3]
COLOURS = ["red", "green", "blue", "yellow", "magenta", "cyan", "white", "black"]


def pattern(rows: int, columns: int, shift: int = 0) -> list[list[str]]:
    return [[COLOURS[(row * 3 + column + shift) % 8] for column in range(columns)] for row in range(rows)]


def index(paths: list[Path], name: str = "squares", **options: Any) -> BuildReport:
    options.setdefault("spec", SPEC)
    options.setdefault("encoder", ColourEncoder())
    return build(name, find_scenes(paths).scenes, options.pop("encoder"), **options)


def content(name: str) -> dict[str, tuple[Any, ...]]:
    """Everything that a collection says of each tile."""
    collection = Collection.open(name)
    rows = np.arange(len(collection))
    vectors = collection.store.take(rows)
    return {
        tile.id: (tile.scene, tile.window, tile.footprint.wkb, vector.tobytes())
        for tile, vector in zip(collection.tiles(rows), vectors, strict=True)
    }


def test_every_square_becomes_a_tile_with_its_colour(write_raster: Any) -> None:
    report = index([write_raster("a_20200101", pattern(3, 4))])
    assert (report.tiles, report.added, report.scenes, report.skipped, report.unreadable) == (12, 12, 1, 0, ())
    assert report.model == "colours@c0105c0105c0"
    collection = Collection.open("squares")
    for row, colours in enumerate(pattern(3, 4)):
        for column, colour in enumerate(colours):
            vector = collection.vectors([f"a_20200101/{column * 32}-{row * 32}"])[0]
            assert vector.tolist() == ColourEncoder().query(colour).tolist()


def test_tiles_with_few_valid_pixels_are_left_out_and_counted(write_raster: Any) -> None:
    report = index([write_raster("a", [["red", "-", "-"], ["red", "green", "-"]])])
    assert (report.tiles, report.skipped) == (3, 3)
    again = index([write_raster("a", [["red", "-", "-"], ["red", "green", "-"]])], resume=True)
    assert (again.tiles, again.skipped, again.added) == (3, 3, 0)


def test_an_existing_collection_is_not_touched_without_resume(write_raster: Any) -> None:
    path = write_raster("a", pattern(2, 2))
    index([path])
    before = content("squares")
    with pytest.raises(CollectionExists):
        index([path])
    assert content("squares") == before


def test_going_on_with_a_complete_collection_leaves_its_version(write_raster: Any) -> None:
    path = write_raster("a_20200101", pattern(2, 2))
    index([path])
    before = Collection.open("squares").version
    index([path], resume=True)
    assert Collection.open("squares").version == before


def test_a_collection_counts_from_its_first_shard(write_raster: Any) -> None:
    index([write_raster("a_20200101", pattern(2, 2))])
    assert Collection.names() == ("squares",)
    shutil.rmtree(settings().collections_dir / "squares" / "shards")
    assert Collection.names() == ()
    assert Collection.begun() == ("squares",)


def test_resume_adds_scenes(write_raster: Any) -> None:
    first, second = write_raster("a_20200101", pattern(2, 2)), write_raster("b_20210101", pattern(2, 3))
    index([first])
    report = index([first, second], resume=True)
    assert (report.tiles, report.added, report.scenes) == (10, 6, 2)
    assert [f"{when:%Y-%m-%d}" for when in Collection.open("squares").times] == ["2020-01-01", "2021-01-01"]


def test_another_scene_of_the_same_name_is_not_taken_for_the_first(write_raster: Any, tmp_path: Path) -> None:
    path = write_raster("a", pattern(2, 2))
    (tmp_path / "other").mkdir()
    index([Path(shutil.move(path, tmp_path / "other" / "a.tif"))])
    report = index([write_raster("a", pattern(2, 2, shift=3), west=600_000.0)], resume=True)
    assert (report.tiles, sorted(Collection.open("squares").scenes)) == (8, ["a", "a-2"])
    assert index([write_raster("a", pattern(2, 2, shift=3), west=600_000.0)], resume=True).added == 0


def test_resume_with_another_model_or_tile_size_is_refused(write_raster: Any) -> None:
    path = write_raster("a", pattern(2, 2))
    index([path])
    with pytest.raises(ModelMismatch, match="colours@ffffff"):
        index([path], resume=True, encoder=ColourEncoder(hash_="ffffff"))
    with pytest.raises(TilesMismatch, match="tiles of 32 px"):
        index([path], resume=True, spec=TileSpec(16))
    assert index([path], resume=True, spec=TileSpec()).added == 0


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "-dash", "x" * 65, "a\0b", "naïve", "a\n"])
def test_a_name_can_not_lead_elsewhere(name: str) -> None:
    with pytest.raises(CollectionNameInvalid):
        build(name, (), ColourEncoder(), spec=SPEC)
    with pytest.raises(CollectionNameInvalid):
        Collection.open(name)


def test_nothing_to_index_leaves_nothing_behind(write_raster: Any, own_data: Settings) -> None:
    with pytest.raises(NothingToIndex):
        build("squares", (), ColourEncoder(), spec=SPEC)
    scattered = [["red" if (row, column) == (1, 1) else "-" for column in range(3)] for row in range(3)]
    with pytest.raises(NothingToIndex, match="valid pixels"):
        index([write_raster("a", scattered, square=16)], spec=TileSpec(48))
    assert Collection.names() == ()
    assert not (own_data.collections_dir / "squares").exists()


def test_an_unreadable_scene_is_named_and_the_rest_goes_on(write_raster: Any) -> None:
    paths = [write_raster("a", pattern(4, 4)), write_raster("b", pattern(4, 4))]
    scenes = find_scenes(paths).scenes
    paths[0].write_bytes(paths[0].read_bytes()[:2000])
    report = build("squares", scenes, ColourEncoder(), spec=SPEC)
    assert (report.tiles, report.scenes) == (16, 1)
    assert [name for name, _ in report.unreadable] == ["a"]
    assert "a.tif" in report.unreadable[0][1]
    write_raster("a", pattern(4, 4))
    mended = index(paths, resume=True)
    assert (mended.tiles, mended.unreadable) == (32, ())


def test_a_scene_that_breaks_off_midway_is_left_out_whole(write_raster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.errors import ImageUnreadable
    from engine.imagery.raster import RasterReader

    real = RasterReader.view

    def view(self: RasterReader, window: Any, size: int | None = None) -> Any:
        if self.scene.id == "a" and window.row >= 96:
            raise ImageUnreadable("a.tif", "it is cut short.")
        return real(self, window, size)

    paths = [write_raster("a", pattern(4, 4)), write_raster("b", pattern(4, 4))]
    with monkeypatch.context() as patch:
        patch.setattr(RasterReader, "view", view)
        report = index(paths, unit=5)
    assert report.unreadable == (("a", "“a.tif” can't be read: it is cut short."),)
    assert {values[0] for values in content("squares").values()} == {"b"}
    assert report.tiles == len(content("squares"))
    assert index(paths, resume=True).tiles == 32
    assert len(content("squares")) == 32


def test_vectors_that_are_not_numbers_are_refused(write_raster: Any) -> None:
    class Broken(ColourEncoder):
        def images(self, batch: Any) -> Any:
            return super().images(batch) * np.nan

    with pytest.raises(WeightsCorrupt):
        index([write_raster("a", pattern(2, 2))], encoder=Broken())
    assert Collection.names() == ()


def test_progress_counts_up_to_the_total(write_raster: Any) -> None:
    told: list[tuple[str, int, int]] = []
    index([write_raster("a", pattern(5, 4))], batch=3, unit=7, progress=lambda *step: told.append(step))
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)
    assert told[-1][1:] == (20, 20)


def test_cancel_keeps_what_was_acknowledged_and_resume_completes_it(write_raster: Any) -> None:
    paths = [write_raster("a", pattern(6, 6)), write_raster("b", pattern(6, 6, shift=2))]
    index(paths, "whole", unit=8, batch=4)
    cancel = threading.Event()

    def stop_later(stage: str, done: int, total: int) -> None:
        if done >= 30:
            cancel.set()

    with pytest.raises(Cancelled, match=r"\d+ tiles are kept"):
        index(paths, unit=8, batch=4, progress=stop_later, cancel=cancel)
    kept = content("squares")
    assert 24 <= len(kept) < 72
    index(paths, unit=8, batch=4, resume=True)
    assert content("squares") == content("whole")


CHILD = """
import sys
sys.path.insert(0, {root!r})
from engine.imagery import TileSpec, find_scenes
from engine.index import build
from tests.engine.index.colour_encoder import ColourEncoder
def tell(stage, done, total):
    print(done, flush=True)
build("squares", find_scenes({paths!r}).scenes, ColourEncoder({wait}), spec=TileSpec(32), unit=8, batch=4, resume={resume}, progress=tell)
print("finished", flush=True)
"""


def child(paths: list[Path], *, wait: float, resume: bool = False) -> subprocess.Popen[str]:
    code = CHILD.format(root=str(ROOT), paths=[str(path) for path in paths], wait=wait, resume=resume)
    environment = {**os.environ, "PHAROS_DATA_DIR": str(settings().data_dir), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment)


def wait_for(process: subprocess.Popen[str], tiles: int) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == "finished":
            pytest.fail("the run ended before it could be killed")
        if int(line) >= tiles:
            return
    pytest.fail("the run ended early")


@pytest.mark.parametrize("tiles", [13, 41])
def test_kill_9_and_resume_give_the_collection_of_an_uninterrupted_run(write_raster: Any, tiles: int) -> None:
    paths = [write_raster("a_20200101", pattern(6, 6)), write_raster("b_20210101", [["-", *row[1:]] for row in pattern(6, 6, shift=2)])]
    index(paths, "whole", unit=8, batch=4)
    with child(paths, wait=0.03) as process:
        wait_for(process, tiles)
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    partly = len(content("squares"))
    assert 0 < partly < 66
    report = index(paths, unit=8, batch=4, resume=True)
    assert (report.tiles, report.skipped, report.added) == (66, 6, 66 - partly)
    assert content("squares") == content("whole")


def test_a_second_run_is_told_who_is_indexing(write_raster: Any) -> None:
    path = write_raster("a", pattern(8, 8))
    with child([path], wait=0.1) as process:
        wait_for(process, 4)
        for resume in (False, True):
            with pytest.raises(CollectionBusy, match=f"process {process.pid} on "):
                index([path], resume=resume)
        process.kill()
        process.wait()
    assert index([path], resume=True).tiles == 64  # the lock died with its owner


def test_two_threads_can_not_index_one_collection(write_raster: Any) -> None:
    path = write_raster("a", pattern(4, 4))
    started, errors = threading.Event(), []

    def first() -> None:
        index([path], encoder=ColourEncoder(0.3), batch=4, progress=lambda *_: started.set())

    thread = threading.Thread(target=first)
    thread.start()
    assert started.wait(10)
    try:
        index([path], resume=True)
    except CollectionBusy as error:
        errors.append(error)
    thread.join()
    assert len(errors) == 1
    assert Collection.open("squares").table.ids_of(np.arange(16))


def test_a_full_disk_keeps_what_was_acknowledged(write_raster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file size limit of the kernel refuses the write itself, as a full disk does."""
    paths = [write_raster("a", pattern(6, 6))]
    index(paths, "whole", unit=8, batch=4)
    largest = max(path.stat().st_size for path in (settings().collections_dir / "whole" / "shards").iterdir())
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    cramped = threading.Event()

    def shrink(stage: str, done: int, total: int) -> None:
        if done > 8 and not cramped.is_set():
            cramped.set()
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest // 2, before[1]))

    try:
        with pytest.raises(DiskFull, match="The 8 tiles"):
            index(paths, unit=8, batch=4, progress=shrink)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    folder = settings().collections_dir / "squares"
    assert len(content("squares")) == 8
    assert [path.name for path in folder.rglob("*.part")] == []
    index(paths, unit=8, batch=4, resume=True)
    assert content("squares") == content("whole")


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a tiny disk takes root")
def test_a_really_full_disk(write_raster: Any, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96k", "tmpfs", str(disk)], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("this machine does not let us mount a tiny disk")
    try:
        path = write_raster("a", pattern(30, 30))
        with pytest.raises(DiskFull) as caught:
            index([path], unit=64, settings=Settings(data_dir=disk))
        kept = len(Collection.open("squares", Settings(data_dir=disk)))
        assert kept > 0
        assert f"The {kept:,} tiles" in str(caught.value)
        subprocess.run(["mount", "-o", "remount,size=8m", str(disk)], check=True)
        assert index([path], unit=64, settings=Settings(data_dir=disk), resume=True).tiles == 900
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_crash_between_shard_and_manifest_doubles_nothing(write_raster: Any) -> None:
    path = write_raster("a", pattern(4, 4))
    index([path], unit=8)
    shards = settings().collections_dir / "squares" / "shards"
    shutil.copy(shards / "000001.parquet", shards / "000003.parquet")
    assert len(Collection.open("squares")) == 16
    assert index([path], resume=True).tiles == 16


def test_a_damaged_shard_is_left_out_and_mended_by_resume(write_raster: Any, caplog: pytest.LogCaptureFixture) -> None:
    path = write_raster("a", pattern(4, 4))
    index([path], unit=8, batch=4)
    whole = content("squares")
    shard = settings().collections_dir / "squares" / "shards" / "000001.parquet"
    shard.write_bytes(shard.read_bytes()[:-200])
    collection = Collection.open("squares")
    assert len(collection) == 8
    assert list(collection.damaged) == ["000001.parquet"]
    assert "000001.parquet" in caplog.text
    assert index([path], resume=True).tiles == 16
    assert content("squares") == whole
    assert Collection.open("squares").damaged == {}


def test_a_collection_without_any_readable_shard_is_damaged(write_raster: Any) -> None:
    index([write_raster("a", pattern(2, 2))])
    folder = settings().collections_dir / "squares"
    for shard in (folder / "shards").iterdir():
        shard.write_bytes(b"PAR1")
    with pytest.raises(CollectionDamaged, match="none of its shards"):
        Collection.open("squares")
    (folder / "collection.json").write_text('{"format": 1')
    with pytest.raises(CollectionDamaged, match="its collection"):
        Collection.open("squares")


def test_a_lost_shard_is_noticed_by_resume(write_raster: Any) -> None:
    path = write_raster("a", [["-", *row[1:]] for row in pattern(4, 4)])
    index([path], unit=8, batch=4)
    whole = content("squares")
    (settings().collections_dir / "squares" / "shards" / "000002.parquet").unlink()
    assert index([path], resume=True).tiles == 12
    assert content("squares") == whole


def test_leftovers_of_a_killed_run_are_swept(write_raster: Any) -> None:
    path = write_raster("a", pattern(2, 2))
    index([path])
    leftover = settings().collections_dir / "squares" / "shards" / ".000002.parquet.123.part"
    leftover.write_bytes(b"half")
    assert len(Collection.open("squares")) == 4
    index([path], resume=True)
    assert not leftover.exists()


def test_an_open_collection_notices_new_shards(write_raster: Any) -> None:
    first, second = write_raster("a", pattern(2, 2)), write_raster("b", pattern(2, 2))
    index([first])
    collection = Collection.open("squares")
    assert not collection.is_stale()
    assert collection.refreshed() is collection
    time.sleep(0.01)
    index([first, second], resume=True)
    assert collection.is_stale()
    assert (len(collection), len(collection.refreshed())) == (4, 8)


def test_plain_pictures_are_one_tile_each(tmp_path: Path) -> None:
    from PIL import Image

    for name, colour in [("Lake/one.png", "blue"), ("Forest/two.png", "green")]:
        (tmp_path / "pictures" / name).parent.mkdir(parents=True)
        Image.new("RGB", (50, 40), colour if colour == "blue" else (0, 255, 0)).save(tmp_path / "pictures" / name)
    report = index([tmp_path / "pictures"], spec=TileSpec())
    collection = Collection.open("squares")
    assert (report.tiles, sorted(collection.table.ids_of(np.arange(2)))) == (2, ["Forest/two.png", "Lake/one.png"])
    assert not collection.georeferenced
    assert collection.vectors(["Lake/one.png"])[0].tolist() == ColourEncoder().query("blue").tolist()


@pytest.mark.shared_data
def test_three_real_dates_of_one_footprint_become_a_time_axis(shared_data: Path) -> None:
    report = index([shared_data / "georaster" / "naip"], spec=TileSpec(128))
    collection = Collection.open("squares")
    assert (report.scenes, report.tiles, report.unreadable) == (3, 3 * 8 * 6, ())
    assert [f"{when:%Y-%m-%d}" for when in collection.times] == ["2009-08-18", "2014-07-20", "2020-08-31"]
    for when in collection.times:
        ranking = search(collection, Query("squares", texts=("green",), span=TimeSpan(when, when), limit=99, merge=False), ColourEncoder())
        assert (ranking.searched, {hit.datetime for hit in ranking.hits}) == (48, {when})
