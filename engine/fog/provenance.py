"""Where a cube comes from, and what of it is not known."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

FORMAT: Final = 1
"""Version of the cube format."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What a cube says about itself.

    Attributes:
        synthetic: Whether the data are made up; must always be said.
        title: What a person calls it.
        source: What it was made of.
        layout: Reader that made it.
        platform: Satellite.
        instrument: Imager.
        satellite_longitude: Longitude under the geostationary satellite, degrees east; ``None`` where not known.
        region: Id of a sea region, or empty.
        units_detected: Unit in which each element was found, before it was converted.
        wavelengths: Centre of the band that fills an element, µm, where it differs from the element's name.
        files: How many files.
        files_sha256: SHA-256 of their names and sizes.
        sun_normalised: Whether reflectances were divided by the cosine of the solar zenith angle; otherwise the cube does it on reading.
        time_known: Whether the times are real; nominal ones say nothing about day and night.
        place_known: Whether the grid is where it says.
        label_provenance: Who labelled, and how.
        licence: Terms of the data.
        notes: What was assumed, filled or left out.
    """

    synthetic: bool
    title: str = ""
    source: str = ""
    layout: str = ""
    platform: str = ""
    instrument: str = ""
    satellite_longitude: float | None = None
    region: str = ""
    units_detected: Mapping[str, str] = field(default_factory=dict)
    wavelengths: Mapping[str, float] = field(default_factory=dict)
    files: int = 0
    files_sha256: str = ""
    sun_normalised: bool = True
    time_known: bool = True
    place_known: bool = True
    label_provenance: str = ""
    licence: str = ""
    notes: tuple[str, ...] = ()

    @property
    def attrs(self) -> dict[str, Any]:
        """Attributes of a store; read back by :meth:`from_attrs`."""
        record: dict[str, Any] = {
            "Conventions": "CF-1.11",
            "fogcube_version": FORMAT,
            "synthetic": int(self.synthetic),
            "title": self.title if not self.synthetic or "SYNTHETIC" in self.title else f"SYNTHETIC {self.title}".strip(),
            "source": self.source,
            "layout": self.layout,
            "platform": self.platform,
            "instrument": self.instrument,
            "region_id": self.region,
            "units_detected": json.dumps(dict(self.units_detected)),
            "source_files": self.files,
            "source_files_sha256": self.files_sha256,
            "sun_normalised": int(self.sun_normalised),
            "time_known": int(self.time_known),
            "place_known": int(self.place_known),
            "label_provenance": self.label_provenance,
            "license": self.licence,
            "notes": json.dumps(list(self.notes), ensure_ascii=False),
        }
        if self.satellite_longitude is not None:
            record["sub_satellite_lon"] = self.satellite_longitude
        return record

    @classmethod
    def from_attrs(cls, attrs: Mapping[str, Any]) -> Self:
        """What the attributes of a store say; those that are absent are taken as known and normalised."""
        longitude = attrs.get("sub_satellite_lon")
        return cls(
            synthetic=str(attrs.get("synthetic", 0)) in {"1", "True"},
            title=str(attrs.get("title", "")),
            source=str(attrs.get("source", "")),
            layout=str(attrs.get("layout", "")),
            platform=str(attrs.get("platform", "")),
            instrument=str(attrs.get("instrument", "")),
            satellite_longitude=None if longitude is None else float(longitude),
            region=str(attrs.get("region_id", "")),
            units_detected=_json(attrs.get("units_detected"), {}),
            files=int(attrs.get("source_files", 0)),
            files_sha256=str(attrs.get("source_files_sha256", "")),
            sun_normalised=bool(int(attrs.get("sun_normalised", 1))),
            time_known=bool(int(attrs.get("time_known", 1))),
            place_known=bool(int(attrs.get("place_known", 1))),
            label_provenance=str(attrs.get("label_provenance", "")),
            licence=str(attrs.get("license", "")),
            notes=tuple(str(note) for note in _json(attrs.get("notes"), [])),
        )


def fingerprint(paths: Iterable[Path]) -> tuple[int, str]:
    """How many files, and the SHA-256 of their names and sizes in order."""
    digest, count = hashlib.sha256(), 0
    for path in paths:
        digest.update(f"{path.name} {path.stat().st_size}\n".encode())
        count += 1
    return count, digest.hexdigest() if count else ""


def marked_synthetic(path: Path) -> bool:
    """Whether a path says that what lies there is made up."""
    return any("synthetic" in part.casefold() for part in path.parts[-3:])


def _json(text: object, otherwise: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    try:
        value = json.loads(text) if isinstance(text, str) and text else otherwise
    except ValueError:
        return otherwise
    return value if isinstance(value, type(otherwise)) else otherwise
