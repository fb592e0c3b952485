"""The classical dual-channel test for fog over the sea, by night and by day, with soft thresholds and its limits stated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import CubeInvalid
from engine.fog.cube import Cube
from engine.fog.mask import FogMask, State, Validity
from engine.fog.sun import solar_zenith
from engine.fog.view import glint_angle

Field = NDArray[np.float32]

METHOD: Final = "physics: day/night dual channel"
THRESHOLD: Final = 0.5
"""Probability from which a pixel counts as fog or very low stratus."""

DAY_TO, NIGHT_FROM = 80.0, 90.0
"""Solar zenith angles, degrees; between them the 3.9 µm signal of fog crosses zero."""
DUSK = 88.0
"""Beyond this the visible is noise, but the sun hardly reaches 3.9 µm any more: the night test works, weakly."""
TWILIGHT_CAP: Final = 0.75
"""Highest probability that twilight may claim."""

_NIGHT_K, _NIGHT_SOFT = -1.5, 0.5
"""3.9 − 11 µm at which fog is as likely as not, and the width of the step: less than the classic −2 K, which needs τ > 4."""
_LOW_K, _LOW_SOFT = -6.0, 0.9
"""11 µm − SST between a top in the lowest few hundred metres and a deck higher up."""
_COLD_K: Final = -16.0
"""11 µm − SST below which a cloud is surely high."""
_WINDOW_K: Final = 262.0
"""The same without SST: 11 µm brightness temperature."""
_SPLIT_K: Final = 2.8
"""11 − 12 µm beyond which thin ice cloud is likelier than moist air."""
_THIN_ICE_NIGHT_K: Final = 2.0
"""3.9 − 11 µm at night beyond which a warm surface shines through ice."""
_DAY_K = ((0.0, 30.0, 60.0, 75.0, 80.0, 90.0), (7.5, 6.3, 3.0, 0.8, 0.0, -1.0))
"""3.9 − 11 µm by day, midway between sea (reflectance 0.02) and fog of 10 µm droplets (0.10), against the solar zenith angle."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The fields that the test needs at one time; (n, m) float32.

    Attributes:
        difference: 3.9 − 11 µm, K.
        window: 11 µm, K.
        split: 11 − 12 µm, K; ``None`` where the cube has no 12 µm.
        above_sea: 11 µm − SST, K; ``None`` where the cube has no SST.
        visible: 0.6 µm reflectance, %; NaN by night, ``None`` where the cube has none.
        snow_band: 1.6 µm reflectance, %, likewise.
        zenith: Solar zenith angle, degrees.
    """

    difference: Field
    window: Field
    split: Field | None
    above_sea: Field | None
    visible: Field | None
    snow_band: Field | None
    zenith: Field

    @classmethod
    def of(cls, cube: Cube, index: int) -> Frame:
        """Read a frame.

        Raises:
            CubeInvalid: If 3.9 or 11 µm is missing, empty or in the wrong unit.
        """
        window, near = _kelvin(cube, "BT1120", index), _kelvin(cube, "BT0390", index)

        def optional(name: str) -> Field | None:
            return cube.element(name, index) if name in cube.elements else None

        far, sst = optional("BT1230"), optional("SST")
        return cls(
            difference=near - window,
            window=window,
            split=None if far is None else window - far,
            above_sea=None if sst is None else window - sst,
            visible=optional("R0064"),
            snow_band=optional("R0160"),
            zenith=solar_zenith(cube.times[index], cube.lat[:, None], cube.lon[None, :]).astype(np.float32),
        )

    @property
    def lowness(self) -> Field:
        """How likely the top lies in the lowest few hundred metres if it is a cloud, 0–1."""
        if self.above_sea is None:
            return _step(self.window, 268.0, 1.5)
        low = _step(self.above_sea, _LOW_K, _LOW_SOFT)
        return np.where(np.isnan(low), _step(self.window, 268.0, 1.5), low)

    @property
    def high(self) -> NDArray[np.bool_]:
        """Where ice or otherwise high cloud is seen."""
        high = self.window < _WINDOW_K
        if self.above_sea is not None:
            high |= self.above_sea < _COLD_K
        if self.split is not None:
            high |= self.split > _SPLIT_K
        return high | ((self.zenith >= NIGHT_FROM) & (self.difference > _THIN_ICE_NIGHT_K))

    @property
    def _bright_from(self) -> Field:
        """Visible reflectance of a cloud, %: it rises in twilight, where the division by a small cosine blows up the noise."""
        air = 1 / np.cos(np.deg2rad(np.minimum(self.zenith, DUSK)))
        return np.asarray(15 + 0.45 * np.maximum(air - 1 / np.cos(np.deg2rad(DAY_TO)), 0), dtype=np.float32)

    @property
    def droplets(self) -> Field:
        """How likely a water cloud is seen, whatever its height, 0–1, by the test that suits the sun."""
        night = _step(-self.difference, -_NIGHT_K, _NIGHT_SOFT)
        if self.visible is None:
            return np.where(self.zenith >= DUSK, night, np.float32(np.nan))
        bright = np.minimum(_step(self.visible, self._bright_from, 3.0), _step(-self.visible, -85.0, 4.0))
        if self.snow_band is not None:
            bright *= _step(self.snow_band, 11.0, 1.5)
        excess = _step(self.difference - np.interp(self.zenith, *_DAY_K).astype(np.float32), 0.0, 1.3)
        by_day = bright * excess
        return np.where(self.zenith >= DUSK, night, np.where(self.zenith >= DAY_TO, bright, by_day))


def detect(cube: Cube, index: int) -> FogMask:
    """Fog or very low stratus in one frame by the dual-channel test.

    By night (sun beyond 90°) small droplets emit less at 3.9 than at 11 µm; by day (within 80°) they are bright in the visible and
    at 1.6 µm and reflect sunlight at 3.9 µm; between, only the visible is left and the answer is capped and flagged as weak. In
    every case the top must be about as warm as the sea. What higher cloud hides is obscured, never clear; land is not judged.

    Args:
        cube: With BT0390 and BT1120; BT1230, SST, R0064 and R0160 are used where present.
        index: Frame, from 0.

    Raises:
        CubeInvalid: If an element is missing, the frame is empty, or its unit is wrong.

    Source: Eyre et al. 1984 and Ellrod 1995 (night), Lee et al. 2011 (thresholds that follow the sun).
    """
    frame = Frame.of(cube, index)
    validity = _conditions(cube, index, frame)
    droplets = frame.droplets
    probability = (droplets * frame.lowness).astype(np.float32)
    twilight = (validity & Validity.TWILIGHT) > 0
    probability[twilight] = np.minimum(probability[twilight], TWILIGHT_CAP)
    state = np.where(probability >= THRESHOLD, np.uint8(State.FOG), np.uint8(State.CLEAR))
    other_cloud = (droplets >= THRESHOLD) & (probability < THRESHOLD)
    bright = (
        np.zeros_like(other_cloud) if frame.visible is None else (frame.visible > 22) & (frame.zenith < DUSK) & (probability < THRESHOLD)
    )
    glint = (validity & Validity.GLINT) > 0
    state[(frame.high | other_cloud | (bright & ~glint))] = State.OBSCURED
    unknown = np.isnan(probability) & (state != State.OBSCURED)
    # in glint the sea itself passes the day test: bright pixels there can't be told apart
    unknown |= glint & (state == State.FOG)
    missing = ~np.isfinite(frame.difference)
    validity[missing] |= np.uint16(Validity.MISSING)
    state[unknown | missing | ((validity & Validity.LAND) > 0)] = State.NO_DATA
    probability[(state == State.OBSCURED) | (state == State.NO_DATA)] = np.nan
    return FogMask(probability, state, validity, cube.times[index], cube.bounds, METHOD, cube.name, cube.synthetic)


def _conditions(cube: Cube, index: int, frame: Frame) -> NDArray[np.uint16]:
    validity = np.where(frame.zenith < DAY_TO, np.uint16(Validity.DAY), np.uint16(Validity.NIGHT))
    validity[(frame.zenith >= DAY_TO) & (frame.zenith < NIGHT_FROM)] = Validity.TWILIGHT
    if cube.satellite_longitude is not None and cube.view_zenith is not None:
        validity[cube.view_zenith > 65] |= np.uint16(Validity.SLANT)
        if float(frame.zenith.min()) < NIGHT_FROM:
            validity[_glinting(cube, index, cube.satellite_longitude) & (frame.zenith < NIGHT_FROM)] |= np.uint16(Validity.GLINT)
    land = cube.land
    if land is not None:
        validity[land] |= np.uint16(Validity.LAND)
    return validity


def _glinting(cube: Cube, index: int, satellite_lon: float, step: int = 8) -> NDArray[np.bool_]:
    """Where the mirrored sun is within 28° of the line of sight; the angle changes slowly, so every eighth cell is enough."""
    coarse = glint_angle(cube.times[index], cube.lat[::step, None], cube.lon[None, ::step], satellite_lon) < 28
    rows, columns = cube.shape
    return np.asarray(coarse.repeat(step, 0)[:rows].repeat(step, 1)[:, :columns])


def _step(values: Field, middle: float | Field, soft: float) -> Field:
    """Logistic step: 0.5 at ``middle``, 0.88 two ``soft`` above."""
    with np.errstate(over="ignore"):
        return np.asarray(1 / (1 + np.exp((middle - values) / np.float32(soft))), dtype=np.float32)


def _kelvin(cube: Cube, name: str, index: int) -> Field:
    values = cube.element(name, index)
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        raise CubeInvalid(cube.name, f"{name} holds no value at {cube.times[index]:%Y-%m-%d %H:%M} UTC. Pick another time.")
    middle = float(np.median(finite[:: max(1, finite.size // 4096)]))
    if not 150 < middle < 350:
        raise CubeInvalid(
            cube.name, f"{name} has a median of {middle:.1f}, which is no brightness temperature in kelvin. Check its scale and unit."
        )
    return values
