"""Forecasts on disk: a CF store that opens like a cube, with its start, its method and its skill."""

from __future__ import annotations

import json
import shutil
from datetime import UTC
from pathlib import Path
from typing import Any, Final

import numpy as np

from engine.errors import NowcastInvalid
from engine.fog.cube import Cube
from engine.fog.elements import FILL, Element
from engine.fog.mask import State
from engine.fog.nowcast.forecast import Nowcast
from engine.fog.nowcast.masks import MaskNowcast

_MOVING: Final = ("time", "lat", "lon")
_NO_PROBABILITY: Final = 255


def marked(path: Path, synthetic: bool) -> Path:
    """Where a store goes: names of made-up data say so."""
    return path if not synthetic or "SYNTHETIC" in path.name else path.with_name(f"SYNTHETIC_{path.name}")


def write_nowcast(path: Path, cube: Cube, found: Nowcast | MaskNowcast) -> Path:
    """Write a forecast as a Zarr 2 store; one of that name is replaced.

    A mask becomes ``fog_prob`` (0–1 in steps of 1/254) and ``fog_state`` (:class:`engine.fog.mask.State`), an element int16 as in cubes.

    Args:
        path: Where to; SYNTHETIC is put before the name where the data are made up.
        cube: What the forecast began with.
        found: The forecast.

    Returns:
        Where it is.

    Raises:
        NowcastInvalid: If the place can't be written.
    """
    import xarray as xr

    forecast = found.nowcast if isinstance(found, MaskNowcast) else found
    path = marked(path, forecast.synthetic)
    if path.exists() and not (path / ".zgroup").is_file():
        raise NowcastInvalid(f"“{path.name}” is there already and is no Zarr store. Choose another name for --out.")
    variables, encoding = _masks(found) if isinstance(found, MaskNowcast) else _element(forecast)
    inflow = np.stack([~step.reached for step in forecast.steps]).astype(np.uint8)
    about = {"long_name": "1 where air came over the border and the value is that of the place at the start"}
    variables["inflow"] = (_MOVING, inflow, about)
    times = [step.time.astimezone(UTC).replace(tzinfo=None) for step in forecast.steps]
    coords: dict[str, Any] = {
        "time": ("time", np.array(times, dtype="datetime64[ns]"), {"standard_name": "time"}),
        "lat": ("lat", cube.lat, {"standard_name": "latitude", "units": "degrees_north"}),
        "lon": ("lon", cube.lon, {"standard_name": "longitude", "units": "degrees_east"}),
        "lead_minutes": ("time", np.array([step.minutes for step in forecast.steps], dtype=np.int32)),
    }
    encoding["time"] = {"units": "minutes since 2000-01-01", "dtype": "int64", "calendar": "proleptic_gregorian"}
    dataset = xr.Dataset(variables, coords=coords, attrs=_about(cube, forecast))
    try:
        if path.exists():
            shutil.rmtree(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        dataset.to_zarr(path, mode="w", zarr_format=2, consolidated=True, encoding=encoding)
    except OSError as error:
        raise NowcastInvalid(f"“{path.name}” can't be written ({error.strerror}). Choose another place for --out.") from None
    return path


def _masks(found: MaskNowcast) -> tuple[dict[str, Any], dict[str, Any]]:
    probability = np.stack([mask.probability for mask in found.masks])
    state = np.stack([mask.state for mask in found.masks])
    steps = np.where(np.isfinite(probability), np.rint(np.nan_to_num(probability) * 254), _NO_PROBABILITY).astype(np.uint8)
    words = {"long_name": "probability of fog or very low stratus", "scale_factor": 1 / 254, "_FillValue": np.uint8(_NO_PROBABILITY)}
    meanings = " ".join(value.words.replace(" ", "_") for value in State)
    flags = {"long_name": "state", "flag_values": [int(value) for value in State], "flag_meanings": meanings}
    return {"fog_prob": (_MOVING, steps, words), "fog_state": (_MOVING, state, flags)}, {}


def _element(found: Nowcast) -> tuple[dict[str, Any], dict[str, Any]]:
    element = Element.named(found.quantity.name)
    values = np.stack([element.packed(step.values) for step in found.steps])
    attributes = {name: value for name, value in element.attributes.items() if name != "grid_mapping"}
    packing = {"scale_factor": element.kind.step, "_FillValue": np.int16(FILL)}
    return {element.name: (_MOVING, values, {**attributes, **packing})}, {}


def _about(cube: Cube, found: Nowcast) -> dict[str, Any]:
    kept = {
        name: cube.attrs[name] for name in ("region_id", "region_name", "platform", "instrument", "sub_satellite_lon") if name in cube.attrs
    }
    record = found.record()
    return {
        **kept,
        "Conventions": "CF-1.11",
        "title": f"{'SYNTHETIC ' if found.synthetic else ''}nowcast of {found.quantity.name} from {found.issued:%Y-%m-%d %H:%M} UTC",
        "synthetic": int(found.synthetic),
        "source": f"forecast from the cube {cube.name}",
        "method": found.method,
        "issued": found.issued.isoformat(),
        "skill": json.dumps(record["leads"]),
        "notes": " ".join(found.notes),
    }
