"""The real SEVIRI scene over Germany and the Alps as a cube: shared data, never committed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from engine.fog import Cube
from engine.fog.reading import Options, convert

DESCRIPTION = {
    "title": "SEVIRI, Germany and the Alps",
    "source": "array of test data of an open fog library; EUMETSAT-derived, test use only",
    "axes": "lat, lon, element",
    "elements": ["BT1120", "BT0390", "R0086", "R0160", "R0064", "BT0860", "BT1230", None, None, None, None],
    "wavelengths_um": {"BT1120": 10.8, "BT0390": 3.92, "R0086": 0.81, "R0160": 1.64, "R0064": 0.635, "BT0860": 8.7, "BT1230": 12.0},
    "units": {"R0064": "%", "R0086": "%", "R0160": "%", "BT1120": "K", "BT0390": "K", "BT0860": "K", "BT1230": "K"},
    "times": ["2013-11-12T08:30Z"],
    "bounds": [5.0, 46.5, 16.0, 51.5],
    "place_known": True,
    "sun_normalised": False,
    "sub_satellite_lon": 0.0,
    "platform": "Meteosat-10",
    "synthetic": False,
    "licence": "EUMETSAT-derived: test use only",
    "notes": ["the file has no coordinates: the box is about right, good enough for the sun", "time as later tests of its authors say it"],
}
"""What the file does not say itself. The box is nominal; it is called known so that the sun's zenith angle can be had."""


@dataclass(frozen=True)
class Germany:
    """The cube and the layers beside it; (141, 298) each."""

    cube: Cube
    elevation_m: np.ndarray
    optical_thickness: np.ndarray
    effective_radius: np.ndarray

    @property
    def clear(self) -> np.ndarray:
        """No cloud found by the authors' retrieval."""
        return self.optical_thickness <= 0

    @property
    def low_cloud(self) -> np.ndarray:
        """COT > 1 and 10.8 µm above 265 K."""
        return (self.optical_thickness > 1) & (self.cube.element("BT1120", 0) > 265)


def germany(shared: Path, into: Path) -> Germany:
    """Bring the scene in through the reader of described arrays."""
    source = shared / "geostationary" / "seviri_germany" / "fog_testdata_old.npy"
    about = into / "germany.yaml"
    about.write_text(yaml.safe_dump(DESCRIPTION), encoding="utf-8")
    made = convert(source, into / "germany.zarr", "array", Options(description=about))
    layers = np.load(source)
    return Germany(Cube.open(made.written.path), layers[..., 7], layers[..., 8], layers[..., 9])
