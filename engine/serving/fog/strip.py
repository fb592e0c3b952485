"""What a page needs to lay out the time strip and the cube list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from engine.types import Bounds

if TYPE_CHECKING:
    from engine.fog.moments import Moment


@dataclass(frozen=True, slots=True)
class CubeCard:
    """A cube at a glance.

    Attributes:
        name: As in addresses.
        title: What a person calls it.
        synthetic: Whether the data are made up.
        region: Id of its sea region, or empty.
        bounds: The box around all cells.
        shape: Rows and columns.
        frames: How many.
        first: Time of the first frame, UTC.
        last: Time of the last frame, UTC.
        step_minutes: Usual distance of two frames.
        elements: What it holds.
        labelled: Whether it brings labels.
        time_known: Whether its times are real.
        place_known: Whether its place is.
        instrument: What took it, or empty.
        notes: What was assumed when it was read.
        version: Of its pictures; changes with the store and with the code that draws.
        broken: Why it can't be opened, in words; the rest is empty then.
    """

    name: str
    title: str
    synthetic: bool = False
    region: str = ""
    bounds: Bounds | None = None
    shape: tuple[int, int] = (0, 0)
    frames: int = 0
    first: datetime | None = None
    last: datetime | None = None
    step_minutes: int = 30
    elements: tuple[str, ...] = ()
    labelled: bool = False
    time_known: bool = True
    place_known: bool = True
    instrument: str = ""
    notes: tuple[str, ...] = ()
    version: str = ""
    broken: str = ""

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "name": self.name,
            "title": self.title,
            "synthetic": self.synthetic,
            "region": self.region,
            "bounds": None if self.bounds is None else self.bounds.array.tolist(),
            "shape": list(self.shape),
            "frames": self.frames,
            "first": None if self.first is None else self.first.isoformat(),
            "last": None if self.last is None else self.last.isoformat(),
            "step_minutes": self.step_minutes,
            "elements": list(self.elements),
            "labelled": self.labelled,
            "time_known": self.time_known,
            "place_known": self.place_known,
            "instrument": self.instrument,
            "notes": list(self.notes),
            "version": self.version,
            "broken": self.broken,
        }


@dataclass(frozen=True, slots=True)
class Strip:
    """The frames of one layer, in order of time, gaps and forecasts among them.

    Attributes:
        cube: Name of the cube.
        layer: Id of the layer.
        method: Which detector.
        version: Of the pictures.
        bounds: Where they lie.
        moments: The time axis.
        files: Name of each moment's picture, to be put after ``/frames/{cube}/{layer}/``; empty where the layer has none then.
        total: Frames of the cube, of which the strip may show a part.
        synthetic: Whether the data are made up.
    """

    cube: str
    layer: str
    method: str
    version: str
    bounds: Bounds
    moments: tuple[Moment, ...]
    files: tuple[str, ...]
    total: int
    synthetic: bool

    @property
    def now(self) -> int:
        """Place of the last observed frame on the axis."""
        seen = [place for place, moment in enumerate(self.moments) if moment.index is not None]
        return seen[-1] if seen else 0
