"""Observations from ships, buoys and coast stations: tables of visibility and present weather."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from engine.errors import SourceInvalid, TimeInvalid
from engine.fog.grid import Grid
from engine.types import utc

FOG_VISIBILITY_M: Final = 1000.0
"""Fog is visibility below 1 km (WMO)."""
MOST_ROWS: Final = 5_000_000

_VISIBILITY_CODE_M: Final = {
    90: 25.0,
    91: 50.0,
    92: 200.0,
    93: 500.0,
    94: 1000.0,
    95: 2000.0,
    96: 4000.0,
    97: 10000.0,
    98: 20000.0,
    99: 50000.0,
}
"""Lower end of the classes of WMO code table 4377 at sea (90: below 50 m, so half of that)."""

_COLUMNS: Final = {
    "time": ("time", "datetime", "date_time", "timestamp", "valid"),
    "lat": ("lat", "latitude"),
    "lon": ("lon", "longitude", "long"),
    "visibility": ("vis_m", "visibility", "visibility_m", "vis"),
    "code": ("vv", "visibility_code"),
    "weather": ("ww", "present_weather", "weather"),
    "air": ("air_t", "air_temperature", "at"),
    "dewpoint": ("dewpoint", "dew_point", "dpt"),
    "sst": ("sst", "sea_temperature"),
    "wind": ("wind", "wind_speed"),
    "label": ("label", "fog"),
    "source": ("source", "station", "id", "ship"),
}


@dataclass(frozen=True, slots=True)
class Observations:
    """Sparse observations; all arrays have one value an observation.

    Attributes:
        seconds: (k,) int64 seconds since 1970-01-01 UTC.
        lat: (k,) degrees.
        lon: (k,) degrees east.
        visibility_m: (k,) float32, m; from a WMO code its lower end. NaN where unknown.
        weather: (k,) int16 WMO code 4677 of present weather, −1 where unknown.
        air_k: (k,) float32 air temperature, K.
        dewpoint_k: (k,) float32 dew point, K.
        sst_k: (k,) float32 sea surface temperature, K.
        wind: (k,) float32 wind speed, m s⁻¹.
        label: (k,) int8 1 fog, 0 none, −1 not said, as the table has it.
        source: (k,) who observed, text.
    """

    seconds: NDArray[np.int64]
    lat: NDArray[np.float64]
    lon: NDArray[np.float64]
    visibility_m: NDArray[np.float32]
    weather: NDArray[np.int16]
    air_k: NDArray[np.float32]
    dewpoint_k: NDArray[np.float32]
    sst_k: NDArray[np.float32]
    wind: NDArray[np.float32]
    label: NDArray[np.int8]
    source: NDArray[np.str_]

    @classmethod
    def read(cls, path: Path) -> Self:
        """A table with a header, separated by commas, semicolons, tabs or blanks.

        Time is one column (ISO 8601) or ``year, month, day, hour`` with 0.5 for half an hour, as in M4Fog's tables; visibility is in
        metres, or a WMO code in a column ``VV``; temperatures are in °C or K, told apart by their values.

        Raises:
            SourceInvalid: If a needed column is missing, a value is no number, or a place is off the Earth; it names the line.
        """
        rows, header = _rows(path)
        columns = {noun: next((header[name] for name in names if name in header), None) for noun, names in _COLUMNS.items()}
        for noun in ("lat", "lon"):
            if columns[noun] is None:
                raise SourceInvalid(path.name, f"it has no column {noun}. Its first line must name the columns.")
        if columns["visibility"] is None and columns["code"] is None and columns["weather"] is None and columns["label"] is None:
            raise SourceInvalid(path.name, "it has neither visibility (vis_m or VV), present weather (WW) nor a label.")
        table = _Table(path.name, rows, columns)
        code = table.numbers("code")
        meters = np.array([_VISIBILITY_CODE_M.get(int(each), np.nan) if np.isfinite(each) else np.nan for each in code])
        given = table.numbers("visibility")
        weather, label = table.numbers("weather"), table.numbers("label")
        return cls(
            seconds=_times(path.name, rows, header, columns["time"]),
            lat=table.within("lat", -90, 90),
            lon=(table.within("lon", -180, 360) + 180) % 360 - 180,
            visibility_m=np.where(np.isfinite(given), given, meters).astype(np.float32),
            weather=np.where(np.isfinite(weather), weather, -1).astype(np.int16),
            air_k=_kelvin(table.numbers("air")),
            dewpoint_k=_kelvin(table.numbers("dewpoint")),
            sst_k=_kelvin(table.numbers("sst")),
            wind=table.numbers("wind").astype(np.float32),
            label=np.where(np.isfinite(label), label, -1).astype(np.int8),
            source=np.array(table.texts("source"), dtype=np.str_),
        )

    def __len__(self) -> int:
        return self.seconds.size

    @property
    def fog(self) -> NDArray[np.int8]:
        """(k,) 1 fog, 0 no fog, −1 not known.

        Visibility below 1 km without rain or snow; where no visibility is given, fog as present weather (40–49); else the table's label.

        M4Fog's own rule (VV ≤ 94 and WW < 60) takes 1–2 km in, too; this is the WMO definition.
        """
        out = self.label.copy()
        by_weather = (self.weather >= 40) & (self.weather <= 49)
        out = np.where(self.weather >= 0, by_weather, out).astype(np.int8)
        seen = np.isfinite(self.visibility_m)
        dim = (self.visibility_m < FOG_VISIBILITY_M) & (self.weather < 60)
        return np.where(seen, dim, out).astype(np.int8)

    @property
    def times(self) -> tuple[datetime, ...]:
        """When each was made, UTC."""
        return tuple(datetime.fromtimestamp(int(value), tz=UTC) for value in self.seconds)

    def take(self, which: NDArray[Any]) -> Self:
        """Some of them: indices, or (k,) bool."""
        return type(self)(**{field.name: getattr(self, field.name)[which] for field in fields(self)})

    def near(self, when: datetime, within: timedelta = timedelta(minutes=30)) -> Self:
        """Those at most so far from a time."""
        return self.take(np.abs(self.seconds - int(when.timestamp())) <= int(within.total_seconds()))

    def inside(self, grid: Grid) -> Self:
        """Those that lie in a cell of a grid."""
        return self.take(self.cells(grid)[:, 0] >= 0)

    def cells(self, grid: Grid) -> NDArray[np.intp]:
        """(k, 2) row and column of each in a grid, −1 outside."""
        down, across = grid.step
        rows = np.floor((grid.lat[0] + down / 2 - self.lat) / down)
        west = grid.lon[0] - across / 2
        columns = np.floor((self.lon - west) % 360 / across)
        out = np.column_stack([rows, columns]).astype(np.intp)
        shape = np.array(grid.shape)
        out[((out < 0) | (out >= shape)).any(1)] = -1
        return out

    @property
    def variables(self) -> dict[str, tuple[NDArray[Any], dict[str, object]]]:
        """Store name → values and CF attributes; read back by :meth:`from_variables`."""
        return {f"obs_{field.name}": (getattr(self, field.name), dict(_ATTRIBUTES.get(field.name, {}))) for field in fields(self)}

    @classmethod
    def from_variables(cls, values: Mapping[str, NDArray[Any]]) -> Self:
        """From the variables of a store."""
        return cls(**{field.name: np.asarray(values[f"obs_{field.name}"]) for field in fields(cls)})


_ATTRIBUTES: Final[dict[str, dict[str, object]]] = {
    "seconds": {"long_name": "time of observation", "comment": "seconds since 1970-01-01 UTC"},
    "lat": {"standard_name": "latitude", "units": "degrees_north"},
    "lon": {"standard_name": "longitude", "units": "degrees_east"},
    "visibility_m": {"standard_name": "visibility_in_air", "units": "m"},
    "weather": {"long_name": "present weather, WMO code 4677; −1 unknown"},
    "air_k": {"standard_name": "air_temperature", "units": "K"},
    "dewpoint_k": {"standard_name": "dew_point_temperature", "units": "K"},
    "sst_k": {"standard_name": "sea_surface_temperature", "units": "K"},
    "wind": {"standard_name": "wind_speed", "units": "m s-1"},
    "label": {"long_name": "fog as the table says it; −1 not said"},
    "source": {"long_name": "who observed"},
}


@dataclass(frozen=True, slots=True)
class _Table:
    name: str
    rows: Sequence[Sequence[str]]
    columns: Mapping[str, int | None]

    def texts(self, noun: str) -> list[str]:
        column = self.columns[noun]
        return [""] * len(self.rows) if column is None else [row[column].strip() for row in self.rows]

    def numbers(self, noun: str) -> NDArray[np.float64]:
        """NaN where the cell is empty, −9999 or no value."""
        column = self.columns[noun]
        if column is None:
            return np.full(len(self.rows), np.nan)
        return np.array([_number(self.name, noun, line, row[column]) for line, row in enumerate(self.rows, 2)], dtype=np.float64)

    def within(self, noun: str, low: float, high: float) -> NDArray[np.float64]:
        values = self.numbers(noun)
        wrong = ~((values >= low) & (values <= high))
        if wrong.any():
            line = int(np.flatnonzero(wrong)[0])
            raise SourceInvalid(self.name, f"line {line + 2}: {noun} is {values[line]:g}, outside {low:g} to {high:g}.")
        return values


def _rows(path: Path) -> tuple[list[list[str]], dict[str, int]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceInvalid(path.name, f"it is no text file ({type(error).__name__}).") from None
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) < 2:
        raise SourceInvalid(path.name, "it holds no observation.")
    if len(lines) > MOST_ROWS:
        raise SourceInvalid(path.name, f"it has {len(lines):,} lines; at most {MOST_ROWS:,} are read. Split it by region or year.")
    separator = next((mark for mark in (",", ";", "\t") if mark in lines[0]), None)
    parsed = [line.split() for line in lines] if separator is None else list(csv.reader(lines, delimiter=separator))
    width = len(parsed[0])
    for number, row in enumerate(parsed, 1):
        if len(row) != width:
            raise SourceInvalid(path.name, f"line {number} has {len(row)} columns, the first has {width}.")
    return parsed[1:], {name.strip().casefold(): column for column, name in enumerate(parsed[0])}


def _number(name: str, noun: str, line: int, text: str) -> float:
    text = text.strip()
    if text.casefold() in {"", "nan", "na", "null", "none", "-", "-9999", "-999"}:
        return float("nan")
    try:
        return float(text)
    except ValueError:
        raise SourceInvalid(name, f"line {line}: {noun} is “{text[:20]}”, which is no number.") from None


def _times(name: str, rows: Sequence[Sequence[str]], header: Mapping[str, int], column: int | None) -> NDArray[np.int64]:
    parts = [header.get(part) for part in ("year", "month", "day", "hour")]
    stamps = []
    for line, row in enumerate(rows, 2):
        try:
            if column is not None:
                when = utc(row[column].strip().replace("Z", "+00:00"))
            elif None not in parts:
                year, month, day, hour = (float(row[part]) for part in parts if part is not None)
                when = datetime(int(year), int(month), int(day), tzinfo=UTC) + timedelta(hours=hour)
            else:
                raise SourceInvalid(name, "it has no time: neither a column time nor year, month, day and hour.")
        except (ValueError, OverflowError, TimeInvalid):
            raise SourceInvalid(name, f"line {line}: its time can't be read. Write it as 2021-04-02T03:30Z.") from None
        stamps.append(round(when.timestamp()))
    return np.array(stamps, dtype=np.int64)


def _kelvin(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """°C and K can't be mistaken for each other over the sea: what is below 100 is °C."""
    return np.where(values < 100, values + 273.15, values).astype(np.float32)
