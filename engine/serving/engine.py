"""The Engine: encoders, collections and cubes, opened once a process and shared by every session and route."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TypeVar

import yaml
from shapely.geometry import Point

from engine.errors import Cancelled, CollectionDamaged, CollectionNotFound, DiskFull, NothingToIndex, PharosError
from engine.progress import Cancel, Progress, silent, stop_if
from engine.serving.encoders import Encoders
from engine.serving.evaluation import Evaluations
from engine.serving.fog import Fog
from engine.serving.job import Job
from engine.serving.opened import OpenedCollections
from engine.serving.summary import Summaries, Summary
from engine.settings import ASSETS, Settings, settings
from engine.types import Hit, LabelScores, Query, Ranking, Region, Scene

if TYPE_CHECKING:
    from engine.encoders import Encoder, ModelCard
    from engine.fog import Cube
    from engine.index import BuildReport, Collection
    from engine.serving.mosaic import Mosaic, When

log = logging.getLogger(__name__)

MOST_REMEMBERED_QUERIES: Final = 256
MOST_TILES_OF_A_SURFACE: Final = 50_000
MOST_MOSAICS: Final = 32
MOST_JOBS: Final = 10
SECONDS_TO_CLOSE: Final = 2.0

Key = TypeVar("Key")
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class State:
    """How far the process is: it answers at once and loads behind.

    Attributes:
        model: Id of the default encoder.
        device: Where it runs; empty until it is loaded.
        ready: Whether questions can be answered.
        stage: What is being done now; empty when nothing is.
        done: Steps of the stage done.
        total: Steps of the stage; 0 if unknown.
        failed: Why the model can't be used, in words; empty if it can.
        demo_failed: Why the demo could not be made, in words; the rest works without it.
    """

    model: str
    device: str = ""
    ready: bool = False
    stage: str = ""
    done: int = 0
    total: int = 0
    failed: str = ""
    demo_failed: str = ""


class Engine:
    """Everything that a view may ask, thread-safe.

    Args:
        config: Deployment settings; by default the process's.
    """

    def __init__(self, config: Settings | None = None) -> None:
        self.config = config or settings()
        self.state = State(self.config.model)
        self._encoders = Encoders(self._load)
        self._opened = OpenedCollections(self.config)
        self._summaries = Summaries(self.config)
        self._mosaics: OrderedDict[tuple[str, str, When], Mosaic] = OrderedDict()
        self._queries: OrderedDict[str, Query] = OrderedDict()
        self.evaluations = Evaluations(self.config, lambda model, cancel, progress: self.encoder(model, cancel=cancel, progress=progress))
        """Measurements behind the page."""
        self.fog = Fog(self.config)
        """Fog cubes: frames, masks, forecasts, series, exports."""
        self._lock = threading.Lock()
        """For the tables above and the state; nothing slow is done while it is held."""
        self._jobs: list[Job] = []
        self._stop = threading.Event()
        self._warming: threading.Thread | None = None

    # --- life --------------------------------------------------------------------------------------------------------

    def warm(self) -> None:
        """Load the default encoder and make the demo (if the settings want it) behind the page, once until it is closed."""
        with self._lock:
            if self._warming is None:
                self._stop = threading.Event()
                self._warming = threading.Thread(target=self._warm, args=(self._stop,), name="pharos-warm", daemon=True)
                self._warming.start()

    def _warm(self, stop: Cancel) -> None:
        try:
            self._tell(stage="loading the model", failed="", demo_failed="")
            encoder = self._encoders.get(self.config.model, wait=True, cancel=stop, progress=self._progress)
            if self.config.demo:
                self._make_demo(encoder, stop)
        except PharosError as error:
            if not stop.is_set():
                self._tell(failed=str(error))
        finally:
            if not stop.is_set():
                self._progress("", 0, 0)

    def _make_demo(self, encoder: Encoder, stop: Cancel) -> None:
        from engine.serving import demo

        def progress(stage: str, done: int, total: int) -> None:
            stop_if(stop, "Making the demo")
            self._progress(stage, done, total)

        try:
            demo.make_demo(self.config, progress=progress)
            demo.index_demo(self.config, encoder, progress=progress, cancel=stop)
        except Cancelled:
            pass  # the next start goes on
        except PharosError as error:
            self._tell(demo_failed=str(error))
        except Exception:
            log.exception("making the demo failed")
            self._tell(demo_failed="Making the demo failed inside; the log says where.")

    def _progress(self, stage: str, done: int, total: int) -> None:
        self._tell(stage=stage, done=done, total=total)

    def _tell(self, **changes: Any) -> None:  # noqa: ANN401 - whatever State holds
        with self._lock:
            self.state = replace(self.state, **changes)

    def close(self) -> None:
        """Tell what runs behind to stop and give it two seconds; what was acknowledged stays, and ``warm`` may be called again."""
        end = time.monotonic() + SECONDS_TO_CLOSE
        with self._lock:
            self._stop.set()
            jobs, warming, self._warming = [job for job in self._jobs if job.running], self._warming, None
        self._encoders.stop()
        self.fog.close()
        for job in jobs:
            job.cancel()
        for work in (warming, *jobs, *self.evaluations.stop()):
            left = max(0.0, end - time.monotonic())
            if isinstance(work, Job):
                work.wait(left)
            elif work is not None:
                work.join(left)

    # --- encoders ----------------------------------------------------------------------------------------------------

    def _load(self, model: str, progress: Progress, cancel: Cancel) -> Encoder:
        from engine.encoders import load

        encoder = load(model, settings=self.config, progress=progress, cancel=cancel)
        if model == self.config.model:
            encoder.texts(["a lake"])  # the first pass allocates; a person should not wait for it
            with self._lock:
                late = bool(self.state.failed) and self._warming is not None and not self._warming.is_alive()
                self._warming = None if late else self._warming
            self._tell(device=encoder.device, ready=True, failed="")
            if late:  # what the warm-up gave up is made up for
                self.warm()
        return encoder

    def encoder(self, model: str, *, wait: bool = True, cancel: Cancel | None = None, progress: Progress = silent) -> Encoder:
        """An encoder; each is loaded on first use, on a thread of its own.

        Args:
            model: Its id.
            wait: Whether to wait until it is there.
            cancel: Ends the waiting.
            progress: Told how far the loading is, while waiting.

        Raises:
            EncoderNotReady: If it is still loading and ``wait`` is not set.
            EncoderNotFound, WeightsMissing, WeightsCorrupt: If it can't be loaded; it is tried again after 30 s.
        """
        found = self._encoders.loaded(model)
        if found is None:
            from engine.encoders import model_card

            model_card(model, self.config)  # an unknown name is told at once
            found = self._encoders.get(model, wait=wait, cancel=cancel, progress=progress)
        return found

    def loading(self, model: str) -> Job | None:
        """The loading of a model while it lasts or after it has failed, else None."""
        return self._encoders.loading(model)

    def _asked(self, model: str) -> Encoder:
        """The encoder for somebody who looks at a page: only the default one without a warm-up is waited for."""
        return self.encoder(model, wait=model == self.config.model and self._warming is None)

    # --- collections -------------------------------------------------------------------------------------------------

    def collections(self) -> tuple[str, ...]:
        """Names of the collections that can be searched."""
        from engine.index import Collection

        return Collection.names(self.config)

    def collection(self, name: str) -> Collection:
        """An opened collection, with what was indexed since; while it is being indexed, at most a few seconds old.

        Raises:
            CollectionNotFound: If there is none.
            CollectionDamaged: If it can't be read.
        """
        return self._opened.get(name)

    def summary(self, name: str) -> Summary:
        """A collection at a glance, without opening its vectors; one that is damaged says so.

        Raises:
            CollectionNotFound: If there is none.
        """
        return self._summaries.get(name)

    def unfinished(self) -> tuple[str, ...]:
        """Names of the collections that were stopped before all of their scenes were indexed, and are not being indexed now."""
        from engine.index import Collection
        from engine.index.collection import folder_of
        from engine.index.lock import is_written

        return tuple(
            name
            for name in Collection.begun(self.config)
            if not self.summary(name).complete and not is_written(folder_of(name, self.config))
        )

    # --- questions ---------------------------------------------------------------------------------------------------

    def search(self, query: Query) -> Ranking:
        """Answer a query.

        Raises:
            PharosError: If it can't be answered as it stands.
        """
        from engine.index import search

        collection = self.collection(query.collection)
        return search(collection, query, self._asked(collection.model_id))

    def count(self, query: Query) -> int:
        """How many tiles a query would rank.

        Raises:
            PharosError: If region, time or sensor leave nothing.
        """
        from engine.index import Filter

        return len(self.collection(query.collection).select(Filter(query.regions, query.span, query.sensor)))

    def neighbours(self, collection: str, tile: str, limit: int) -> tuple[Hit, ...]:
        """Tiles that look most like one, without itself and without what overlaps it."""
        query = Query(collection, likes=(tile,), limit=limit + 1)
        return tuple(hit for hit in self.search(query).hits if tile != hit.tile_id and tile not in hit.merged)[:limit]

    def tile_at(self, collection: str, when: When, lon: float, lat: float) -> str | None:
        """Id of the uppermost tile at a place and time, or None where there is none.

        Args:
            collection: Name of the collection.
            when: Time of the scene; ``"all"`` for the newest; None for scenes whose time nobody knows.
            lon: Longitude, degrees.
            lat: Latitude, degrees.
        """
        from engine.serving.mosaic import scenes_of

        opened = self.collection(collection)
        order = {scene.id: place for place, scene in enumerate(scenes_of(opened, when))}
        point = Point((lon + 180) % 360 - 180, lat)
        tiles = opened.tiles(opened.table.meeting([point.buffer(1e-7)]))
        there = [tile for tile in tiles if tile.scene in order and tile.footprint.intersects(point)]
        return min(there, key=lambda tile: order[tile.scene]).id if there else None

    def examples(self, collection: str) -> tuple[str, ...]:
        """Questions that a newcomer may try on a collection."""
        known: dict[str, list[str]] = yaml.safe_load((ASSETS / "prompts" / "examples.yaml").read_text(encoding="utf-8"))
        return tuple(known.get(collection, known["any"]))

    def remember(self, query: Query) -> str:
        """A short token under which the pictures of a query's answer can be addressed."""
        token = hashlib.sha256(repr(query).encode()).hexdigest()[:16]
        with self._lock:
            _remember(self._queries, token, query, MOST_REMEMBERED_QUERIES)
        return token

    def surface(self, token: str) -> bytes | None:
        """The score surface of a remembered query as a web-mercator PNG over its collection's bounds, or None."""
        from engine.serving.surface import draw_surface

        query = self._queries.get(token)
        if query is None:
            return None
        ranking = self.search(replace(query, limit=MOST_TILES_OF_A_SURFACE, merge=False))
        return draw_surface(ranking.hits, self.collection(query.collection).bounds)

    def label_tile(self, collection: str, tile: str, labels: str) -> LabelScores:
        """Zero-shot labels of one tile.

        Args:
            collection: Name of the collection.
            tile: Id of the tile.
            labels: Name of a label set, or labels separated by commas.
        """
        from engine.labels import LabelSet, label_tiles

        opened = self.collection(collection)
        wanted = LabelSet.from_like(labels)
        return label_tiles(opened.vectors([tile]), [tile], wanted, self._asked(opened.model_id))[0]

    # --- adding ------------------------------------------------------------------------------------------------------

    def jobs(self) -> tuple[Job, ...]:
        """Indexing of this process that runs or has ended of late, newest first."""
        with self._lock:
            return tuple(reversed(self._jobs))

    def index_uploads(self, collection: str, files: Sequence[tuple[str, BinaryIO]], *, place: str = "", unplaced: bool = False) -> Job:
        """Keep uploaded files and index them behind the page.

        Args:
            collection: Name of the collection; one that exists grows, with its own model.
            files: Name and content of each; of equal names the later ones get a number.
            place: ``W,S,E,N`` of rasters without a CRS, or empty.
            unplaced: Whether rasters without a CRS go on a plain grid.

        Raises:
            DiskFull: If the files do not fit.
            PharosError: If the name, a file's name or the place can't be used.
        """
        from engine import imagery
        from engine.index.collection import folder_of
        from engine.serving.uploads import FULL, keep_files

        folder_of(collection, self.config)  # an impossible name is told before anything is written
        where = Region.from_like(place).bounds if place else None
        if not files:
            raise NothingToIndex("no file was given.")
        model = self._model_of(collection)
        folder = self.config.data_dir / "uploads" / collection
        try:
            keep_files(folder, files)
        except OSError as error:
            if error.errno not in FULL:
                raise
            raise DiskFull(self._tiles_of(collection), collection) from None

        def work(progress: Progress, cancel: Cancel) -> str:
            found = imagery.find_scenes([folder], place=where, unplaced=unplaced, progress=progress)
            report = self._build(collection, found.scenes, model, progress, cancel)
            skipped = "".join(f" Skipped {name}: {why}" for name, why in found.skipped)
            return f"{report.tiles:,} tiles in “{collection}” after {report.seconds:.0f} s.{skipped}"

        return self._begin(f"Indexing {collection}", work)

    def go_on(self, name: str) -> Job:
        """Index what is missing of a collection that was stopped, behind the page.

        Raises:
            CollectionNotFound: If there is none.
            CollectionDamaged: If what it is made of can't be read.
        """
        from engine.index import Collection
        from engine.index.collection import folder_of
        from engine.index.manifest import FILE, Manifest

        folder = folder_of(name, self.config)
        if not (folder / FILE).is_file():
            raise CollectionNotFound(name, Collection.names(self.config))
        manifest = Manifest.read(folder)

        def work(progress: Progress, cancel: Cancel) -> str:
            report = self._build(name, tuple(manifest.scenes.values()), manifest.model_id, progress, cancel)
            return f"{report.tiles:,} tiles in “{name}”, {report.added:,} of them new, after {report.seconds:.0f} s."

        return self._begin(f"Indexing {name}", work)

    def _build(self, name: str, scenes: Sequence[Scene], model: str, progress: Progress, cancel: Cancel) -> BuildReport:
        """Index scenes as a collection, or into it."""
        from engine import imagery, index

        encoder = self.encoder(model, cancel=cancel, progress=progress)
        spec = imagery.TileSpec()
        return index.build(name, scenes, encoder, spec=spec, settings=self.config, resume=True, progress=progress, cancel=cancel)

    def _begin(self, title: str, work: Callable[[Progress, Cancel], str]) -> Job:
        job = Job(title, work)
        with self._lock:
            self._jobs.append(job)
            ended = [each for each in self._jobs if not each.running]
            for each in ended[: max(0, len(self._jobs) - MOST_JOBS)]:
                self._jobs.remove(each)
        return job

    def _model_of(self, collection: str) -> str:
        """Id of the encoder that a collection is to be indexed with: its own, or the default for a new one."""
        try:
            known = self.summary(collection)
        except CollectionNotFound:
            return self.config.model
        if not known.model_id:
            raise CollectionDamaged(collection, "what it is made of is not readable.")
        return known.model_id

    def _tiles_of(self, collection: str) -> int:
        try:
            return self.summary(collection).tiles
        except CollectionNotFound:
            return 0

    def models(self) -> tuple[ModelCard, ...]:
        """Every encoder of the registry."""
        from engine.encoders import registry

        return tuple(registry(self.config).values())

    # --- pixels ------------------------------------------------------------------------------------------------------

    def thumbnail(self, collection: str, tile: str, size: int) -> bytes:
        """A tile's picture as WebP.

        Raises:
            TileNotFound: If there is no such tile.
            ImageUnreadable: If its scene can't be read any more.
        """
        from engine.imagery import reading

        opened = self.collection(collection)
        found = opened.tile(tile)
        with reading(opened.scenes[found.scene]) as reader:
            return reader.read(found.window).encode("webp", size)

    def map_tile(self, collection: str, when: When, z: int, x: int, y: int) -> bytes | None:
        """A web-mercator tile of all scenes of one time as PNG, the first scene on top; None where there is none.

        Args:
            collection: Name of the collection.
            when: Time of the scenes; ``"all"`` shows all, the newest on top; None shows those whose time nobody knows.
            z: Zoom.
            x: Column.
            y: Row.
        """
        return self._mosaic(self.collection(collection), when).draw(z, x, y)

    def _mosaic(self, collection: Collection, when: When) -> Mosaic:
        from engine.serving.mosaic import Mosaic, scenes_of

        key = (collection.name, collection.version, when)
        with self._lock:
            found = self._mosaics.get(key)
        if found is None:
            found = Mosaic(scenes_of(collection, when))
        with self._lock:
            return _remember(self._mosaics, key, found, MOST_MOSAICS)

    # --- fog ---------------------------------------------------------------------------------------------------------

    def cubes(self) -> tuple[str, ...]:
        """Names of the fog cubes."""
        return self.fog.names()

    def cube(self, name: str) -> Cube:
        """An opened cube; one that was replaced on disk is opened again.

        Raises:
            CubeNotFound: If there is none.
        """
        return self.fog.cube(name)


def _remember(table: OrderedDict[Key, Value], key: Key, value: Value, most: int) -> Value:
    """Keep a value as the newest of at most so many."""
    table[key] = value
    table.move_to_end(key)
    while len(table) > most:
        table.popitem(last=False)
    return value


@lru_cache(maxsize=1)
def engine() -> Engine:
    """The Engine of this process."""
    return Engine()
