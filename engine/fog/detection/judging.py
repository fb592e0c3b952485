"""From quantities to log odds, screens and reasons, a block of cells at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.fog.detection.boxes import box_mean, odd
from engine.fog.detection.features import BROAD_KM, FINE_KM, Features
from engine.fog.detection.odds import Lookup, Question, light_shares, questions, sunlit_share
from engine.fog.mask import Check

Field = NDArray[np.float32]
Bools = NDArray[np.bool_]

Part = tuple[slice, slice]
"""Rows and columns."""

_BLOCK: Final = (256, 128)
"""Cells that are answered at once: what is in work then stays in the processor's cache, and few blocks see more than two lights."""
_SURE: Final = 8.0
"""Log odds beyond which neighbours hear no more."""
COLD_K: Final = 245.0
"""11 µm below which a top is high, and below which 3.9 µm is noise."""
ICE_K: Final = 2.4
"""11 − 12 µm above that of clear sky, from which ice is sure."""
VEIL: Final = (1.5, -7.0)
"""The same in K, from which a top that is so many K colder than the sea is ice, too."""
LOW_CAP: Final = np.float32(1.1)
"""Log odds that low cloud of unknown height may claim at most: 0.75."""
DECK: Final = (0.5, -4.5)
"""Opacity from which, and height over the sea in K below which, a water cloud is a deck that hides what is under it."""
NIGHT_DROPLETS: Final = np.float32(3.5)
"""Missing warmth at 3.9 µm, %, below which nothing is called fog in the dark: 0.9 K below a clear sky, as fog of optical depth 1.5."""
_LOUDER: Final = ((86.5, 87.0, 88.0, 89.0, 90.0), (1.0, 1.2, 1.24, 1.13, 1.0))
"""How much more than by night a kelvin at 3.9 µm moves droplets, against the sun's zenith angle, degrees."""
DROPLETS_FROM: Final = np.float32(6.0)
"""3.9 µm reflectance midway between sea, snow and ice cloud (2 %) and fog of 10 µm droplets (10 %): the dual-channel test."""
SNOW: Final = (25.0, 0.35)
"""Visible reflectance, %, above which, and share of it at 1.6 µm below which a surface is snow or ice."""
QUARTZ_K: Final = -2.5
"""8.6 − 11 µm below that of clear sky: bare sand, whose 3.9 µm looks like droplets by night."""


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """What physics says of a frame.

    Attributes:
        odds: (n, m) float32 log odds of fog or very low stratus; NaN where nothing can be said.
        cover: (n, m) float32 log odds of higher cloud, NaN likewise.
        reasons: (n, m) uint32 bits of :class:`engine.fog.mask.Check`.
        screened: (n, m) where a screen says that it is neither fog nor a question of odds: snow, ice or sand.
    """

    odds: Field
    cover: Field
    reasons: NDArray[np.uint32]
    screened: Bools

    @property
    def probability(self) -> Field:
        """(n, m) float32 0–1."""
        return probability_of(self.odds)


def probability_of(odds: Field) -> Field:
    """Log odds as a probability."""
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -20, 20))), dtype=np.float32)


class Judge:
    """Weighs the evidence of frames.

    Attributes:
        questions: What it can answer.
    """

    def __init__(self, known: Mapping[str, Question]) -> None:
        self.questions = dict(known)
        together = {"fog": ("fog", "cover", "low"), "visible": ("visible",)}
        self._lookups = {name: Lookup([self.questions[each] for each in asked]) for name, asked in together.items()}

    def __call__(self, features: Features, question: str = "fog", *, context: bool = True) -> Judgement:
        """Weigh the evidence of a frame.

        Args:
            features: Its quantities.
            question: ``fog``, or ``visible`` for sunlight alone.
            context: Whether neighbours count; off while their weights are fitted.
        """
        shape = features.sight.shape
        zenith = features.sight.zenith
        odds, cover = (np.full(shape, np.nan, dtype=np.float32) for _ in range(2))
        reasons = np.zeros(shape, dtype=np.uint32)

        lost = heightless(features) if question == "fog" else None

        def work(part: Part) -> None:
            block = _Block(features, self._lookups[question], zenith, part)
            checks: dict[Check, Field] = {}
            all_lost = lost is not None and bool(lost[part].all())
            odds[part] = block.answer(self.questions["low" if all_lost else question], checks)
            if lost is not None and not all_lost and lost[part].any():
                odds[part] = np.where(lost[part], block.answer(self.questions["low"]), odds[part])
            if question == "fog":
                cover[part] = block.answer(self.questions["cover"])
            reasons[part] = block.bits(checks)

        _in_blocks(shape, work)
        if question == "fog":
            _without_droplets(features, odds, zenith)
        if context and self.questions[question].context:
            odds = _with_neighbours(features, self.questions[question], odds, reasons, zenith)
        if lost is not None:
            odds = np.where(lost, np.minimum(odds, _low_at_most(features)), odds)
        return Judgement(odds, cover, reasons, _screens(features, cover, reasons))


