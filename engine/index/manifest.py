"""``collection.json``: what a collection is made of, beside its shards."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Self

from shapely.geometry import shape

from engine import geometry as geo
from engine.errors import CollectionDamaged
from engine.index.shards import write_whole
from engine.types import Scene, utc

FORMAT: Final = 1
FILE: Final = "collection.json"


@dataclass(frozen=True)
class Manifest:
    """What a collection is made of.

    Attributes:
        name: Name of the collection.
        created: When it was begun, UTC.
        model_id: Id of the encoder.
        model_hash: First 12 hexadecimal digits of its weights' SHA-256.
        dim: Length of a vector.
        tiles: How scenes are cut: ``size`` (a number or None for the default), ``unit`` and ``overlap``.
        unit: Tiles of an acknowledged unit; fixed at the start, so that a resumed run forms the same units.
        scenes: Scenes by id.
        counts: Tiles of each scene that was finished, those without pixels included.
        unreadable: Scenes that were given up, with the reason.
    """

    name: str
    created: datetime
    model_id: str
    model_hash: str
    dim: int
    tiles: Mapping[str, Any]
    unit: int
    scenes: Mapping[str, Scene] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    unreadable: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the manifest of a collection's folder.

        Raises:
            CollectionDamaged: If it is no manifest that this version reads.
        """
        try:
            record = json.loads((folder / FILE).read_text(encoding="utf-8"))
            if record["format"] != FORMAT:
                raise CollectionDamaged(folder.name, f"its format is {record['format']}, this version reads {FORMAT}.")
            return cls(
                name=folder.name,
                created=utc(record["created"]),
                model_id=record["model"]["id"],
                model_hash=record["model"]["hash"],
                dim=int(record["model"]["dim"]),
                tiles=record["tiles"],
                unit=int(record["unit"]),
                scenes={entry["id"]: _scene(entry) for entry in record["scenes"]},
                counts=record["counts"],
                unreadable=record["unreadable"],
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise CollectionDamaged(folder.name, f"its {FILE} is not readable ({type(error).__name__}).") from None

    def write(self, folder: Path) -> None:
        """Write it atomically; a file that says the same already is left as it is, so that the collection's version stays.

        Raises:
            OSError: If the disk refuses; the old manifest stays.
        """
        record = {
            "format": FORMAT,
            "name": self.name,
            "created": self.created.isoformat(),
            "model": {"id": self.model_id, "hash": self.model_hash, "dim": self.dim},
            "tiles": dict(self.tiles),
            "unit": self.unit,
            "scenes": [_record(scene) for scene in self.scenes.values()],
            "counts": dict(self.counts),
            "unreadable": dict(self.unreadable),
        }
        content = json.dumps(record, ensure_ascii=False).encode()
        with contextlib.suppress(OSError):
            if (folder / FILE).read_bytes() == content:
                return
        write_whole(folder / FILE, content)


def _record(scene: Scene) -> dict[str, Any]:
    return {
        "id": scene.id,
        "source": scene.source,
        "sensor": scene.sensor,
        "datetime": None if scene.datetime is None else scene.datetime.isoformat(),
        "gsd_m": scene.gsd_m,
        "width": scene.width,
        "height": scene.height,
        "footprint": geo.geojson(scene.footprint),
        "georeferenced": scene.georeferenced,
        "synthetic": scene.synthetic,
        "crs": scene.crs,
        "transform": list(scene.transform),
    }


def _scene(entry: Mapping[str, Any]) -> Scene:
    when = entry["datetime"]
    return Scene(
        id=entry["id"],
        source=entry["source"],
        sensor=entry["sensor"],
        datetime=None if when is None else utc(when),
        gsd_m=entry["gsd_m"],
        width=int(entry["width"]),
        height=int(entry["height"]),
        footprint=geo.joined(shape(entry["footprint"])),
        georeferenced=bool(entry["georeferenced"]),
        synthetic=bool(entry["synthetic"]),
        crs=entry["crs"],
        transform=tuple(float(number) for number in entry["transform"]),
    )
