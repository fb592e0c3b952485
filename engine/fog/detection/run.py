"""Detecting the frames of a cube one after the other, into a store: memory does not grow with their number."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np

from engine.errors import CubeInvalid
from engine.fog.cube import Cube
from engine.fog.detection.detector import DEFAULT, Detector, detector
from engine.fog.detection.store import MaskStore
from engine.fog.mask import WORDS, FogMask, State, Validity
from engine.progress import Cancel, Progress, silent, stop_if

Over = Literal["frame", "dynamic", "multiframe"]
"""What is looked at: each frame alone, with a memory and hysteresis, or three frames together."""


@dataclass(slots=True)
class Tally:
    """Counts over frames.

    Attributes:
        frames: How many were judged.
        judged: Cells with data.
        fog: Those that are fog or very low stratus.
        obscured: Those that higher cloud hides.
        conditions: Cells with data under each condition.
    """

    frames: int = 0
    judged: int = 0
    fog: int = 0
    obscured: int = 0
    conditions: dict[Validity, int] | None = None

    def add(self, mask: FogMask) -> None:
        """Count a frame."""
        seen = mask.judged
        self.frames += 1
        self.judged += int(seen.sum())
        self.fog += int(mask.fog.sum())
        self.obscured += int((mask.state == State.OBSCURED).sum())
        counts = np.bincount(mask.validity[seen].astype(np.int64), minlength=1)
        total = self.conditions or {}
        for flag in Validity:
            here = int(counts[np.arange(counts.size) & flag > 0].sum())
            if here:
                total[flag] = total.get(flag, 0) + here
        self.conditions = total

    def record(self) -> dict[str, Any]:
        """As JSON: shares of the cells with data, 0–1."""
        cells = max(self.judged, 1)
        return {
            "frames": self.frames,
            "fog_fraction": round(self.fog / cells, 6),
            "obscured_fraction": round(self.obscured / cells, 6),
            "validity": {str(flag.name).lower(): round(count / cells, 6) for flag, count in (self.conditions or {}).items()},
        }


@dataclass(frozen=True, slots=True)
class Detected:
    """What became of a cube.

    Attributes:
        path: Where the masks are.
        method: Title of the detector.
        tally: Counts.
        skipped: Times that could not be judged.
        notes: What holds for single frames, with their times.
        synthetic: Whether the data are made up.
        seconds: How long it took.
    """

    path: Path
    method: str
    tally: Tally
    skipped: tuple[datetime, ...]
    notes: tuple[str, ...]
    synthetic: bool
    seconds: float

    def record(self) -> dict[str, Any]:
        """As JSON (design.md, command-line contract), with more."""
        return {
            **self.tally.record(),
            "seconds": round(self.seconds, 3),
            "out": str(self.path),
            "event": WORDS,
            "method": self.method,
            "skipped": [when.isoformat() for when in self.skipped],
            "notes": sorted({note.partition(": ")[2] for note in self.notes}),
            "synthetic": self.synthetic,
        }


def chosen(method: str = DEFAULT, over: Over = "frame") -> Detector:
    """A detector, wrapped where more than one frame is looked at.

    Raises:
        DetectorUnavailable: If the method can't be used here.
    """
    base = detector(method)
    if over == "frame":
        return base
    from engine.fog.detection.dynamic import DynamicDetector, MultiFrameDetector

    return DynamicDetector(base) if over == "dynamic" else MultiFrameDetector(base)


def detect_cube(
    cube: Cube,
    out: Path,
    *,
    method: str = DEFAULT,
    over: Over = "frame",
    frames: Sequence[int] | None = None,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> Detected:
    """Judge frames of a cube and write their masks.

    A frame that can't be judged is written as no data, with the reason; if that holds for all, nothing is written.

    Args:
        cube: The cube; read frame by frame.
        out: Zarr store or NetCDF file.
        method: Name of a detector.
        over: How many frames are looked at together.
        frames: Indices; all by default.
        progress: Told of each frame.
        cancel: Stops between two frames; nothing is left behind.

    Raises:
        DetectorUnavailable: If the method can't be used here.
        CubeInvalid: If no frame can be judged.
        MaskUnwritable: If the masks can't be written.
        Cancelled: If the person stopped it.
    """
    began = time.monotonic()
    finder = chosen(method, over)
    wanted = range(len(cube.times)) if frames is None else frames
    tally, skipped, last = Tally(), list[datetime](), None
    with MaskStore(out, cube, wanted, finder.title, experimental=finder.experimental) as store:
        for place, frame in enumerate(wanted):
            stop_if(cancel, "Detecting fog")
            progress("Detecting fog", place, len(wanted))
            try:
                mask = finder.detect(cube, frame)
            except CubeInvalid as error:
                last = error
                skipped.append(cube.times[frame])
                store.skip(place, str(error))
                continue
            tally.add(mask)
            store.put(place, mask)
        if last is not None and not tally.frames:
            raise last
        notes = tuple(store.notes)
    progress("Detecting fog", len(wanted), len(wanted))
    return Detected(store.path, finder.title, tally, tuple(skipped), notes, cube.synthetic, time.monotonic() - began)
