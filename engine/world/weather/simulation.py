"""A made-up series of satellite pictures of the sea, with exact labels: frames on demand, a cube in memory, or a cube on disk."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np

from engine.errors import SourceInvalid, WeatherInvalid
from engine.fog.cube import Cube
from engine.fog.elements import Element
from engine.fog.instruments import Instrument, instruments, of_series
from engine.fog.labels import ATTRIBUTES
from engine.fog.provenance import Provenance
from engine.fog.regions import SeaRegion, sea_regions
from engine.fog.series import Frame, Series
from engine.fog.writing import write_cube
from engine.progress import Cancel, Progress, silent
from engine.world.coastline import LAND
from engine.world.noise import stream
from engine.world.weather.imager import Imager
from engine.world.weather.place import Place
from engine.world.weather.regime import TRAINING, Regime
from engine.world.weather.scenario import Scenario
from engine.world.weather.sea import Sea
from engine.world.weather.sky import Sky, Weather

STEP: Final = timedelta(minutes=30)
ELEMENTS: Final = ("R0064", "R0086", "R0160", "BT0390", "BT0860", "BT1120", "BT1230", "SST")
"""What detection uses; a sensor without one of them leaves it out."""
_MOST_FRAMES: Final = 10_000
_EARLIEST: Final = datetime(2021, 1, 1, tzinfo=UTC)


class Simulation(Series):
    """A SYNTHETIC series. The same arguments give the same pixels, whichever frames and elements are asked for, in any order.

    Attributes:
        place: Where it plays.
        scenario: The numbers that decide it.
        weather: Its layers: the truth behind the labels.
        imager: Who looks.
    """

    labelled = True

    def __init__(
        self,
        place: Place,
        scenario: Scenario,
        times: tuple[datetime, ...],
        instrument: Instrument,
        elements: tuple[str, ...] = ELEMENTS,
    ) -> None:
        """Put together what :func:`simulate` has drawn.

        Raises:
            WeatherInvalid: If the sensor has none of the bands.
        """
        self.place, self.scenario, self.times = place, scenario, times
        self.grid, self.land = place.grid, place.land
        region = place.region
        platform = instrument.serving(times[0], region.bounds.centre[0])
        self.sea = Sea.of(place, scenario, times[0])
        self.weather = Weather(self.sea, scenario, times)
        self.imager = Imager(instrument, platform.longitude, self.sea, scenario)
        known = (*self.imager.elements, "SST")
        self.elements = tuple(name for name in elements if name in known)
        if not any(name in self.elements for name in self.imager.elements):
            raise WeatherInvalid(f"{instrument.name} has none of {', '.join(elements)}; it has {', '.join(known)}.")
        self.name = f"SYNTHETIC_fog_{region.id}_{scenario.seed}"
        bands = instrument.elements
        self.provenance = Provenance(
            synthetic=True,
            title=f"SYNTHETIC fog, {region.name}, seed {scenario.seed}",
            source="made up: layered emission and reflection over the real coastline (Natural Earth 1:50m, public domain)",
            layout="simulation",
            platform=f"none (simulated, as if {platform.name})",
            instrument=instrument.id,
            satellite_longitude=platform.longitude,
            region=region.id,
            wavelengths={name: bands[name].wavelength for name in self.elements if name in bands},
            label_provenance="exact: the simulation's own fog (visibility below 1 km at the surface)",
            licence="CC0-1.0",
            notes=(f"SYNTHETIC: regime “{scenario.regime}”, seed {scenario.seed}, base rate {scenario.fog_rate:.3f}",),
        )

    def sky(self, index: int) -> Sky:
        """All layers at a frame: the truth."""
        return self.weather.at(self.times[index])

    def frame(self, index: int) -> Frame:
        """What the imager sees at a frame, and the exact label."""
        sky = self.sky(index)
        fields = self.imager.view(sky, index, tuple(name for name in self.elements if name != "SST"))
        if "SST" in self.elements:
            fields["SST"] = self.sea.product
        return Frame(fields, sky.labels(self.place.land))

    def fog_rate(self) -> float:
        """Share of the sea's cells and frames with surface fog, hidden or not, 0–1."""
        sea = self.place.sea
        if not sea.any() or self.scenario.fog_rate <= 0:
            return 0.0
        return float(np.mean([self.weather.fog.at(when)[1][sea].mean() for when in self.times]))

    def cube(self) -> Cube:
        """The whole series as a cube in memory, not rounded to counts: for training and tests, without a disk."""
        import xarray as xr

        dims = ("time", "lat", "lon")
        with ThreadPoolExecutor(2) as pool:
            frames = list(pool.map(self.frame, range(len(self.times))))
        variables: dict[str, object] = {}
        for name in self.elements:
            extra = {"wavelength_um": self.provenance.wavelengths[name]} if name in self.provenance.wavelengths else {}
            variables[name] = (dims, np.stack([frame.fields[name] for frame in frames]), Element.named(name).attributes | extra)
        variables["fog_label"] = (dims, np.stack([frame.label for frame in frames if frame.label is not None]), dict(ATTRIBUTES))
        variables["land"] = (dims[1:], self.place.land.astype(np.int8), {"flag_values": [0, 1], "flag_meanings": "sea land"})
        stamps = np.array([when.replace(tzinfo=None) for when in self.times], dtype="datetime64[ns]")
        coords = {"time": stamps, "lat": self.grid.lat, "lon": self.grid.lon}
        return Cube(Path(f"{self.name}.zarr"), xr.Dataset(variables, coords=coords, attrs=self.provenance.attrs))

    def write(self, folder: Path, *, name: str = "", progress: Progress = silent, cancel: Cancel | None = None) -> Path:
        """Write it as a cube named SYNTHETIC_fog_REGION_SEED.zarr.

        Args:
            folder: Where to; an older cube of the same name is replaced.
            name: Another name; it must say that the data are synthetic.
            progress: Told of each frame.
            cancel: Stops between two frames; nothing is left behind.

        Raises:
            WeatherInvalid: If the name does not say so.
            CubeInvalid: If it can't be written.
            Cancelled: If the person stopped it.
        """
        name = name or self.name
        if "synthetic" not in name.casefold():
            raise WeatherInvalid(f"“{name}” hides that the data are made up. Put SYNTHETIC into it.")
        ahead = _Ahead(self)
        try:
            return write_cube(folder / f"{name}.zarr", ahead, progress=progress, cancel=cancel).path
        finally:
            ahead.close()


