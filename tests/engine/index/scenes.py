"""Scenes that exist only by name."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import shapely

from engine.types import Scene


def scene(name: str = "one", when: str | None = "2020-01-01", sensor: str = "rgb", **changes: Any) -> Scene:
    taken = None if when is None else datetime.fromisoformat(when).replace(tzinfo=UTC)
    values: dict[str, Any] = {
        "id": name,
        "source": f"/nowhere/{name}.tif",
        "sensor": sensor,
        "datetime": taken,
        "gsd_m": 10.0,
        "width": 1024,
        "height": 1024,
        "footprint": shapely.box(0, 0, 1, 1),
    }
    return Scene(**{**values, **changes})
