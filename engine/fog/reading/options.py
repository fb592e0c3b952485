"""What a person may say about a source that does not say it itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from engine.errors import SourceInvalid
from engine.fog.grid import Grid
from engine.fog.regions import STEP, sea_regions
from engine.types import Bounds, Region


@dataclass(frozen=True, slots=True)
class Options:
    """Wishes of the person who converts.

    Attributes:
        region: Id of a sea region, or ``W,S,E,N``; empty where the source decides.
        step: Cell size of a new grid, degrees; ``None`` for the layout's own.
        elements: Which to take; empty for all.
        instrument: Id of an imager (``assets/instruments``); empty where the source decides.
        start: Time of the first frame, for sources that don't tell it.
        sample: Which sequence of a file that holds many.
        lag_minutes: Time between the two frames of a pair.
        synthetic: Whether the data are made up; ``None`` to look at the path and the source.
        names: Variable of the source → element, where names and attributes don't say it.
        description: YAML file that describes a bare array.
        onto: A grid that is there already.
    """

    region: str = ""
    step: float | None = None
    elements: tuple[str, ...] = ()
    instrument: str = ""
    start: datetime | None = None
    sample: int = 0
    lag_minutes: int = 30
    synthetic: bool | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    description: Path | None = None
    onto: Grid | None = None

    @property
    def box(self) -> Bounds | None:
        """The box of the region, if one was given.

        Raises:
            RegionInvalid: If the text is no box.
        """
        if not self.region:
            return None
        known = sea_regions()
        return known[self.region.upper()].bounds if self.region.upper() in known else Region.from_like(self.region).bounds

    @property
    def region_id(self) -> str:
        """The id of the sea region, or nothing where a box was given."""
        return self.region.upper() if self.region.upper() in sea_regions() else ""

    def grid(self, name: str) -> Grid:
        """The grid of the region.

        Raises:
            SourceInvalid: If no region was given.
        """
        box = self.box
        if box is None:
            raise SourceInvalid(name, "choose a region: one of the sea regions by its id, or W,S,E,N in degrees.")
        return Grid.over(box, self.step or STEP)

    def chosen(self, name: str, available: tuple[str, ...]) -> tuple[str, ...]:
        """The elements to take of those that a source has.

        Raises:
            SourceInvalid: If one that was asked for is not there, or none is.
        """
        lacking = [element for element in self.elements if element not in available]
        if lacking:
            raise SourceInvalid(name, f"it lacks {', '.join(lacking)}; it holds {', '.join(available) or 'no element'}.")
        chosen = self.elements or available
        if not chosen:
            raise SourceInvalid(
                name, "no variable of it is a known element. Name them with --name VARIABLE=ELEMENT, for example IR_108=BT1120."
            )
        return chosen