def heightless(features: Features) -> Bools | None:
    """(n, m) cells of the sea whose height over it can't be told, neither by a product nor by clear sea in sight; ``None`` without any.

    There the question is another one: whether there is low water cloud, of whatever height.
    """
    height, land = features.values.get("height"), features.sight.land
    lost = np.ones(features.sight.shape, dtype=bool) if height is None else np.isnan(height)
    if land is not None:
        lost &= ~land
    return lost if lost.any() else None


def _without_droplets(features: Features, odds: Field, zenith: Field) -> None:
    """Hold odds down, in place, where neither droplets nor sunlight show a cloud: whatever else a clear sea looks like, it is no fog."""
    droplets = features.values.get("droplets")
    if droplets is None:
        return
    most = droplet_limit(droplets, features.values.get("bright"), zenith)
    np.fmin(odds, most, out=odds)


def droplet_limit(droplets: Field, bright: Field | None, zenith: Field) -> Field:
    """Log odds of fog at most, from droplets and, while it is up, the sun; NaN where droplets are not known. Arrays of one shape."""
    least = NIGHT_DROPLETS * np.interp(zenith, *_LOUDER).astype(np.float32)
    lit = np.clip(2 * sunlit_share(zenith) - 1, 0, 1)
    if bright is not None:
        lit = np.fmax(lit, np.clip((bright - np.float32(8)) * np.float32(1 / 6), 0, 1))
    return np.asarray((droplets - least) * np.float32(2) + np.float32(12) * lit, dtype=np.float32)


def _low_at_most(features: Features) -> Field | np.float32:
    """Log odds that low cloud of unknown height may claim: droplets must speak for it, for the ground may be bright and smooth, too."""
    droplets = features.values.get("droplets")
    if droplets is None:
        return LOW_CAP
    return np.asarray(np.minimum((np.nan_to_num(droplets) - DROPLETS_FROM) / np.float32(1), LOW_CAP), dtype=np.float32)


class _Block:
    """A part of a frame."""

    def __init__(self, features: Features, lookup: Lookup, zenith: Field, part: Part) -> None:
        here = zenith[part]
        self.lookup, self.shape, self.imager = lookup, here.shape, features.sight.instrument
        self.sun, self.shares = sunlit_share(here.ravel()), light_shares(here.ravel())
        self.places = lookup.places({name: values[part].ravel() for name, values in features.values.items()})

    def answer(self, question: Question, checks: dict[Check, Field] | None = None) -> Field:
        """Log odds, and into ``checks`` what each test adds to them."""
        total = np.zeros(self.sun.shape, dtype=np.float32)
        for light, evidence in question.lights.items():
            share = self.shares[light]
            if not (share > 0).any():
                continue
            alone = bool(share.min() == 1)
            parts: dict[Check, Field] | None = checks if alone else None if checks is None else {}
            found = self.lookup.weigh(question.name, light, self.places, self.sun, parts)
            found += np.float32(evidence.base + evidence.imagers.get(self.imager, 0.0))
            if alone:
                return found.reshape(self.shape)
            total += share * found
            if checks is not None:
                for check, odds in (parts or {}).items():
                    checks[check] = checks.get(check, np.float32(0)) + share * odds
        return total.reshape(self.shape)

    def bits(self, checks: Mapping[Check, Field]) -> NDArray[np.uint32]:
        """Which tests speak for and which against."""
        out = np.zeros(self.sun.shape, dtype=np.uint32)
        for check, odds in checks.items():
            out |= (odds > _SAYS) * np.uint32(check.passed_bit)
            out |= (odds < -_SAYS) * np.uint32(check.failed_bit)
        return out.reshape(self.shape)


