"""The demo that needs no network: an island on four dates with its truth, and a cube of sea fog."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from engine.progress import Progress, silent
from engine.world.coastline import LAND, land_rings
from engine.world.fogbank import make_fog_cube
from engine.world.island import Island
from engine.world.truth import write_bands, write_classes, write_radar, write_scene, write_truth


@dataclass(frozen=True, slots=True)
class World:
    """What was made.

    Attributes:
        scenes: GeoTIFFs of the island, one a date, in order.
        truth: Land-cover rasters of the same dates; ``classes.json`` lies beside them.
        cubes: Zarr stores of sea fog.
        seconds: How long it took.
        bands: The same dates in twelve optical bands, if they were asked for.
        radar: The same dates as radar backscatter, if it was asked for.
    """

    scenes: tuple[Path, ...]
    truth: tuple[Path, ...]
    cubes: tuple[Path, ...]
    seconds: float
    bands: tuple[Path, ...] = ()
    radar: tuple[Path, ...] = ()


def make_world(
    out: Path,
    seed: int = 7,
    *,
    size: int = 1344,
    fog: bool = True,
    bands: bool = False,
    radar: bool = False,
    coastline: Path = LAND,
    progress: Progress | None = None,
) -> World:
    """Make the world in a folder: ``scenes/``, ``truth/``, ``cubes/``, ``bands/``, ``radar/``; the same seed gives the same pixels.

    Args:
        out: Folder to write into; files of the same names are replaced.
        seed: Decides everything.
        size: Side of the island's scenes, pixels of 10 m.
        fog: Whether to make the fog cube.
        bands: Whether to write the twelve optical bands too.
        radar: Whether to write the radar twin too.
        coastline: TopoJSON of the land, for the fog cube.
        progress: Told of each step.

    Raises:
        DataMissing: If the coastline is absent.
    """
    tell = progress or silent
    began = time.monotonic()
    if fog:
        land_rings(coastline)  # fail before the work, not after it
    island = Island(seed, size)
    steps = 3 + len(island.dates) + fog
    for step, (part, words) in enumerate((("terrain", "terrain"), ("cover", "land cover"), ("settlement", "towns and roads"))):
        tell(words, step, steps)
        getattr(island, part)
    _ = island.palette  # every part exists before threads share it

    writers = [(write_scene, "scenes"), (write_truth, "truth")]
    writers += [(write_bands, "bands")] * bands + [(write_radar, "radar")] * radar

    def dated(when: datetime) -> dict[str, Path]:
        view = island.at(when)
        return {part: write(island, view, out / part) for write, part in writers}

    written = []
    with ThreadPoolExecutor(2) as pool:
        for step, files in enumerate(pool.map(dated, island.dates), start=3):
            tell(f"island {island.dates[step - 3]:%Y-%m-%d}", step, steps)
            written.append(files)
    write_classes(out / "truth")
    cubes: tuple[Path, ...] = ()
    if fog:
        tell("fog cube", steps - 1, steps)
        cubes = (make_fog_cube(out / "cubes", seed, coastline=coastline),)
    tell("world", steps, steps)
    parts = {part: tuple(files[part] for files in written) for _, part in writers}
    return World(cubes=cubes, seconds=time.monotonic() - began, **parts)
