"""What every exported file says of itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Self

from engine.fog.mask import WORDS, FogMask, State
from engine.fog.moments import stamp

CAVEAT: Final = "Satellites see tops and not the base: fog and very low stratus can't be told apart. What is obscured is not clear."


@dataclass(frozen=True, slots=True)
class About:
    """Origin and meaning of a mask.

    Attributes:
        title: What a person calls it.
        time: Of the frame, UTC.
        method: Which detector, or which forecast.
        source: Name of the cube.
        synthetic: Whether the data are made up.
        validity: Condition → share of the judged cells under it, 0–1.
        notes: What holds for the frame as a whole.
    """

    title: str
    time: datetime
    method: str
    source: str
    synthetic: bool
    validity: Mapping[str, float]
    notes: tuple[str, ...]

    @classmethod
    def of(cls, mask: FogMask) -> Self:
        """Of a mask."""
        mark = "SYNTHETIC: " if mask.synthetic else ""
        title = f"{mark}{WORDS} over {mask.source}, {mask.time:%Y-%m-%d %H:%M} UTC"
        return cls(title, mask.time, mask.method, mask.source, mask.synthetic, dict(mask.validities), tuple(mask.notes))

    @property
    def stamp(self) -> str:
        """The time as it stands in file names."""
        return stamp(self.time)

    def record(self) -> dict[str, Any]:
        """As JSON and as attributes of files."""
        return {
            "title": self.title,
            "words": WORDS,
            "time": self.time.astimezone(UTC).isoformat(),
            "method": self.method,
            "source": self.source,
            "synthetic": self.synthetic,
            "states": {str(int(state)): state.words for state in State},
            "validity": {name: round(share, 4) for name, share in self.validity.items()},
            "caveat": CAVEAT,
            "notes": list(self.notes),
        }


def file_name(cube: str, when: str, method: str, ending: str, *, synthetic: bool, what: str = "fog-or-very-low-stratus") -> str:
    """What an exported file is called: ``SYNTHETIC_fog-or-very-low-stratus_yellow-sea_20210601T113000Z_physics.tif``."""
    plain = [re.sub(r"[^A-Za-z0-9.-]+", "-", part).strip("-.")[:60] for part in (cube.replace("SYNTHETIC_", ""), when, method)]
    return "_".join(filter(None, ["SYNTHETIC" if synthetic else "", what, *plain])) + f".{ending}"
