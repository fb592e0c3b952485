"""Evidence added up: each quantity moves the log odds of a question by an amount that can be read from a table.

The tables are ``assets/detection/physics.yaml``, fitted by :mod:`engine.fog.detection.fitting`. A quantity without a value moves
nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from engine.errors import RecipeInvalid
from engine.fog.detection.features import QUANTITIES
from engine.fog.mask import Check
from engine.settings import ASSETS

Field = NDArray[np.float32]
Rows = NDArray[np.intp]
Lighting = Literal["day", "twilight", "night"]

FILE: Final = ASSETS / "detection" / "physics.yaml"
LIGHTINGS: Final[tuple[Lighting, ...]] = ("day", "twilight", "night")
SUNLIT: Final = frozenset({"bright", "liquid", "rough_bright", "fineness"})
"""Quantities that fade with the sun; what they say counts less from 84° and nothing from 88°."""
_BINS: Final = 256
"""Steps of the table that a quantity is looked up in; of droplets that is 0.1 %."""
_COARSE: Final = 64
"""Steps each way of the table for two quantities."""
_ABSENT: Final = _BINS + 4
"""Row for what is absent; a fourth of it is the row behind the last one of the coarse table."""

CHECKS: Final[Mapping[str, Check]] = {
    "droplets": Check.DROPLETS,
    "around_droplets": Check.DROPLETS,
    "height": Check.LOW_TOP,
    "around_height": Check.LOW_TOP,
    "rough": Check.SMOOTH,
    "rough_droplets": Check.SMOOTH,
    "rough_bright": Check.SMOOTH,
    "bright": Check.BRIGHT,
    "liquid": Check.LIQUID,
    "ice": Check.NO_ICE,
    "window": Check.WARM,
    "grains": Check.NO_DUST,
    "opacity": Check.DROPLETS,
    "top": Check.LOW_TOP,
    "fineness": Check.DROPLETS,
}
"""Which test a quantity belongs to."""


@dataclass(frozen=True, slots=True)
class Curve:
    """How a quantity moves the log odds: straight between knots, constant beyond them.

    Attributes:
        quantity: Its name.
        at: Knots, rising, in the quantity's unit.
        odds: Log odds at the knots.
    """

    quantity: str
    at: tuple[float, ...]
    odds: tuple[float, ...]

    def weigh(self, value: float) -> float:
        """Log odds that a value adds."""
        return float(np.interp(value, self.at, self.odds))

    def threshold(self, value: float) -> float | None:
        """Where it turns from against to for, the place nearest to a value; ``None`` where it never does."""
        at, odds = np.array(self.at), np.array(self.odds)
        turns = np.flatnonzero(np.sign(odds[:-1]) != np.sign(odds[1:]))
        if not turns.size:
            return None
        places = at[turns] - odds[turns] * (at[turns + 1] - at[turns]) / (odds[turns + 1] - odds[turns])
        return float(places[np.argmin(np.abs(places - value))])


@dataclass(frozen=True, slots=True)
class Sheet:
    """How two quantities together move the log odds, beyond what each does alone: bilinear between knots.

    Attributes:
        first: Name of a quantity.
        second: Name of another.
        at: Knots of the first.
        across: Knots of the second.
        odds: Log odds: a row for each knot of the first.
    """

    first: str
    second: str
    at: tuple[float, ...]
    across: tuple[float, ...]
    odds: tuple[tuple[float, ...], ...]

    def weigh(self, one: float, two: float) -> float:
        """Log odds that a pair of values adds."""
        rows = [float(np.interp(two, self.across, row)) for row in self.odds]
        return float(np.interp(one, self.at, rows))


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for and against the answer to a question under one light.

    Attributes:
        base: Log odds before anything was looked at.
        curves: One a quantity.
        sheets: One for some pairs of quantities.
        imagers: What is added for an imager, log odds.
    """

    base: float
    curves: tuple[Curve, ...]
    sheets: tuple[Sheet, ...] = ()
    imagers: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Context:
    """How neighbours count: log odds = own · here + near · mean within 9 km + far · mean within 45 km.

    Attributes:
        own: Weight of the cell itself.
        near: Of its neighbours.
        far: Of the surroundings.
    """

    own: float
    near: float
    far: float


@dataclass(frozen=True, slots=True)
class Question:
    """A question that has yes and no as answers.

    Attributes:
        name: For example fog.
        lights: Evidence by light.
        context: How neighbours count, by light; empty where they don't.
    """

    name: str
    lights: Mapping[Lighting, Evidence]
    context: Mapping[Lighting, Context]


