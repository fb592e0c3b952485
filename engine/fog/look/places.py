"""Ports and points: from when to when each lies in fog or very low stratus."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any, Final, Literal, Self

import numpy as np

from engine.errors import PharosError, PointInvalid, PointOutside, RecipeInvalid
from engine.fog.cube import Cube
from engine.fog.look.judge import Judge
from engine.fog.look.readout import cell_at
from engine.fog.mask import FogMask, State
from engine.fog.moments import Moment, spacing
from engine.progress import Cancel, Progress, silent, stop_if
from engine.settings import ASSETS

Told = Literal["fog", "clear", "obscured", "no data", "gap"]

REACH_KM: Final = 12.0
"""How far the nearest sea may be from a place on land."""
MOST_PLACES: Final = 50
NAME_LENGTH: Final = 60
_DEGREE_KM: Final = 111.2
_TOLD: Final[Mapping[State, Told]] = {State.FOG: "fog", State.CLEAR: "clear", State.OBSCURED: "obscured", State.NO_DATA: "no data"}
_WORDS: Final[Mapping[Told, str]] = {
    "fog": "in fog or very low stratus",
    "clear": "clear of fog",
    "obscured": "obscured by higher cloud",
    "no data": "no data",
    "gap": "no frame",
}


@dataclass(frozen=True, slots=True)
class Place:
    """A port, or a point of the person's.

    Attributes:
        name: What it is called.
        lon: Degrees east.
        lat: Degrees north.
        port: Whether it is one of the known ports.
    """

    name: str
    lon: float
    lat: float
    port: bool = False

    @classmethod
    def from_text(cls, text: str) -> Self:
        """A place from ``NAME,LON,LAT``, or ``LON,LAT`` alone.

        Raises:
            PointInvalid: If it is none.
        """
        *name, lon, lat = ["", *text.split(",")] if text.count(",") == 1 else text.rsplit(",", 2) if "," in text else ["", "", ""]
        return cls.of(",".join(name), lon, lat)

    @classmethod
    def of(cls, name: object, lon: object, lat: object) -> Self:
        """A place from what a person gave.

        Raises:
            PointInvalid: If it is none.
        """
        try:
            east, north = float(str(lon)), float(str(lat))
        except ValueError:
            east = north = float("nan")
        if not (-540 <= east <= 540 and -90 <= north <= 90):
            raise PointInvalid(f"{str(name)[:40]},{str(lon)[:20]},{str(lat)[:20]}")
        words = " ".join(str(name or "").split())[:NAME_LENGTH]
        return cls(words or f"{north:.2f}° N {east:.2f}° E", (east + 180) % 360 - 180, north)


@dataclass(frozen=True, slots=True)
class Spell:
    """Frames in a row over which a place stays the same.

    Attributes:
        state: What it is; ``gap`` where no frame was taken.
        start: Time of the first of them, UTC.
        end: Time of the last of them, UTC.
        frames: How many.
        open_start: Whether nothing is known of the time before: the series begins, or a gap or higher cloud lies there.
        open_end: Likewise of the time after.
        forecast: Whether it is predicted.
        probability: Highest probability in it; ``None`` where there is none.
    """

    state: Told
    start: datetime
    end: datetime
    frames: int
    open_start: bool
    open_end: bool
    forecast: bool
    probability: float | None

    @property
    def words(self) -> str:
        """As a person reads it: “in fog or very low stratus from 03:30 to 11:00 UTC”."""
        state = _WORDS[self.state]
        sure = f" ({self.probability:.2f})" if self.forecast and self.probability is not None else ""
        ahead = "forecast: " if self.forecast else ""
        start, end = (f"{when:%Y-%m-%d %H:%M} UTC" for when in (self.start, self.end))
        if self.start.date() == self.end.date():
            end = f"{self.end:%H:%M} UTC"
        if self.frames == 1:
            return f"{ahead}{state} at {start}{sure}"
        since = "at least from" if self.open_start and self.state == "fog" else "from"
        until = "at least to" if self.open_end and self.state == "fog" else "to"
        return f"{ahead}{state} {since} {start.removesuffix(' UTC')} {until} {end}{sure}"

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "state": self.state,
            "words": self.words,
            "start": self.start.isoformat(),
            "end": self.end.isoformat(),
            "frames": self.frames,
            "open_start": self.open_start,
            "open_end": self.open_end,
            "forecast": self.forecast,
            "probability": self.probability,
        }


@dataclass(frozen=True, slots=True)
class PlaceSpells:
    """What became of a place over a series.

    Attributes:
        place: Which.
        cell: Longitude and latitude of the cell of sea that stands for it; ``None`` where there is none.
        km: How far that is.
        spells: In order of time.
        why: Why there is none, in words.
    """

    place: Place
    cell: tuple[float, float] | None
    km: float
    spells: tuple[Spell, ...]
    why: str = ""

    @property
    def fog(self) -> tuple[Spell, ...]:
        """Its spells in fog or very low stratus."""
        return tuple(spell for spell in self.spells if spell.state == "fog")

    @property
    def words(self) -> str:
        """In a sentence: the spells of fog, else what it was most of the time."""
        if self.why:
            return self.why
        if self.fog:
            return "; ".join(spell.words for spell in self.fog)
        counts: dict[Told, int] = {}
        for spell in self.spells:
            counts[spell.state] = counts.get(spell.state, 0) + spell.frames
        if not counts:
            return "no frame"
        most = max(counts, key=lambda state: counts[state])
        hidden = counts.get("obscured", 0)
        if most == "clear" and hidden:
            return f"no fog seen; hidden by higher cloud in {hidden} of {sum(counts.values())} frames"
        return "no fog seen" if most == "clear" else f"no fog seen; mostly {_WORDS[most]}"

    def at(self, when: datetime) -> Spell | None:
        """The spell that holds a time."""
        return next((spell for spell in self.spells if spell.start <= when <= spell.end), None)

    def record(self) -> dict[str, Any]:
        """As JSON."""
        cell = None if self.cell is None else {"lon": round(self.cell[0], 5), "lat": round(self.cell[1], 5), "km": round(self.km, 1)}
        return {
            "name": self.place.name,
            "lon": self.place.lon,
            "lat": self.place.lat,
            "port": self.place.port,
            "cell": cell,
            "why": self.why,
            "words": self.words,
            "spells": [spell.record() for spell in self.spells],
        }


@lru_cache(maxsize=4)
def _ports(path: Path) -> Mapping[str, tuple[Place, ...]]:
    import yaml

    try:
        record = yaml.safe_load(path.read_text(encoding="utf-8"))
        return {
            str(region): tuple(replace(Place.of(name, *place), port=True) for name, place in known.items())
            for region, known in record.items()
        }
    except (OSError, yaml.YAMLError, AttributeError, TypeError, ValueError, PointInvalid) as error:
        raise RecipeInvalid(path.name, f"it is no table of ports ({type(error).__name__}).") from None


def ports(region: str, path: Path = ASSETS / "fog" / "ports.yaml") -> tuple[Place, ...]:
    """Ports of a sea region by its id; none for other regions.

    Raises:
        RecipeInvalid: If the table is none.
    """
    return _ports(path).get(region, ())


def sea_cell(cube: Cube, place: Place) -> tuple[int, int, float]:
    """Row, column and distance in km of the cell of sea nearest to a place: its own, or for ports on land one within 12 km.

    Raises:
        PointOutside: If the place lies outside the cube, or no sea is near.
    """
    row, column = cell_at(cube, place.lon, place.lat)
    land = cube.land
    if land is None or not land[row, column]:
        return row, column, 0.0
    down, across = cube.grid.step
    narrow = max(float(np.cos(np.deg2rad(place.lat))), 0.05)
    tall, wide = (int(np.ceil(REACH_KM / _DEGREE_KM / size)) for size in (down, across * narrow))
    rows = np.arange(max(0, row - tall), min(cube.shape[0], row + tall + 1))
    columns = np.arange(max(0, column - wide), min(cube.shape[1], column + wide + 1))
    km = _DEGREE_KM * np.hypot((rows[:, None] - row) * down, (columns[None, :] - column) * across * narrow)
    km = np.where(land[np.ix_(rows, columns)] | (km > REACH_KM), np.inf, km)
    best = np.unravel_index(int(np.argmin(km)), km.shape)
    if not np.isfinite(km[best]):
        raise PointOutside(place.lon, place.lat, cube.title, f"sea no nearer than {REACH_KM:.0f} km to there")
    return int(rows[best[0]]), int(columns[best[1]]), float(km[best])


def place_spells(
    cube: Cube,
    moments: Sequence[Moment],
    find: Judge,
    places: Sequence[Place],
    *,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> tuple[PlaceSpells, ...]:
    """Spells of each place over a series.

    Args:
        cube: The cube.
        moments: When; a gap is a spell of its own and ends the one before it.
        find: The mask of each moment.
        places: Which; one that lies elsewhere gets no spells and says why.
        progress: Told of each moment.
        cancel: Stops between two.
    """
    cells: dict[int, tuple[int, int, float]] = {}
    out: dict[int, PlaceSpells] = {}
    for number, place in enumerate(places):
        try:
            cells[number] = sea_cell(cube, place)
        except PointOutside as error:
            out[number] = PlaceSpells(place, None, 0.0, (), str(error))
    seen: dict[int, list[tuple[Moment, Told, float | None]]] = {number: [] for number in cells}
    for done, moment in enumerate(moments):
        stop_if(cancel, "The series")
        progress("following the points", done, len(moments))
        mask = _mask(moment, find)
        for number, (row, column, _) in cells.items():
            seen[number].append((moment, *_told(mask, moment, row, column)))
    progress("following the points", len(moments), len(moments))
    step = spacing(cube.times)
    for number, (row, column, km) in cells.items():
        cell = (float((cube.lon[column] + 180) % 360 - 180), float(cube.lat[row]))
        out[number] = PlaceSpells(places[number], cell, km, tuple(spells(seen[number], step)))
    return tuple(out[number] for number in range(len(places)))


def _mask(moment: Moment, find: Judge) -> FogMask | None:
    try:
        return None if moment.gap else find(moment)
    except PharosError:  # an empty or broken frame says nothing of any point
        return None


def _told(mask: FogMask | None, moment: Moment, row: int, column: int) -> tuple[Told, float | None]:
    if mask is None:
        return ("gap" if moment.gap else "no data"), None
    probability = float(mask.probability[row, column])
    return _TOLD[State(int(mask.state[row, column]))], round(probability, 4) if np.isfinite(probability) else None


def spells(seen: Sequence[tuple[Moment, Told, float | None]], step: timedelta) -> Iterator[Spell]:
    """Spells of one place.

    Args:
        seen: Moment, state and probability, in order of time.
        step: Usual distance of two frames.
    """
    runs = [list(run) for _, run in groupby(seen, key=lambda each: (each[1], each[0].forecast))]
    for place, run in enumerate(runs):
        moments = [moment for moment, _, _ in run]
        state = run[0][1]
        end = moments[-1].time + step * max(moments[-1].missing - 1, 0)
        before, after = (runs[place - 1] if place else None), (runs[place + 1] if place + 1 < len(runs) else None)
        sure = [probability for _, _, probability in run if probability is not None]
        yield Spell(
            state=state,
            start=moments[0].time,
            end=end,
            frames=sum(max(moment.missing, 1) for moment in moments),
            open_start=before is None or before[-1][1] not in ("clear", "fog"),
            open_end=after is None or after[0][1] not in ("clear", "fog"),
            forecast=moments[0].forecast,
            probability=max(sure) if sure else None,
        )
