"""The demo that needs no network: a made-up island, indexed, and a fog cube over a real sea. SYNTHETIC throughout."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.progress import Cancel, Progress, silent
from engine.settings import Settings

if TYPE_CHECKING:
    from engine.encoders import Encoder

ISLAND: Final = "island"
SEED: Final = 7


def demo_is_made(config: Settings) -> bool:
    """Whether the island's scenes and the cube are on disk, whole."""
    return (config.data_dir / "world" / ".made").exists()


def make_demo(config: Settings, *, progress: Progress = silent) -> None:
    """Make the island's scenes and the fog cube, once; an interrupted try is started again.

    Args:
        config: Where data live.
        progress: Told of each stage.
    """
    from engine.world import make_world

    if demo_is_made(config):
        return
    out = config.data_dir / "world"
    shutil.rmtree(out, ignore_errors=True)
    made = make_world(out, SEED, progress=progress)
    config.cubes_dir.mkdir(parents=True, exist_ok=True)
    for cube in made.cubes:
        home = config.cubes_dir / cube.name
        shutil.rmtree(home, ignore_errors=True)
        cube.rename(home)
    (out / ".made").touch()


def index_demo(config: Settings, encoder: Encoder, *, progress: Progress = silent, cancel: Cancel | None = None) -> None:
    """Index the island, or go on where an earlier start was stopped; another model's vectors are made anew."""
    from engine import imagery, index

    home = config.collections_dir / ISLAND
    known = ISLAND in index.Collection.names(config)
    if known and index.Collection.open(ISLAND, config).model_hash != encoder.hash:
        shutil.rmtree(home)
        known = False
    found = imagery.find_scenes([scenes_dir(config)])
    index.build(ISLAND, found.scenes, encoder, spec=imagery.TileSpec(), settings=config, resume=known, progress=progress, cancel=cancel)


def scenes_dir(config: Settings) -> Path:
    """Where the island's scenes are."""
    return config.data_dir / "world" / "scenes"