def light_shares(zenith: Field) -> dict[Lighting, Field]:
    """How much each light counts, 0–1, summing to 1: day up to a zenith angle of 74°, night from 92°, twilight in full from 82° to 87°."""
    day = np.clip((82 - zenith) * np.float32(1 / 8), 0, 1)
    night = np.clip((zenith - 87) * np.float32(1 / 5), 0, 1)
    return {"day": day, "twilight": 1 - day - night, "night": night}


def sunlit_share(zenith: Field) -> Field:
    """How much sunlight counts, 0–1."""
    return np.asarray(np.clip((88 - zenith) * np.float32(1 / 4), 0, 1), dtype=np.float32)


class Places:
    """Where some cells lie in the tables, of single quantities and of pairs; those of pairs are kept, for many terms ask for them."""

    def __init__(self, alone: dict[tuple[str, ...], Rows]) -> None:
        self._rows = alone
        self._coarse: dict[str, Rows] = {}

    def of(self, quantities: tuple[str, ...]) -> Rows | None:
        """(k,) places in the table of one quantity or of two; ``None`` where one of them is absent from the frame."""
        if quantities not in self._rows:
            if len(quantities) == 1 or any((name,) not in self._rows for name in quantities):
                return None
            one, two = (self._thinned(name) for name in quantities)
            self._rows[quantities] = one * (_COARSE + 2) + two
        return self._rows[quantities]

    def _thinned(self, name: str) -> Rows:
        if name not in self._coarse:
            self._coarse[name] = (self._rows[name,] + 2) >> 2
        return self._coarse[name]


class Lookup:
    """The curves and sheets of some questions as tables, so that a frame is answered in a few passes.

    Attributes:
        quantities: Names of the quantities that are used.
    """

    def __init__(self, asked: Iterable[Question]) -> None:
        self._range: dict[str, tuple[float, float]] = {}
        self._terms: dict[tuple[str, Lighting], list[_Term]] = {}
        for question in asked:
            for light, evidence in question.lights.items():
                self._terms[question.name, light] = [self._of_curve(curve) for curve in evidence.curves]
                self._terms[question.name, light] += [self._of_sheet(sheet) for sheet in evidence.sheets]
        self.quantities = tuple(self._range)

    def places(self, values: Mapping[str, Field]) -> Places:
        """Where cells lie in the tables.

        Args:
            values: Quantity → (k,) float32; those that no question asks for are passed over.
        """
        return Places({(name,): self._rows(name, values[name]) for name in self.quantities if name in values})

    def _rows(self, quantity: str, values: Field) -> Rows:
        """0 to 256; 260 for those that are absent."""
        low, high = self._range[quantity]
        place = (values - np.float32(low)) * np.float32(_BINS / (high - low))
        place += np.float32(0.5)
        absent = np.isnan(place)
        np.clip(place, 0, _BINS, out=place)
        place[absent] = _ABSENT
        return place.astype(np.intp)

    def weigh(self, question: str, light: Lighting, places: Places, sunlit: Field, by_check: dict[Check, Field] | None = None) -> Field:
        """Log odds that the evidence adds up to, without the base.

        Args:
            question: Its name.
            light: Under which light.
            places: From :meth:`places`; quantities that the frame can't give are left out.
            sunlit: (k,) how much sunlight counts, 0–1.
            by_check: Where to add what each test contributes.

        Returns:
            (k,) float32.
        """
        total = np.zeros(sunlit.shape, dtype=np.float32)
        high = bool(sunlit.min() == 1) if sunlit.size else True
        for term in self._terms[question, light]:
            rows = places.of(term.quantities)
            if rows is None:
                continue
            part = term.table.take(rows, mode="wrap")  # never beyond its end; this is the mode that checks fastest
            if term.needs_sun and not high:
                part *= sunlit
            total += part
            if by_check is not None:
                _share(part, term.quantities, by_check)
        return total

    def _of_curve(self, curve: Curve) -> _Term:
        low, high = self._range.setdefault(curve.quantity, (curve.at[0], curve.at[-1]))
        steps = np.linspace(low, high, _BINS + 1)
        table = np.zeros(_ABSENT + 1, dtype=np.float32)
        table[: _BINS + 1] = np.interp(steps, curve.at, curve.odds)
        return _Term.of((curve.quantity,), table)

    def _of_sheet(self, sheet: Sheet) -> _Term:
        from scipy.interpolate import RegularGridInterpolator

        ranges = (
            self._range.setdefault(sheet.first, (sheet.at[0], sheet.at[-1])),
            self._range.setdefault(sheet.second, (sheet.across[0], sheet.across[-1])),
        )
        down, across = (
            np.clip(np.linspace(low, high, _COARSE + 1), at[0], at[-1])
            for (low, high), at in zip(ranges, (sheet.at, sheet.across), strict=True)
        )
        fine = RegularGridInterpolator((np.array(sheet.at), np.array(sheet.across)), np.array(sheet.odds))
        table = np.zeros((_COARSE + 2, _COARSE + 2), dtype=np.float32)  # the last row and column are for absent values
        table[:-1, :-1] = fine(tuple(np.meshgrid(down, across, indexing="ij")))
        return _Term.of((sheet.first, sheet.second), table.ravel())


