"""The demo that needs no network: a made-up island, indexed, and a fog cube over a real sea. SYNTHETIC throughout."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.errors import CollectionDamaged, CollectionNotFound
from engine.progress import Cancel, Progress, silent
from engine.settings import Settings

if TYPE_CHECKING:
    from engine.encoders import Encoder
    from engine.index.manifest import Manifest

log = logging.getLogger(__name__)

ISLAND: Final = "island"
SEED: Final = 7
OURS: Final = ".demo"
"""Marks a collection's folder that the demo has begun: with its manifest spoilt nothing else tells."""


def demo_dir(config: Settings) -> Path:
    """Where the island's scenes and their truth are."""
    return config.data_dir / "demo"


def scenes_dir(config: Settings) -> Path:
    """Where the island's scenes are."""
    return demo_dir(config) / "scenes"


def demo_is_made(config: Settings) -> bool:
    """Whether the island's scenes and the cube are on disk, whole."""
    try:
        made = (demo_dir(config) / ".made").read_text(encoding="utf-8").split("\n")
    except OSError:
        return False
    return all((config.data_dir / path).exists() for path in made)


def make_demo(config: Settings, *, progress: Progress = silent) -> None:
    """Make the island's scenes and the fog cube, once; an interrupted try is started again.

    Args:
        config: Where data live.
        progress: Told of each stage.

    Raises:
        CollectionBusy: If another process is making it.
    """
    from engine.index.lock import writing
    from engine.world import make_world

    home = demo_dir(config)
    if demo_is_made(config):
        return
    with writing(home):
        for part in ("scenes", "truth", "cubes"):
            shutil.rmtree(home / part, ignore_errors=True)
        made = make_world(home, SEED, progress=progress)
        config.cubes_dir.mkdir(parents=True, exist_ok=True)
        kept = list(made.scenes)
        for cube in made.cubes:
            place = config.cubes_dir / cube.name
            shutil.rmtree(place, ignore_errors=True)
            kept.append(cube.rename(place))
        names = "\n".join(path.relative_to(config.data_dir).as_posix() for path in kept)
        (home / ".made").write_text(names, encoding="utf-8")


def index_demo(config: Settings, encoder: Encoder, *, progress: Progress = silent, cancel: Cancel | None = None) -> None:
    """Index the island, or go on where an earlier start was stopped; another model's vectors are made anew.

    A complete island is not touched, and a collection of this name that holds anything but the demo's scenes never.

    Raises:
        CollectionBusy: If another process is indexing it.
        PharosError: As :func:`engine.index.build`.
    """
    from engine import imagery, index
    from engine.index.manifest import FILE

    home, mark = config.collections_dir / ISLAND, demo_dir(config) / ".indexed"
    if _is_complete(config, encoder.hash, mark):
        return
    if (home / FILE).is_file() and not _is_made_way(config, encoder.hash):
        log.info("A collection “%s” is there that is not the demo's; it is left alone.", ISLAND)
        return
    home.mkdir(parents=True, exist_ok=True)
    (home / OURS).touch()
    found = imagery.find_scenes([scenes_dir(config)])
    index.build(ISLAND, found.scenes, encoder, spec=imagery.TileSpec(), settings=config, resume=True, progress=progress, cancel=cancel)
    mark.write_text(encoder.hash, encoding="utf-8")


def _is_complete(config: Settings, model_hash: str, mark: Path) -> bool:
    from engine.index import Collection

    try:
        if mark.read_text(encoding="utf-8") != model_hash:
            return False
        opened = Collection.open(ISLAND, config)
    except (OSError, CollectionNotFound, CollectionDamaged):
        return False
    return len(opened) > 0 and not opened.damaged


def _is_made_way(config: Settings, model_hash: str) -> bool:
    """Whether the demo may be indexed here: over its own collection, removed first where nothing of it can be gone on with."""
    from engine.index import Collection
    from engine.index.lock import writing
    from engine.index.manifest import Manifest

    home = config.collections_dir / ISLAND
    with writing(home):
        try:
            manifest = Manifest.read(home)
            if not _is_ours(manifest, scenes_dir(config)):
                return False
            if manifest.model_hash == model_hash:
                Collection.open(ISLAND, config)
                return True
        except CollectionDamaged as error:
            if not (home / OURS).is_file() or not _holds_only_ours(home, scenes_dir(config)):
                return False
            log.warning("The demo is indexed again: %s", error)
        shutil.rmtree(home)
    return True


def _is_ours(manifest: Manifest, folder: Path) -> bool:
    """Whether every scene is made up and lies in the demo's folder."""
    scenes, root = manifest.scenes.values(), folder.resolve()
    return bool(scenes) and all(scene.synthetic and Path(scene.source).resolve().is_relative_to(root) for scene in scenes)


def _holds_only_ours(home: Path, folder: Path) -> bool:
    """Whether the shards that can be read name no other scenes than the demo's; asked when the manifest can't be."""
    from engine.index.loading import read_shards, shard_names

    tables, _ = read_shards(home, shard_names(home))
    named = {scene for table in tables for scene in table.column("scene").unique().to_pylist()}
    return named <= {path.stem for path in folder.iterdir()}
