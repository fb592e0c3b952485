"""A made-up night and morning of sea fog off a real coast, half-hourly, with its truth."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from engine.fog.planck import SOLAR_39, radiance, temperature
from engine.fog.regions import SeaRegion, sea_regions
from engine.fog.sun import cos_solar_zenith
from engine.progress import Progress, silent
from engine.world.coastline import LAND, land_mask
from engine.world.noise import FloatImage, fractal, ramp, stream

if TYPE_CHECKING:
    import xarray as xr

WAVELENGTHS: Final = {"R0064": 0.64, "R0086": 0.86, "R0160": 1.61, "BT0390": 3.9, "BT1120": 10.8, "BT1230": 12.0}
START: Final = datetime(2021, 9, 14, 2, 30, tzinfo=UTC)
"""Three hours before sunrise off Namibia."""
STEP: Final = timedelta(minutes=30)
_INFRARED: Final = ("BT0390", "BT1120", "BT1230")


@dataclass(frozen=True, slots=True)
class Sea:
    """What stands still: (n, n) fields.

    Attributes:
        region: Where it is.
        lat: (n,) degrees, descending.
        lon: (n,) degrees, ascending.
        land: Real land.
        offshore: Distance to the coast, km; negative over land.
        sst: True sea surface temperature, K.
        seed: For all noise.
    """

    region: SeaRegion
    lat: NDArray[np.float64]
    lon: NDArray[np.float64]
    land: NDArray[np.bool_]
    offshore: FloatImage
    sst: FloatImage
    seed: int

    @classmethod
    def of(cls, region: SeaRegion, size: int, seed: int, coastline: Path) -> Sea:
        """The sea of a region on a grid of size × size cells, with cold upwelling along its coast."""
        from scipy.ndimage import distance_transform_edt

        box = region.bounds
        step = (box.north - box.south) / size
        lat: NDArray[np.float64] = box.north - step * (np.arange(size, dtype=np.float64) + 0.5)
        lon: NDArray[np.float64] = box.west + step * (np.arange(size, dtype=np.float64) + 0.5)
        land = land_mask(lat, lon, coastline)
        cell = 111.2 * step
        offshore = np.where(land, -distance_transform_edt(land), distance_transform_edt(~land)).astype(np.float32) * np.float32(cell)
        rng = stream(seed, "sst")
        eddies = fractal(size, rng, beta=3.4, longest=size / 5)
        warm = 290.0 + 0.28 * (lat[:, None] - lat.mean()) + 0.5 * fractal(size, rng, beta=3.5, longest=size / 2)
        cold = 5.2 * np.exp(-np.maximum(offshore + 28 * eddies, 0) / 90)
        return cls(region, lat, lon, land, offshore, np.asarray(warm - cold + 0.35 * eddies, dtype=np.float32), seed)


@dataclass(frozen=True, slots=True)
class Sky:
    """What is above the sea at one time: (n, n) fields.

    Attributes:
        fog: Optical depth of fog.
        deck: Optical depth of stratocumulus.
        cirrus: Optical depth of thin ice cloud.
        cos_sza: Cosine of the sun's zenith angle.
    """

    fog: FloatImage
    deck: FloatImage
    cirrus: FloatImage
    cos_sza: FloatImage


class Weather:
    """Noise fields that drift and change; :meth:`at` gives the sky of a time."""

    def __init__(self, sea: Sea) -> None:
        from scipy.ndimage import gaussian_filter1d

        rng, n = stream(sea.seed, "weather"), sea.lat.size
        self.sea = sea
        self.bank = fractal(n, rng, beta=3.4, longest=n / 4)
        self.curl = fractal(n, rng, beta=2.6, longest=n / 12)
        self.thick = fractal(n, rng, beta=3.0, longest=n / 10)
        self.cells = fractal(n, rng, beta=3.6, longest=17)
        self.cover = fractal(n, rng, beta=3.4, longest=n / 3)
        self.fine = fractal(n, rng, beta=1.8, longest=20)
        self.ground = fractal(n, rng, beta=2.4, longest=n / 5)
        wisps = gaussian_filter1d(fractal(n, rng, beta=1.9, longest=n / 6), n / 45, axis=1, mode="wrap")
        # a shear by whole turns keeps the field periodic, so that it can drift without a seam
        sheared = np.stack([np.roll(row, -index) for index, row in enumerate(wisps)])
        self.wisps = np.asarray(sheared / sheared.std(), dtype=np.float32)

    def at(self, when: datetime) -> Sky:
        """Fog hugs the cold water, drifts with the wind and is eaten from its edges after sunrise; the deck lies offshore."""
        sea = self.sea
        hours = (when - START).total_seconds() / 3600
        cos_sza = cos_solar_zenith(when, sea.lat[:, None], sea.lon[None, :]).astype(np.float32)
        parts = (self._fog(hours), self._deck(hours), self._cirrus(hours), cos_sza)
        return Sky(*(np.asarray(field, dtype=np.float32) for field in parts))

    def _fog(self, hours: float) -> FloatImage:
        sea = self.sea
        sunned = max(hours - 3.0, 0.0)
        drift = (-2.6 * hours, -1.2 * hours)
        along = np.exp(-(((sea.lat[:, None] - sea.lat.mean() + 1.8) / 3.6) ** 2))
        favour = 1.15 * np.exp(-(((sea.offshore - 60) / 85) ** 2)) * (0.45 + 0.75 * along) - 0.62
        shape = favour + 0.30 * _moved(self.bank, drift) + 0.05 * _moved(self.curl, (drift[0] * 1.15, drift[1] * 1.3))
        shape = shape + 0.04 * min(hours, 3.0) - 0.10 * sunned
        thickness = (0.6 + 9.5 * ramp(shape, 0.0, 0.55)) * np.exp(0.20 * _moved(self.thick, drift))
        return np.asarray(np.where((shape > 0) & (sea.offshore > -14), thickness, 0), dtype=np.float32)

    def _deck(self, hours: float) -> FloatImage:
        """Closed cells: thick within, thin along their borders; broken where the cover thins."""
        wind = (-4.2 * hours, -4.0 * hours)
        cover = _moved(self.cover, wind)
        offshore = ramp(self.sea.offshore + 150 * cover, 330, 560)
        cells = np.abs(_moved(self.cells, wind))
        return np.asarray(offshore * np.clip(16 * cells**0.8 - 2.2 + 2.5 * cover, 0, 22), dtype=np.float32)

    def _cirrus(self, hours: float) -> FloatImage:
        n = self.sea.lat.size
        y, x = np.mgrid[:n, :n] / n
        path = np.exp(-(((x * 0.8 + y - 0.34 - 0.03 * hours) / 0.12) ** 2))
        band = _moved(self.wisps, (-5 * hours, 26.0 * hours * n / 512))
        return np.asarray(1.5 * np.clip(path * (0.9 + 0.8 * band) - 0.25, 0, None), dtype=np.float32)

    def seen(self, sky: Sky, hours: float) -> dict[str, FloatImage]:
        """What an imager measures: reflectance in % (NaN without sun), brightness temperature in K.

        Layers emit and transmit in radiance; droplets at 3.9 µm emit less than they absorb at 10.8 µm and reflect the sun.
        Simplifications: one temperature a layer, no scattering between layers, vapour as a fixed loss.
        """
        sea, rng = self.sea, stream(self.sea.seed, f"noise {hours}")
        surface = self._surface(hours)
        sun = np.maximum(sky.cos_sza, 0)
        droplets = (6.5 + 0.8 * np.tanh(self.thick)).astype(np.float32)
        fog_top = sea.sst - 1.3 + 0.25 * self.thick + 0.18 * self.fine
        out: dict[str, FloatImage] = {}
        for name in _INFRARED:
            wave = WAVELENGTHS[name]
            light = radiance(surface[name], wave)
            light = _through_droplets(light, sky.fog, fog_top, droplets, sun, name)
            light = _through_droplets(light, sky.deck, sea.sst - 9.0 + 0.5 * self.fine, np.full_like(sea.sst, 11.0), sun, name)
            light = _through_ice(light, sky.cirrus, sun, name)
            noise = {"BT0390": 0.1, "BT1120": 0.06, "BT1230": 0.08}[name]
            spread = noise * float(radiance(300.5, wave) - radiance(299.5, wave))
            light = light + rng.standard_normal(light.shape, dtype=np.float32) * np.float32(spread)
            out[name] = temperature(light, wave)
        for name in ("R0064", "R0086", "R0160"):
            out[name] = self._reflectance(sky, name, rng)
        return out

    def _surface(self, hours: float) -> dict[str, FloatImage]:
        sea = self.sea
        warming = max(hours - 3.2, 0)
        inland = ramp(-sea.offshore, 0, 260)
        ground = 283.5 + 2.0 * self.thick - 4 * inland + warming * (3.5 + 1.6 * inland)
        sand = self._sand
        vapour = {"BT0390": 0.7, "BT1120": 1.2, "BT1230": 2.1}
        emission = {"BT0390": -1.0 - 3.6 * sand, "BT1120": -0.6 - 0.3 * sand, "BT1230": -0.9 + 0.2 * sand}
        glow = {"BT0390": 1.6 * warming, "BT1120": 0.0, "BT1230": 0.0}
        return {
            name: np.where(sea.land, ground + emission[name] + glow[name], sea.sst - vapour[name] + 0.12 * self.cover).astype(np.float32)
            for name in _INFRARED
        }

    @property
    def _sand(self) -> FloatImage:
        """How much of the land is bare sand, 0–1: most near the coast, little far inland."""
        return ramp(-self.sea.offshore + 60 * self.ground, 330, 90)

    def _reflectance(self, sky: Sky, name: str, rng: np.random.Generator) -> FloatImage:
        sea = self.sea
        water, bush, dune = {"R0064": (4.2, 10.5, 29.0), "R0086": (2.2, 25.0, 35.0), "R0160": (1.1, 23.0, 43.0)}[name]
        ground = (bush + (dune - bush) * self._sand) * (1 + 0.10 * self.ground + 0.04 * self.fine)
        light = np.where(sea.land, ground, water + 0.2 * self.thick).astype(np.float32) / 100
        drops, ice = {"R0064": (0.13, 0.11), "R0086": (0.128, 0.108), "R0160": (0.105, 0.045)}[name]
        for depth, strength in ((sky.fog, drops), (sky.deck, drops), (sky.cirrus, ice)):
            cloud = strength * depth / (1 + strength * depth)
            light = cloud + (1 - cloud) ** 2 * light / (1 - cloud * light)
        usable = sky.cos_sza > np.cos(np.deg2rad(88))
        noisy = light * 100 + rng.standard_normal(light.shape, dtype=np.float32) * 0.25 / np.maximum(sky.cos_sza, 0.03)
        return np.where(usable, noisy, np.nan).astype(np.float32)


def _moved(field: FloatImage, by: tuple[float, float]) -> FloatImage:
    """A periodic field shifted by rows, columns, between cells linearly."""
    rows, columns = int(np.floor(by[0])), int(np.floor(by[1]))
    fy, fx = np.float32(by[0] - rows), np.float32(by[1] - columns)
    base = np.roll(field, (rows, columns), (0, 1))
    down = base + fy * (np.roll(base, 1, 0) - base)
    return np.asarray(down + fx * (np.roll(down, 1, 1) - down), dtype=np.float32)


def _through_droplets(light: FloatImage, depth: FloatImage, top: FloatImage, radius: FloatImage, sun: FloatImage, name: str) -> FloatImage:
    """A water cloud over what is below: radius is the droplets' effective radius in µm."""
    wave = WAVELENGTHS[name]
    if name != "BT0390":
        opaque = 1 - np.exp(-np.float32(0.62 if name == "BT1120" else 0.66) * depth)
        return np.asarray(light * (1 - opaque) + opaque * radiance(top, wave), dtype=np.float32)
    limit = 0.80 + 0.012 * (radius - 5)  # emissivity of an opaque cloud: 0.80 at 5 µm, 0.87 at 11 µm
    mirror = np.clip(0.20 - 0.0125 * radius, 0.03, 0.16)  # reflectance of an opaque cloud: 0.14 at 5 µm, 0.06 at 11 µm
    opaque = 1 - np.exp(-0.48 * depth)
    below = light * np.exp(-0.48 * depth)
    sunlit = mirror * (1 - np.exp(-0.35 * depth)) * sun * np.float32(SOLAR_39 / np.pi)
    return np.asarray(below + limit * opaque * radiance(top, wave) + sunlit, dtype=np.float32)


