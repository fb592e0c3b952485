"""Masks as a CF NetCDF file."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable
from datetime import UTC
from pathlib import Path
from typing import Any, Final

import numpy as np

from engine.errors import ExportInvalid
from engine.fog.cube import Cube
from engine.fog.export.about import CAVEAT, About
from engine.fog.mask import WORDS, FogMask, State, Validity

_MOVING: Final = ("time", "lat", "lon")
MOST_CELLS: Final = 64_000_000
"""Of all frames of a file: a day of half hours of 1024 × 1024 cells."""
_NO_PROBABILITY: Final = 255
_WGS84: Final = {"grid_mapping_name": "latitude_longitude", "semi_major_axis": 6378137.0, "inverse_flattening": 298.257223563}


def masks_netcdf(cube: Cube, masks: Iterable[FogMask]) -> bytes:
    """One or more masks as NetCDF 4 after CF 1.11: ``fog_prob``, ``fog_state``, ``validity`` on time, lat and lon.

    Args:
        cube: Says where the cells lie.
        masks: In order of time.

    Raises:
        ExportInvalid: If there is no mask, or there are too many.
    """
    import xarray as xr

    about, packed, states, validities = [], [], [], []
    for mask in masks:
        about.append(About.of(mask))
        packed.append(_packed(mask))
        states.append(mask.state)
        validities.append(mask.validity.astype(np.uint16))
        if len(about) * mask.state.size > MOST_CELLS:
            raise ExportInvalid(f"more than {MOST_CELLS / 1e6:.0f} million cells don't go into one file. Choose a shorter span.")
    if not about:
        raise ExportInvalid("no frame of that span can be judged. Pick another time.")
    probability, state, validity = np.stack(packed), np.stack(states), np.stack(validities)
    grid = {"grid_mapping": "crs"}
    variables: dict[str, Any] = {
        "fog_prob": (_MOVING, probability, {"long_name": f"probability of {WORDS}", "units": "1", **grid}),
        "fog_state": (
            _MOVING,
            state,
            {
                "long_name": f"state: {WORDS}, clear, obscured or no data",
                "flag_values": np.array([int(value) for value in State], dtype=np.uint8),
                "flag_meanings": " ".join(value.words.replace(" ", "_") for value in State),
                **grid,
            },
        ),
        "validity": (
            _MOVING,
            validity,
            {
                "long_name": "conditions under which a cell was judged",
                "flag_masks": np.array([int(flag) for flag in Validity], dtype=np.uint16),
                "flag_meanings": " ".join(str(flag.name).lower() for flag in Validity),
                **grid,
            },
        ),
        "method": ("time", [each.method for each in about], {"long_name": "method of each frame"}),
        "crs": (
            (),
            np.int32(0),
            {"grid_mapping_name": "latitude_longitude", "semi_major_axis": 6378137.0, "inverse_flattening": 298.257223563},
        ),
    }
    stamps = np.array([each.time.astimezone(UTC).replace(tzinfo=None) for each in about], dtype="datetime64[ns]")
    coords: dict[str, Any] = {
        "time": ("time", stamps, {"standard_name": "time", "long_name": "scan time, UTC"}),
        "lat": ("lat", cube.lat, {"standard_name": "latitude", "units": "degrees_north"}),
        "lon": ("lon", cube.lon, {"standard_name": "longitude", "units": "degrees_east"}),
    }
    attributes = {
        "Conventions": "CF-1.11",
        "title": about[0].title if len(about) == 1 else f"{'SYNTHETIC: ' if cube.synthetic else ''}{WORDS} over {cube.name}",
        "source": f"satellite imagery of the cube {cube.name}; {about[0].method}",
        "words": WORDS,
        "comment": CAVEAT,
        "synthetic": int(cube.synthetic),
        "region_id": cube.provenance.region,
        "notes": json.dumps(sorted({note for each in about for note in each.notes}), ensure_ascii=False),
    }
    scale = np.float32(1 / 254)
    encoding: dict[str, Any] = {
        "fog_prob": {"zlib": True, "complevel": 2},
        "fog_state": {"zlib": True, "complevel": 2, "_FillValue": None},
        "validity": {"zlib": True, "complevel": 2, "_FillValue": None},
        "time": {"units": "seconds since 2000-01-01", "dtype": "int64", "calendar": "proleptic_gregorian"},
    }
    variables["fog_prob"][2].update({"scale_factor": scale, "_FillValue": np.uint8(_NO_PROBABILITY)})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mask.nc"
        xr.Dataset(variables, coords=coords, attrs=attributes).to_netcdf(path, engine="h5netcdf", encoding=encoding)
        return path.read_bytes()


def _packed(mask: FogMask) -> np.ndarray[Any, np.dtype[np.uint8]]:
    known = np.isfinite(mask.probability)
    return np.where(known, np.rint(np.nan_to_num(mask.probability) * 254), _NO_PROBABILITY).astype(np.uint8)
