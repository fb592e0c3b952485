"""From a collection's folder to memory."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import CollectionDamaged
from engine.index import shards
from engine.index.manifest import FILE, Manifest
from engine.index.table import TileTable, hilbert_order
from engine.index.vectors import FlatStore

log = logging.getLogger(__name__)

SHARDS: Final = "shards"

Stamp = tuple[int, tuple[str, ...]]
"""Time of the manifest and names of the shards: another stamp, another content."""


@dataclass(frozen=True)
class Loaded:
    """A collection's content at one moment.

    Attributes:
        manifest: What it is made of.
        table: Its tiles.
        store: Their vectors, row by row.
        damaged: Names of shards that could not be read, with the reason; their tiles are missing until the scenes are
            indexed again with ``resume``.
        stamp: State of the folder when it was read.
    """

    manifest: Manifest
    table: TileTable
    store: FlatStore
    damaged: Mapping[str, str]
    stamp: Stamp


def shard_names(folder: Path) -> tuple[str, ...]:
    """Names of the finished shards of a collection, oldest first."""
    return tuple(sorted(path.name for path in (folder / SHARDS).glob(f"*{shards.SUFFIX}") if not path.name.startswith(".")))


def stamp_of(folder: Path) -> Stamp:
    """State of a collection's folder."""
    try:
        changed = (folder / FILE).stat().st_mtime_ns
    except FileNotFoundError:
        changed = 0
    return changed, shard_names(folder)


def read_shards(folder: Path, names: Sequence[str]) -> tuple[list[Any], dict[str, str]]:
    """All readable shards, and why others are not: a shard that a power cut or a bad disk has spoilt must not take the rest with it.

    Returns:
        Tables in the order of the names, and reasons by name.
    """

    def read(name: str) -> Any:  # noqa: ANN401 - a pyarrow.Table or an error
        try:
            return shards.read_shard(folder / SHARDS / name)
        except (OSError, ValueError) as error:  # pyarrow's own errors derive from these two
            return error

    with ThreadPoolExecutor(max_workers=min(8, 2 * (os.cpu_count() or 1))) as pool:
        results = list(pool.map(read, names))
    damaged = {name: f"{type(result).__name__}" for name, result in zip(names, results, strict=True) if isinstance(result, Exception)}
    for name in damaged:
        log.warning(
            "Shard %s of “%s” is damaged and left out; index the scenes again with --resume to restore its tiles.", name, folder.name
        )
    return [result for result in results if not isinstance(result, Exception)], damaged


def load(folder: Path) -> Loaded:
    """Read a collection whole.

    Rows of scenes that were given up are left out. A tile that lies in several shards, as after a repaired scene, counts
    once: the youngest shard wins.

    Raises:
        CollectionDamaged: If the manifest, or every shard, is unreadable, or vectors have another length than it says.
    """
    stamp = stamp_of(folder)
    names = stamp[1]
    manifest = Manifest.read(folder)
    tables, damaged = read_shards(folder, names)
    if names and not tables:
        raise CollectionDamaged(folder.name, "none of its shards is readable.")
    if any(table.schema.field("vector").type.list_size != manifest.dim for table in tables):
        raise CollectionDamaged(folder.name, "its shards hold vectors of another length than its manifest says.")
    order, table = _assembled(tables, manifest)
    store = _stored(tables, order, manifest.dim)
    return Loaded(manifest, table, store, damaged, stamp)


def _assembled(tables: list[Any], manifest: Manifest) -> tuple[NDArray[np.int64], TileTable]:
    """The joined columns along the Hilbert curve, and for each row its place in the tables laid end to end."""
    import pyarrow as pa

    meta = [table.drop_columns(["vector", "datetime", "gsd", "sensor", "model", "model_hash"]) for table in tables]
    if not meta:
        empty = np.empty((0, 4))
        nothing = TileTable(pa.array([], pa.string()), np.empty(0, np.int32), empty, pa.array([], pa.binary()), empty.astype(np.int32))
        return np.empty(0, dtype=np.int64), nothing
    joined = pa.concat_tables([table.replace_schema_metadata(None) for table in meta]).combine_chunks()
    ids, scene = joined.column("id").combine_chunks(), _scene_places(joined.column("scene"), list(manifest.scenes))
    keep = _youngest(ids, scene)
    boxes = _columns(joined.column("bbox"), ("xmin", "ymin", "xmax", "ymax"), np.float64)[keep]
    order = keep[hilbert_order(boxes)]
    take = pa.array(order)
    return order, TileTable(
        ids=ids.take(take),
        scene=scene[order],
        boxes=_columns(joined.column("bbox"), ("xmin", "ymin", "xmax", "ymax"), np.float64)[order],
        outlines=joined.column("geometry").combine_chunks().take(take),
        windows=_columns(joined.column("window"), ("column", "row", "width", "height"), np.int32)[order],
    )


def _columns(struct: Any, names: Sequence[str], kind: type) -> NDArray[Any]:  # noqa: ANN401 - pyarrow types
    parts = struct.combine_chunks()
    return np.column_stack([np.asarray(parts.field(name).to_numpy(zero_copy_only=False), dtype=kind) for name in names])


def _scene_places(column: Any, known: list[str]) -> NDArray[np.int32]:  # noqa: ANN401 - pyarrow types
    import pyarrow as pa
    import pyarrow.compute as pc

    places = pc.index_in(column, value_set=pa.array(known, pa.string())).combine_chunks()
    return np.asarray(pc.fill_null(places, -1).to_numpy(zero_copy_only=False), dtype=np.int32)


def _youngest(ids: Any, scene: NDArray[np.int32]) -> NDArray[np.int64]:  # noqa: ANN401 - pyarrow types
    """Rows to keep: those of a listed scene, of equal ids the last one."""
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = np.flatnonzero(scene >= 0).astype(np.int64, copy=False)
    chosen = ids.take(pa.array(rows))
    if pc.count_distinct(chosen).as_py() == len(rows):
        return rows
    last = dict(zip(chosen.to_pylist(), rows.tolist(), strict=True))
    return np.array(sorted(last.values()), dtype=np.int64)


def _stored(tables: list[Any], order: NDArray[np.int64], dim: int) -> FlatStore:
    store = FlatStore(dim, len(order))
    place = np.full(sum(len(table) for table in tables), -1, dtype=np.int64)
    place[order] = np.arange(len(order))
    start = 0
    while tables:  # each shard's vectors are let go as soon as they are stored
        table = tables.pop(0)
        rows = place[start : start + len(table)]
        start += len(table)
        kept = rows >= 0
        if kept.any():
            store.write(rows[kept], shards.vectors_of(table)[kept])
    return store