@lru_cache(maxsize=1)
def default_judge() -> Judge:
    """With the tables that are shipped."""
    return Judge(questions())


_SAYS: Final = 0.1
"""Log odds from which a test is said to be passed or failed."""


def _in_blocks(shape: tuple[int, int], work: Callable[[Part], None]) -> None:
    """A large frame on two threads."""
    parts = [
        (slice(top, top + _BLOCK[0]), slice(left, left + _BLOCK[1]))
        for top, left in product(range(0, shape[0], _BLOCK[0]), range(0, shape[1], _BLOCK[1]))
    ]
    if len(parts) <= 2:
        for part in parts:
            work(part)
        return
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, parts))


def neighbours(features: Features, odds: Field) -> tuple[Field, Field]:
    """(n, m) mean log odds within 9 km and within 45 km of the sea."""
    heard = np.clip(odds, -_SURE, _SURE)
    land = features.sight.land
    if land is not None:
        heard = np.where(land, np.float32(np.nan), heard)
    known = np.isfinite(heard)
    sizes = [(odd(km, features.sight.cell_km[0]), odd(km, features.sight.cell_km[1])) for km in (FINE_KM, BROAD_KM)]
    near, far = (box_mean(heard, size, known) for size in sizes)
    return near, far


def _with_neighbours(features: Features, question: Question, odds: Field, reasons: NDArray[np.uint32], zenith: Field) -> Field:
    near, far = neighbours(features, odds)
    heard = np.clip(odds, -_SURE, _SURE)
    near, far = (np.where(np.isnan(mean), heard, mean) for mean in (near, far))
    out = np.zeros_like(odds)
    for light, share in light_shares(zenith).items():
        weights = question.context.get(light)
        if weights is not None and (share > 0).any():
            mixed = np.float32(weights.own) * heard
            mixed += np.float32(weights.near) * near + np.float32(weights.far) * far
            out += share * mixed
    reasons |= np.where(near > 0, np.uint32(Check.CALM.passed_bit), np.uint32(Check.CALM.failed_bit))
    return out


def _screens(features: Features, cover: Field, reasons: NDArray[np.uint32]) -> Bools:
    """Tests that decide alone; a cold top or sure ice raises the odds of higher cloud in place."""
    seen = features.values
    out = np.zeros(features.sight.shape, dtype=bool)

    def fail(check: Check, where: Bools) -> None:
        reasons[where] = (reasons[where] | np.uint32(check.failed_bit)) & ~np.uint32(check.passed_bit)

    with np.errstate(invalid="ignore"):
        if "window" in seen:
            cold = seen["window"] < COLD_K
            cover[cold] = np.float32(_SURE)
            fail(Check.WARM, cold)
        if "ice" in seen:
            icy = seen["ice"] > ICE_K
            if "height" in seen:
                icy |= (seen["ice"] > VEIL[0]) & (seen["height"] < VEIL[1])
            cover[icy] = np.float32(_SURE)
            fail(Check.NO_ICE, icy)
        if "opacity" in seen and "height" in seen:
            aloft = (seen["opacity"] > DECK[0]) & (seen["height"] < DECK[1])
            cover[aloft] = np.maximum(cover[aloft], np.float32(0.5))
        if "bright" in seen and "liquid" in seen:
            snow = (seen["bright"] > SNOW[0]) & (seen["liquid"] < SNOW[1])
            fail(Check.LIQUID, snow)
            out |= snow
        if "grains" in seen:
            sand = seen["grains"] < QUARTZ_K
            fail(Check.NO_DUST, sand)
            out |= sand
    return out