def _through_ice(light: FloatImage, depth: FloatImage, sun: FloatImage, name: str) -> FloatImage:
    wave = WAVELENGTHS[name]
    absorbs = {"BT0390": 0.38, "BT1120": 0.50, "BT1230": 0.60}[name]
    opaque = 1 - np.exp(-np.float32(absorbs) * depth)
    cold = radiance(221.0, wave)
    sunlit = 0.02 * (1 - np.exp(-0.4 * depth)) * sun * np.float32(SOLAR_39 / np.pi) if name == "BT0390" else 0.0
    return np.asarray(light * (1 - opaque) + opaque * cold + sunlit, dtype=np.float32)


def truth_of(sea: Sea, sky: Sky) -> NDArray[np.int8]:
    """Labels of the surface: −1 land, 0 no fog, 1 fog seen from above, 2 fog below higher cloud."""
    fog = sky.fog > 0.8
    hidden = (sky.deck > 1.5) | (sky.cirrus > 0.35)
    return np.where(sea.land, -1, np.where(fog & hidden, 2, fog)).astype(np.int8)


def make_fog_cube(
    out: Path, seed: int = 7, *, region: str = "BE", size: int = 512, frames: int = 12, coastline: Path = LAND, progress: Progress = silent
) -> Path:
    """Write a made-up fog cube as ``out/SYNTHETIC_fog_REGION.zarr`` (Zarr 2, CF attributes, int16 at 0.01).

    Args:
        out: Folder of cubes; an older cube of the same name is replaced.
        seed: Decides everything.
        region: Id of a sea region.
        size: Cells each way; 1024 is the full grid of 0.0125°.
        frames: Half-hour steps from three hours before sunrise.
        coastline: TopoJSON of the land.
        progress: Told of each frame.

    Raises:
        DataMissing: If the coastline is absent.
    """
    sea = Sea.of(sea_regions()[region], size, seed, coastline)
    weather = Weather(sea)
    times = [START + step * STEP for step in range(frames)]
    series: dict[str, list[NDArray[np.float32]]] = {name: [] for name in WAVELENGTHS}
    labels = []
    for index, when in enumerate(times):
        progress("fog cube", index, frames)
        sky = weather.at(when)
        for name, field in weather.seen(sky, (when - START).total_seconds() / 3600).items():
            series[name].append(field)
        labels.append(truth_of(sea, sky))
    rng = stream(seed, "sst product")
    product = sea.sst + 0.3 + 0.25 * fractal(size, rng, beta=3.0, longest=size / 8)
    path = out / f"SYNTHETIC_fog_{region}.zarr"
    _write(path, _dataset(sea, times, series, labels, np.where(sea.land, np.nan, product).astype(np.float32), seed), size)
    progress("fog cube", frames, frames)
    return path


