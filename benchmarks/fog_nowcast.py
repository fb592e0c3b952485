"""The nowcast's network where it has never been, beside persistence, flow and blend, and what its gate is worth.

    python -m engine bench fog_nowcast

SYNTHETIC: the held-out regimes over the held-out regions, PHAROS_BENCH_SEEDS series each (3): the mask, an infrared band and a
reflectance by day, forecast at the twelfth half hour and compared with what came. Real: SEVIRI's 1.6 µm sequence of 2020-04-01, where
PHAROS_BENCH_SEVIRI names its store (sat_data.zarr). Other weights of the same recipe: PHAROS_BENCH_WEIGHTS=FILE.onnx.

- mae: of each method, as a share of persistence's, the mean over the forecasts; ssim, csi: means.
- offered: share of the series where the gate lets the network run; right: of those, where its error was below flow's; wrongly kept:
  of the others, where it would have been below both flow's and the blend's.
"""

from __future__ import annotations

import os
import warnings
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.fog.nowcast.hindcast import Hindcast
from engine.fog.nowcast.history import History, Quantity
from engine.fog.nowcast.methods import Method, Parts
from engine.fog.nowcast.network.learned import MODEL, Learned
from engine.fog.nowcast.network.sight import LEADS, is_probability
from engine.fog.nowcast.network.windows import histories
from engine.fog.scores import Event
from engine.fog.scores.images import ImageScores
from engine.world.noise import stream
from engine.world.weather import HELD_OUT, simulate

REGIONS: Final = {"GA": ("ABI",), "GS": ("ABI",), "NS": ("SEVIRI", "FCI"), "AG": ("SEVIRI", "FCI"), "CE": ("AHI", "AGRI")}
"""The sea regions that the recipe leaves out, with imagers that see them."""
FIRST: Final = 700_000
SIZE: Final = 128
PAST: Final = 12
WAYS: Final[tuple[Method, ...]] = ("persistence", "flow", "blend", "network")
COUNTS: Final = Quantity("R0160", "", 1.0, Event(0.35), (0.0, 1.0))
NOON: Final = datetime(2020, 4, 1, 12, tzinfo=UTC)
UNTIL: Final = 49
"""Frames of the real sequence up to 16 UTC; later ones are broken, and dusk."""
CELL: Final = 0.045
"""About the real sequence's, degrees: 3 km east and west, 5 km north and south."""


@dataclass(frozen=True, slots=True)
class Case:
    """Forecasts of one series at one moment.

    Attributes:
        kind: “mask” or “band”.
        why: Why the gate kept the network off; empty where it did not.
        scores: Lead → method → scores; without the network where it could not be asked.
    """

    kind: str
    why: str
    scores: dict[int, dict[str, ImageScores]]

    def error(self, way: str) -> float:
        """Mean absolute error over the leads, as a share of persistence's."""
        return float(np.mean([each[way].mae / max(each["persistence"].mae, 1e-9) for each in self.scores.values()]))


def main() -> dict[str, Any]:
    """Measure, and print as it goes."""
    network = Learned(Path(os.environ.get("PHAROS_BENCH_WEIGHTS", str(MODEL))))
    seeds = int(os.environ.get("PHAROS_BENCH_SEEDS", "3"))
    record: dict[str, Any] = {"synthetic": True, "seeds": seeds}
    by_seed = [[case for history, came in _held_out(seed) if (case := judged(history, came, network))] for seed in range(seeds)]
    cases = [case for each in by_seed for case in each]
    for kind in ("mask", "band"):
        some = [case for case in cases if case.kind == kind]
        record[kind] = table(some) | gate(some)
        record[kind]["gain_on_flow_by_seed"] = [_gain([case for case in each if case.kind == kind]) for each in by_seed]
        print(kind, record[kind], flush=True)
    if source := os.environ.get("PHAROS_BENCH_SEVIRI"):
        record["seviri"] = _seviri(Path(source), network)
        print("seviri", record["seviri"], flush=True)
    return record


def judged(history: History, came: NDArray[np.float32], network: Learned) -> Case | None:
    """All methods from the newest frame of a series; ``None`` where no motion is seen or persistence is perfect."""
    why = network.unfit(history)
    parts = Parts.of(history, history.last, LEADS, network=None if why else network)
    if parts.carried is None:
        return None
    why = why or parts.why
    past = Hindcast.run(history, LEADS, network=None if why else network)
    why = why or past.objection()
    scores: dict[int, dict[str, ImageScores]] = {}
    for number, lead in enumerate(LEADS):
        known = np.isfinite(parts.now) & np.isfinite(parts.carried[number]) & np.isfinite(came[number])
        ways = [way for way in WAYS if way != "network" or parts.learned is not None]
        said = {way: parts.said(number, way, past.weights(way)[number]) for way in ways}
        quantity = history.quantity
        found = {way: ImageScores.of(field, came[number], quantity.span, quantity.event, known) for way, field in said.items()}
        if (still := found["persistence"]) is not None and still.mae > 0:
            scores[lead] = {way: each for way, each in found.items() if each is not None}
    return Case("mask" if is_probability(history.quantity) else "band", why, scores) if scores else None


