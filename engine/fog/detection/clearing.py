"""What a clear sky looks like to each imager, fitted on made-up series of the training regime: ``clear_sky.yaml``."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.fog.detection.features import wetness
from engine.fog.detection.fitting import FitRecipe, planned, sight_of
from engine.fog.instruments import instruments
from engine.progress import Cancel, Progress, silent, stop_if

Matrix = NDArray[np.float64]

_CELLS: Final = 400
"""Clear cells of a frame that are looked at."""
_SLOPES: Final = {"near": 0.125, "vapour": 0.25, "apart": 0.25, "quartz": -0.2}
"""Typical change for each centimetre of vapour, K, towards which the fit is drawn a little: air mass and vapour rise together."""
_RIDGE: Final = np.diag([0.003, 0.03, 0.003])


def fit_clear_skies(recipe: FitRecipe, progress: Progress = silent, cancel: Cancel | None = None) -> dict[str, Any]:
    """The content of ``clear_sky.yaml``: of each imager four lines through what cells without any cloud show.

    Absolute deviations are minimised, for dust is not left out.

    Raises:
        Cancelled: If it was stopped.
    """
    seen: dict[str, list[Matrix]] = defaultdict(list)
    fewer = replace(recipe, series=max(1, recipe.series // 4), foggy=0.2)
    for number, plan in enumerate(planned(fewer)):
        stop_if(cancel, "Fitting")
        progress("Looking at clear skies", number, fewer.series)
        for index in plan.frames:
            seen[plan.imager].append(_clear_cells(plan.series, index, plan.dice))
    bands = {name: imager.elements for name, imager in instruments().items()}
    records = []
    for name, parts in seen.items():
        cells = np.concatenate(parts)
        lines = {each: _line(cells, 2 + place, _SLOPES[each]) for place, each in enumerate(_SLOPES)}
        about = {"instrument": name, "near_um": bands[name]["BT0390"].wavelength, "window_um": bands[name]["BT1120"].wavelength}
        records.append(about | lines)
    return {"imagers": records}


def _clear_cells(series: Any, index: int, dice: np.random.Generator) -> Matrix:  # noqa: ANN401 - engine.world is imported on use
    """(k, 6) air mass, air mass × vapour, 3.9 − 11 µm by night, SST − 11 µm, 11 − 12 µm, 8.6 − 11 µm of cells without cloud."""
    sky, frame = series.sky(index), series.frame(index)
    fields = frame.fields
    sight = sight_of(series, index, fields)
    clear = (sky.fog.depth < 0.01) & (sky.higher < 0.01) & np.isfinite(fields["SST"])
    cells = np.flatnonzero(clear)
    cells = dice.choice(cells, min(_CELLS, cells.size), replace=False)
    assert sight.slant is not None
    assert sight.cos_sun is not None
    window, slant = fields["BT1120"], sight.slant
    night = np.where(sight.cos_sun < -0.02, fields["BT0390"] - window, np.float32(np.nan))
    columns = (
        slant,
        slant * wetness(fields["SST"], window),
        night,
        fields["SST"] - window,
        window - fields["BT1230"],
        fields["BT0860"] - window,
    )
    return np.column_stack([column.ravel()[cells] for column in columns]).astype(np.float64)


def _line(cells: Matrix, column: int, slope: float) -> list[float]:
    """Constant, air mass and vapour × air mass by least absolute deviations."""
    known = np.isfinite(cells[:, column])
    left = np.column_stack([np.ones(int(known.sum())), cells[known, 0], cells[known, 1]])
    right, drawn = cells[known, column], np.array([0, 0, slope])
    weight = np.ones(right.size)
    found = drawn
    for _ in range(30):
        share = left * (weight / weight.sum())[:, None]
        found = np.linalg.solve(share.T @ left + _RIDGE, share.T @ right + _RIDGE @ drawn)
        weight = 1 / np.maximum(np.abs(right - left @ found), 0.05)
    return [round(float(value), 3) for value in found]
