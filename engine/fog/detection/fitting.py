"""The tables of evidence, fitted on made-up series of the training regime (``assets/detection/fit.yaml``): ``python -m engine fog fit``.

Each question is a logistic regression whose inputs are hat functions of the quantities, one light at a time, by Newton's method. What
is fitted is how likely the answer is given what is seen, so that probabilities are calibrated for the base rate of that regime.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from engine.errors import RecipeInvalid
from engine.fog.detection.features import Features, Sight
from engine.fog.detection.odds import LIGHTINGS, SUNLIT, Lighting, Lookup, light_shares, read_questions, sunlit_share, thinned
from engine.fog.labels import Label
from engine.progress import Cancel, Progress, silent, stop_if
from engine.settings import ASSETS

if TYPE_CHECKING:
    from engine.world.weather import Simulation

Matrix = NDArray[np.float32]

RECIPE: Final = ASSETS / "detection" / "fit.yaml"
_HIDDEN_COUNTS: Final = 0.5
"""Weight of fog below higher cloud, which counts as not seen."""
_GLINT_DEG: Final = 28.0
_ROWS: Final = 50_000
"""Rows of a matrix that are multiplied at once."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question may look at.

    Attributes:
        alone: Quantities.
        together: Pairs of them.
    """

    alone: tuple[str, ...]
    together: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class FitRecipe:
    """What is fitted on what; the attributes are the keys of the file, which explains them."""

    regions: Mapping[str, tuple[str, ...]]
    seed: int
    series: int
    foggy: float
    frames: int
    size: int
    steps: tuple[float, ...]
    most: int
    obvious: float
    drop: Mapping[str, float]
    smoothness: float
    ridge: float
    knots: Mapping[str, tuple[float, ...]]
    questions: Mapping[str, Asked]

    @classmethod
    def read(cls, path: Path = RECIPE) -> Self:
        """Read a recipe.

        Raises:
            RecipeInvalid: If a key is missing or of the wrong kind.
        """
        import yaml

        try:
            record = yaml.safe_load(path.read_text(encoding="utf-8"))
            asked = {
                str(name): Asked(tuple(part["alone"]), tuple((one, two) for one, two in part.get("together", ())))
                for name, part in record.pop("questions").items()
            }
            knots = {str(name): tuple(float(value) for value in at) for name, at in record.pop("knots").items()}
            regions = {str(name): tuple(ids) for name, ids in record.pop("regions").items()}
            return cls(questions=asked, knots=knots, regions=regions, steps=tuple(record.pop("steps")), **record)
        except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise RecipeInvalid(path.name, f"{type(error).__name__}: {error}") from None


@dataclass(slots=True)
class Samples:
    """Cells that were looked at.

    Attributes:
        values: Quantity → (k,) float32.
        zenith: (k,) of the sun, degrees.
        fog: (k,) whether there is fog that can be seen.
        hidden: (k,) whether higher cloud hides the surface.
        low: (k,) whether there is low water cloud that can be seen, fog or a deck.
        weight: (k,) for how many cells each stands.
        imager: (k,) index into ``imagers``.
        imagers: Ids.
    """

    values: dict[str, Matrix]
    zenith: Matrix
    fog: NDArray[np.bool_]
    hidden: NDArray[np.bool_]
    low: NDArray[np.bool_]
    weight: Matrix
    imager: NDArray[np.int16]
    imagers: tuple[str, ...] = field(default=())

    @classmethod
    def joined(cls, parts: Sequence[Samples]) -> Samples:
        """All of several."""
        names = sorted({name for part in parts for name in part.values})

        def column(name: str) -> Matrix:
            return np.concatenate([part.values.get(name, np.full(part.zenith.shape, np.nan, np.float32)) for part in parts])

        return cls(
            values={name: column(name) for name in names},
            zenith=np.concatenate([part.zenith for part in parts]),
            fog=np.concatenate([part.fog for part in parts]),
            hidden=np.concatenate([part.hidden for part in parts]),
            low=np.concatenate([part.low for part in parts]),
            weight=np.concatenate([part.weight for part in parts]),
            imager=np.concatenate([part.imager for part in parts]),
            imagers=parts[0].imagers,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A series that is looked at.

    Attributes:
        series: It.
        imager: Id.
        frames: Which of its frames.
        dice: For what else is drawn.
        weight: For how many series of the regime it stands: those with fog are drawn more often than they occur.
    """

    series: Simulation
    imager: str
    frames: tuple[int, ...]
    dice: np.random.Generator
    weight: float


