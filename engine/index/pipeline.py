"""Indexing: scenes are cut into tiles, read ahead, embedded in batches and kept in acknowledged units."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import time
from collections import deque
from collections.abc import Container, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

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
                acknowledged[0] = run.held.tiles
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
        held: What is acknowledged.
        fresh: Whether the collection was begun by this run.
        total: Tiles that its scenes give, estimated from their sizes.
    """

    folder: Path
    manifest: Manifest
    todo: tuple[Scene, ...]
    encoder: Encoder
    spec: TileSpec
    held: _Acknowledged
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
        held = _Acknowledged.read(folder)
        held.only(manifest.scenes)
        manifest = replace(manifest, counts=held.complete(manifest.counts))
        manifest, adopted = _adopted(manifest, scenes)
        todo = tuple(scene for scene in adopted if scene.id not in manifest.counts)
        return cls(folder, manifest, todo, encoder, spec, held, fresh, _tile_count(manifest.scenes.values(), spec))

    def finish(self) -> BuildReport:
        """Index everything that is missing."""
        before = self.held.tiles
        self.manifest.write(self.folder)
        with closing(self._candidates()) as candidates, closing(self._read_ahead(candidates)) as pictures:
            while self._index(islice(pictures, self.manifest.unit)):
                pass
        if not self.held.tiles:
            reasons = list(self.manifest.unreadable.values())
            raise NothingToIndex(reasons[0] if reasons else "no tile has enough valid pixels. Check the file's nodata value.")
        self.manifest.write(self.folder)
        seconds = time.monotonic() - self.started
        added = self.held.tiles - before
        return BuildReport(
            collection=self.manifest.name,
            model=f"{self.encoder.id}@{self.encoder.hash}",
            scenes=len(self.manifest.scenes),
            tiles=self.held.tiles,
            added=added,
            skipped=self.held.left_out,
            unreadable=tuple(self.manifest.unreadable.items()),
            seconds=seconds,
            tiles_per_second=added / seconds if seconds > 0 else 0.0,
        )

    def tidy(self) -> None:
        """Leave no collection behind in which nothing was acknowledged."""
        if self.fresh and not self.held.tiles:
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
            missing = [tile for tile in tiles if not self.held.has(tile)]
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
            image = candidate.reader.view(window, most if max(window.width, window.height) > most else None)
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
            stop_if(self.cancel, f"Indexing “{self.manifest.name}”", f"{self.held.tiles:,} tiles are kept; go on with --resume.")
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
        left_out: dict[str, list[str]] = {}
        for candidate in empty:
            if candidate.scene.id not in lost:
                left_out.setdefault(candidate.scene.id, []).append(candidate.tile.id)
        if rows or left_out:
            path = self.folder / SHARDS / f"{self.held.number:06d}{shards.SUFFIX}"
            shards.write_shard(path, rows, left_out, self.encoder.id, self.encoder.hash, self.encoder.dim)
            self.held.add(rows, left_out)
        for candidate in seen:
            if candidate.last and candidate.scene.id not in lost:
                self._count(candidate.scene, candidate.last)
        if self.unwritten:
            self.manifest.write(self.folder)
            self.unwritten = False
        self._tell(0)

    def _tell(self, in_work: int) -> None:
        self.progress(f"Indexing {self.manifest.name}", min(self.held.tiles + self.held.left_out + in_work, self.total), self.total)

    def _give_up(self, scene: Scene, why: str) -> None:
        if scene.id in self.manifest.unreadable:
            return
        log.warning("Scene %s of “%s” is left out: %s", scene.id, self.manifest.name, why)
        scenes = {key: kept for key, kept in self.manifest.scenes.items() if key != scene.id}
        self.manifest = replace(self.manifest, scenes=scenes, unreadable={**self.manifest.unreadable, scene.id: why})
        self.held.only(scenes)
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


@dataclass
class _Acknowledged:
    """What earlier runs have acknowledged.

    Attributes:
        known: By scene, ids of tiles that are in readable shards.
        empty: By scene, ids of tiles that shards record as left out.
        number: Number of the next shard.
    """

    known: dict[str, set[str]]
    empty: dict[str, set[str]]
    number: int

    @classmethod
    def read(cls, folder: Path) -> _Acknowledged:
        """Read all shards; leftovers of killed runs are removed, damaged shards set aside so that their tiles are indexed again."""
        for leftover in [*folder.glob(f".*{shards.TEMPORARY}"), *(folder / SHARDS).glob(f".*{shards.TEMPORARY}")]:
            leftover.unlink(missing_ok=True)
        found = cls({}, {}, 1)
        for name in shard_names(folder):
            path = folder / SHARDS / name
            try:
                found._take(shards.read_shard(path))
            except (OSError, ValueError) as error:  # pyarrow's own errors derive from these two
                why = type(error).__name__
                log.warning("Shard %s of “%s” is damaged (%s) and set aside; its tiles are indexed again.", name, folder.name, why)
                path.replace(path.with_name(f"{name}.damaged"))
        numbers = [int(number) for path in (folder / SHARDS).iterdir() if (number := path.name.split(".")[0]).isdigit()]
        found.number = max(numbers, default=0) + 1
        return found

    def _take(self, table: Any) -> None:  # noqa: ANN401 - a pyarrow.Table
        for scene, tiles in shards.empty_tiles(table).items():
            self.empty.setdefault(scene, set()).update(tiles)
        for scene, tile in zip(table.column("scene").to_pylist(), table.column("id").to_pylist(), strict=True):
            self.known.setdefault(scene, set()).add(tile)

    @property
    def tiles(self) -> int:
        """Tiles with a vector."""
        return sum(map(len, self.known.values()))

    @property
    def left_out(self) -> int:
        """Tiles without."""
        return sum(map(len, self.empty.values()))

    def has(self, tile: Tile) -> bool:
        """Whether a tile needs no more work."""
        return tile.id in self.known.get(tile.scene, ()) or tile.id in self.empty.get(tile.scene, ())

    def add(self, rows: Iterable[EmbeddedTile], empty: Mapping[str, Iterable[str]]) -> None:
        """Note what the next shard has been written with."""
        for row in rows:
            self.known.setdefault(row.scene.id, set()).add(row.tile.id)
        for scene, tiles in empty.items():
            self.empty.setdefault(scene, set()).update(tiles)
        self.number += 1

    def only(self, scenes: Container[str]) -> None:
        """Forget the tiles of all other scenes: those that were given up are to be read again."""
        self.known = {scene: tiles for scene, tiles in self.known.items() if scene in scenes}
        self.empty = {scene: tiles - self.known.get(scene, set()) for scene, tiles in self.empty.items() if scene in scenes}

    def complete(self, counts: Mapping[str, int]) -> dict[str, int]:
        """Of the scenes that were finished, those whose tiles are all still there."""
        held = {scene: len(self.known.get(scene, ())) + len(self.empty.get(scene, ())) for scene in counts}
        return {scene: count for scene, count in counts.items() if held[scene] >= count}


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
