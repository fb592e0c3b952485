"""The read-out of one cell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from engine.errors import CubeInvalid
from engine.fog.cube import Cube
from engine.fog.detection.explanation import Explanation, Finding
from engine.fog.detection.features import QUANTITIES
from engine.fog.detection.judging import COLD_K, ICE_K, NIGHT_DROPLETS, QUARTZ_K, SNOW, default_judge, droplet_limit, heightless
from engine.fog.detection.odds import CHECKS, SUNLIT, Evidence, light_shares, sunlit_share
from engine.fog.detection.physics import GLINT_DEG, Look, look
from engine.fog.detection.texture import grey_mask
from engine.fog.mask import Check, FogMask, State, Validity


def read_out(cube: Cube, frame: int, row: int, column: int) -> Explanation:
    """Why a cell is what it is.

    Raises:
        CubeInvalid: If there is no such cell, or the frame can't be judged.
    """
    rows, columns = cube.shape
    if not (0 <= row < rows and 0 <= column < columns):
        raise CubeInvalid(cube.name, f"it has {rows} × {columns} cells; there is none at row {row}, column {column}.")
    if cube.grey:
        return _of_grey(cube, grey_mask(cube, frame), frame, row, column)
    return explained(look(cube, frame), row, column)


def explained(seen: Look, row: int, column: int) -> Explanation:
    """The read-out of a cell of a frame that was judged."""
    cube, sight, mask = seen.cube, seen.features.sight, seen.mask()
    probability, zenith = float(mask.probability[row, column]), float(sight.zenith[row, column])
    view = cube.view_zenith
    return Explanation(
        time=mask.time,
        row=row,
        column=column,
        lat=float(cube.lat[row]),
        lon=float((cube.lon[column] + 180) % 360 - 180),
        state=State(int(mask.state[row, column])),
        probability=_known(probability),
        solar_zenith=None if sight.light_assumed else _known(zenith),
        view_zenith=None if view is None else _known(float(view[row, column])),
        validity=Validity.all_words(int(mask.validity[row, column])),
        findings=tuple(_findings(seen, row, column)),
        values={name: _known(float(values[row, column])) for name, values in sight.fields.items()},
        method=mask.method,
        notes=mask.notes,
    )


def _of_grey(cube: Cube, mask: FogMask, frame: int, row: int, column: int) -> Explanation:
    """Of a cube of grey levels: what texture and brightness say, without values that could be compared."""
    bits = 0 if mask.reasons is None else int(mask.reasons[row, column])
    findings = []
    for check in (Check.BRIGHT, Check.SMOOTH):
        passed = bool(bits & check.passed_bit)
        quantity = "brightness in its frame" if check is Check.BRIGHT else "spread within 5 × 5 cells"
        findings.append(Finding(check.name.lower(), check.words[0 if passed else 1], quantity, None, "", None, passed))
    return Explanation(
        time=mask.time,
        row=row,
        column=column,
        lat=float(cube.lat[row]),
        lon=float((cube.lon[column] + 180) % 360 - 180),
        state=State(int(mask.state[row, column])),
        probability=_known(float(mask.probability[row, column])),
        solar_zenith=None,
        view_zenith=None,
        validity=Validity.all_words(int(mask.validity[row, column])),
        findings=tuple(findings),
        values={name: _known(float(cube.element(name, frame)[row, column])) for name in cube.elements},
        method=mask.method,
        notes=mask.notes,
    )


def _findings(seen: Look, row: int, column: int) -> Iterator[Finding]:
    """Screens that were failed first, then the quantities, the weightiest first."""
    yield from _screens(seen, row, column)
    lost = heightless(seen.features)
    low = seen.basis == "full" and lost is not None and bool(lost[row, column])
    question = default_judge().questions["visible" if seen.basis == "visible" else "low" if low else "fog"]
    zenith = seen.features.sight.zenith[row : row + 1, column]
    shares = {light: float(share[0]) for light, share in light_shares(zenith).items()}
    sun = float(sunlit_share(zenith)[0])
    values = {name: _known(float(field[row, column])) for name, field in seen.features.values.items()}
    ruling = max(question.lights, key=lambda light: shares[light])
    weights: dict[str, float] = {}
    for light, evidence in question.lights.items():
        for name, weight in _weights(evidence, values, sun).items():
            weights[name] = weights.get(name, 0.0) + shares[light] * weight
    for name, weight in sorted(weights.items(), key=lambda item: -abs(item[1])):
        check, value = CHECKS[name], values.get(name)
        curve = next((each for each in question.lights[ruling].curves if each.quantity == name), None)
        made = value is not None and not (name in SUNLIT and sun == 0)
        yield Finding(
            check=check.name.lower(),
            words=check.words[0 if weight > 0 else 1] if made else "not known here",
            quantity=QUANTITIES[name].words,
            value=None if value is None else round(value, 3),
            unit=QUANTITIES[name].unit,
            threshold=None if curve is None or value is None else _rounded(curve.threshold(value)),
            passed=weight > 0 if made else None,
            weight=round(weight, 3),
        )


def _weights(evidence: Evidence, values: Mapping[str, float | None], sun: float) -> dict[str, float]:
    """Log odds that each quantity adds; what two add together is halved between them."""
    out: dict[str, float] = {}
    for curve in evidence.curves:
        value = values.get(curve.quantity)
        out[curve.quantity] = 0.0 if value is None else curve.weigh(value) * (sun if curve.quantity in SUNLIT else 1)
    for sheet in evidence.sheets:
        one, two = values.get(sheet.first), values.get(sheet.second)
        if one is None or two is None:
            continue
        half = sheet.weigh(one, two) * (sun if SUNLIT & {sheet.first, sheet.second} else 1) / 2
        for name in (sheet.first, sheet.second):
            out[name] = out.get(name, 0.0) + half
    return out


_SCREENS: Final = (
    (Check.WARM, "window", COLD_K, False),
    (Check.NO_ICE, "ice", ICE_K, True),
    (Check.NO_DUST, "grains", QUARTZ_K, False),
    (Check.LIQUID, "liquid", SNOW[1], False),
)
"""Test, quantity, limit, and whether more than the limit fails."""


def _screens(seen: Look, row: int, column: int) -> Iterator[Finding]:
    bits = int(seen.judgement.reasons[row, column])
    for check, name, limit, above in _SCREENS:
        if name not in seen.features.values or not bits & check.failed_bit:
            continue
        value = float(seen.features.values[name][row, column])
        if value > limit if above else value < limit:
            yield Finding(check.name.lower(), check.words[1], QUANTITIES[name].words, round(value, 3), QUANTITIES[name].unit, limit, False)
    yield from _dark(seen, row, column)
    glint = seen.features.sight.glint
    if glint is not None:
        angle = float(glint[row, column])
        passed = angle >= GLINT_DEG
        words = Check.NO_GLINT.words[0 if passed else 1]
        yield Finding("no_glint", words, "angle to the mirrored sun", round(angle, 1), "°", GLINT_DEG, passed)


def _dark(seen: Look, row: int, column: int) -> Iterator[Finding]:
    """Where too few droplets hold the odds down although the rest would speak for fog."""
    droplets, bright = seen.features.values.get("droplets"), seen.features.values.get("bright")
    if droplets is None or seen.basis != "full":
        return
    here = (slice(row, row + 1), slice(column, column + 1))
    most = droplet_limit(droplets[here], None if bright is None else bright[here], seen.features.sight.zenith[here])
    if abs(float(most[0, 0]) - float(seen.judgement.odds[row, column])) < 1e-3:
        quantity = QUANTITIES["droplets"]
        limit = round(float(NIGHT_DROPLETS), 3)
        words = "too few droplets to be fog in the dark"
        yield Finding("droplets", words, quantity.words, round(float(droplets[row, column]), 3), quantity.unit, limit, False)


def _known(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
