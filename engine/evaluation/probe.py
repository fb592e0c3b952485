"""Linear probe: logistic regression on frozen features, and few-shot learning with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.errors import EvaluationInvalid
from engine.evaluation.parts import Parts, parted, shots
from engine.evaluation.spread import Spread, over
from engine.evaluation.vectors import Floats, Integers, alike, indices, unit
from engine.evaluation.zero_shot import Classification
from engine.progress import Cancel, Progress, silent, stop_if

STRENGTHS: Final = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2)
"""Regularisations that are tried on a fifth of the training part."""
FEW_SHOT_STRENGTH: Final = 1e-4
"""Too few pictures to choose by."""
SHOTS: Final = (1, 4, 8, 16, 32)


def shots_named(text: str) -> tuple[int, ...]:
    """Numbers of pictures a class from a text as ``1,4,8``.

    Raises:
        EvaluationInvalid: If it holds anything else, or nothing.
    """
    try:
        counts = tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        counts = ()
    if not counts or min(counts) < 1:
        raise EvaluationInvalid(f"“{text[:60]}” are no numbers of pictures. Write them as 1,4,8,16,32.")
    return counts


@dataclass(frozen=True, slots=True, eq=False)
class LinearProbe:
    """A fitted multinomial logistic regression.

    Attributes:
        weight: (C, D) float64.
        bias: (C,) float64.
        strength: Regularisation λ it was fitted with.
    """

    weight: NDArray[np.float64]
    bias: NDArray[np.float64]
    strength: float

    def logits(self, rows: Floats) -> NDArray[np.float64]:
        """(N, D) → (N, C)."""
        return np.asarray(rows.astype(np.float64) @ self.weight.T + self.bias)

    def predict(self, rows: Floats) -> Integers:
        """(N, D) → (N,) classes."""
        said: Integers = self.logits(rows).argmax(axis=1).astype(np.int64)
        return said


def fit(rows: Floats, truth: Integers, classes: int, strength: float, *, steps: int = 500) -> LinearProbe:
    r"""Fit by full-batch L-BFGS from zero, in float64, so that the same data give the same probe.

    .. math:: \min_{W,b} \frac1N \sum_i -\log \mathrm{softmax}(W x_i + b)_{y_i} + \frac\lambda2 \lVert W \rVert^2

    Args:
        rows: (N, D) float32, unit length.
        truth: (N,) int64.
        classes: C.
        strength: λ.
        steps: L-BFGS iterations at most.

    Raises:
        EvaluationInvalid: If the pictures belong to fewer than two classes.

    Source: the linear probe of Radford et al. 2021, appendix A.3 (logistic regression, L-BFGS).
    """
    import torch

    if len(np.unique(truth)) < 2:
        raise EvaluationInvalid("a probe needs pictures of at least two classes to learn from.")
    x = torch.from_numpy(rows.astype(np.float64))
    y = torch.from_numpy(truth)
    weight = torch.zeros(classes, rows.shape[1], dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(classes, dtype=torch.float64, requires_grad=True)
    solver = torch.optim.LBFGS(
        [weight, bias], max_iter=steps, tolerance_grad=1e-7, tolerance_change=1e-10, history_size=10, line_search_fn="strong_wolfe"
    )

    def loss() -> float:
        solver.zero_grad()
        value = torch.nn.functional.cross_entropy(x @ weight.T + bias, y) + strength / 2 * weight.square().sum()
        torch.autograd.backward(value)
        return float(value.detach())

    solver.step(loss)  # type: ignore[no-untyped-call]  # torch leaves it untyped
    return LinearProbe(weight.detach().numpy(), bias.detach().numpy(), strength)


def chosen_strength(rows: Floats, truth: Integers, classes: int, seed: int) -> float:
    """The regularisation that does best on a fifth of the training part; of equal ones the strongest."""
    inner = parted(truth, 0.8, seed) if np.bincount(truth).max() > 1 else None
    if inner is None or len(np.unique(truth[inner.train])) < 2:
        return FEW_SHOT_STRENGTH
    held, known = inner.test, inner.train
    scores = [
        float((fit(rows[known], truth[known], classes, each, steps=200).predict(rows[held]) == truth[held]).mean()) for each in STRENGTHS
    ]
    best = max(scores)
    return max(each for each, score in zip(STRENGTHS, scores, strict=True) if score == best)


def linear_probe(features: ArrayLike, truth: ArrayLike, names: Sequence[str], parts: Parts, *, seed: int = 0) -> Classification:
    """Learn from one part, measure on the other.

    Args:
        features: (N, D) numbers.
        truth: (N,) classes.
        names: C class names.
        parts: What teaches and what measures.
        seed: Of the part by which the regularisation is chosen.

    Raises:
        EvaluationInvalid: If a part is empty or has a single class.
        FeaturesInvalid: If vectors or labels are unusable.
    """
    rows, right = _checked(features, truth, names, parts)
    known, known_truth = rows[parts.train], right[parts.train]
    strength = chosen_strength(known, known_truth, len(names), seed)
    probe = fit(known, known_truth, len(names), strength)
    return Classification(tuple(names), right[parts.test], probe.predict(rows[parts.test]))


@dataclass(frozen=True, slots=True)
class FewShot:
    """Accuracy by the number of pictures a class that a probe learned from.

    Attributes:
        by_shots: Number → accuracies, one a seed.
        seeds: The seeds.
        n: Pictures that were measured on, with the first seed.
        short: Classes that had fewer pictures than the most shots.
    """

    by_shots: dict[int, Spread]
    seeds: tuple[int, ...]
    n: int
    short: tuple[str, ...]

    @property
    def last(self) -> Spread:
        """With the most shots."""
        return self.by_shots[max(self.by_shots)]

    def record(self) -> dict[str, Any]:
        """As JSON (design.md, command-line contract): ``accuracy`` and ``std`` are those of the most shots."""
        return {
            "accuracy": round(self.last.mean, 6),
            "std": round(self.last.std, 6),
            "seeds": list(self.seeds),
            "n": self.n,
            "by_shots": {
                str(count): {
                    "accuracy": round(each.mean, 6),
                    "std": round(each.std, 6),
                    "values": [round(value, 6) for value in each.values],
                }
                for count, each in self.by_shots.items()
            },
            "classes_with_fewer": list(self.short),
        }


def few_shot(
    features: ArrayLike,
    truth: ArrayLike,
    names: Sequence[str],
    parts: Callable[[int], Parts],
    *,
    counts: Sequence[int] = SHOTS,
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> FewShot:
    """Learn from 1, 4, 8, … pictures a class, drawn with each seed; measure on the rest.

    Args:
        features: (N, D) numbers.
        truth: (N,) classes.
        names: C class names.
        parts: From a seed to what may be drawn from and what measures.
        counts: Pictures a class.
        seeds: One run each.
        progress: Told about each probe.
        cancel: Stops between probes.

    Raises:
        EvaluationInvalid: If a number of shots is below 1, there is no seed, or a draw has a single class.
        FeaturesInvalid: If vectors or labels are unusable.
        Cancelled: If the person asked for it.

    Source: RemoteCLIP (Liu et al. 2024), §IV-C: logistic regression on 1, 4, 8, 16, 32 shots.
    """
    wanted = sorted(set(counts))
    if not wanted or wanted[0] < 1 or not seeds:
        raise EvaluationInvalid("few-shot learning needs at least one picture a class and one seed.")
    divisions = {seed: parts(seed) for seed in seeds}
    first = divisions[seeds[0]]
    rows, right = _checked(features, truth, names, first)
    found: dict[int, list[float]] = {count: [] for count in wanted}
    for step, (seed, count) in enumerate([(seed, count) for seed in seeds for count in wanted]):
        stop_if(cancel, "The few-shot test")
        division = divisions[seed]
        drawn = shots(right, division.train, count, seed)
        probe = fit(rows[drawn], right[drawn], len(names), FEW_SHOT_STRENGTH)
        found[count].append(float((probe.predict(rows[division.test]) == right[division.test]).mean()))
        progress("few-shot probes", step + 1, len(seeds) * len(wanted))
    sizes = np.bincount(right[first.train], minlength=len(names))
    short = tuple(name for name, size in zip(names, sizes, strict=True) if size < wanted[-1])
    return FewShot({count: over(values) for count, values in found.items()}, tuple(seeds), len(first.test), short)


def _checked(features: ArrayLike, truth: ArrayLike, names: Sequence[str], parts: Parts) -> tuple[Floats, Integers]:
    rows = unit(features, "the pictures' vectors")
    alike(rows)
    if not len(parts.train) or not len(parts.test):
        raise EvaluationInvalid("a probe needs pictures to learn from and others to measure on.")
    return rows, indices(truth, len(names), len(rows))
