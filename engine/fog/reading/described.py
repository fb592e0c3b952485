"""A bare array whose axes, units, place and time a YAML file beside it describes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import SourceInvalid, TimeInvalid, UnitsUnclear
from engine.fog import angles
from engine.fog.elements import Element
from engine.fog.grid import Grid
from engine.fog.provenance import Provenance, fingerprint
from engine.fog.reading.m4fog import opened
from engine.fog.reading.options import Options
from engine.fog.reading.units import converted
from engine.fog.series import FloatField, Frame, Series, in_order
from engine.types import Region, utc

AXES: Final = ("element", "lat", "lon", "time")


class DescribedSeries(Series):
    """An ``.npy`` array with a description.

    The description names ``axes`` (the order of element, lat, lon and, where there is one, time), ``elements`` (one name a layer, null
    for a layer that is not taken), ``times``, ``bounds`` (west, south, east, north) and ``synthetic``; and where it applies ``units``
    (element → unit), ``sun_normalised``, ``place_known``, ``platform``, ``sub_satellite_lon``, ``south_first``, ``licence``, ``notes``.
    The cube's own export (:meth:`engine.fog.stack.Stack.save`) is such a pair of files.

    Raises:
        SourceInvalid: If the description is missing or does not fit the array.
    """

    def __init__(self, path: Path, options: Options) -> None:
        self.name = path.stem
        self._about = _description(path, options.description)
        array = opened(path)
        self._axes = tuple(str(axis) for axis in self._need("axes", "element, lat, lon, time").replace(" ", "").split(","))
        if sorted(self._axes) not in (sorted(AXES), sorted(AXES[:3])) or len(self._axes) != array.ndim:
            raise SourceInvalid(path.name, f"its description has the axes {', '.join(self._axes)}, the array {array.ndim} axes.")
        order = [self._axes.index(axis) for axis in AXES if axis in self._axes]
        self._array = array.transpose(order) if "time" in self._axes else array.transpose(order)[..., None]
        self._layers = self._layer_names()
        self.times = self._when()
        self.grid = Grid.of_shape(self._box(options), (self._array.shape[1], self._array.shape[2]))
        self.elements = options.chosen(self.name, tuple(name for name in self._layers if name))
        self._flip = bool(self._about.get("south_first", False))
        units = {
            name: converted(name, Element.named(name), self._layer(name, 0), self._unit(name), self._sun(0))[1] for name in self.elements
        }
        self.provenance = self._provenance(path, options, units)

    def _need(self, key: str, otherwise: str = "") -> Any:  # noqa: ANN401 - whatever YAML holds
        value = self._about.get(key, otherwise or None)
        if value is None:
            raise SourceInvalid(self.name, f"its description lacks “{key}”.")
        return ",".join(value) if key == "axes" and isinstance(value, list) else value

    def _layer_names(self) -> tuple[str, ...]:
        names = tuple("" if name is None else str(name) for name in self._need("elements"))
        if len(names) != len(self._array):
            raise SourceInvalid(self.name, f"its description names {len(names)} layers, the array has {len(self._array)}.")
        wrong = [name for name in names if name and Element.find(name) is None]
        if wrong:
            raise SourceInvalid(self.name, f"{wrong[0]} is no element; write null for layers that are not taken.")
        return names

    def _when(self) -> tuple[datetime, ...]:
        try:
            times = tuple(utc(each if isinstance(each, datetime) else str(each)) for each in self._need("times"))
        except (TimeInvalid, TypeError):
            raise SourceInvalid(self.name, "its description needs “times” as a list, such as 2013-11-12T08:30Z.") from None
        if len(times) != self._array.shape[3]:
            raise SourceInvalid(self.name, f"its description names {len(times)} times, the array has {self._array.shape[3]}.")
        in_order(self.name, times)
        return times

    def _box(self, options: Options) -> Any:  # noqa: ANN401 - bounds
        return options.box or Region.from_like(",".join(str(side) for side in self._need("bounds"))).bounds

    def _unit(self, name: str) -> str:
        return str((self._about.get("units") or {}).get(name, ""))

    def _sun(self, index: int) -> float:
        return float(angles.sun_zenith(self.grid, self.times[index]).min())

    def _layer(self, name: str, index: int) -> FloatField:
        values: NDArray[Any] = self._array[self._layers.index(name), :, :, index]
        return np.asarray(values[::-1] if self._flip else values, dtype=np.float32)

    def _provenance(self, path: Path, options: Options, units: dict[str, str]) -> Provenance:
        about, (files, digest) = self._about, fingerprint([path])
        longitude = about.get("sub_satellite_lon")
        whole = Provenance(
            synthetic=bool(self._need("synthetic")) if options.synthetic is None else options.synthetic,
            title=str(about.get("title", self.name)),
            source=str(about.get("source", path.name)),
            layout="array",
            platform=str(about.get("platform", "")),
            satellite_longitude=None if longitude is None else float(longitude),
            region=options.region_id,
            units_detected=units,
            wavelengths={str(name): float(value) for name, value in (about.get("wavelengths_um") or {}).items()},
            files=files,
            files_sha256=digest,
            sun_normalised=bool(about.get("sun_normalised", True)),
            place_known=bool(about.get("place_known", True)),
            licence=str(about.get("licence", "")),
            notes=tuple(str(note) for note in about.get("notes") or ()),
        )
        return whole if whole.place_known else replace(whole, notes=(*whole.notes, "the place is not known exactly; the box is nominal"))

    def frame(self, index: int) -> Frame:
        """One time; values in each element's unit."""
        sun, fields = self._sun(index), {}
        for name in self.elements:
            values, found = converted(name, Element.named(name), self._layer(name, index), self._unit(name), sun)
            if np.isfinite(values).any() and found.split(" ")[0] != self.provenance.units_detected[name].split(" ")[0]:
                raise UnitsUnclear(
                    self.name, f"{name} is in {found} at {self.times[index]:%Y-%m-%d %H:%M} UTC, but not in the first frame."
                )
            fields[name] = values
        return Frame(fields)


def _description(path: Path, given: Path | None) -> dict[str, Any]:
    import yaml

    beside = given or path.with_suffix(".yaml")
    if not beside.is_file():
        raise SourceInvalid(
            path.name, f"a bare array needs a description beside it ({beside.name}): axes, elements, times, bounds, synthetic."
        )
    try:
        record = yaml.safe_load(beside.read_text(encoding="utf-8"))
    except (yaml.YAMLError, OSError, UnicodeDecodeError) as error:
        raise SourceInvalid(beside.name, f"it is no YAML ({type(error).__name__}).") from None
    if not isinstance(record, dict):
        raise SourceInvalid(beside.name, "it names nothing.")
    return record
