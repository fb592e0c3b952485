"""Noise fields that drift with a wind and change slowly while they do."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.world.noise import FloatImage
from engine.world.weather.place import Place


def noise(place: Place, rng: np.random.Generator, *, beta: float, longest: float, stretch: float = 1.0, angle: float = 0.0) -> FloatImage:
    """Periodic Gaussian noise with a power-law spectrum, in kilometres, so that cells need not be square.

    Args:
        place: Where; gives the grid.
        rng: Source.
        beta: Slope of the power spectrum; 2 is rough, 4 smooth.
        longest: Longest wave that is kept, km.
        stretch: How much longer features are along ``angle`` than across.
        angle: Direction of the streaks, radians from east to north.

    Returns:
        (n, m) float32, mean 0, standard deviation 1.
    """
    from scipy.fft import irfft2, rfft2

    (rows, columns), (down, across) = place.grid.shape, place.cell_km
    spectrum = rfft2(rng.standard_normal((rows, columns), dtype=np.float32))
    fy = -np.fft.fftfreq(rows, down).astype(np.float32)[:, None]
    fx = np.fft.rfftfreq(columns, across).astype(np.float32)[None, :]
    if stretch != 1:
        along = fx * np.float32(np.cos(angle)) + fy * np.float32(np.sin(angle))
        over = fy * np.float32(np.cos(angle)) - fx * np.float32(np.sin(angle))
        frequency = np.hypot(along * np.float32(stretch), over)
    else:
        frequency = np.hypot(fx, fy)
    frequency[0, 0] = 1.0
    spectrum *= frequency ** np.float32(-beta / 2) / (1 + (1 / (np.float32(longest) * frequency)) ** 6)
    spectrum[0, 0] = 0
    field = np.asarray(irfft2(spectrum, s=(rows, columns)), dtype=np.float32)
    return np.asarray(field / max(float(field.std()), 1e-9), dtype=np.float32)


class Drift:
    """A noise field that the wind carries across a periodic domain.

    Two fields are turned into each other, so that it also changes shape; its variance stays 1.
    """

    def __init__(
        self,
        place: Place,
        rng: np.random.Generator,
        *,
        beta: float,
        longest: float,
        wind: tuple[float, float] = (0.0, 0.0),
        life: float = 60.0,
        stretch: float = 1.0,
        angle: float = 0.0,
    ) -> None:
        """Make it.

        Args:
            place: Where.
            rng: Source.
            beta: See :func:`noise`.
            longest: See :func:`noise`.
            wind: To the east and to the north, m s⁻¹.
            life: Hours after which it has turned into its opposite.
            stretch: See :func:`noise`.
            angle: See :func:`noise`.
        """
        self._first = noise(place, rng, beta=beta, longest=longest, stretch=stretch, angle=angle)
        self._second = noise(place, rng, beta=beta, longest=longest, stretch=stretch, angle=angle)
        down, across = place.cell_km
        self._hourly = (-wind[1] * 3.6 / down, wind[0] * 3.6 / across)
        self._life = life

    def at(self, hours: float) -> FloatImage:
        """(n, m) float32 so many hours after the first frame."""
        turn = np.pi * hours / self._life
        field = np.float32(np.cos(turn)) * self._first + np.float32(np.sin(turn)) * self._second
        return moved(field, (self._hourly[0] * hours, self._hourly[1] * hours))


def moved(field: NDArray[np.float32], by: tuple[float, float]) -> FloatImage:
    """A periodic field shifted by rows and columns, between cells linearly."""
    rows, columns = int(np.floor(by[0])), int(np.floor(by[1]))
    fy, fx = np.float32(by[0] - rows), np.float32(by[1] - columns)
    base = np.roll(field, (rows, columns), (0, 1))
    down = base + fy * (np.roll(base, 1, 0) - base)
    return np.asarray(down + fx * (np.roll(down, 1, 1) - down), dtype=np.float32)
