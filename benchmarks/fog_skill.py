"""How good the detectors are on made-up weather that they were not fitted on: other regions, other regimes, three seeds.

Everything is SYNTHETIC. Nothing is tuned here: the tables come from `engine fog fit`, which never sees these regions and regimes.

Run with: python -m engine bench fog_skill, or for the tables of docs/fog-detection.md: python -m benchmarks.fog_skill
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import fmean, stdev
from typing import Any, Final

import numpy as np

from engine.fog import Cube, FogMask, State
from engine.fog.detection.run import chosen
from engine.fog.scores import Contingency, Pair, Said, Scorecard, Truth, scorecard
from engine.world.weather import HELD_OUT, Regime, simulate

PLACES: Final = (
    ("ABI", "GA"), ("ABI", "GS"), ("SEVIRI", "NS"), ("SEVIRI", "AG"), ("FCI", "NS"), ("AGRI", "CE"), ("AHI", "CE"), ("AGRI-B", "CE"),
)  # fmt: skip
"""Imagers and regions, none of which `engine fog fit` looks at together with its regimes."""
SEEDS: Final = (7_000_000, 8_000_000, 9_000_000)
DRAWS: Final = 2
"""Series for each seed, place and regime; one where detectors look at more than one frame, which is slow."""
FRAMES: Final = 6
"""Half-hourly frames of a series."""
SIZE: Final = 128
STEP: Final = 0.025
LIGHTS: Final = ("all", "day", "twilight", "night")

Find = Callable[[Cube, int], FogMask]


@dataclass(slots=True)
class Flicker:
    """How many cells change between fog and no fog from a frame to the next, said and true, where both frames are seen.

    Attributes:
        said: Cells that the masks change.
        true: Cells that change.
    """

    said: int = 0
    true: int = 0

    def add(self, before: Pair, after: Pair) -> None:
        """Count two frames."""
        seen = np.ones(before.said.state.shape, dtype=bool)
        for pair in (before, after):
            seen &= pair.truth.known & ~pair.truth.hidden & pair.said.judged & ~pair.said.obscured
        self.said += int((before.said.fog != after.said.fog)[seen].sum())
        self.true += int((before.truth.fog != after.truth.fog)[seen].sum())

    @property
    def ratio(self) -> float:
        """Said over true."""
        return self.said / max(self.true, 1)


@dataclass(slots=True)
class Outcome:
    """A detector on the series of a seed.

    Attributes:
        card: Its scores.
        flicker: How it flickers.
    """

    card: Scorecard | None = None
    flicker: Flicker = field(default_factory=Flicker)

    def add(self, pairs: Sequence[Pair]) -> None:
        """Count a series."""
        card = scorecard(pairs, windows=(1,))
        self.card = card if self.card is None else self.card + card
        for before, after in pairwise(pairs):
            self.flicker.add(before, after)

    def table(self, light: str) -> Contingency:
        """Counts under one light."""
        assert self.card is not None
        return self.card.total if light == "all" else self.card.by("light").get(light, Contingency())


def textbook(cube: Cube, frame: int) -> FogMask:
    """The classical rule, for comparison: 3.9 − 11 µm below −2 K by night, bright and above a line of the sun by day, T11 above 265 K."""
    window, near = cube.element("BT1120", frame), cube.element("BT0390", frame)
    zenith = cube.solar_zenith(frame)
    assert zenith is not None
    visible, near_infrared = (np.nan_to_num(cube.element(name, frame)) for name in ("R0064", "R0160"))
    lit = np.interp(zenith, (0, 30, 60, 75, 80, 90), (7.5, 6.3, 3.0, 0.8, 0.0, -1.0))
    day = (visible > 15) & (visible < 65) & (near_infrared > 11) & (near - window > lit)
    fog = (window > 265) & np.where(zenith < 88, day, near - window < -2)
    state = np.where(fog, np.uint8(State.FOG), np.uint8(State.CLEAR))
    land = cube.land
    if land is not None:
        state[land] = State.NO_DATA
    light = np.zeros(state.shape, np.uint16)
    return FogMask(fog.astype(np.float32), state, light, cube.times[frame], cube.bounds, "textbook", cube.name, cube.synthetic)


def finders() -> dict[str, Callable[[], Find]]:
    """What is measured."""

    return {"textbook": lambda: textbook, "physics": lambda: chosen("physics").detect}


def finders_in_time() -> dict[str, Callable[[], Find]]:
    """Those that look at more than one frame, beside the one that does not."""
    return {
        "physics": lambda: chosen("physics").detect,
        "physics, dynamic": lambda: chosen("physics", "dynamic").detect,
        "physics, multi-frame": lambda: chosen("physics", "multiframe").detect,
    }


def cubes(seed: int, change: Callable[[Regime], Regime] = lambda regime: regime, draws: int = DRAWS) -> Iterator[Cube]:
    """The series of a seed."""
    number = seed
    for regime in HELD_OUT.values():
        for imager, region in PLACES:
            for _ in range(draws):
                number += 1
                yield simulate(region, number, size=SIZE, step=STEP, frames=FRAMES, sensor=imager, regime=change(regime)).cube()


def judged(cube: Cube, find: Find) -> list[Pair]:
    """The frames of a series as pairs of mask and truth."""
    pairs = []
    for frame, when in enumerate(cube.times):
        labels = cube.label(frame)
        zenith = cube.solar_zenith(frame)
        assert labels is not None
        assert zenith is not None
        said = Said.of(find(cube, frame))
        pairs.append(Pair(said, Truth(labels), zenith.astype(np.float64), when, cube.provenance.region, cube.name))
    return pairs


def measured(
    find: Mapping[str, Callable[[], Find]],
    seed: int,
    change: Callable[[Regime], Regime] = lambda regime: regime,
    draws: int = DRAWS,
) -> dict[str, Outcome]:
    """The detectors on the series of a seed."""
    made = {name: make() for name, make in find.items()}
    out = {name: Outcome() for name in find}
    for cube in cubes(seed, change, draws):
        for name, detect in made.items():
            pairs = judged(cube, detect)
            if any((pair.truth.known & pair.said.judged).any() for pair in pairs):
                out[name].add(pairs)
    return out


def warmed(cube: Cube, by: float | None) -> Cube:
    """The cube with its sea surface temperature off by so many K, or gone."""
    data = cube.dataset.load()
    changed = data.drop_vars("SST") if by is None else data.assign(SST=(data["SST"] + by).assign_attrs(data["SST"].attrs))
    return Cube(cube.path, changed)


class Warmer:
    """Finds in a cube whose sea surface temperature is off, or gone."""

    def __init__(self, by: float | None) -> None:
        self.by, self.detector = by, chosen("physics")
        self._last: tuple[Cube, Cube] | None = None

    def __call__(self, cube: Cube, frame: int) -> FogMask:
        """See :meth:`engine.fog.detection.Detector.detect`."""
        if self._last is None or self._last[0] is not cube:
            self._last = cube, warmed(cube, self.by)
        return self.detector.detect(self._last[1], frame)


def main(seeds: Sequence[int] = SEEDS) -> dict[str, Any]:
    """Measure and return the figures; the command prints them."""
    usual = [measured(finders(), seed) for seed in seeds]
    rare = [measured(finders(), seed + 500_000, lambda regime: regime.at_rate(0.02, foggy=1.0)) for seed in seeds]
    sea = {"as it is": lambda: Warmer(0.0), "+2 K": lambda: Warmer(2.0), "−2 K": lambda: Warmer(-2.0), "none": lambda: Warmer(None)}
    off = [measured(sea, seed, draws=1) for seed in seeds]
    moving = [measured(finders_in_time(), seed, draws=1) for seed in seeds]
    return {
        "usual": _figures(usual),
        "rare": _figures(rare),
        "time": _figures(moving),
        "sea": {name: [_rounded(one[name].table("all").csi) for one in off] for name in sea},
        "regions": _by_region(usual, "physics"),
        "seeds": list(seeds),
        "synthetic": True,
    }


def _figures(runs: Sequence[dict[str, Outcome]]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name in runs[0]:
        lights = {}
        for light in LIGHTS:
            tables = [run[name].table(light) for run in runs]
            lights[light] = {
                ratio: [_rounded(getattr(table, ratio)) for table in tables] for ratio in ("csi", "pod", "far", "bias", "base_rate")
            }
            total = sum(tables[1:], tables[0])
            lights[light]["together"] = {ratio: _rounded(getattr(total, ratio)) for ratio in ("csi", "pod", "far", "bias", "base_rate")}
        cards = [run[name].card for run in runs]
        together = cards[0]
        for card in cards[1:]:
            assert together is not None
            assert card is not None
            together = together + card
        assert together is not None
        reliability = together.reliability.record() if together.reliability is not None else None
        interval = together.interval("csi")
        out[name] = {
            "lights": lights,
            "flicker": [round(run[name].flicker.ratio, 3) for run in runs],
            "interval": None if interval is None else interval.record(),
            "reliability": reliability,
        }
    return out


def _by_region(runs: Sequence[dict[str, Outcome]], name: str) -> dict[str, Any]:
    out = {}
    for region in sorted({part.region for run in runs for part in (run[name].card.strata if run[name].card else ())}):
        tables = [card.by("region").get(region, Contingency()) for run in runs if (card := run[name].card) is not None]
        out[region] = _rounded(sum(tables[1:], tables[0]).csi)
    return out


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def tables(figures: Mapping[str, Any]) -> str:
    """The figures as Markdown: mean over seeds ± standard deviation, and bias of all together."""
    lines = []
    titles = (
        ("usual", "Base rate as in the training mix"),
        ("rare", "Base rate 2 %"),
        ("time", "In time, base rate as in the training mix"),
    )
    for key, words in titles:
        lines += [
            f"{words}:",
            "",
            "| detector | CSI all | day | twilight | night | POD | FAR | bias | flicker / truth |",
            "|---|---|---|---|---|---|---|---|---|",
        ]
        for name, row in figures[key].items():
            cells = [_spread(row["lights"][light]["csi"]) for light in LIGHTS]
            together = row["lights"]["all"]["together"]
            cells += [f"{together['pod']:.2f}", f"{together['far']:.2f}", f"{together['bias']:.2f}", _spread(row["flicker"], 2)]
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
        lines.append("")
    lines += ["| sea surface temperature | CSI |", "|---|---|"]
    lines += [f"| {name} | {_spread(values)} |" for name, values in figures["sea"].items()]
    return "\n".join(lines)


def _spread(values: Sequence[float | None], digits: int = 3) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "–"
    return f"{fmean(known):.{digits}f}" + (f" ± {stdev(known):.{digits}f}" if len(known) > 1 else "")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="*", default=list(SEEDS))
    found = main(parser.parse_args().seeds)
    print(tables(found))
    print(found)