_ABOUT: Final = {
    "R0064": ("toa_bidirectional_reflectance", "%", "visible reflectance, sun-normalised"),
    "R0086": ("toa_bidirectional_reflectance", "%", "near-infrared reflectance at 0.86 µm, sun-normalised"),
    "R0160": ("toa_bidirectional_reflectance", "%", "near-infrared reflectance, sun-normalised"),
    "BT0390": ("toa_brightness_temperature", "K", "3.9 µm brightness temperature"),
    "BT1120": ("toa_brightness_temperature", "K", "11 µm window brightness temperature"),
    "BT1230": ("toa_brightness_temperature", "K", "12 µm window brightness temperature"),
    "SST": ("sea_surface_temperature", "K", "daily sea surface temperature as a product would give it: bias 0.3 K, noise 0.25 K"),
}


def _dataset(
    sea: Sea,
    times: Sequence[datetime],
    series: dict[str, list[NDArray[np.float32]]],
    labels: list[NDArray[np.int8]],
    sst: FloatImage,
    seed: int,
) -> xr.Dataset:
    import xarray as xr

    dims = ("time", "lat", "lon")
    variables: dict[str, object] = {}
    for name, (standard, units, words) in _ABOUT.items():
        values = np.stack(series[name]) if name in series else np.broadcast_to(sst, (len(times), *sst.shape))
        attributes: dict[str, object] = {"standard_name": standard, "units": units, "long_name": words, "grid_mapping": "crs"}
        if name in WAVELENGTHS:
            attributes["wavelength_um"] = WAVELENGTHS[name]
        variables[name] = (dims, values, attributes)
    meanings = "unlabelled_or_land not_fog fog fog_below_higher_cloud uncertain low_stratus"
    flags = {"long_name": "true surface fog", "flag_values": [-1, 0, 1, 2, 3, 4], "flag_meanings": meanings}
    variables["fog_label"] = (dims, np.stack(labels), flags)
    variables["land"] = (dims[1:], sea.land.astype(np.int8), {"long_name": "land", "flag_values": [0, 1], "flag_meanings": "sea land"})
    variables["crs"] = (
        (),
        np.int32(0),
        {"grid_mapping_name": "latitude_longitude", "semi_major_axis": 6378137.0, "inverse_flattening": 298.257223563},
    )
    stamps = np.array([when.replace(tzinfo=None) for when in times], dtype="datetime64[ns]")
    coords = {
        "time": ("time", stamps, {"standard_name": "time", "long_name": "scan mid time, UTC"}),
        "lat": ("lat", sea.lat, {"standard_name": "latitude", "units": "degrees_north"}),
        "lon": ("lon", sea.lon, {"standard_name": "longitude", "units": "degrees_east"}),
    }
    about: dict[str, object] = {
        "Conventions": "CF-1.11",
        "fogcube_version": 1,
        "title": f"SYNTHETIC fog off {sea.region.name}",
        "synthetic": 1,
        "region_id": sea.region.id,
        "region_name": sea.region.name,
        "platform": "none (simulated)",
        "instrument": "idealised geostationary imager",
        "sub_satellite_lon": 0.0,
        "sun_normalised": 1,
        "seed": seed,
        "source": "Pharos engine.world.fogbank, layered emission and reflection over the real coastline",
        "coastline": "Natural Earth 1:50m, public domain",
        "label_provenance": "exact: the simulator's own fog",
        "license": "CC0-1.0",
    }
    return xr.Dataset(variables, coords=coords, attrs=about)


def _write(path: Path, dataset: xr.Dataset, size: int) -> None:
    chunk = min(size, 512)
    encoding: dict[str, dict[str, object]] = {
        name: {"dtype": "int16", "scale_factor": 0.01, "_FillValue": -32768, "chunks": (1, chunk, chunk)} for name in _ABOUT
    }
    # int16 at 0.01 ends at 327.67, enough for kelvin and per cent alike
    encoding["fog_label"] = {"dtype": "int8", "chunks": (1, chunk, chunk)}
    encoding["time"] = {"units": "minutes since 2000-01-01", "dtype": "int64", "calendar": "proleptic_gregorian"}
    if path.exists():
        shutil.rmtree(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.to_zarr(path, mode="w", zarr_format=2, consolidated=True, encoding=encoding)
