"""Why a pixel is what it is: every test with its value, its threshold and what it came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from engine.fog.mask import WORDS, State


@dataclass(frozen=True, slots=True)
class Finding:
    """One test at one pixel.

    Attributes:
        check: Name of the :class:`engine.fog.mask.Check`, lower case.
        words: What it says here.
        quantity: What was measured, in words.
        value: The value; ``None`` where there is none.
        unit: Of value and threshold.
        threshold: Where it turns from against to for; ``None`` where the test could not be made.
        passed: Whether it speaks for fog or very low stratus; ``None`` where it could not be made.
        weight: How much it moves the probability, as log odds; positive speaks for it. ``None`` for screens, which decide alone.
    """

    check: str
    words: str
    quantity: str
    value: float | None
    unit: str
    threshold: float | None
    passed: bool | None
    weight: float | None = None

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Explanation:
    """A pixel that is read out.

    Attributes:
        time: Of the frame, UTC.
        row: From the north.
        column: From the west.
        lat: Of the cell's centre, degrees.
        lon: Of the cell's centre, degrees east.
        state: What it is.
        probability: Of fog or very low stratus, 0–1; ``None`` where it is obscured or there is no data.
        solar_zenith: Degrees; ``None`` where time or place is not known.
        view_zenith: Degrees; ``None`` where the satellite's place is not known.
        validity: Conditions that hold, in words.
        findings: The tests.
        values: What the cube holds here: element → value, ``None`` where there is none.
        method: Which detector.
        notes: What holds for the whole frame.
    """

    time: datetime
    row: int
    column: int
    lat: float
    lon: float
    state: State
    probability: float | None
    solar_zenith: float | None
    view_zenith: float | None
    validity: tuple[str, ...]
    findings: tuple[Finding, ...]
    values: Mapping[str, float | None]
    method: str
    notes: tuple[str, ...] = field(default=())

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "time": self.time.isoformat(),
            "row": self.row,
            "column": self.column,
            "lat": self.lat,
            "lon": self.lon,
            "state": self.state.name.lower(),
            "words": self.state.words,
            "event": WORDS,
            "probability": self.probability,
            "solar_zenith": self.solar_zenith,
            "view_zenith": self.view_zenith,
            "validity": list(self.validity),
            "findings": [finding.record() for finding in self.findings],
            "values": dict(self.values),
            "method": self.method,
            "notes": list(self.notes),
        }
