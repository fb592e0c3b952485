"""How good a way to forecast was on the last frames of the series itself, and how much of each way to mix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.fog.nowcast.history import Field, History
from engine.fog.nowcast.methods import Method, Parts
from engine.fog.scores.contingency import Contingency, rounded
from engine.fog.scores.images import ImageScores
from engine.progress import Cancel, Progress, silent, stop_if

if TYPE_CHECKING:
    from engine.fog.nowcast.network.learned import Learned

ISSUES: Final = 6
"""Most times from which the past is forecast again."""
UNMEASURED: Final = 0.5
"""Weight of flow where nothing could be measured."""
_EXTRA: Final = (30, 60)
"""Minutes before the longest lead at which the past is forecast too."""


@dataclass(frozen=True, slots=True)
class Skill:
    """How good a method was at one lead, beside persistence on the same pixels.

    Attributes:
        scores: Mean over the hindcasts.
        persistence: The same of persistence.
        hindcasts: How many.
    """

    scores: ImageScores
    persistence: ImageScores
    hindcasts: int

    @property
    def gain(self) -> float | None:
        """1 − MAE / MAE of persistence: above 0 is better, 0 is no skill."""
        return None if self.persistence.mae == 0 else 1 - self.scores.mae / self.persistence.mae

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {
            **self.scores.record(),
            "persistence": self.persistence.record(),
            "skill": rounded(self.gain),
            "hindcasts": self.hindcasts,
        }


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """One forecast of the past.

    Attributes:
        parts: What was said.
        came: Number of the lead → what came, for the leads that can be judged.
    """

    parts: Parts
    came: dict[int, Field]

    def sums(self, number: int) -> tuple[float, float]:
        """Σ(F − P)(O − P) and Σ(F − P)² over what all know; their ratio is the weight of flow with the least squared error."""
        if self.parts.carried is None or number not in self.came:
            return 0.0, 0.0
        moved, stayed, came = self.parts.carried[number], self.parts.now, self.came[number]
        known = self.known(number)
        change = (moved[known] - stayed[known]).astype(np.float64)
        return float(change @ (came[known] - stayed[known])), float(change @ change)

    def known(self, number: int) -> NDArray[np.bool_]:
        """(n, m) where persistence, flow and what came have a value: all methods are scored on the same pixels."""
        known = np.isfinite(self.parts.now) & np.isfinite(self.came[number])
        return known if self.parts.carried is None else known & np.isfinite(self.parts.carried[number])


@dataclass(frozen=True, slots=True, eq=False)
class Hindcast:
    """Forecasts of the past from several times.

    Attributes:
        history: The series.
        leads: K leads, minutes.
        trials: T, the newest last.
        sums: (T, K, 2) float64 of :meth:`Trial.sums`, from which the weights follow.
    """

    history: History
    leads: tuple[int, ...]
    trials: tuple[Trial, ...]
    sums: NDArray[np.float64]

    @classmethod
    def run(
        cls,
        history: History,
        leads: Sequence[int],
        *,
        flow: bool = True,
        network: Learned | None = None,
        issues: int = ISSUES,
        progress: Progress = silent,
        cancel: Cancel | None = None,
    ) -> Hindcast:
        """Forecast the last frames from earlier ones, seeing nothing newer than those.

        Args:
            history: The series.
            leads: K leads, minutes, rising.
            flow: Whether motion is tracked; persistence alone is quick.
            network: Asked too, if given.
            issues: From how many times at most.
            progress: Told of each.
            cancel: Stops between two.

        Raises:
            Cancelled: If it was stopped.
        """
        starts = _starts(history, leads, issues)
        trials = []
        for done, index in enumerate(starts):
            stop_if(cancel, "The forecast")
            progress("measuring skill", done, len(starts))
            came = _came(history, index, leads)
            if came and np.isfinite(history.frame(index)).any():
                trials.append(Trial(Parts.of(history, index, leads, flow=flow, network=network), came))
        if starts:
            progress("measuring skill", len(starts), len(starts))
        sums = np.array([[trial.sums(number) for number in range(len(leads))] for trial in trials]).reshape(len(trials), len(leads), 2)
        return cls(history, tuple(leads), tuple(trials), sums)

    def weight(self, number: int, *, without: int | None = None) -> float | None:
        """Share of flow, 0–1, that would have had the least squared error at a lead.

        Args:
            number: Of the lead.
            without: A trial that is left out, to judge the weight on it.

        Returns:
            ``None`` where nothing was measured.
        """
        counted = np.arange(len(self.trials)) != (-1 if without is None else without)
        along, square = self.sums[counted, number].sum(axis=0)
        return None if square <= 0 else float(np.clip(along / square, 0.0, 1.0))

    def weights(self, method: Method, *, without: int | None = None) -> tuple[float, ...]:
        """(K,) share of flow at each lead; between and beyond measured leads that of their neighbours, one half where none is measured."""
        if method in ("persistence", "flow"):
            return (float(method == "flow"),) * len(self.leads)
        found = {lead: self.weight(number, without=without) for number, lead in enumerate(self.leads)}
        known = {lead: weight for lead, weight in found.items() if weight is not None}
        if not known:
            return (UNMEASURED,) * len(self.leads)
        between = np.interp(np.array(self.leads), np.array(list(known)), np.array(list(known.values())))
        return tuple(float(value) for value in between)

    def skill(self, number: int, method: Method) -> Skill | None:
        """How good a method was at a lead; a blend is judged on each trial with the weight of the others.

        Returns:
            ``None`` where no trial could be judged.
        """
        pairs = []
        for place, trial in enumerate(self.trials):
            if number in trial.came and not (method == "network" and trial.parts.learned is None):
                both = (self._scores(trial, number, self._said(place, number, method)), self._scores(trial, number, trial.parts.now))
                if both[0] is not None and both[1] is not None:
                    pairs.append((both[0], both[1]))
        if not pairs:
            return None
        return Skill(ImageScores.mean([one for one, _ in pairs]), ImageScores.mean([other for _, other in pairs]), len(pairs))

    def objection(self) -> str:
        """Why the network is not offered for this series; empty where it beat both flow and the blend.

        On the same trials, leads and pixels: its mean absolute error, as a share of flow's, must be less than one and than the blend's,
        whether all trials count alike or, as the figures of a lead are shown, by their errors; and its CSI no less than either's.
        """
        ways: tuple[Method, ...] = ("flow", "blend", "network")
        judged = [
            (place, number)
            for place, trial in enumerate(self.trials)
            for number in trial.came
            if trial.parts.learned is not None and number < len(trial.parts.learned) and trial.known(number).any()
        ]
        if not judged:
            return "no earlier forecast of it can be judged on this series"
        errors, hits = (np.array(each) for each in zip(*(self._short(*each, ways) for each in judged), strict=True))
        leads = np.array([number for _, number in judged])
        shown = np.stack([errors[leads == number].mean(axis=0) for number in np.unique(leads)])
        for some in (errors, shown):
            error = (some / np.maximum(some[:, :1], 1e-9)).mean(axis=0)
            for place, way in enumerate(ways[:-1]):
                if not error[-1] < error[place]:
                    return f"on the last frames its error is {error[-1] / error[place]:.0%} of that of the {way}"
        found = np.isfinite(hits).all(axis=1)
        hit = hits[found].mean(axis=0) if found.any() else np.zeros(len(ways))
        for place, way in enumerate(ways[:-1]):
            if hit[-1] < hit[place]:
                return f"on the last frames its CSI of {hit[-1]:.3f} is below {hit[place]:.3f} of the {way}"
        return ""

    def _short(self, place: int, number: int, ways: Sequence[Method]) -> tuple[list[float], list[float]]:
        """Mean absolute error and CSI, NaN where there is none, of several methods in one trial at one lead."""
        trial, event = self.trials[place], self.history.quantity.event
        known, came = trial.known(number), trial.came[number]
        errors, hits = [], []
        for way in ways:
            said = self._said(place, number, way)
            errors.append(float(np.abs(said[known] - came[known]).mean()))
            csi = Contingency.of(event.where(said), event.where(came), known).csi
            hits.append(np.nan if csi is None else csi)
        return errors, hits

    def _said(self, place: int, number: int, method: Method) -> Field:
        """(n, m) what a method said in a trial, a blend with the weights of the others."""
        trial = self.trials[place]
        alone = sum(number in other.came for other in self.trials) == 1
        return trial.parts.said(number, method, self.weights(method, without=None if alone else place)[number])

    def _scores(self, trial: Trial, number: int, said: Field) -> ImageScores | None:
        quantity = self.history.quantity
        return ImageScores.of(said, trial.came[number], quantity.span, quantity.event, trial.known(number))


def _starts(history: History, leads: Sequence[int], issues: int) -> list[int]:
    """Indices to forecast again from: a lead before now for every lead, and a little earlier; the earliest judge all leads."""
    longest = max(leads)
    offsets = sorted({*leads, *(longest + extra for extra in _EXTRA)}, reverse=True)
    found = [history.find(history.now - timedelta(minutes=offset)) for offset in offsets]
    known = sorted({index for index in found if index is not None and index < history.last})
    return known[:issues]


def _came(history: History, index: int, leads: Sequence[int]) -> dict[int, Field]:
    came = {}
    for number, lead in enumerate(leads):
        later = history.find(history.times[index] + timedelta(minutes=lead))
        if later is not None and later > index and np.isfinite(history.frame(later)).any():
            came[number] = history.frame(later)
    return came
