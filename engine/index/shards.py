"""Shards: GeoParquet 1.1 files of embedded tiles, one row a tile, each written whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from engine.types import Scene, Tile

SUFFIX: Final = ".parquet"
TEMPORARY: Final = ".part"
EMPTY_TILES: Final = b"pharos:empty_tiles"


@dataclass(frozen=True)
class EmbeddedTile:
    """A tile with its vector: one row of a shard.

    Attributes:
        tile: Window and footprint.
        scene: Its scene.
        vector: (D,) float32, unit length.
    """

    tile: Tile
    scene: Scene
    vector: NDArray[np.float32]


def write_shard(
    path: Path, rows: Sequence[EmbeddedTile], empty: Mapping[str, Sequence[str]], model_id: str, model_hash: str, dim: int
) -> None:
    """Write a shard so that it is there whole or not at all, also after kill −9 or a power cut.

    Args:
        path: Final name; the bytes go to a temporary name beside it first.
        rows: Tiles and vectors; vectors are rounded to float16.
        empty: By scene, ids of tiles that were looked at and left out because they hold too few valid pixels.
        model_id: Id of the encoder.
        model_hash: Hash of its weights.
        dim: Length of a vector.

    Raises:
        OSError: If the disk refuses; nothing is left behind.
    """
    write_whole(path, _encoded(rows, empty, model_id, model_hash, dim))


def write_whole(path: Path, content: bytes | memoryview) -> None:
    """Replace a file atomically: temporary name in the same folder, fsync, rename, fsync of the folder.

    Raises:
        OSError: If the disk refuses; the temporary file is removed and the old content stays.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}{TEMPORARY}")
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        try:
            left = memoryview(content)
            while left:
                left = left[os.write(handle, left) :]
            os.fsync(handle)
        finally:
            os.close(handle)
        part.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_shard(path: Path) -> Any:  # noqa: ANN401 - a pyarrow.Table; pyarrow ships no types
    """A shard as a table; page checksums are verified.

    Raises:
        OSError: If the file is truncated or damaged (pyarrow's errors derive from it or from ValueError).
        ValueError: Likewise.
    """
    import pyarrow.parquet as pq

    return pq.read_table(path, page_checksum_verification=True, use_threads=False, memory_map=False)


def empty_tiles(table: Any) -> dict[str, list[str]]:  # noqa: ANN401 - a pyarrow.Table
    """By scene, ids of the tiles that this shard records as left out."""
    return dict(json.loads((table.schema.metadata or {}).get(EMPTY_TILES, b"{}")))


def vectors_of(table: Any) -> NDArray[np.float16]:  # noqa: ANN401 - a pyarrow.Table
    """The vectors of a shard: (n, D) float16."""
    column = table.column("vector").combine_chunks()
    return np.asarray(column.flatten().to_numpy(zero_copy_only=False)).reshape(len(table), column.type.list_size)


def _encoded(rows: Sequence[EmbeddedTile], empty: Mapping[str, Sequence[str]], model_id: str, model_hash: str, dim: int) -> memoryview:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = _table(rows, model_id, model_hash, dim)
    boxes = [row.tile.bounds for row in rows]
    metadata = {b"geo": json.dumps(_geo(boxes)).encode(), EMPTY_TILES: json.dumps(dict(empty)).encode()}
    sink = pa.BufferOutputStream()
    pq.write_table(
        table.replace_schema_metadata(metadata),
        sink,
        compression={name: "NONE" if name.startswith("vector") else "ZSTD" for name in _leaf_names(table.schema)},
        use_dictionary=["scene", "sensor", "model", "model_hash"],
        write_page_checksum=True,
    )
    return memoryview(sink.getvalue())


def _leaf_names(schema: Any) -> list[str]:  # noqa: ANN401 - a pyarrow.Schema
    return [f"vector.{inner}" if name == "vector" else name for name in schema.names for inner in ("list.element",)]


def _table(rows: Sequence[EmbeddedTile], model_id: str, model_hash: str, dim: int) -> Any:  # noqa: ANN401 - a pyarrow.Table
    import pyarrow as pa

    bounds = np.array([row.tile.bounds.array for row in rows], dtype=np.float64).reshape(-1, 4)
    windows = np.array([_window(row.tile) for row in rows], dtype=np.int32).reshape(-1, 4)
    vectors = np.array([row.vector for row in rows], dtype=np.float16).reshape(-1, dim)
    outlines = [shapely.to_wkb(row.tile.footprint) for row in rows]
    columns = {
        "id": pa.array([row.tile.id for row in rows], pa.string()),
        "scene": pa.array([row.scene.id for row in rows], pa.string()),
        "sensor": pa.array([row.scene.sensor for row in rows], pa.string()),
        "datetime": pa.array([row.scene.datetime for row in rows], pa.timestamp("us", "UTC")),
        "gsd": pa.array([row.scene.gsd_m for row in rows], pa.float64()),
        "bbox": _struct(bounds, ("xmin", "ymin", "xmax", "ymax"), pa.float64()),
        "geometry": pa.array(outlines, pa.binary()),
        "vector": pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1), pa.float16()), dim),
        "model": pa.array([model_id] * len(rows), pa.string()),
        "model_hash": pa.array([model_hash] * len(rows), pa.string()),
        "window": _struct(windows, ("column", "row", "width", "height"), pa.int32()),
    }
    return pa.table(columns)


def _struct(values: NDArray[Any], names: Sequence[str], kind: Any) -> Any:  # noqa: ANN401 - pyarrow types
    import pyarrow as pa

    fields = [pa.array(np.ascontiguousarray(values[:, place]), kind) for place in range(len(names))]
    return pa.StructArray.from_arrays(fields, names=list(names))


def _window(tile: Tile) -> tuple[int, int, int, int]:
    return tile.window.column, tile.window.row, tile.window.width, tile.window.height


def _geo(boxes: Sequence[Any]) -> dict[str, Any]:
    """The ``geo`` metadata of GeoParquet 1.1; no ``crs`` means OGC:CRS84, longitude and latitude on WGS 84."""
    column: dict[str, Any] = {
        "encoding": "WKB",
        "geometry_types": ["Polygon", "MultiPolygon"],
        "edges": "planar",
        "covering": {"bbox": {side: ["bbox", side] for side in ("xmin", "ymin", "xmax", "ymax")}},
    }
    plain = [box for box in boxes if box.west <= box.east]
    if boxes and len(plain) == len(boxes):
        corners = np.array([box.array for box in boxes])
        column["bbox"] = [*corners[:, :2].min(axis=0).tolist(), *corners[:, 2:].max(axis=0).tolist()]
    return {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