def table(cases: list[Case]) -> dict[str, Any]:
    """Means of the cases in which the network could be asked, by lead and method."""
    asked = [case for case in cases if all("network" in each for each in case.scores.values())]
    rows: dict[int, dict[str, Any]] = {}
    for lead in LEADS:
        found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        for scores in (case.scores[lead] for case in asked if lead in case.scores):
            for way, each in scores.items():
                found["mae"][way].append(each.mae / scores["persistence"].mae)
                for name, value in (("ssim", each.ssim), ("csi", each.csi)):
                    if value is not None:
                        found[name][way].append(value)
        rows[lead] = {name: {way: round(float(np.mean(values)), 3) for way, values in ways.items()} for name, ways in found.items()}
    return {"cases": len(cases), "asked": len(asked), "leads": rows}


def gate(cases: list[Case]) -> dict[str, Any]:
    """How often the gate lets the network run, and how often that was right."""
    asked = [case for case in cases if all("network" in each for each in case.scores.values())]
    run, kept = [case for case in asked if not case.why], [case for case in asked if case.why]
    better = [case.error("network") < case.error("flow") for case in run]
    missed = [case.error("network") < min(case.error("flow"), case.error("blend")) for case in kept]
    shipped = [case.error("blend" if case.why else "network") for case in cases]
    return {
        "offered": _share([not case.why for case in cases]),
        "right": _share(better),
        "wrongly_kept": _share(missed),
        "mae_as_shipped": _share(shipped),
        "mae_blend": _share([case.error("blend") for case in cases]),
    }


def _gain(cases: list[Case]) -> float | None:
    """1 − error / flow's error, the mean over the cases."""
    return _share([1 - case.error("network") / case.error("flow") for case in cases if "network" in next(iter(case.scores.values()))])


def _share(values: list[Any]) -> float | None:
    return round(float(np.mean(values)), 3) if values else None


def _held_out(seed: int) -> Iterator[tuple[History, NDArray[np.float32]]]:
    """Histories of the first twelve half hours, and the four fields that came."""
    for place, region in enumerate(REGIONS):
        for turn, (name, regime) in enumerate(HELD_OUT.items()):
            number = FIRST + 1000 * seed + 10 * place + turn
            dice = stream(number, f"nowcast held out {name}")
            sensor, cell = str(dice.choice(REGIONS[region])), float(dice.choice([0.0125, 0.025, 0.025, 0.05]))
            weather = regime.at_rate(regime.fog_rate, foggy=1.0)
            series = simulate(region, number, size=SIZE, step=cell, sensor=sensor, regime=weather)
            begin = int(dice.integers(len(series.times) - PAST - len(LEADS)))
            series.times = series.times[begin : begin + PAST + len(LEADS)]
            for whole in histories(series, dice):
                fields = np.stack([whole.frame(index) for index in range(len(whole))])
                yield History.of_frames(whole.quantity, whole.times[:PAST], fields[:PAST], synthetic=True, cell=cell), fields[PAST:]


def _seviri(store: Path, network: Learned) -> dict[str, Any]:
    """The methods from every half hour that has four before it, and what the gate says at the end."""
    import xarray as xr

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        data = xr.open_zarr(store, consolidated=False, chunks=None)
    counts = np.asarray(data["data"].values[:UNTIL, :, :, 0], dtype=np.float32) / 1023
    times = [NOON + timedelta(minutes=5 * step) for step in range(UNTIL)]
    history = History.of_frames(COUNTS, times, counts, cell=CELL)
    past = Hindcast.run(history, LEADS, network=network, issues=9)
    rows = {}
    for number, lead in enumerate(LEADS):
        ways: dict[str, list[ImageScores]] = defaultdict(list)
        for place, trial in enumerate(past.trials):
            if number in trial.came and trial.parts.learned is not None:
                for way in WAYS:
                    found = past._scores(trial, number, past._said(place, number, way))
                    assert found is not None
                    ways[way].append(found)
        means = {way: ImageScores.mean(each) for way, each in ways.items()}
        rows[lead] = {name: {way: _round(getattr(mean, name)) for way, mean in means.items()} for name in ("mae", "ssim", "csi")} | {
            "hindcasts": len(ways["flow"])
        }
    return {"leads": rows, "why_not_offered": past.objection()}


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


if __name__ == "__main__":
    main()
