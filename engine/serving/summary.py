"""What a list of collections shows of each, without opening its vectors."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from engine.errors import CollectionDamaged, CollectionNotFound
from engine.index.collection import Collection, folder_of
from engine.index.loading import SHARDS, Stamp, stamp_of
from engine.index.manifest import FILE, Manifest
from engine.settings import Settings


@dataclass(frozen=True, slots=True)
class Summary:
    """A collection at a glance.

    Attributes:
        name: Its name.
        tiles: Tiles that were acknowledged.
        scenes: Scenes it is made of.
        times: Their times, UTC, ascending, each once.
        model_id: Id of the encoder that made its vectors; empty if that can't be read.
        synthetic: Whether any scene is made up.
        georeferenced: Whether every scene lies at a real place.
        complete: Whether every scene was indexed to its end.
        damaged: What can't be read, in words; empty if nothing.
    """

    name: str
    tiles: int = 0
    scenes: int = 0
    times: tuple[datetime, ...] = ()
    model_id: str = ""
    synthetic: bool = False
    georeferenced: bool = True
    complete: bool = True
    damaged: str = ""


class Summaries:
    """Summaries of collections, made anew when a manifest or the shards have changed; thread-safe."""

    def __init__(self, config: Settings) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._made: dict[str, tuple[Stamp, Summary]] = {}
        self._rows: dict[tuple[str, int, int], int] = {}

    def get(self, name: str) -> Summary:
        """The summary of a collection.

        Raises:
            CollectionNameInvalid: If the name can't name a collection.
            CollectionNotFound: If there is none of this name.
        """
        folder = folder_of(name, self._config)
        if not (folder / FILE).is_file():
            raise CollectionNotFound(name, Collection.names(self._config))
        stamp = stamp_of(folder)
        with self._lock:
            known = self._made.get(name)
        if known is not None and known[0] == stamp:
            return known[1]
        made = self._summary(folder, stamp[1])
        with self._lock:
            self._made[name] = (stamp, made)
        return made

    def _summary(self, folder: Path, shards: tuple[str, ...]) -> Summary:
        try:
            manifest = Manifest.read(folder)
        except CollectionDamaged as error:
            return Summary(folder.name, damaged=str(error))
        counts = [self._tiles(folder / SHARDS / shard) for shard in shards]
        lost = sum(count is None for count in counts)
        scenes = manifest.scenes.values()
        return Summary(
            name=folder.name,
            tiles=sum(count or 0 for count in counts),
            scenes=len(manifest.scenes),
            times=tuple(sorted({scene.datetime for scene in scenes if scene.datetime is not None})),
            model_id=manifest.model_id,
            synthetic=any(scene.synthetic for scene in scenes),
            georeferenced=all(scene.georeferenced for scene in scenes),
            complete=manifest.scenes.keys() <= manifest.counts.keys(),
            damaged=f"{lost} of {len(shards)} parts can't be read. Index the scenes again with --resume to restore them." if lost else "",
        )

    def _tiles(self, shard: Path) -> int | None:
        """Rows of a shard by its footer, whatever its vectors weigh; None if it can't be read."""
        import pyarrow.parquet as pq

        try:
            status = shard.stat()
            key = (str(shard), status.st_mtime_ns, status.st_size)
            if key not in self._rows:
                self._rows[key] = int(pq.read_metadata(shard).num_rows)
            return self._rows[key]
        except (OSError, ValueError):  # pyarrow's own errors derive from these two
            return None
