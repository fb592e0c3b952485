"""The next hours of the fog mask: its probability is carried, and what higher cloud hid stays hidden."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import CubeInvalid
from engine.fog.cube import Cube
from engine.fog.mask import FogMask, State, Validity
from engine.fog.nowcast.forecast import Nowcast, Step, nowcast
from engine.fog.nowcast.history import FOG, Field, History, before, cell_of
from engine.fog.nowcast.methods import LEADS, Method
from engine.fog.sun import solar_zenith
from engine.progress import Cancel, Progress, silent

Detector = Callable[[Cube, int], FogMask]
_LIGHTS = Validity.DAY | Validity.TWILIGHT | Validity.NIGHT


@dataclass(frozen=True, slots=True, eq=False)
class MaskNowcast:
    """Forecasts of the mask.

    Attributes:
        nowcast: Of the probability, with its skill: CSI counts fog or very low stratus, seen by the detector and not by ships.
        masks: One a lead; obscured where the air was below higher cloud when the forecast was issued.
        last: The newest mask, from which it starts.
    """

    nowcast: Nowcast
    masks: tuple[FogMask, ...]
    last: FogMask

    def record(self) -> dict[str, Any]:
        """As JSON: the nowcast's, with the share of fog and of what is obscured at each lead."""
        record = self.nowcast.record()
        for lead, mask in zip(record["leads"], self.masks, strict=True):
            lead["fog_fraction"] = round(mask.fog_fraction, 6)
            lead["obscured_fraction"] = round(mask.obscured_fraction, 6)
        return {**record, "detector": self.last.method}


def nowcast_mask(
    cube: Cube,
    leads: Sequence[int] = LEADS,
    method: Method = "blend",
    *,
    until: datetime | None = None,
    detector: Detector | None = None,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> MaskNowcast:
    """Forecast where fog or very low stratus will be.

    Only the frames that the forecast and its hindcasts need are detected. A past frame in which nothing can be detected is left out.

    Args:
        cube: Frames.
        leads: Minutes, 1 to 180.
        method: See :func:`engine.fog.nowcast.nowcast`.
        until: Start from the newest frame up to this time.
        detector: Cube and frame → mask; by default that of :func:`engine.fog.detect`.
        progress: Told of each hindcast.
        cancel: Stops between two.

    Raises:
        CubeInvalid: If nothing can be detected in the newest frame.
        NowcastInvalid: If the leads or the time are unusable, or the newest frame is hidden all over.
        Cancelled: If it was stopped.
    """
    find = detector or _default()
    times = before(cube, until)
    last = find(cube, len(times) - 1)

    def read(index: int) -> Field:
        if index == len(times) - 1:
            return last.probability
        try:
            return find(cube, index).probability
        except CubeInvalid:  # an empty or broken frame of the past is as good as none
            return np.full(cube.shape, np.nan, dtype=np.float32)

    history = History(FOG, times, read, source=cube.name, synthetic=cube.synthetic, cell=cell_of(cube))
    found = nowcast(history, leads, method, progress=progress, cancel=cancel)
    return MaskNowcast(found, tuple(_mask(cube, last, step) for step in found.steps), last)


def _default() -> Detector:
    from engine.fog.detection import detect

    return detect


def _mask(cube: Cube, last: FogMask, step: Step) -> FogMask:
    land = (last.validity & Validity.LAND) > 0
    probability = np.where(land, np.float32(np.nan), step.values)
    unknown = np.where(land | (last.state == State.NO_DATA), np.uint8(State.NO_DATA), np.uint8(State.OBSCURED))
    said = np.where(probability >= FOG.event.threshold, np.uint8(State.FOG), np.uint8(State.CLEAR))
    return replace(
        last,
        probability=probability,
        state=np.where(np.isnan(probability), unknown, said),
        validity=_validity(cube, last, step.time),
        time=step.time,
        method=f"nowcast +{step.minutes} min ({step.method}) from {last.method}",
    )


def _validity(cube: Cube, last: FogMask, when: datetime) -> NDArray[np.uint16]:
    """The conditions that stay, with the light of the time that is forecast; sun glint is no matter of a forecast."""
    zenith = solar_zenith(when, cube.lat[:, None], cube.lon[None, :])
    light = np.where(zenith < 80, np.uint16(Validity.DAY), np.where(zenith < 90, np.uint16(Validity.TWILIGHT), np.uint16(Validity.NIGHT)))
    stays = last.validity & np.uint16(~int(_LIGHTS | Validity.GLINT) & 0xFFFF)
    return np.asarray(stays | light, dtype=np.uint16)
