"""A collection: scenes that were cut into tiles and indexed together, open for questions."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine import geometry as geo
from engine.errors import (
    CollectionNameInvalid,
    CollectionNotFound,
    NothingOfSensor,
    NothingThen,
    RegionOutsideCollection,
    TileNotFound,
)
from engine.index import manifest as manifests
from engine.index.loading import Loaded, Stamp, load, shard_names, stamp_of
from engine.index.manifest import Manifest
from engine.index.rows import Rows
from engine.index.selection import Filter, Selection, Selections
from engine.index.table import Index, TileTable
from engine.index.vectors import FlatStore, FloatVectors, VectorStore
from engine.settings import Settings
from engine.settings import settings as current_settings
from engine.types import Bounds, Scene, Tile, TimeSpan, spoken

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

SAMPLE: Final = 2048
"""Tiles that stand for the whole of a large collection."""


def folder_of(name: str, settings: Settings | None = None) -> Path:
    """Folder of a collection, whether it exists or not; a name can't lead out of the collections' folder.

    Raises:
        CollectionNameInvalid: If the name is more than letters, digits, dots, dashes and underscores.
    """
    if not _NAME.fullmatch(name):
        raise CollectionNameInvalid(name)
    return (settings or current_settings()).collections_dir / name


class Collection:
    """Tiles and their vectors, as they were when it was opened; safe to ask from many threads.

    Attributes:
        name: Its name.
        model_id: Id of the encoder that made the vectors.
        model_hash: Hash of that encoder's weights.
        dim: Length of a vector.
        scenes: Scenes by id.
        unreadable: Scenes that were given up while indexing, with the reason.
        damaged: Shards that could not be read, with the reason; ``index --resume`` restores their tiles.
        table: The tiles.
        store: Their vectors; row i belongs to row i of the table.
    """

    def __init__(
        self,
        manifest: Manifest,
        table: TileTable,
        store: VectorStore,
        *,
        damaged: Mapping[str, str] | None = None,
        folder: Path | None = None,
        stamp: Stamp | None = None,
    ) -> None:
        self.manifest = manifest
        self.name, self.dim = manifest.name, manifest.dim
        self.model_id, self.model_hash = manifest.model_id, manifest.model_hash
        self.scenes: dict[str, Scene] = dict(manifest.scenes)
        self.unreadable: dict[str, str] = dict(manifest.unreadable)
        self.damaged: dict[str, str] = dict(damaged or {})
        self.table, self.store = table, store
        self._scene_list = list(self.scenes.values())
        self._selections = Selections()
        self._folder, self._stamp = folder, stamp

    @classmethod
    def open(cls, name: str, settings: Settings | None = None) -> Collection:
        """Open a collection by its name.

        Raises:
            CollectionNameInvalid: If the name can't name a collection.
            CollectionNotFound: If there is none of this name.
            CollectionDamaged: If its manifest or all of its shards are unreadable.
        """
        folder = folder_of(name, settings)
        if not (folder / manifests.FILE).is_file():
            raise CollectionNotFound(name, cls.names(settings))
        return cls._of(load(folder), folder)

    @classmethod
    def _of(cls, loaded: Loaded, folder: Path) -> Collection:
        return cls(loaded.manifest, loaded.table, loaded.store, damaged=loaded.damaged, folder=folder, stamp=loaded.stamp)

    @classmethod
    def names(cls, settings: Settings | None = None) -> tuple[str, ...]:
        """Names of all collections in which something was acknowledged, sorted; the manifest is there before the first shard."""
        return tuple(name for name in cls.begun(settings) if shard_names(folder_of(name, settings)))

    @classmethod
    def begun(cls, settings: Settings | None = None) -> tuple[str, ...]:
        """Names of all collections, sorted, also of those that were stopped before their first shard."""
        folder = (settings or current_settings()).collections_dir
        if not folder.is_dir():
            return ()
        return tuple(sorted(p.parent.name for p in folder.glob(f"*/{manifests.FILE}") if _NAME.fullmatch(p.parent.name)))

    def is_stale(self) -> bool:
        """Whether shards have come or gone, or scenes were added, since it was opened."""
        return self._folder is not None and stamp_of(self._folder) != self._stamp

    def refreshed(self) -> Collection:
        """This collection, or a new one where it is stale."""
        return self._of(load(self._folder), self._folder) if self._folder is not None and self.is_stale() else self

    def __len__(self) -> int:
        return len(self.table)

    @property
    def model(self) -> str:
        """Id and hash of the encoder, as they travel with every number."""
        return f"{self.model_id}@{self.model_hash}"

    @cached_property
    def version(self) -> str:
        """Short name of this state of the collection, for addresses that a browser may keep: (12,) hex digits."""
        return hashlib.sha256(repr((self.name, self.model, self._stamp)).encode()).hexdigest()[:12]

    @cached_property
    def times(self) -> tuple[datetime, ...]:
        """Times of the scenes that have tiles, UTC, ascending, each once."""
        present = set(np.unique(self.table.scene).tolist())
        times = {scene.datetime for place, scene in enumerate(self._scene_list) if place in present}
        return tuple(sorted(when for when in times if when is not None))

    def scenes_at(self, when: datetime | None) -> tuple[Scene, ...]:
        """Scenes taken at a time, in the order in which they were indexed; ``None`` gives those whose time nobody knows."""
        return tuple(scene for scene in self._scene_list if scene.datetime == when)

    @cached_property
    def sensors(self) -> tuple[str, ...]:
        """Sensors of the scenes, sorted."""
        return tuple(sorted({scene.sensor for scene in self._scene_list}))

    @cached_property
    def bounds(self) -> Bounds:
        """The smallest box around all tiles; it crosses the antimeridian where that makes it smaller."""
        return _around(self.table.boxes) if len(self) else Bounds(-180.0, -90.0, 180.0, 90.0)

    @property
    def synthetic(self) -> bool:
        """Whether any scene is made up."""
        return any(scene.synthetic for scene in self._scene_list)

    @property
    def georeferenced(self) -> bool:
        """Whether every scene lies at a real place."""
        return all(scene.georeferenced for scene in self._scene_list)

    @cached_property
    def sample(self) -> FlatStore:
        """2,048 tiles drawn once with a fixed seed (all tiles where there are fewer), which stand for the whole."""
        count = min(SAMPLE, len(self))
        drawn = np.random.default_rng(0).choice(len(self), size=count, replace=False)
        return FlatStore.of(self.store.take(np.sort(drawn)))

    @cached_property
    def average(self) -> FloatVectors:
        """Mean vector of the sample, not normalised: what the average tile looks like, (D,) float32."""
        vectors = self.sample.take(np.arange(len(self.sample)))
        return np.asarray(vectors.mean(axis=0, dtype=np.float64), dtype=np.float32)

    def row_of(self, tile_id: str) -> int:
        """Row of a tile in table and store.

        Raises:
            TileNotFound: If the collection has no such tile.
        """
        row = self.table.row_of(tile_id)
        if row is None:
            raise TileNotFound(tile_id, self.name)
        return row

    def tile(self, tile_id: str) -> Tile:
        """A tile by its id.

        Raises:
            TileNotFound: If the collection has no such tile.
        """
        return self.tiles(np.array([self.row_of(tile_id)]))[0]

    def tiles(self, index: Index) -> list[Tile]:
        """Tiles by row."""
        ids, outlines = self.table.ids_of(index), self.table.footprints(index)
        return [
            Tile(tile_id, self.scene_at(row).id, geo.Window(*self.table.windows[row].tolist()), geo.joined(outline))
            for tile_id, row, outline in zip(ids, index.tolist(), outlines, strict=True)
        ]

    def scene_at(self, row: int) -> Scene:
        """The scene of a row's tile."""
        return self._scene_list[int(self.table.scene[row])]

    def bounds_at(self, row: int) -> Bounds:
        """The box around a row's tile."""
        return Bounds(*self.table.boxes[row].tolist())

    def vectors(self, tile_ids: Sequence[str]) -> FloatVectors:
        """Vectors of some tiles: (n, D) float32.

        Raises:
            TileNotFound: If the collection has no such tile.
        """
        return self.store.take(np.array([self.row_of(tile_id) for tile_id in tile_ids], dtype=np.int64))

    def select(self, wanted: Filter | None = None) -> Selection:
        """The tiles inside region, time and sensor; the last few selections are remembered.

        Raises:
            RegionOutsideCollection: If no tile touches any of the regions.
            NothingThen: If no scene (in the region) was taken then; names the nearest times.
            NothingOfSensor: If there is no scene of the sensor.
        """
        return self._selections.get(wanted or Filter(), self._select)

    def _select(self, wanted: Filter) -> Selection:
        keep = self._scenes_kept(wanted)
        if wanted.regions:
            index = self.table.meeting([part for region in wanted.regions for part in geo.polygons(region.geometry)])
            if not len(index):
                raise RegionOutsideCollection(wanted.regions[0].name, self.name, self.bounds.words())
        else:
            index = np.arange(len(self), dtype=np.int64)
        if not keep.all():
            kept = index[keep[self.table.scene[index]]]
            if not len(kept) and len(index):
                self._raise_nothing_left(index, wanted)
            index = kept
        return Selection(Rows(index, len(self)))

    def _scenes_kept(self, wanted: Filter) -> NDArray[np.bool_]:
        of_sensor = np.array([not wanted.sensor or scene.sensor == wanted.sensor for scene in self._scene_list], dtype=bool)
        if not of_sensor.any() and wanted.sensor:
            raise NothingOfSensor(self.name, wanted.sensor, ", ".join(self.sensors) or "none")
        if wanted.span == TimeSpan():
            return of_sensor
        taken_then = np.array([scene.datetime is not None and wanted.span.holds(scene.datetime) for scene in self._scene_list], dtype=bool)
        if not taken_then.any():
            raise NothingThen(self.name, wanted.span.words(), _times_in_words(self.times, wanted.span))
        return np.asarray(of_sensor & taken_then)

    def _raise_nothing_left(self, index: Index, wanted: Filter) -> None:
        """Tell what the scenes under the region are, when time or sensor leave none of them."""
        scenes = [self._scene_list[place] for place in np.unique(self.table.scene[index])]
        place = f" in “{wanted.regions[0].name}”" if wanted.regions else ""
        if not any(not wanted.sensor or scene.sensor == wanted.sensor for scene in scenes):
            raise NothingOfSensor(f"{self.name}{place}", wanted.sensor, ", ".join(sorted({scene.sensor for scene in scenes})))
        times = tuple(sorted({scene.datetime for scene in scenes if scene.datetime is not None}))
        raise NothingThen(self.name, f"{wanted.span.words()}{place}", _times_in_words(times, wanted.span))