def planned(recipe: FitRecipe) -> Iterator[Plan]:
    """The series of a recipe."""
    from engine.world.weather import TRAINING, simulate

    imagers = tuple(recipe.regions)
    for number in range(recipe.series):
        dice = np.random.default_rng(recipe.seed + number)
        imager = imagers[number % len(imagers)]
        places = recipe.regions[imager]
        region = places[(number // len(imagers)) % len(places)]
        step = float(recipe.steps[int(dice.integers(len(recipe.steps)))])
        regime = TRAINING.at_rate(TRAINING.fog_rate, foggy=recipe.foggy)
        series = simulate(region, recipe.seed + number, size=recipe.size, step=step, sensor=imager, regime=regime)
        frames = [int(index) for index in dice.choice(48, recipe.frames, replace=False)]
        usual, drawn = (TRAINING.foggy, recipe.foggy) if series.scenario.fog_rate > 0 else (1 - TRAINING.foggy, 1 - recipe.foggy)
        yield Plan(series, imager, tuple(frames), dice, usual / drawn)


def sample(recipe: FitRecipe, progress: Progress = silent, cancel: Cancel | None = None) -> Samples:
    """Look at the series of a recipe.

    Raises:
        Cancelled: If it was stopped.
    """
    parts: list[Samples] = []
    imagers = tuple(recipe.regions)
    for number, plan in enumerate(planned(recipe)):
        stop_if(cancel, "Fitting")
        progress("Looking at made-up series", number, recipe.series)
        for index in plan.frames:
            frame = plan.series.frame(index)
            assert frame.label is not None
            sky = plan.series.sky(index)
            hidden, low = sky.higher >= 0.2, _low_cloud(sky)
            sight = sight_of(plan.series, index, frame.fields)
            cells, weight = _kept(recipe, sight, frame.label, plan.dice)
            if cells.size == 0:
                continue
            kept = cells, weight * np.float32(plan.weight)
            dropped = [name for name, share in recipe.drop.items() if plan.dice.random() < share]
            for gone in [(), *((name,) for name in dropped)]:
                parts.append(_looked(sight, gone, frame.label, (hidden, low), kept, imagers.index(plan.imager), imagers))
    return Samples.joined(parts)


def _low_cloud(sky: Any) -> NDArray[np.bool_]:  # noqa: ANN401 - engine.world is imported on use
    """(n, m) where fog or a deck takes away a fifth of the 11 µm light, and what is above them less than a fifth."""
    depth = sky.fog.depth + (sky.deck.depth if sky.deck is not None else 0)
    above = np.zeros_like(depth)
    for layer, strength in ((sky.mid, 0.62), (sky.cirrus, 0.5)):
        if layer is not None:
            above = above + strength * layer.depth
    return np.asarray((1 - np.exp(-0.62 * depth) > 0.2) & (1 - np.exp(-above) < 0.2))


def sight_of(series: Simulation, index: int, fields: Mapping[str, Matrix]) -> Sight:
    """What a detector would know of a frame."""
    about = series.provenance
    return Sight.on(
        series.grid,
        series.times[index],
        fields,
        instrument=about.instrument,
        wavelengths=about.wavelengths,
        satellite_longitude=about.satellite_longitude,
        land=series.land,
    )


def _kept(recipe: FitRecipe, sight: Sight, label: NDArray[np.int8], dice: np.random.Generator) -> tuple[NDArray[np.intp], Matrix]:
    """Which cells of the sea are looked at, and for how many each stands; glint is left out, where fog is not judged."""
    seen = Features.of(sight).values.get("droplets")
    plain = (label == Label.NOT_FOG) & (np.abs(seen) < 1.5) if seen is not None else np.zeros(label.shape, dtype=bool)
    good = label != Label.UNLABELLED
    if sight.glint is not None:
        good &= sight.glint > _GLINT_DEG
    share = np.where(plain, recipe.obvious, 1.0)
    count = float((share * good).sum())
    share = share * min(1.0, recipe.most / max(count, 1.0))
    cells = np.flatnonzero(good & (dice.random(label.shape) < share))
    return cells, (1 / share.ravel()[cells]).astype(np.float32)


def _looked(
    sight: Sight,
    gone: tuple[str, ...],
    label: NDArray[np.int8],
    sky: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    kept: tuple[NDArray[np.intp], Matrix],
    imager: int,
    imagers: tuple[str, ...],
) -> Samples:
    cells, weight = kept
    codes = label.ravel()[cells]
    values = Features.of(sight.without(gone)).values
    covered = codes == Label.FOG_BELOW_CLOUD
    return Samples(
        {name: field.ravel()[cells] for name, field in values.items()},
        sight.zenith.ravel()[cells],
        codes == Label.FOG,
        sky[0].ravel()[cells] | covered,
        sky[1].ravel()[cells],
        weight * np.where(covered, np.float32(_HIDDEN_COUNTS), np.float32(1)) * np.float32(0.3 if gone else 1),
        np.full(cells.size, imager, dtype=np.int16),
        imagers,
    )


def fit(recipe: FitRecipe, samples: Samples, progress: Progress = silent) -> dict[str, Any]:
    """The content of ``physics.yaml``."""
    questions = []
    for number, (name, asked) in enumerate(recipe.questions.items()):
        progress("Fitting", number, len(recipe.questions))
        target = {"cover": samples.hidden, "low": samples.low}.get(name, samples.fog)
        lights: Sequence[Lighting] = LIGHTINGS if name != "visible" else LIGHTINGS[:2]
        questions.append({"name": name, "lights": {light: _evidence(recipe, asked, samples, target, light) for light in lights}})
    return {"knots": {name: list(at) for name, at in recipe.knots.items()}, "questions": questions}


def balance(content: dict[str, Any], samples: Samples) -> dict[str, Any]:
    """The content with its base moved, by at most 1, so that fog is said as often as it is: regression and screens say it too seldom.

    A rare event whose evidence is uncertain seldom reaches a probability of 0.5, and the dark's droplet screen only takes away.
    """
    from engine.fog.detection.judging import droplet_limit

    fog = read_questions(content)["fog"]
    lookup = Lookup([fog])
    values = samples.values
    places = lookup.places(values)
    most = droplet_limit(values["droplets"], values.get("bright"), samples.zenith)
    for light, share in light_shares(samples.zenith).items():
        chosen = (share > 0.5) & ~(samples.hidden & samples.fog)
        names = np.array([fog.lights[light].imagers.get(each, 0.0) for each in samples.imagers], dtype=np.float32)
        odds = lookup.weigh("fog", light, places, sunlit_share(samples.zenith)) + np.float32(fog.lights[light].base) + names[samples.imager]
        weight, true = samples.weight * chosen, float((samples.weight * chosen)[samples.fog].sum())
        moves = np.arange(0, 1.05, 0.1)
        said = [float(weight[np.fmin(odds + np.float32(move), most) >= 0].sum()) for move in moves]
        move = float(moves[int(np.argmin(np.abs(np.array(said) - true)))])
        record = next(each for each in content["questions"] if each["name"] == "fog")["lights"][light]
        record["base"] = round(record["base"] + move, 3)
    return content


def _evidence(recipe: FitRecipe, asked: Asked, samples: Samples, target: NDArray[np.bool_], light: Lighting) -> dict[str, Any]:
    share = light_shares(samples.zenith)[light]
    rows = np.flatnonzero(share > 0)
    if not (target[rows].any() and not target[rows].all()):
        raise RecipeInvalid(RECIPE.name, f"its series show too little under the light of {light}. Take more of them.")
    design = _Design(recipe, asked, samples, rows, light)
    weight = (samples.weight * share)[rows].astype(np.float64)
    found = newton(design.matrix, target[rows], weight, design.penalty)
    return design.read(found)


class _Design:
    """Hat functions of quantities and of pairs as columns of a matrix, and what keeps their odds smooth."""

    def __init__(self, recipe: FitRecipe, asked: Asked, samples: Samples, rows: NDArray[np.intp], light: Lighting) -> None:
        self.recipe, self.samples = recipe, samples
        self.sun = sunlit_share(samples.zenith[rows])
        dark = light == "night"
        self.alone = tuple(name for name in asked.alone if not (dark and name in SUNLIT))
        self.together = tuple(pair for pair in asked.together if not (dark and SUNLIT & set(pair)))
        self.imagers = samples.imagers
        columns = [np.ones((rows.size, 1), np.float32), (samples.imager[rows, None] == np.arange(len(self.imagers))).astype(np.float32)]
        blocks = [np.zeros((1, 1)), 10 * recipe.ridge * np.eye(len(self.imagers))]
        for name in self.alone:
            hats, known = self._hats(name, recipe.knots[name], rows)
            columns.append(np.column_stack([hats, 1 - known]))
            blocks.append(_smooth(recipe.knots[name], recipe.smoothness, recipe.ridge, extra=1))
        for one, two in self.together:
            at, across = thinned(recipe.knots[one]), thinned(recipe.knots[two])
            left, right = self._hats(one, at, rows)[0], self._hats(two, across, rows)[0]
            columns.append((left[:, :, None] * right[:, None, :]).reshape(rows.size, -1))
            down, over = (_smooth(knots, recipe.smoothness, 0.0) for knots in (at, across))
            blocks.append(
                np.kron(down, np.eye(len(across))) + np.kron(np.eye(len(at)), over) + recipe.ridge * np.eye(len(at) * len(across))
            )
        self.matrix = np.concatenate(columns, axis=1)
        self.penalty = _diagonal(blocks)

    def _hats(self, name: str, at: Sequence[float], rows: NDArray[np.intp]) -> tuple[Matrix, Matrix]:
        """(k, knots) float32 and (k,) how far the quantity is known."""
        values = self.samples.values[name][rows]
        known = np.isfinite(values).astype(np.float32) * (self.sun if name in SUNLIT else np.float32(1))
        place = np.interp(np.nan_to_num(values, nan=at[0]), at, np.arange(len(at)))
        left = np.minimum(place.astype(np.intp), len(at) - 2)
        hats = np.zeros((rows.size, len(at)), dtype=np.float32)
        cells = np.arange(rows.size)
        hats[cells, left] = (left + 1 - place) * known
        hats[cells, left + 1] = (place - left) * known
        return hats, known

    def read(self, found: NDArray[np.float64]) -> dict[str, Any]:
        """Coefficients as a record; what an absent quantity moves is put into the base, so that it moves nothing."""
        base, place = float(found[0]), 1 + len(self.imagers)
        imagers = {name: round(float(value), 3) for name, value in zip(self.imagers, found[1:place], strict=True)}
        alone: dict[str, list[float]] = {}
        for name in self.alone:
            count = len(self.recipe.knots[name])
            odds, absent = found[place : place + count], float(found[place + count])
            base += absent
            alone[name] = [round(float(value) - absent, 3) for value in odds]
            place += count + 1
        together: dict[str, list[list[float]]] = {}
        for one, two in self.together:
            shape = len(thinned(self.recipe.knots[one])), len(thinned(self.recipe.knots[two]))
            odds = found[place : place + shape[0] * shape[1]].reshape(shape)
            together[f"{one} and {two}"] = [[round(float(value), 3) for value in row] for row in odds]
            place += shape[0] * shape[1]
        record: dict[str, Any] = {"base": round(base, 3), "imagers": imagers, "alone": alone}
        return record | ({"together": together} if together else {})


def newton(matrix: Matrix, target: NDArray[np.bool_], weight: NDArray[np.float64], penalty: NDArray[np.float64]) -> NDArray[np.float64]:
    """Penalised logistic regression: (p,) coefficients of the (k, p) columns of a matrix."""
    weight = weight / weight.sum()
    found = np.zeros(matrix.shape[1])
    steady = 1e-8 * np.eye(found.size)
    for _ in range(30):
        odds = np.clip(matrix @ found.astype(np.float32), -30, 30).astype(np.float64)
        said = 1 / (1 + np.exp(-odds))
        slope = matrix.T @ (weight * (said - target)).astype(np.float32) + penalty @ found
        root = np.sqrt(weight * np.maximum(said * (1 - said), 1e-6)).astype(np.float32)
        bend = penalty + steady
        for top in range(0, len(matrix), _ROWS):
            steep = matrix[top : top + _ROWS] * root[top : top + _ROWS, None]
            bend = bend + steep.T @ steep
        step = np.linalg.solve(bend, slope)
        found -= np.clip(step, -4, 4)
        if np.abs(step).max() < 1e-2:
            break
    return found


def _smooth(knots: Sequence[float], smoothness: float, ridge: float, extra: int = 0) -> NDArray[np.float64]:
    """Penalty on bends, and a little on size; ``extra`` columns have the latter only."""
    count = len(knots)
    gaps = np.diff(knots) / (knots[-1] - knots[0]) * count
    out = np.zeros((count + extra, count + extra))
    for middle in range(1, count - 1):
        bend = np.zeros(count + extra)
        bend[middle - 1 : middle + 2] = 1 / gaps[middle - 1], -1 / gaps[middle - 1] - 1 / gaps[middle], 1 / gaps[middle]
        out += smoothness * np.outer(bend, bend)
    return np.asarray(out + ridge * np.eye(count + extra))


def _diagonal(blocks: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    size = sum(len(block) for block in blocks)
    out, place = np.zeros((size, size)), 0
    for block in blocks:
        out[place : place + len(block), place : place + len(block)] = block
        place += len(block)
    return out


def written(path: Path, content: Mapping[str, Any]) -> Path:
    """Write tables as YAML, so that a person can read them and see what a new fit has changed.

    Raises:
        RecipeInvalid: If they can't be written.
    """
    import yaml

    text = yaml.safe_dump(dict(content), sort_keys=False, default_flow_style=None, width=140)
    head = "# Fitted on SYNTHETIC weather by: python -m engine fog fit (assets/detection/fit.yaml). Not edited by hand.\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(head + text, encoding="utf-8")
    except OSError as error:
        raise RecipeInvalid(path.name, f"it can't be written ({error.strerror}).") from None
    return path
