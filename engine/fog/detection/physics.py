"""The physics core: dual-channel, height, texture and ice tests whose evidence adds up to a probability, a state and reasons.

Droplets show at 3.9 µm by day and by night in one quantity, so that nothing jumps at sunrise; tops are compared with the sea, whose
temperature is corrected by what clear sea in sight shows, or taken from it altogether where there is no product. What each quantity
is worth stands in ``assets/detection/physics.yaml``, what a clear sky looks like to an imager in ``clear_sky.yaml``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from engine.errors import CubeInvalid
from engine.fog.cube import Cube
from engine.fog.detection.explanation import Explanation
from engine.fog.detection.features import DUSK_DEG, Features, Sight
from engine.fog.detection.judging import Judgement, default_judge, probability_of
from engine.fog.detection.texture import grey_mask
from engine.fog.mask import Check, FogMask, State, Validity
from engine.fog.quality import SLANT_DEG, stray_light

Field = NDArray[np.float32]
Basis = Literal["full", "visible"]

TITLE: Final = "physics: dual channel by day and night, height, texture, ice"
THRESHOLD: Final = 0.5
"""Probability from which a cell counts as fog or very low stratus."""
GLINT_DEG: Final = 28.0
"""Angle to the mirrored sun within which a bright sea can't be told from fog."""
NIGHT_FROM, DAY_TO = 90.0, 80.0
_DOUBTFUL_K: Final = 1.5
"""Correction of the sea surface temperature from which it is called doubtful."""
_SCREENED: Final = np.float32(-3.0)
"""Log odds of what a screen rules out, at most."""
_VISIBLE_CAP: Final = np.float32(1.1)
"""Log odds that sunlight alone may claim at most: 0.75."""
_USUAL: Final = ("BT0390", "BT1120", "BT1230", "BT0860", "R0064", "R0160")


class PhysicsDetector:
    """The default."""

    name = "physics"
    title = TITLE
    experimental = False

    def detect(self, cube: Cube, frame: int) -> FogMask:
        """See :meth:`engine.fog.detection.Detector.detect`."""
        if cube.grey:
            return grey_mask(cube, frame)
        return look(cube, frame).mask()

    def explain(self, cube: Cube, frame: int, row: int, column: int) -> Explanation:
        """Why a cell is what it is; see :func:`engine.fog.detection.explain`."""
        from engine.fog.detection.reading import read_out

        return read_out(cube, frame, row, column)


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """A frame that was judged, with all that led there.

    Attributes:
        cube: Where it is from.
        frame: Its index.
        features: Its quantities.
        judgement: Odds and reasons.
        basis: Whether temperatures were there, or sunlight alone.
        notes: What is missing, in words.
    """

    cube: Cube
    frame: int
    features: Features
    judgement: Judgement
    basis: Basis
    notes: tuple[str, ...]

    def mask(self) -> FogMask:
        """The mask."""
        judged = self.judgement
        chosen = np.where(judged.screened, np.minimum(judged.odds, _SCREENED), judged.odds)
        probability = probability_of(chosen)
        validity = self.validity()
        fog = chosen >= np.float32(np.log(THRESHOLD / (1 - THRESHOLD)))
        state = np.where(fog, np.uint8(State.FOG), np.uint8(State.CLEAR))
        with np.errstate(invalid="ignore"):
            state[(judged.cover >= 0) & (~fog | (judged.cover >= _COVERED))] = State.OBSCURED
        reasons = judged.reasons.copy()
        glint = (validity & Validity.GLINT) > 0
        reasons[glint] |= np.uint32(Check.NO_GLINT.failed_bit)
        unknown = (validity & (Validity.MISSING | Validity.LAND)) > 0
        state[unknown | np.isnan(chosen) | (glint & (state == State.FOG))] = State.NO_DATA
        probability[(state == State.OBSCURED) | (state == State.NO_DATA)] = np.nan
        cube = self.cube
        return FogMask(
            probability,
            state,
            validity,
            cube.times[self.frame],
            cube.bounds,
            TITLE,
            cube.name,
            cube.synthetic,
            reasons,
            self.notes,
        )

    def validity(self) -> NDArray[np.uint16]:
        """(n, m) bits of :class:`engine.fog.mask.Validity`."""
        cube, sight, seen = self.cube, self.features.sight, self.features.values
        bits = _light(sight)

        def put(flag: Validity, where: NDArray[np.bool_] | bool) -> None:
            np.bitwise_or(bits, np.uint16(flag), out=bits, where=where)

        if cube.view_zenith is not None:
            put(Validity.SLANT, cube.view_zenith > SLANT_DEG)
        if sight.glint is not None and sight.cos_sun is not None:
            put(Validity.GLINT, (sight.glint < GLINT_DEG) & (sight.cos_sun > 0))
        if sight.land is not None:
            put(Validity.LAND, sight.land)
        if self.basis == "visible":
            put(Validity.VISIBLE_ONLY, True)
            put(Validity.MISSING, np.isnan(seen["bright"]))
            return bits
        put(Validity.FEWER_BANDS, bool(self.notes))
        near = sight.fields.get("BT0390")
        lost = np.isnan(seen["window"])
        lost |= np.isnan(near) if near is not None else np.isnan(seen["bright"])
        put(Validity.MISSING, lost)
        if cube.satellite_longitude is not None and stray_light(cube.times[self.frame], cube.satellite_longitude):
            put(Validity.STRAY_LIGHT, sight.zenith >= NIGHT_FROM)
        sst = sight.fields.get("SST")
        put(Validity.NO_SEA_TEMPERATURE, True if sst is None else np.isnan(sst))
        if self.features.correction is not None:
            put(Validity.SEA_DOUBTFUL, np.abs(self.features.correction) > _DOUBTFUL_K)
        return bits


