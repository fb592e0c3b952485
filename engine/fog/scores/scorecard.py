"""The scores of a series of masks, in strata, with intervals over events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from engine.errors import ScoresInvalid
from engine.evaluation.spread import Interval
from engine.fog.scores.contingency import Contingency, rounded
from engine.fog.scores.neighbourhood import Fractions, useful_scale
from engine.fog.scores.pairs import LIGHTS, Light, Pair
from engine.fog.scores.probability import Reliability

Cover = Literal["open", "under higher cloud"]
Key = Literal["light", "region", "event"]
WINDOWS: Final = (1, 5, 17, 33)
"""Windows of the fractions skill score, pixels."""


@dataclass(frozen=True, slots=True)
class Stratum:
    """One frame under one light.

    Attributes:
        light: Day, twilight or night; unknown without time and place.
        region: Where.
        event: Which fog.
        seen: The surface as a satellite can see it: everything but fog below higher cloud. Where the mask says obscured over
            open fog, that is a miss.
        open: Where neither the mask nor the truth has higher cloud.
        covered: Where either has.
    """

    light: Light
    region: str
    event: str
    seen: Contingency
    open: Contingency
    covered: Contingency


@dataclass(frozen=True, slots=True)
class Scorecard:
    """Scores of masks; those of several series add up.

    Attributes:
        strata: All that was counted.
        reliability: Of the probabilities, where the masks have them and the surface is seen.
        fractions: By window, where the surface is seen.
        frames: How many.
        labelled: Pixels whose truth is known and seen from above.
        judged: Those of them about which the mask says something.
    """

    strata: tuple[Stratum, ...]
    reliability: Reliability | None
    fractions: tuple[Fractions, ...]
    frames: int
    labelled: int
    judged: int

    def __add__(self, other: Scorecard) -> Scorecard:
        both = self.reliability + other.reliability if self.reliability and other.reliability else self.reliability or other.reliability
        windows = {part.window for part in self.fractions} & {part.window for part in other.fractions}
        fractions = tuple(
            one + two for one in self.fractions for two in other.fractions if one.window == two.window and one.window in windows
        )
        return Scorecard(
            self.strata + other.strata,
            both,
            fractions,
            self.frames + other.frames,
            self.labelled + other.labelled,
            self.judged + other.judged,
        )

    @property
    def total(self) -> Contingency:
        """Of all that is seen from above."""
        return _sum(part.seen for part in self.strata)

    def by(self, key: Key) -> dict[str, Contingency]:
        """Tables by light, region or event, in the order of their first frame."""
        groups: dict[str, list[Contingency]] = {}
        for part in self.strata:
            groups.setdefault(getattr(part, key), []).append(part.seen)
        return {name: _sum(tables) for name, tables in groups.items()}

    @property
    def by_cover(self) -> dict[Cover, Contingency]:
        """Tables in the open, and under higher cloud, where fog counts although no satellite sees it."""
        return {"open": _sum(part.open for part in self.strata), "under higher cloud": _sum(part.covered for part in self.strata)}

    @property
    def events(self) -> int:
        """How many events."""
        return len({part.event for part in self.strata})

    def interval(self, ratio: str = "csi", *, draws: int = 1000, seed: int = 0, level: float = 0.95) -> Interval | None:
        """Percentile interval of a ratio by drawing whole events again, never pixels or frames.

        Args:
            ratio: An attribute of :class:`Contingency`.
            draws: How often.
            seed: Of the draws.
            level: Share of the draws inside.

        Returns:
            ``None`` for fewer than two events, which say nothing about others, and where the ratio is undefined in every draw.
        """
        tables = list(self.by("event").values())
        if len(tables) < 2:
            return None
        counts: NDArray[np.int64] = np.array([[t.hits, t.misses, t.false_alarms, t.correct_nulls] for t in tables])
        random = np.random.default_rng(seed)
        drawn = random.multinomial(len(tables), np.full(len(tables), 1 / len(tables)), size=draws) @ counts
        values = [getattr(Contingency(*(int(count) for count in row)), ratio) for row in drawn]
        known = [value for value in values if value is not None]
        if not known:
            return None
        low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
        return Interval(float(low), float(high))

    def record(self) -> dict[str, Any]:
        """As JSON (design.md, command-line contract), with more."""
        total, lights = self.total, self.by("light")
        shown = {name: lights.get(name, Contingency()) for name in ("day", "twilight", "night")}
        if "unknown" in lights:
            shown["unknown"] = lights["unknown"]
        return {
            **total.record(),
            "by": {name: table.record() for name, table in shown.items()},
            "by_region": {name: table.record() for name, table in self.by("region").items()},
            "by_cover": {name: table.record() for name, table in self.by_cover.items()},
            "intervals": {ratio: _interval(self.interval(ratio)) for ratio in ("csi", "pod", "far", "bias")},
            "events": self.events,
            "frames": self.frames,
            "judged_fraction": rounded(self.judged / self.labelled) if self.labelled else None,
            "reliability": self.reliability.record() if self.reliability is not None and self.reliability.n else None,
            "fss": {str(part.window): rounded(part.fss) for part in self.fractions},
            "useful_window": useful_scale(self.fractions, total.base_rate or 0.0),
        }


def scorecard(pairs: Iterable[Pair], *, windows: tuple[int, ...] = WINDOWS) -> Scorecard:
    """Score masks against labels; frames are read one after the other and not kept.

    Pixels without a label, uncertain ones and those about which the mask says nothing are left out; how many of the latter there
    were is in ``judged``. Fog below higher cloud is left out of everything but :attr:`Scorecard.by_cover`.

    Args:
        pairs: Frames.
        windows: Of the fractions skill score, odd numbers of pixels.

    Raises:
        ScoresInvalid: If there is no frame, or no pixel that both know.
    """
    cards = [_card(pair, windows) for pair in pairs]
    if not cards:
        raise ScoresInvalid("there is no frame to score.")
    card = reduce(lambda one, two: one + two, cards)
    if not any(part.seen.n or part.covered.n for part in card.strata):
        raise ScoresInvalid("mask and truth share no pixel that both know.")
    return card


def _card(pair: Pair, windows: tuple[int, ...]) -> Scorecard:
    said, truth = pair.said, pair.truth
    fog, true = said.fog, truth.fog
    known = truth.known & said.judged
    covered = truth.hidden | said.obscured
    seen = known & ~truth.hidden
    strata = []
    for light in LIGHTS:
        lit = pair.lit(light)
        if (known & lit).any():
            tables = (Contingency.of(fog, true, lit & part) for part in (seen, known & ~covered, known & covered))
            strata.append(Stratum(light, pair.region, pair.event, *tables))
    labelled = truth.known & ~truth.hidden
    return Scorecard(
        tuple(strata),
        None if said.probability is None else Reliability.of(said.probability, true, seen),
        tuple(Fractions.of(fog, true, window, seen) for window in windows),
        1,
        int(labelled.sum()),
        int(seen.sum()),
    )


def _sum(tables: Iterable[Contingency]) -> Contingency:
    return reduce(lambda one, two: one + two, tables, Contingency())


def _interval(found: Interval | None) -> list[float] | None:
    return None if found is None else found.record()
