"""How long a person waits for a fog series: the first frame, and all of them ready to play.

A SYNTHETIC cube of 48 half-hour frames of 512 × 512 is made once (not counted). Then, with an empty cache and two threads:

- first: from the question for the strip to the shown frame of the layer in the hand;
- ready: until all frames of that layer are drawn, the shown one first;
- cpu: what that took of a processor, for machines that do other things at the same time;
- again: the same after a restart, from the disk;
- mask: both for the layer that detects;
- forecast: the first forecast of the mask with its hindcasts, once the masks are there.

Run with: python -m engine bench fog_frames
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any, Final

from engine.serving.fog import Fog, Strip
from engine.settings import Settings

FRAMES: Final = 48
SIZE: Final = 512
SHOWN: Final = 20
ROUNDS: Final = 3
BANDS: Final = ("infrared", "natural", "night", "difference")
MASKS: Final = ("fog", "state")


def main() -> dict[str, Any]:
    """Measure and return the figures; the command prints them."""
    from engine.world.weather import simulate

    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        made = simulate("BE", 7, frames=FRAMES, size=SIZE).write(home / "cubes")
        name = made.stem
        layers = {layer: [_measured(home, name, layer, turn) for turn in range(ROUNDS)] for layer in (*BANDS, *MASKS)}
        rows = {layer: {key: round(median(each[key] for each in rounds), 3) for key in rounds[0]} for layer, rounds in layers.items()}
        ahead = _forecast(home, name)
    return {
        "frames": FRAMES,
        "size": SIZE,
        "cores": len(os.sched_getaffinity(0)),
        "first_s": max(row["first_s"] for row in rows.values()),
        "first_limit_s": 1.0,
        "ready_s": max(row["ready_s"] for row in rows.values()),
        "ready_limit_s": 10.0,
        "layers": rows,
        "forecast_s": round(ahead[0], 3),
        "forecast_cpu_s": round(ahead[1], 3),
        "rounds": ROUNDS,
        "synthetic": True,
    }


def _measured(home: Path, name: str, layer: str, turn: int) -> dict[str, float]:
    """One layer from nothing: seconds to the first frame and to all, the same again, and the bytes of all."""
    config = Settings(data_dir=home / f"turn-{layer}-{turn}", demo=False)
    config.data_dir.mkdir()
    (config.data_dir / "cubes").symlink_to(home / "cubes")
    begin = time.process_time()
    first, ready, size = _ready(Fog(config), name, layer)
    work = time.process_time() - begin
    _, again, _ = _ready(Fog(config), name, layer)
    return {"first_s": first, "ready_s": ready, "cpu_s": work, "again_s": again, "kilobytes": size / 1024}


def _ready(fog: Fog, name: str, layer: str) -> tuple[float, float, int]:
    begin = time.perf_counter()
    strip = fog.strip(name, layer)
    fog.prepare(strip, SHOWN)
    _frame(fog, strip, SHOWN)
    first = time.perf_counter() - begin
    sizes = [_frame(fog, strip, place % FRAMES) for place in range(SHOWN, SHOWN + FRAMES)]
    return first, time.perf_counter() - begin, sum(sizes)


def _frame(fog: Fog, strip: Strip, place: int) -> int:
    return len(fog.frame(strip.cube, strip.layer, strip.moments[place].time))


def _forecast(home: Path, name: str) -> tuple[float, float]:
    """Seconds to the first forecast of a series whose masks are there, and seconds of a processor."""
    config = Settings(data_dir=home / "ahead", demo=False)
    config.data_dir.mkdir()
    (config.data_dir / "cubes").symlink_to(home / "cubes")
    fog = Fog(config)
    fog.area(name)
    begin, work = time.perf_counter(), time.process_time()
    fog.forecast(name)
    return time.perf_counter() - begin, time.process_time() - work
