"""How clouds move: sparse Lucas–Kanade vectors, made dense, and a field carried along them."""

from __future__ import annotations

import contextlib
import io
import threading
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import ExtraMissing
from engine.fog.nowcast.history import Field, History

LEAST_SIDE: Final = 32
"""Cells; in a smaller frame there is nothing to track."""
_LEAST_VECTORS: Final = 3
_DECLUSTER: Final = 20
"""Vectors nearer than this, cells, are merged (pysteps' default)."""
_COARSE: Final = 8
"""Vectors are spread on every eighth cell and then linearly: they lie 20 cells apart. What a motion displaces is as smooth."""
_ASTRAY: Final = 1.0
"""Cells between where a feature began and where the way there and back ends."""
_importing = threading.Lock()


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """Where clouds go.

    Attributes:
        velocity: (2, n, m) float64, cells an hour to the right and down.
        vectors: How many vectors were found.
    """

    velocity: NDArray[np.float64]
    vectors: int

    @classmethod
    def track(cls, history: History, index: int) -> Motion | None:
        """Motion at a frame, from the frames before it.

        Returns:
            ``None`` where it can't be seen: fewer than two frames within an hour, too few cells, or nothing to recognise.

        Raises:
            ExtraMissing: If pysteps or OpenCV is not installed.

        Source: Lucas and Kanade 1981, Bouguet 2001, in the form of pysteps (Pulkkinen et al. 2019), whose local outlier test and
        declustering are used.
        """
        trail = history.trail(index)
        shape = history.frame(index).shape
        if len(trail) < 2 or min(shape) < LEAST_SIDE:
            return None
        steps = _pysteps()
        places, speeds = [np.empty((0, 2))], [np.empty((0, 2))]
        for one, two in pairwise(trail):
            place, shift = _followed(_levelled(history.frame(one)), _levelled(history.frame(two)))
            hours = (history.times[two] - history.times[one]).total_seconds() / 3600
            places.append(place)
            speeds.append(shift / hours)
        where, speed = np.concatenate(places), np.concatenate(speeds)
        if len(where) < _LEAST_VECTORS:
            return None
        where, speed = steps["decluster"](where, speed, _DECLUSTER, 1)
        return cls(_spread(where, speed, shape), len(where))

    def carry(self, field: Field, hours: Sequence[float], *, fixed: NDArray[np.bool_] | None = None) -> tuple[Field, NDArray[np.bool_]]:
        """A field after some hours of motion, semi-Lagrangian.

        Args:
            field: (n, m) float32, NaN where there is no value.
            hours: K times, rising, above 0.
            fixed: (n, m) bool, cells that never have a value, such as land: what comes from there is as unknown as what comes over the
                border.

        Returns:
            (K, n, m) float32, NaN where a hidden part of the field arrives and (K, n, m) bool where something that was seen, or
            hidden, arrives; elsewhere the air comes over the border and the value is that of the place now.

        Source: Germann and Zawadzki 2002, in pysteps' ``extrapolate``.
        """
        return moved(field, self.displacements(hours), fixed=fixed)

    def displacements(self, hours: Sequence[float]) -> NDArray[np.float64]:
        """(K, 2, n, m) from each cell to where its air was so many hours before, cells to the right and down; hours rise from above 0."""
        return fine(self.coarse(hours), self.velocity.shape[1:])

    def coarse(self, hours: Sequence[float]) -> NDArray[np.float64]:
        """(K, 2, ⌈n / 8⌉ + 1, ⌈m / 8⌉ + 1) the same at every eighth cell from 0."""
        extrapolate = _pysteps()["extrapolate"]
        nodes = [np.minimum(np.arange(0, side + _COARSE - 1, _COARSE), side - 1) for side in self.velocity.shape[1:]]
        velocity = self.velocity[:, nodes[0][:, None], nodes[1][None, :]] / _COARSE
        shifts, so_far, previous = [], None, 0.0
        for hour in hours:
            options: dict[str, Any] = {"vel_timestep": 1.0, "n_iter": 3, "return_displacement": True, "displacement_prev": so_far}
            so_far = np.asarray(extrapolate(None, velocity, [float(hour - previous)], **options)[1])
            shifts.append(so_far.copy())
            previous = hour
        return _COARSE * np.stack(shifts)


