"""The Engine: encoders, collections and cubes, opened once a process and shared by every session and route."""

from __future__ import annotations

import hashlib
import logging
import shutil
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import yaml
from shapely.geometry import Point

from engine.errors import EncoderNotReady, PharosError
from engine.progress import Cancel, Progress
from engine.serving.job import Job
from engine.settings import ASSETS, Settings, settings
from engine.types import Hit, LabelScores, Query, Ranking, Region, Scene

if TYPE_CHECKING:
    from engine.encoders import Encoder, ModelCard
    from engine.fog import Cube
    from engine.imagery import SceneReader
    from engine.index import Collection

log = logging.getLogger(__name__)

MOST_OPEN_SCENES = 64
MOST_REMEMBERED_QUERIES = 256
MOST_TILES_OF_A_SURFACE = 50_000


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
        failed: What went wrong, in words; empty if nothing.
    """

    model: str
    device: str = ""
    ready: bool = False
    stage: str = ""
    done: int = 0
    total: int = 0
    failed: str = ""


class Engine:
    """Everything that a view may ask, thread-safe.

    Args:
        config: Deployment settings; by default the process's.
    """

    def __init__(self, config: Settings | None = None) -> None:
        self.config = config or settings()
        self.state = State(self.config.model)
        self._encoders: dict[str, Encoder] = {}
        self._collections: dict[str, Collection] = {}
        self._scenes: OrderedDict[tuple[str, str], SceneReader] = OrderedDict()
        self._cubes: dict[str, Cube] = {}
        self._queries: OrderedDict[str, Query] = OrderedDict()
        self._lock = threading.RLock()
        self._jobs: list[Job] = []
        self._stop = threading.Event()
        self._warming: threading.Thread | None = None

    # --- life --------------------------------------------------------------------------------------------------------

    def warm(self) -> None:
        """Load the default encoder and make the demo (if the settings want it) behind the page, once."""
        with self._lock:
            if self._warming is None:
                self._warming = threading.Thread(target=self._warm, name="pharos-warm", daemon=True)
                self._warming.start()

    def _warm(self) -> None:
        from engine.serving import demo as demo_data

        try:
            self._progress("loading the model", 0, 0)
            encoder = self._load(self.config.model)
            encoder.texts(["a lake"])  # the first pass allocates; a person should not wait for it
            self.state = replace(self.state, device=encoder.device, ready=True)
            if self.config.demo:
                demo_data.make_demo(self.config, progress=self._progress)
                demo_data.index_demo(self.config, encoder, progress=self._progress, cancel=self._stop)
            self.state = replace(self.state, stage="", done=0, total=0)
        except PharosError as error:
            self.state = replace(self.state, stage="", failed=str(error))
        except Exception:
            log.exception("warming up failed")
            self.state = replace(self.state, stage="", failed="Starting up failed inside; the log says where.")

    def _progress(self, stage: str, done: int, total: int) -> None:
        self.state = replace(self.state, stage=stage, done=done, total=total)

    def close(self) -> None:
        """Stop what runs behind; what was acknowledged stays."""
        self._stop.set()
        if self._warming is not None:
            self._warming.join(timeout=10)

    # --- encoders ----------------------------------------------------------------------------------------------------

    def _load(self, model: str) -> Encoder:
        from engine.encoders import load

        encoder = load(model, settings=self.config)
        with self._lock:
            return self._encoders.setdefault(model, encoder)

    def encoder(self, model: str) -> Encoder:
        """A loaded encoder; another than the default is loaded on first use.

        Raises:
            EncoderNotReady: If the default encoder is still loading.
            EncoderNotFound, WeightsMissing, WeightsCorrupt: If it can't be loaded.
        """
        found = self._encoders.get(model)
        if found is not None:
            return found
        if model == self.config.model and self._warming is not None and self._warming.is_alive() and not self.state.ready:
            raise EncoderNotReady(model, self.state.stage or "it is loading")
        return self._load(model)

    # --- collections -------------------------------------------------------------------------------------------------

    def collections(self) -> tuple[str, ...]:
        """Names of the collections that can be searched."""
        from engine.index import Collection

        return tuple(Collection.names(self.config))

    def collection(self, name: str) -> Collection:
        """An opened collection, with what was indexed since.

        Raises:
            CollectionNotFound: If there is none.
        """
        from engine.index import Collection

        with self._lock:
            opened = self._collections.get(name)
            if opened is None or opened.is_stale():
                opened = self._collections[name] = Collection.open(name, self.config)
            return opened

    def reader(self, collection: str, scene: Scene) -> SceneReader:
        """An open scene; the least recently used ones are closed."""
        from engine.imagery import open_scene

        key = (collection, scene.id)
        with self._lock:
            reader = self._scenes.get(key)
            if reader is None:
                reader = self._scenes[key] = open_scene(scene)
            self._scenes.move_to_end(key)
            while len(self._scenes) > MOST_OPEN_SCENES:
                self._scenes.popitem(last=False)
            return reader

    # --- questions ---------------------------------------------------------------------------------------------------

    def search(self, query: Query) -> Ranking:
        """Answer a query.

        Raises:
            PharosError: If it can't be answered as it stands.
        """
        from engine.index import search

        collection = self.collection(query.collection)
        return search(collection, query, self.encoder(collection.model_id))

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

    def tile_at(self, collection: str, when: datetime | None, lon: float, lat: float) -> str | None:
        """Id of the tile at a place and time, or None where there is none.

        Args:
            collection: Name of the collection.
            when: Time of the scene; None for scenes whose time nobody knows.
            lon: Longitude, degrees.
            lat: Latitude, degrees.
        """
        opened = self.collection(collection)
        scenes = {scene.id for scene in opened.scenes_at(when)}
        point = Point((lon + 180) % 360 - 180, lat)
        index = opened.table.meeting([point.buffer(1e-7)])
        return next((tile.id for tile in opened.tiles(index) if tile.scene in scenes and tile.footprint.intersects(point)), None)

    def examples(self, collection: str) -> tuple[str, ...]:
        """Questions that a newcomer may try on a collection."""
        known: dict[str, list[str]] = yaml.safe_load((ASSETS / "prompts" / "examples.yaml").read_text(encoding="utf-8"))
        return tuple(known.get(collection, known["any"]))

    def remember(self, query: Query) -> str:
        """A short token under which the pictures of a query's answer can be addressed."""
        token = hashlib.sha256(repr(query).encode()).hexdigest()[:16]
        with self._lock:
            self._queries[token] = query
            self._queries.move_to_end(token)
            while len(self._queries) > MOST_REMEMBERED_QUERIES:
                self._queries.popitem(last=False)
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
        return label_tiles(opened.vectors([tile]), [tile], wanted, self.encoder(opened.model_id))[0]

    # --- adding ------------------------------------------------------------------------------------------------------

    def jobs(self) -> tuple[Job, ...]:
        """Long work of this process, newest first."""
        return tuple(reversed(self._jobs))

    def index_uploads(self, collection: str, files: Sequence[tuple[str, BinaryIO]], *, place: str = "", unplaced: bool = False) -> Job:
        """Keep uploaded files and index them behind the page.

        Args:
            collection: Name of the new collection.
            files: Name and content of each.
            place: ``W,S,E,N`` of rasters without a CRS, or empty.
            unplaced: Whether rasters without a CRS go on a plain grid.

        Raises:
            PharosError: If the name or the place can't be used.
        """
        from engine import imagery, index
        from engine.index.collection import folder_of

        folder_of(collection, self.config)  # an impossible name is told before anything is written
        where = Region.from_like(place).bounds if place else None
        folder = self.config.data_dir / "uploads" / collection
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files:
            with (folder / Path(name).name).open("wb") as kept:
                shutil.copyfileobj(content, kept)

        def work(progress: Progress, cancel: Cancel) -> str:
            found = imagery.find_scenes([folder], place=where, unplaced=unplaced, progress=progress)
            report = index.build(
                collection,
                found.scenes,
                self.encoder(self.config.model),
                spec=imagery.TileSpec(),
                settings=self.config,
                resume=collection in self.collections(),
                progress=progress,
                cancel=cancel,
            )
            skipped = "".join(f" Skipped {name}: {why}" for name, why in found.skipped)
            return f"{report.tiles:,} tiles in “{collection}” after {report.seconds:.0f} s.{skipped}"

        job = Job(f"Indexing {collection}", work)
        self._jobs.append(job)
        return job

    def models(self) -> tuple[ModelCard, ...]:
        """Every encoder of the registry."""
        from engine.encoders import registry

        return tuple(registry(self.config).values())

    # --- pixels ------------------------------------------------------------------------------------------------------

    def thumbnail(self, collection: str, tile: str, size: int) -> bytes:
        """A tile's picture as WebP.

        Raises:
            TileNotFound: If there is no such tile.
        """
        opened = self.collection(collection)
        found = opened.tile(tile)
        reader = self.reader(collection, opened.scenes[found.scene])
        return reader.read(found.window).encode("webp", size)

    def map_tile(self, collection: str, when: datetime | None, z: int, x: int, y: int) -> bytes | None:
        """A web-mercator tile of all scenes of one time as PNG, the first scene on top; None where there is none.

        Args:
            collection: Name of the collection.
            when: Time of the scenes; None shows those whose time nobody knows.
            z: Zoom.
            x: Column.
            y: Row.
        """
        from engine.serving.mosaic import draw_mosaic

        return draw_mosaic(self.collection(collection).scenes_at(when), z, x, y)

    # --- fog ---------------------------------------------------------------------------------------------------------

    def cubes(self) -> tuple[str, ...]:
        """Names of the fog cubes."""
        from engine.fog import cubes

        return tuple(cubes(self.config))

    def cube(self, name: str) -> Cube:
        """An opened cube.

        Raises:
            CubeNotFound: If there is none.
        """
        from engine.fog import open_cube

        with self._lock:
            if name not in self._cubes:
                self._cubes[name] = open_cube(name, self.config)
            return self._cubes[name]

    def frame(self, cube: str, layer: str, index: int) -> bytes:
        """One frame of a cube's layer as PNG."""
        from engine.fog import render_frame

        return _frame(render_frame, self.cube(cube), layer, index)


@lru_cache(maxsize=512)
def _frame(render: Any, cube: Any, layer: str, index: int) -> bytes:  # noqa: ANN401 - hashable by identity, as the cache needs
    picture: bytes = render(cube, layer, index)
    return picture


@lru_cache(maxsize=1)
def engine() -> Engine:
    """The Engine of this process."""
    return Engine()
