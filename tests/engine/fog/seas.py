"""Small cubes and masks whose fog is known by construction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from engine.fog.cube import Cube
from engine.fog.mask import FogMask, State, Validity
from engine.fog.sun import solar_zenith
from engine.types import Bounds

from . import skies

NIGHT = datetime(2021, 9, 14, 1, tzinfo=UTC)
BOX = Bounds(4, -26, 16, -14)


def axes(box: Bounds, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Cell centres of an even grid over a box, north to south and west to east."""
    rows, columns = shape
    lat = box.north - (np.arange(rows) + 0.5) * (box.north - box.south) / rows
    return lat, box.west + (np.arange(columns) + 0.5) * box.width / columns


def sea_cube(
    path: Path,
    times: Sequence[datetime] = (NIGHT,),
    *,
    shape: tuple[int, int] = (24, 24),
    box: Bounds = BOX,
    fog: np.ndarray | None = None,
    land: np.ndarray | None = None,
    label: np.ndarray | None = None,
    attrs: Mapping[str, Any] | None = None,
    without: Sequence[str] = (),
) -> Path:
    """Clear sea, with thick fog where asked ((T, n, m) or (n, m) flags)."""
    lat, lon = axes(box, shape)
    frames = []
    for number, when in enumerate(times):
        zenith = solar_zenith(when, lat[:, None], lon[None, :])
        clear, thick = (make(zenith, np.random.default_rng(number)) for make in (skies.clear_sea, skies.fog))
        here = np.zeros(shape, dtype=bool) if fog is None else fog if fog.ndim == 2 else fog[number]
        frames.append({name: np.where(here, thick[name], clear[name]) for name in clear})
    fields = {name: np.stack([frame[name] for frame in frames]) for name in frames[0] if name not in without}
    if land is not None:
        fields["land"] = land.astype(np.int8)
    if label is not None:
        fields["fog_label"] = np.broadcast_to(label, (len(times), *shape)).astype(np.int8)
    more = {"region_id": "BE", "title": "A test sea", **(attrs or {})}
    return skies.write_cube(path, fields, times, lat, lon, attrs=more)


def open_sea(path: Path, times: Sequence[datetime] = (NIGHT,), **more: Any) -> Cube:
    return Cube.open(sea_cube(path, times, **more))


def mask_of(
    state: np.ndarray,
    *,
    probability: float | np.ndarray = 0.9,
    validity: int = Validity.NIGHT,
    bounds: Bounds = BOX,
    time: datetime = NIGHT,
    synthetic: bool = True,
) -> FogMask:
    sure = np.where((state == State.FOG) | (state == State.CLEAR), np.where(state == State.FOG, probability, 0.1), np.nan).astype(
        np.float32
    )
    return FogMask(sure, state.astype(np.uint8), np.full(state.shape, validity, np.uint16), time, bounds, "a test", "sea", synthetic)