def _share(part: Field, quantities: tuple[str, ...], by_check: dict[Check, Field]) -> None:
    """Add what a term says to the tests that it belongs to; what two quantities say together is halved between them."""
    checks = {CHECKS[name] for name in quantities}
    if len(checks) > 1:
        part = part * np.float32(0.5)
    for check in checks:
        if check in by_check:
            by_check[check] += part
        else:
            by_check[check] = part.copy()


@dataclass(frozen=True, slots=True, eq=False)
class _Term:
    """A curve or a sheet as a table."""

    quantities: tuple[str, ...]
    table: Field
    needs_sun: bool

    @classmethod
    def of(cls, quantities: tuple[str, ...], table: Field) -> _Term:
        return cls(quantities, table, needs_sun=bool(SUNLIT & set(quantities)))


@lru_cache(maxsize=2)
def questions(path: Path = FILE) -> dict[str, Question]:
    """The questions by name.

    Raises:
        RecipeInvalid: If the file is broken, or names a quantity that is none.
    """
    import yaml

    try:
        return read_questions(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise RecipeInvalid(path.name, f"{type(error).__name__}: {error}") from None


def read_questions(content: Mapping[str, Any]) -> dict[str, Question]:
    """Questions by name, from the content of a file; raises what a broken one raises."""
    knots = {str(name): tuple(float(value) for value in at) for name, at in content["knots"].items()}
    return {str(record["name"]): _question(record, knots) for record in content["questions"]}


def _question(record: dict[str, Any], knots: Mapping[str, tuple[float, ...]]) -> Question:
    lights: dict[Lighting, Evidence] = {}
    context: dict[Lighting, Context] = {}
    for light in LIGHTINGS:
        if light not in record["lights"]:
            continue
        part = record["lights"][light]
        curves = tuple(Curve(name, knots[name], _row(odds, knots[name])) for name, odds in part["alone"].items())
        sheets = tuple(_sheet(name, odds, knots) for name, odds in part.get("together", {}).items())
        unknown = {curve.quantity for curve in curves} - set(QUANTITIES)
        if unknown:
            raise ValueError(f"{', '.join(unknown)} is no quantity")
        imagers = {str(name): float(value) for name, value in part.get("imagers", {}).items()}
        lights[light] = Evidence(float(part["base"]), curves, sheets, imagers)
        if "context" in part:
            context[light] = Context(*(float(part["context"][key]) for key in ("own", "near", "far")))
    return Question(str(record["name"]), lights, context)


def _row(odds: Sequence[float], at: Sequence[float]) -> tuple[float, ...]:
    if len(odds) != len(at):
        raise ValueError(f"{len(odds)} odds don't fit {len(at)} knots")
    return tuple(float(value) for value in odds)


def _sheet(name: str, odds: Sequence[Sequence[float]], knots: Mapping[str, tuple[float, ...]]) -> Sheet:
    first, _, second = name.partition(" and ")
    at, across = thinned(knots[first]), thinned(knots[second])
    if len(odds) != len(at):
        raise ValueError(f"{name} has {len(odds)} rows, {len(at)} are needed")
    return Sheet(first, second, at, across, tuple(_row(row, across) for row in odds))


def thinned(knots: Sequence[float]) -> tuple[float, ...]:
    """Every other knot, the last one in any case: those of a sheet."""
    every = tuple(knots[::2])
    return every if every[-1] == knots[-1] else (*every, knots[-1])
