"""The fog network on SYNTHETIC weather that it has never seen: held-out regimes over held-out regions, beside physics.

    python -m engine bench fog_network

PHAROS_BENCH_SERIES series (160) of six frames of 128 × 128, at the base rate of the training mix and at 2 %, and a third of them with
fog over 10 % and a sea surface temperature that is right or off by 2 K. Other weights of the same recipe: PHAROS_BENCH_WEIGHTS=FILE.onnx.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.fog_skill import warmed
from engine.fog.cube import Cube
from engine.fog.detection.detector import Detector, detector
from engine.fog.mask import Validity
from engine.fog.network.detector import NetworkDetector
from engine.fog.network.session import MODEL
from engine.fog.scores.pairs import Pair, Said, Truth
from engine.fog.scores.scorecard import Scorecard, scorecard
from engine.fog.sun import solar_zenith
from engine.world.noise import stream
from engine.world.weather import HELD_OUT, simulate

REGIONS = {"ME": ("SEVIRI", "FCI"), "AG": ("SEVIRI", "FCI"), "GA": ("ABI",), "GM": ("ABI",), "CE": ("AHI", "AGRI")}
"""The sea regions that the recipe leaves out, with imagers that see them."""
FIRST = 500_000
RARE = 0.02
OFTEN = 0.1
OFF = (0.0, 2.0, -2.0)
"""K by which the sea surface temperature is off."""


def main() -> dict[str, Any]:
    """Measure, and print as it goes."""
    count = int(os.environ.get("PHAROS_BENCH_SERIES", "160"))
    network = NetworkDetector(Path(os.environ.get("PHAROS_BENCH_WEIGHTS", str(MODEL))))
    record: dict[str, Any] = {"series": count, "synthetic": True}
    both = {"network": network, "physics": detector("physics")}
    for mix, rate in (("training mix", None), ("2 %", RARE)):
        record[mix] = measured(both, count, rate)
        for name, figures in record[mix].items():
            print(mix, name, figures, flush=True)
    record["sea off by"] = {by: measured(both, max(1, count // 3), OFTEN, by) for by in OFF}
    for by, found in record["sea off by"].items():
        print(f"{by:+.0f} K", {name: figures["csi"] for name, figures in found.items()}, flush=True)
    return record


def measured(detectors: dict[str, Detector], count: int, rate: float | None, off: float = 0.0) -> dict[str, dict[str, Any]]:
    """Scores of each detector; with ``rate``, all series have fog over that share of the sea; with ``off``, that is so many K too warm."""
    pairs: dict[str, list[tuple[str, Pair]]] = {name: [] for name in detectors}
    unusual: dict[str, list[float]] = {name: [] for name in detectors}
    for event, regime, region, true in _cubes(count, rate):
        cube = warmed(true, off) if off else true
        for index, when in enumerate(cube.times):
            labels = cube.label(index)
            assert labels is not None
            zenith = solar_zenith(when, cube.lat[:, None], cube.lon[None, :])
            for name, each in detectors.items():
                mask = each.detect(cube, index)
                pairs[name].append((regime, Pair(Said.of(mask), Truth(labels), zenith, when, region, event)))
                unusual[name].append(float(((mask.validity & Validity.UNUSUAL) > 0)[mask.judged].mean()) if mask.judged.any() else 0.0)
    return {name: _figures(some, unusual[name]) for name, some in pairs.items()}


def _cubes(count: int, rate: float | None) -> Iterator[tuple[str, str, str, Cube]]:
    """Event, regime and region of each series, and six frames spread over its day."""
    for number in range(FIRST, FIRST + count):
        dice = stream(number, "held out")
        regime = list(HELD_OUT)[number % len(HELD_OUT)]
        weather = HELD_OUT[regime] if rate is None else HELD_OUT[regime].at_rate(rate, foggy=1.0)
        region = str(dice.choice(list(REGIONS)))
        sensor, cell = str(dice.choice(REGIONS[region])), float(dice.choice([0.0125, 0.0125, 0.025]))
        series = simulate(region, number, size=128, step=cell, sensor=sensor, regime=weather)
        series.times = tuple(series.times[8 * part + int(dice.integers(8))] for part in range(6))
        yield str(number), regime, region, series.cube()


def _figures(pairs: list[tuple[str, Pair]], unusual: list[float]) -> dict[str, Any]:
    card = scorecard([pair for _, pair in pairs], windows=(1,))
    with_stratus = scorecard([_counting_stratus(pair) for _, pair in pairs], windows=(1,))
    regimes = {name: scorecard([pair for regime, pair in pairs if regime == name], windows=(1,)).total.csi for name in HELD_OUT}
    interval = card.interval()
    return {
        **_short(card),
        "interval": None if interval is None else interval.record(),
        "by": {light: {"csi": _round(table.csi), "bias": _round(table.bias)} for light, table in card.by("light").items()},
        "by_regime": {name: _round(csi) for name, csi in regimes.items()},
        "low stratus counts too": _short(with_stratus),
        "unusual": round(float(np.mean(unusual)), 4),
    }


def _short(card: Scorecard) -> dict[str, float | None]:
    total = card.total
    return {name: _round(getattr(total, name)) for name in ("csi", "pod", "far", "bias", "base_rate")}


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _counting_stratus(pair: Pair) -> Pair:
    return Pair(pair.said, Truth(pair.truth.labels, stratus_counts=True), pair.zenith, pair.time, pair.region, pair.event)


if __name__ == "__main__":
    main()
