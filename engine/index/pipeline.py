"""Indexing: scenes are cut into tiles, read ahead, embedded in batches and kept in acknowledged units."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine.errors import CollectionExists, DiskFull, ModelMismatch, NothingToIndex, PharosError, TilesMismatch, WeightsCorrupt
from engine.index import shards
from engine.index.collection import folder_of
from engine.index.loading import SHARDS, shard_names
from engine.index.lock import writing
from engine.index.manifest import FILE, Manifest
from engine.index.shards import EmbeddedTile
from engine.progress import Cancel, Progress, silent, stop_if
from engine.settings import Settings
from engine.settings import settings as current_settings
from engine.types import Scene, Tile

if TYPE_CHECKING:
    from engine.encoders import Encoder
    from engine.imagery import SceneReader, TileSpec

log = logging.getLogger(__name__)

LEAST_VALID: Final = 0.5
"""Share of valid pixels below which a tile shows more of the collar than of the ground."""

SMALLEST_UNIT: Final = 256
LARGEST_UNIT: Final = 8192

_DISK_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(frozen=True)
class BuildReport:
    """What indexing did.

    Attributes:
        collection: Its name.
        model: Id and hash of the encoder.
        scenes: Scenes in the collection.
        tiles: Tiles in the collection, those of earlier runs included.
        added: Tiles that this run added.
        skipped: Tiles left out because less than half of their pixels are valid, earlier runs included.
        unreadable: Scenes that were given up, with the reason.
        seconds: Duration of this run.
        tiles_per_second: Tiles added a second.
    """

    collection: str
    model: str
    scenes: int
    tiles: int
    added: int
    skipped: int
    unreadable: tuple[tuple[str, str], ...]
    seconds: float
    tiles_per_second: float


def build(
    collection: str,
    scenes: Iterable[Scene],
    encoder: Encoder,
    *,
    spec: TileSpec,
    settings: Settings | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
    batch: int = 64,
    unit: int | None = None,
) -> BuildReport:
    """Index scenes as a collection, or go on with it.

    Tiles are acknowledged in units: a unit is one shard, written whole or not at all. What was acknowledged survives a
    full disk, a power cut and kill −9; ``resume`` forms the same units again from the tiles that are missing, so the
    result equals that of a run without interruption.

    Args:
        collection: Name of the collection.
        scenes: From :func:`engine.imagery.find_scenes`.
        encoder: Makes the vectors.
        spec: How scenes are cut; on ``resume`` the default means: as before.
        settings: Deployment settings; by default the process's.
        resume: Go on with an interrupted run, or add scenes.
        progress: Told the tiles that are done.
        cancel: Set it to stop before the next batch; the unit in work is given up.
        batch: Pictures given to the encoder at once.
        unit: Tiles a unit in a new collection; by default 256 for small ones to 8,192 for large ones.

    Raises:
        CollectionNameInvalid: If the name can't name a collection.
        CollectionExists: If it exists and ``resume`` is not set.
        CollectionBusy: If somebody else is indexing it.
        ModelMismatch: If it was indexed with other weights.
        TilesMismatch: If it is cut in another way.
        NothingToIndex: If no tile comes of it; nothing is left behind.
        DiskFull: If the disk is full; what was acknowledged stays.
        Cancelled: If ``cancel`` was set; what was acknowledged stays.
        WeightsCorrupt: If the encoder gives vectors that are not numbers.
    """
    chosen = settings or current_settings()
    folder, wanted = folder_of(collection, chosen), tuple(scenes)
    if not wanted:
        raise NothingToIndex("there is no scene.")
    acknowledged: list[int] = [0]
    try:
        with writing(folder):
            run = _Run.begin(folder, wanted, encoder, spec, resume=resume, unit=unit)
            run.progress, run.cancel, run.batch = progress or silent, cancel, batch
            run.threads = min(8, chosen.threads or max(2, os.cpu_count() or 1))
            try:
                return run.finish()
            finally:
                acknowledged[0] = len(run.known)
                run.tidy()
    except OSError as error:
        if error.errno in _DISK_FULL:
            raise DiskFull(acknowledged[0], collection) from None
        raise


@dataclass(frozen=True)
class _Candidate:
    """A tile that is not indexed yet; ``last`` is the number of tiles of its scene on the scene's last candidate, else 0."""

    scene: Scene
    tile: Tile
    reader: SceneReader
    last: int


