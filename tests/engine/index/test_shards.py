"""Shards are real GeoParquet 1.1 and are there whole or not at all."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from engine.geometry import Window, box
from engine.index.shards import EmbeddedTile, empty_tiles, read_shard, vectors_of, write_shard
from engine.types import Tile
from tests.engine.index.scenes import scene


def rows(count: int = 3) -> list[EmbeddedTile]:
    taken = scene("lake", sensor="naip")
    vectors = np.eye(8, dtype=np.float32)
    tiles = [Tile(f"lake/{n * 32}-0", "lake", Window(n * 32, 0, 32, 32), box(n, 50, n + 1, 51)) for n in range(count)]
    return [EmbeddedTile(tile, taken, vectors[n]) for n, tile in enumerate(tiles)]


def test_geopandas_reads_a_shard(tmp_path: Path) -> None:
    write_shard(tmp_path / "a.parquet", rows(), {}, "colours", "c0ffee", 8)
    frame = geopandas.read_parquet(tmp_path / "a.parquet")
    assert frame.crs.to_epsg() == 4326 or frame.crs.to_string() == "OGC:CRS84"
    assert frame.total_bounds.tolist() == [0, 50, 3, 51]
    assert frame["id"].tolist() == ["lake/0-0", "lake/32-0", "lake/64-0"]
    assert frame["sensor"].unique().tolist() == ["naip"]
    assert str(frame["datetime"].iloc[0]) == "2020-01-01 00:00:00+00:00"
    assert frame["window"].iloc[1] == {"column": 32, "row": 0, "width": 32, "height": 32}
    np.testing.assert_array_equal(np.stack(frame["vector"].to_list()).astype(np.float32), np.eye(8, dtype=np.float32)[:3])


def test_geopandas_prunes_by_the_bbox_column(tmp_path: Path) -> None:
    write_shard(tmp_path / "a.parquet", rows(), {}, "colours", "c0ffee", 8)
    frame = geopandas.read_parquet(tmp_path / "a.parquet", bbox=(2.2, 50.2, 2.4, 50.4))
    assert frame["id"].tolist() == ["lake/64-0"]


def test_the_geo_metadata_follow_the_specification(tmp_path: Path) -> None:
    write_shard(tmp_path / "a.parquet", rows(), {}, "colours", "c0ffee", 8)
    schema = pq.read_schema(tmp_path / "a.parquet")
    geo = json.loads(schema.metadata[b"geo"])
    assert geo["version"] == "1.1.0"
    column = geo["columns"][geo["primary_column"]]
    assert column["encoding"] == "WKB"
    assert column["bbox"] == [0, 50, 3, 51]
    assert {schema.field(path[0]).type.field(path[1]).type for path in column["covering"]["bbox"].values()} == {pa.float64()}
    assert schema.field("vector").type == pa.list_(pa.float16(), 8)


def test_a_tile_across_the_antimeridian_keeps_its_box(tmp_path: Path) -> None:
    tile = Tile("far/0-0", "far", Window(0, 0, 32, 32), box(179.5, 10, -179.5, 11))
    write_shard(tmp_path / "a.parquet", [EmbeddedTile(tile, scene("far"), np.ones(8, np.float32))], {}, "colours", "c0ffee", 8)
    table = read_shard(tmp_path / "a.parquet")
    assert table.column("bbox").to_pylist() == [{"xmin": 179.5, "ymin": 10.0, "xmax": -179.5, "ymax": 11.0}]
    assert shapely.from_wkb(table.column("geometry").to_pylist()[0]).equals(tile.footprint)


def test_a_shard_without_rows_still_says_what_was_left_out(tmp_path: Path) -> None:
    write_shard(tmp_path / "a.parquet", [], {"lake": ["lake/0-0"]}, "colours", "c0ffee", 8)
    table = read_shard(tmp_path / "a.parquet")
    assert empty_tiles(table) == {"lake": ["lake/0-0"]}
    assert vectors_of(table).shape == (0, 8)


def test_vectors_are_rounded_to_half_floats_once(tmp_path: Path) -> None:
    vector = np.random.default_rng(0).standard_normal(8).astype(np.float32)
    entry = rows(1)[0]
    write_shard(tmp_path / "a.parquet", [EmbeddedTile(entry.tile, entry.scene, vector)], {}, "colours", "c0ffee", 8)
    stored = vectors_of(read_shard(tmp_path / "a.parquet"))
    assert stored.dtype == np.float16
    np.testing.assert_array_equal(stored[0], vector.astype(np.float16))


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.parquet").write_bytes(b"before")
    real, calls = os.write, []

    def write(handle: int, content: Any) -> int:
        calls.append(len(content))
        if len(calls) > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(handle, content[:100])

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(OSError, match="No space"):
        write_shard(tmp_path / "a.parquet", rows(), {}, "colours", "c0ffee", 8)
    assert [path.name for path in tmp_path.iterdir()] == ["a.parquet"]
    assert (tmp_path / "a.parquet").read_bytes() == b"before"


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty"])
def test_damage_is_noticed(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "a.parquet"
    write_shard(path, rows(), {}, "colours", "c0ffee", 8)
    content = bytearray(path.read_bytes())
    if damage == "flipped":
        place = content.index(np.float16(1.0).tobytes() + bytes(16))  # inside the vectors
        content[place + 3] ^= 0xFF
    path.write_bytes(content if damage == "flipped" else content[: len(content) // 2] if damage == "truncated" else b"")
    with pytest.raises((OSError, ValueError)):
        read_shard(path)