def fine(coarse: NDArray[np.floating], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """(…, n, m) from values at every eighth cell, linearly."""
    down, across = (_linear(side) for side in shape)
    return np.asarray(down @ coarse @ across.T)


def moved(field: Field, displacements: NDArray[np.floating], *, fixed: NDArray[np.bool_] | None = None) -> tuple[Field, NDArray[np.bool_]]:
    """A field that is carried along (K, 2, n, m) displacements; see :meth:`Motion.carry`."""
    absent = np.isnan(field)
    hidden = absent if fixed is None else absent & ~fixed
    carried = np.stack([_sampled(field, shift, np.nan) for shift in displacements]).astype(np.float32)
    obscured = np.zeros(carried.shape, dtype=bool)
    if hidden.any():
        obscured = np.stack([_sampled(hidden.astype(np.float32), shift, 0.0) > 0.5 for shift in displacements])
    reached = np.isfinite(carried) | obscured
    return np.where(reached, np.where(obscured, np.float32(np.nan), carried), field[None]), reached


def _linear(side: int) -> NDArray[np.float64]:
    """(side, ⌈side / 8⌉ + 1) shares of the nodes, every eighth cell from 0, in each cell between them."""
    place = np.arange(side) / _COARSE
    return np.asarray(np.maximum(1 - np.abs(place[:, None] - np.arange((side + _COARSE - 2) // _COARSE + 1)), 0))


def _followed(one: Field | None, two: Field | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(V, 2) places, x and y, and (V, 2) shifts in cells of what is recognised in both of two frames.

    A shift counts where the way back leads to where it began, and where it does not stand out from its neighbours. Without the
    first test a frame with a missing part (SEVIRI's 1.6 µm sequence has three) sets clouds in motion at 200 m/s.

    Source of the test there and back: Kalal et al. 2010, "Forward-Backward Error".
    """
    from scipy.spatial import cKDTree

    nothing = np.empty((0, 2)), np.empty((0, 2))
    if one is None or two is None:
        return nothing
    steps = _pysteps()
    before, after = np.ma.masked_invalid(one), np.ma.masked_invalid(two)
    corners = steps["detect"](before).astype(np.float32)
    if not len(corners):  # on which the tracker fails
        return nothing
    places, shifts = steps["track"](before, after, corners)
    if not len(places):
        return nothing
    arrived = (places + shifts).astype(np.float32)
    again, back = steps["track"](after, before, arrived)
    if not len(again):
        return nothing
    apart, which = cKDTree(arrived).query(again)  # what is lost on the way back is dropped from the answer
    astray = np.hypot(*(shifts[which] + back).T)
    places, shifts = (part[which[(apart == 0) & (astray <= _ASTRAY)]].astype(np.float64) for part in (places, shifts))
    if len(places) < _LEAST_VECTORS:
        return nothing
    with warnings.catch_warnings():  # neighbours that all move alike, or nearly: none stands out
        warnings.simplefilter("ignore", UserWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        alone = steps["outliers"](shifts, 3, places, 30)
    return places[~alone], shifts[~alone]


def _levelled(field: Field) -> Field | None:
    """A frame on 0–1 between its 1st and 99th percentile: the tracker takes a change of grey, as by the setting sun, for motion.

    Returns:
        ``None`` where all values are the same, or there is none.
    """
    known = field[np.isfinite(field)]
    if not known.size:
        return None
    low, high = np.percentile(known, [1, 99])
    if high <= low:
        low, high = known.min(), known.max()
    return None if high <= low else np.asarray(np.clip((field - low) / (high - low), 0, 1), dtype=np.float32)


def _sampled(field: Field, shift: NDArray[np.float64], outside: float) -> Field:
    from scipy.ndimage import map_coordinates

    rows, columns = np.indices(field.shape, dtype=np.float64)
    return np.asarray(
        map_coordinates(field, [rows + shift[1], columns + shift[0]], order=1, mode="constant", cval=outside, prefilter=False)
    )


def _spread(places: NDArray[np.float64], speeds: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """(2, n, m) velocities by inverse distance from the nearest vectors."""
    rows, columns = shape
    x, y = (np.unique(np.append(np.arange(0, side, _COARSE), side - 1)) for side in (columns, rows))
    coarse = np.asarray(_pysteps()["interpolate"](places, speeds, x, y, k=min(20, len(places))))
    across = np.stack([[np.interp(np.arange(columns), x, row) for row in part] for part in coarse])
    return np.stack([np.stack([np.interp(np.arange(rows), y, column) for column in part.T], axis=1) for part in across])


def _pysteps() -> dict[str, Any]:
    """The functions that are used, imported on first use: it takes two seconds and prints a greeting."""
    with _importing:
        if not _loaded:
            try:
                with contextlib.redirect_stdout(io.StringIO()):  # standard output belongs to the answer
                    _loaded.update(_import())
            except ImportError as error:
                package = "opencv-python-headless" if "cv2" in str(error) else "pysteps"
                raise ExtraMissing("optical flow", package) from None
    return _loaded


_loaded: dict[str, Any] = {}


def _import() -> dict[str, Any]:
    import_module("cv2")  # pysteps tracks with it but does not ask for it
    return {
        "detect": import_module("pysteps.feature.shitomasi").detection,
        "track": import_module("pysteps.tracking.lucaskanade").track_features,
        "outliers": import_module("pysteps.utils.cleansing").detect_outliers,
        "extrapolate": import_module("pysteps.extrapolation.semilagrangian").extrapolate,
        "decluster": import_module("pysteps.utils.cleansing").decluster,
        "interpolate": import_module("pysteps.utils.interpolate").idwinterp2d,
    }