_Picture: TypeAlias = "NDArray[np.uint8] | PharosError | None"
"""What reading a tile gives: RGB pixels, why its scene is unreadable, or None where too little of it is valid."""

_Read: TypeAlias = "tuple[_Candidate, _Picture]"


@dataclass
class _Run:
    """One run of indexing, holding the lock.

    Attributes:
        known: Ids of tiles that are in acknowledged shards.
        empty: Ids of tiles that acknowledged shards record as left out.
        number: Number of the next shard.
        fresh: Whether the collection was begun by this run.
        total: Tiles that its scenes give, estimated from their sizes.
    """

    folder: Path
    manifest: Manifest
    todo: tuple[Scene, ...]
    encoder: Encoder
    spec: TileSpec
    known: set[str]
    empty: set[str]
    number: int
    fresh: bool
    total: int
    progress: Progress = silent
    cancel: Cancel | None = None
    batch: int = 64
    threads: int = 2
    started: float = field(default_factory=time.monotonic)
    unwritten: bool = False

    @classmethod
    def begin(cls, folder: Path, scenes: tuple[Scene, ...], encoder: Encoder, spec: TileSpec, *, resume: bool, unit: int | None) -> _Run:
        """Take up what is there, or begin a collection; nothing is written yet."""
        from engine.imagery import TileSpec

        fresh = not (folder / FILE).is_file()
        if not fresh and not resume:
            raise CollectionExists(folder.name)
        if fresh:
            tiles = {"size": spec.size, "unit": spec.unit, "overlap": spec.overlap}
            size = unit or _unit_size(_tile_count(scenes, spec))
            manifest = Manifest(folder.name, datetime.now(UTC), encoder.id, encoder.hash, encoder.dim, tiles, size)
            shutil.rmtree(folder / SHARDS, ignore_errors=True)  # of a run that was killed before its manifest stood
        else:
            manifest = Manifest.read(folder)
            if manifest.model_hash != encoder.hash:
                raise ModelMismatch(folder.name, f"{manifest.model_id}@{manifest.model_hash}", f"{encoder.id}@{encoder.hash}")
            before = TileSpec(**manifest.tiles)
            if spec not in (TileSpec(), before):
                raise TilesMismatch(folder.name, _in_words(before))
            spec = before
        (folder / SHARDS).mkdir(exist_ok=True)
        known, empty, number = _acknowledged(folder, manifest)
        manifest, adopted = _adopted(manifest, scenes)
        todo = tuple(scene for scene in adopted if scene.id not in manifest.counts)
        return cls(folder, manifest, todo, encoder, spec, known, empty, number, fresh, _tile_count(manifest.scenes.values(), spec))

    def finish(self) -> BuildReport:
        """Index everything that is missing."""
        before = len(self.known)
        self.manifest.write(self.folder)
        with closing(self._candidates()) as candidates, closing(self._read_ahead(candidates)) as pictures:
            while self._index(islice(pictures, self.manifest.unit)):
                pass
        if not self.known:
            reasons = list(self.manifest.unreadable.values())
            raise NothingToIndex(reasons[0] if reasons else "no tile has enough valid pixels. Check the file's nodata value.")
        self.manifest.write(self.folder)
        seconds = time.monotonic() - self.started
        added = len(self.known) - before
        return BuildReport(
            collection=self.manifest.name,
            model=f"{self.encoder.id}@{self.encoder.hash}",
            scenes=len(self.manifest.scenes),
            tiles=len(self.known),
            added=added,
            skipped=len(self.empty),
            unreadable=tuple(self.manifest.unreadable.items()),
            seconds=seconds,
            tiles_per_second=added / seconds if seconds > 0 else 0.0,
        )

    def tidy(self) -> None:
        """Leave no collection behind in which nothing was acknowledged."""
        if self.fresh and not self.known:
            shutil.rmtree(self.folder, ignore_errors=True)

    # --- where tiles come from ---------------------------------------------------------------------------------------

    def _candidates(self) -> Generator[_Candidate]:
        """Tiles that are missing, scene by scene; unreadable scenes are noted and passed over."""
        for scene in self.todo:
            tiles: list[Tile] = []
            try:
                reader = _open(scene)
                tiles = reader.tiles(self.spec)
            except PharosError as error:
                self._give_up(scene, str(error))
                continue
            missing = [tile for tile in tiles if tile.id not in self.known and tile.id not in self.empty]
            if not missing:
                self._count(scene, len(tiles))
                reader.close()
            for place, tile in enumerate(missing, start=1):
                yield _Candidate(scene, tile, reader, len(tiles) if place == len(missing) else 0)

    def _read_ahead(self, candidates: Iterable[_Candidate]) -> Generator[_Read]:
        """Pictures in the order of the candidates, read by threads while the encoder works; None where too little is valid."""
        pool = ThreadPoolExecutor(max_workers=self.threads, thread_name_prefix="pharos-read")
        waiting: deque[tuple[_Candidate, Future[_Picture]]] = deque()
        try:
            for candidate in candidates:
                waiting.append((candidate, pool.submit(self._picture, candidate)))
                if len(waiting) > 2 * self.batch:
                    yield self._settled(*waiting.popleft())
            while waiting:
                yield self._settled(*waiting.popleft())
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            for candidate, _ in waiting:
                candidate.reader.close()

    def _picture(self, candidate: _Candidate) -> _Picture:
        if candidate.scene.id in self.manifest.unreadable:
            return None
        window, most = candidate.tile.window, 2 * self.encoder.input_size
        try:
            image = candidate.reader.read(window, most if max(window.width, window.height) > most else None)
        except PharosError as error:
            return error
        return image.fill() if image.valid_share >= LEAST_VALID else None

    def _settled(self, candidate: _Candidate, future: Future[_Picture]) -> _Read:
        result = future.result()
        if candidate.last:
            candidate.reader.close()
        return candidate, result

    # --- units -------------------------------------------------------------------------------------------------------

    def _index(self, unit: Iterator[_Read]) -> bool:
        """Embed a unit batch by batch and acknowledge it; False where there was nothing left."""
        seen: list[_Candidate] = []
        rows: list[EmbeddedTile] = []
        empty: list[_Candidate] = []
        batch: list[tuple[_Candidate, NDArray[np.uint8]]] = []
        for candidate, result in unit:
            stop_if(self.cancel, f"Indexing “{self.manifest.name}”", f"{len(self.known):,} tiles are kept; go on with --resume.")
            seen.append(candidate)
            if isinstance(result, PharosError):
                self._give_up(candidate.scene, str(result))
            elif result is None:
                empty.append(candidate)
            else:
                batch.append((candidate, result))
            if len(batch) == self.batch:
                rows += self._embedded(batch)
                batch = []
                self._tell(len(rows) + len(empty))
        rows += self._embedded(batch)
        self._acknowledge(seen, rows, empty)
        return bool(seen)

    def _embedded(self, batch: Sequence[tuple[_Candidate, NDArray[np.uint8]]]) -> list[EmbeddedTile]:
        if not batch:
            return []
        vectors = self.encoder.images([picture for _, picture in batch])
        if not np.isfinite(vectors).all():
            raise WeightsCorrupt(self.encoder.id, "it gives vectors that are not numbers.")
        return [EmbeddedTile(c.tile, c.scene, vector) for (c, _), vector in zip(batch, _unit_length(vectors), strict=True)]

    def _acknowledge(self, seen: list[_Candidate], rows: list[EmbeddedTile], empty: list[_Candidate]) -> None:
        lost = self.manifest.unreadable
        rows = [row for row in rows if row.scene.id not in lost]
        left_out = [candidate.tile.id for candidate in empty if candidate.scene.id not in lost]
        if rows or left_out:
            path = self.folder / SHARDS / f"{self.number:06d}{shards.SUFFIX}"
            shards.write_shard(path, rows, left_out, self.encoder.id, self.encoder.hash, self.encoder.dim)
            self.number += 1
        self.known.update(row.tile.id for row in rows)
        self.empty.update(left_out)
        for candidate in seen:
            if candidate.last and candidate.scene.id not in lost:
                self._count(candidate.scene, candidate.last)
        if self.unwritten:
            self.manifest.write(self.folder)
            self.unwritten = False
        self._tell(0)

    def _tell(self, in_work: int) -> None:
        self.progress(f"Indexing {self.manifest.name}", min(len(self.known) + len(self.empty) + in_work, self.total), self.total)

    def _give_up(self, scene: Scene, why: str) -> None:
        if scene.id in self.manifest.unreadable:
            return
        log.warning("Scene %s of “%s” is left out: %s", scene.id, self.manifest.name, why)
        scenes = {key: kept for key, kept in self.manifest.scenes.items() if key != scene.id}
        self.manifest = replace(self.manifest, scenes=scenes, unreadable={**self.manifest.unreadable, scene.id: why})
        self.unwritten = True

    def _count(self, scene: Scene, tiles: int) -> None:
        self.manifest = replace(self.manifest, counts={**self.manifest.counts, scene.id: tiles})