def _times_in_words(times: tuple[datetime, ...], span: TimeSpan) -> str:
    """The real times nearest to a span: all where they are few, else the one before and the one after."""
    if not times:
        return "no scene whose time is known"
    if len(times) <= 4:
        return " and ".join(filter(None, [", ".join(map(spoken, times[:-1])), spoken(times[-1])]))
    before = [when for when in times if span.start and when < span.start]
    after = [when for when in times if span.end and when > span.end]
    nearest = [f"{spoken(before[-1])} before that"] if before else []
    nearest += [f"{spoken(after[0])} after"] if after else []
    return f"{' and '.join(nearest) or f'{spoken(times[0])} to {spoken(times[-1])}'}, out of {len(times)} times"


def _around(boxes: NDArray[Any]) -> Bounds:
    """The box that leaves out the widest gap in longitude."""
    west, east = boxes[:, 0], np.where(boxes[:, 0] > boxes[:, 2], boxes[:, 2] + 360, boxes[:, 2])
    order = np.argsort(west)
    west, reach = west[order], np.maximum.accumulate(east[order])
    gaps = west[1:] - reach[:-1]
    south, north = float(boxes[:, 1].min()), float(boxes[:, 3].max())
    if not len(gaps) or gaps.max() <= west[0] + 360 - reach[-1]:
        right = float(reach[-1])
        return Bounds(float(west[0]), south, right - 360 if right > 180 else right, north)
    cut = int(np.argmax(gaps))
    return Bounds(float(west[cut + 1]), south, float(max(reach[cut], reach[-1] - 360)), north)
