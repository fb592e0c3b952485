"""Writer of GOES ABI level-1b files: names, variables, types and calibration as the product's users' guide has them, values made up."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import xarray as xr

PLANCK = {
    "C07": (202263.0, 3698.19, 0.43361, 0.99939),
    "C14": (8510.22, 1286.67, 0.22516, 0.9992),
    "C15": (6454.62, 1173.03, 0.21702, 0.99916),
}
"""fk1, fk2, bc1, bc2 of the infrared bands."""
KAPPA = 0.0019
HEIGHT = 35786023.0


def write(folder: Path, band: str, when: datetime, x: np.ndarray, y: np.ndarray, values: np.ndarray, longitude: float = -137.0) -> Path:
    """One band of a sector: values in K, or as a reflectance fraction for bands up to C06; x and y are scan angles in radians."""
    if band in PLANCK:
        fk1, fk2, bc1, bc2 = PLANCK[band]
        radiance = fk1 / (np.exp(fk2 / (bc2 * values + bc1)) - 1)
        scale = float(radiance.max()) / 4000
    else:
        fk1, fk2, bc1, bc2 = (float("nan"),) * 4
        radiance, scale = values / KAPPA, 0.2
    end = when + timedelta(minutes=2)
    stamp = {key: f"{each:%Y%j%H%M%S}0" for key, each in (("s", when), ("e", end), ("c", end))}
    path = folder / f"OR_ABI-L1b-RadC-M6{band}_G18_s{stamp['s']}_e{stamp['e']}_c{stamp['c']}.nc"
    projection = {
        "long_name": "GOES-R ABI fixed grid projection",
        "grid_mapping_name": "geostationary",
        "perspective_point_height": HEIGHT,
        "semi_major_axis": 6378137.0,
        "semi_minor_axis": 6356752.31414,
        "inverse_flattening": 298.2572221,
        "latitude_of_projection_origin": 0.0,
        "longitude_of_projection_origin": longitude,
        "sweep_angle_axis": "x",
    }
    scalars = {
        "planck_fk1": fk1,
        "planck_fk2": fk2,
        "planck_bc1": bc1,
        "planck_bc2": bc2,
        "kappa0": KAPPA if band not in PLANCK else float("nan"),
        "esun": np.pi / KAPPA,
        "earth_sun_distance_anomaly_in_AU": 1.0,
        "nominal_satellite_subpoint_lat": 0.0,
        "nominal_satellite_subpoint_lon": longitude,
        "nominal_satellite_height": HEIGHT / 1000,
    }
    units = {"units": "mW m-2 sr-1 (cm-1)-1" if band in PLANCK else "W m-2 sr-1 um-1", "grid_mapping": "goes_imager_projection"}
    data = xr.Dataset(
        {
            "Rad": (
                ("y", "x"),
                radiance,
                {
                    **units,
                    "resolution": "y: 0.000056 rad x: 0.000056 rad",
                    "long_name": "ABI L1b Radiances",
                    "valid_range": np.array([0, 4094], np.int16),
                },
            ),
            "DQF": (("y", "x"), np.zeros(radiance.shape, np.int8)),
            "goes_imager_projection": ((), np.int32(-2147483647), projection),
            "x_image": ((), np.float32(x.mean())),
            "y_image": ((), np.float32(y.mean())),
            "yaw_flip_flag": ((), np.int8(0)),
            **{name: ((), np.float32(value)) for name, value in scalars.items()},
        },
        coords={"y": ("y", y, {"units": "rad"}), "x": ("x", x, {"units": "rad"})},
        attrs={
            "platform_ID": "G18",
            "instrument_ID": "FM3",
            "instrument_type": "GOES R Series Advanced Baseline Imager",
            "orbital_slot": "GOES-West",
            "scene_id": "CONUS",
            "timeline_id": "ABI Mode 6",
            "spatial_resolution": "2km at nadir",
            "time_coverage_start": f"{when:%Y-%m-%dT%H:%M:%S}.0Z",
            "time_coverage_end": f"{end:%Y-%m-%dT%H:%M:%S}.0Z",
            "title": "SYNTHETIC",
        },
    )
    encoding = {
        "Rad": {"dtype": "int16", "scale_factor": scale, "add_offset": 0.0, "_FillValue": np.int16(4095)},
        "x": {"dtype": "int16", "scale_factor": float(x[1] - x[0]), "add_offset": float(x[0])},
        "y": {"dtype": "int16", "scale_factor": float(y[1] - y[0]), "add_offset": float(y[0])},
    }
    data.to_netcdf(path, engine="h5netcdf", encoding=encoding)
    return path