def _open(scene: Scene) -> SceneReader:
    from engine.imagery import open_scene

    return open_scene(scene)


def _unit_length(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12), dtype=np.float32)


def _unit_size(tiles: int) -> int:
    """Tiles a unit: at most about 128 units, so that opening stays quick, and little to lose."""
    return min(LARGEST_UNIT, max(SMALLEST_UNIT, 1 << max(tiles // 128, 1).bit_length()))


def _tile_count(scenes: Iterable[Scene], spec: TileSpec) -> int:
    """Tiles that scenes will give, from their sizes alone; a scene that can't be cut counts as one."""
    count = 0
    for scene in scenes:
        try:
            whole = spec.size is None and not scene.georeferenced
            count += 1 if whole else len(spec.grid(scene.width, scene.height, scene.gsd_m))
        except PharosError:
            count += 1
    return count


def _in_words(spec: TileSpec) -> str:
    size = "tiles of the default size" if spec.size is None else f"tiles of {spec.size:g} {spec.unit}"
    return f"{size} with {spec.overlap:g} {spec.unit} of overlap" if spec.overlap else size


def _acknowledged(folder: Path, manifest: Manifest) -> tuple[set[str], set[str], int]:
    """What earlier runs have acknowledged: ids of tiles, ids of tiles left out, number of the next shard.

    Leftovers of killed runs are removed, damaged shards are set aside so that their tiles are indexed again, and tiles of
    scenes that were given up count as missing.
    """
    for leftover in [*folder.glob(f".*{shards.TEMPORARY}"), *(folder / SHARDS).glob(f".*{shards.TEMPORARY}")]:
        leftover.unlink(missing_ok=True)
    known: set[str] = set()
    empty: set[str] = set()
    names = shard_names(folder)
    for name in names:
        path = folder / SHARDS / name
        try:
            table = shards.read_shard(path)
            left_out = shards.empty_tiles(table)
        except (OSError, ValueError) as error:  # pyarrow's own errors derive from these two
            log.warning(
                "Shard %s of “%s” is damaged (%s) and set aside; its tiles are indexed again.", name, folder.name, type(error).__name__
            )
            path.replace(path.with_name(f"{name}.damaged"))
            continue
        ids, scenes = table.column("id").to_pylist(), table.column("scene").to_pylist()
        known.update(tile for tile, scene in zip(ids, scenes, strict=True) if scene in manifest.scenes)
        empty.update(left_out)
    numbers = [int(path.name.split(".")[0]) for path in (folder / SHARDS).iterdir() if path.name.split(".")[0].isdigit()]
    return known, empty - known, max(numbers, default=0) + 1


def _adopted(manifest: Manifest, wanted: Sequence[Scene]) -> tuple[Manifest, tuple[Scene, ...]]:
    """Add scenes to a manifest.

    A scene whose id is taken by another one gets a number behind it; one that was given up is tried again.

    Returns:
        The manifest, and the scenes under the ids that they have in it.
    """
    scenes, unreadable = dict(manifest.scenes), dict(manifest.unreadable)
    adopted = []
    for scene in wanted:
        name, number = scene.id, 1
        while name in scenes and not _same(scenes[name], scene):
            number += 1
            name = f"{scene.id}-{number}"
        scene = replace(scene, id=name)
        scenes[name] = scene
        unreadable.pop(name, None)
        adopted.append(scene)
    return replace(manifest, scenes=scenes, unreadable=unreadable), tuple(adopted)


def _same(one: Scene, other: Scene) -> bool:
    """Whether two scenes of one id are one scene, perhaps moved to another folder."""
    if one.source == other.source:
        return True
    return one.georeferenced and (one.transform, one.crs, one.datetime, one.width, one.height) == (
        other.transform,
        other.crs,
        other.datetime,
        other.width,
        other.height,
    )