class _Ahead(Series):
    """The same series, with the next two frames being made while one is written."""

    labelled = True

    def __init__(self, of: Simulation) -> None:
        self._of = of
        self.name, self.grid, self.times, self.elements = of.name, of.grid, of.times, of.elements
        self.provenance, self.land = of.provenance, of.land
        self._pool = ThreadPoolExecutor(2)
        self._made: dict[int, Future[Frame]] = {}

    def frame(self, index: int) -> Frame:
        for ahead in range(index, min(index + 3, len(self.times))):
            if ahead not in self._made:
                self._made[ahead] = self._pool.submit(self._of.frame, ahead)
        return self._made.pop(index).result()

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)


def simulate(
    region: SeaRegion | str,
    seed: int,
    *,
    start: datetime | None = None,
    frames: int = 48,
    size: int = 512,
    step: float | None = None,
    sensor: str = "",
    regime: Regime = TRAINING,
    elements: tuple[str, ...] = ELEMENTS,
    coastline: Path = LAND,
) -> Simulation:
    """Draw a series of fog, cloud and clear sea over a real coast. Everything it gives is SYNTHETIC.

    Args:
        region: One of the sea regions, or its id.
        seed: Decides everything that is not given.
        start: First frame, UTC; drawn from three years of the sensor's service, from 2021 on, if not given.
        frames: Half-hour steps.
        size: Cells each way.
        step: Cell size in degrees: the series then plays in a window of the region. ``None`` spreads the cells over all of it.
        sensor: Imager (ABI, AHI, AGRI, AGRI-B, SEVIRI, FCI); by default the first that sees the region.
        regime: Which weather may be drawn.
        elements: What to make; bands that the sensor lacks are left out.
        coastline: TopoJSON of the land.

    Raises:
        WeatherInvalid: If there is no such region or sensor, or a number is out of range.
        DataMissing: If the coastline is absent.
    """
    where = _region(region)
    if not (1 <= frames <= _MOST_FRAMES and 1 <= size <= 4096 and seed >= 0):
        raise WeatherInvalid(f"take 1 to {_MOST_FRAMES:,} frames, 1 to 4,096 cells each way and a seed from 0.")
    dice, instrument = stream(seed, "series"), _instrument(sensor, where)
    earliest = max(_EARLIEST, min(platform.start for platform in instrument.platforms))
    begins = start or earliest + STEP * int(dice.integers(0, 2 * 24 * 3 * 365))
    if begins.tzinfo is None:
        raise WeatherInvalid("the first time needs a time zone; give it in UTC.")
    times = tuple(begins.astimezone(UTC) + index * STEP for index in range(frames))
    place = Place.of(where, size, step=step, rng=dice, coastline=coastline)
    scenario = Scenario.draw(regime, seed, lat=place.latitude, when=times[0])
    try:
        return Simulation(place, scenario, times, instrument, elements)
    except SourceInvalid as error:
        raise WeatherInvalid(str(error)) from None


def _region(region: SeaRegion | str) -> SeaRegion:
    if isinstance(region, SeaRegion):
        return region
    known: Mapping[str, SeaRegion] = sea_regions()
    if region not in known:
        raise WeatherInvalid(f"there is no sea region “{region[:20]}”; known: {', '.join(known)}.")
    return known[region]


def _instrument(sensor: str, region: SeaRegion) -> Instrument:
    if not sensor:
        return of_series(region.satellites[0])
    known = instruments()
    if sensor not in known:
        raise WeatherInvalid(f"there is no imager “{sensor[:20]}”; known: {', '.join(known)}.")
    return known[sensor]