_COVERED: Final = np.float32(2.0)
"""Log odds of higher cloud from which a cell is obscured whatever else speaks for fog."""


def look(cube: Cube, frame: int) -> Look:
    """Judge a frame, and keep what led there.

    Raises:
        CubeInvalid: If it can't be judged at all.
    """
    sight = Sight.of(cube, frame)
    basis, notes = _basis(cube, frame, sight)
    if basis == "visible" and sight.cos_sun is None:  # reflectances without a time: taken as of a high sun, and said so
        rows = next(iter(sight.fields.values())).shape
        sight = sight.under_sun(np.full(rows, np.float32(0.7)))
        notes = (*notes, "day or night is not known; taken as day")
    features = Features.of(sight)
    judgement = default_judge()(features, "fog" if basis == "full" else "visible")
    if basis == "visible":
        np.minimum(judgement.odds, _VISIBLE_CAP, out=judgement.odds)
    return Look(cube, frame, features, judgement, basis, notes)


def _basis(cube: Cube, frame: int, sight: Sight) -> tuple[Basis, tuple[str, ...]]:
    """What there is to judge by, and what is missing of it.

    Raises:
        CubeInvalid: If that is too little.
    """
    have = sight.fields
    lit = _is_lit(sight)
    visible = lit and any(name in have for name in ("R0064", "R0086"))
    if "BT1120" in have and sight.cos_sun is None and not visible:
        raise CubeInvalid(
            cube.name, "its times or its place are not known, so that day and night can't be told apart. Convert it with --start."
        )
    if "BT1120" in have and sight.cos_sun is not None and ("BT0390" in have or visible):
        wanted = [name for name in _USUAL if (lit or not name.startswith("R")) and not (name == "R0064" and "R0086" in have)]
        return "full", tuple(f"{name} is missing" for name in wanted if name not in have)
    if visible:
        missing = [name for name in ("BT1120", "BT0390") if name not in have]
        return "visible", (f"visible light only: {' and '.join(missing) or 'time or place'} missing",)
    for name in ("BT1120", "BT0390"):
        if name not in cube.elements:
            cube.element(name, frame)  # says which elements there are
        if name not in have:
            raise CubeInvalid(cube.name, f"{name} holds no value at {cube.times[frame]:%Y-%m-%d %H:%M} UTC. Pick another time.")
    raise CubeInvalid(cube.name, "nothing in this frame can be judged.")  # pragma: no cover - the loop above has always raised


def _is_lit(sight: Sight) -> bool:
    if sight.cos_sun is None:
        return True
    return bool((sight.cos_sun > np.float32(np.cos(np.deg2rad(DUSK_DEG)))).any())


def _light(sight: Sight) -> NDArray[np.uint16]:
    if sight.light_assumed or sight.cos_sun is None:
        return np.full(sight.shape, np.uint16(Validity.LIGHT_UNKNOWN))
    zenith = sight.zenith
    bits = np.where(zenith < DAY_TO, np.uint16(Validity.DAY), np.uint16(Validity.NIGHT))
    bits[(zenith >= DAY_TO) & (zenith < NIGHT_FROM)] = Validity.TWILIGHT
    return np.asarray(bits, dtype=np.uint16)
