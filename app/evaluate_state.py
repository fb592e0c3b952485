"""What the Evaluate page shows, as one value that the address bar carries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Self

from engine.serving.evaluation import FOLDER, ISLAND, SUITES, Suite, Trial

LONGEST: Final = 2000
"""Characters of one value that an address may carry."""
RANGES: Final = {"seeds": (1, 20), "share": (5, 95)}


@dataclass(frozen=True, slots=True)
class EvaluateState:
    """Everything that Evaluate shows; but for the last two, what is to be measured next.

    Attributes:
        suite: Key of ``SUITES``.
        models: Ids of encoders; empty means the default.
        data: ``island``, ``collection:NAME`` or ``folder``.
        folder: Path that was typed.
        part: Name of the chosen list.
        templates: Name of a template set, or a sentence.
        labels: Class names separated by commas.
        split: Part of lists that divide themselves.
        shots: Numbers of pictures a class.
        seeds: How many runs.
        share: Percent of each class that teaches.
        numerals: ``words`` or ``digits``.
        order: ``swap`` or ``shuffle``.
        held: Recipe whose held-out pictures alone are measured on.
        run: Id of the evaluation that is shown; empty shows none.
        of: Id of the model whose confusions are shown; empty means the first.
    """

    suite: str = "zeroshot"
    models: tuple[str, ...] = ()
    data: str = ISLAND
    folder: str = ""
    part: str = ""
    templates: str = "label"
    labels: str = ""
    split: str = "test"
    shots: str = "1,4,8,16,32"
    seeds: int = 3
    share: int = 50
    numerals: str = "words"
    order: str = "swap"
    held: str = ""
    run: str = ""
    of: str = ""

    @classmethod
    def from_query(cls, query: Mapping[str, Sequence[str]]) -> Self:
        """Read an address's query; what is not understood is left at its default.

        Args:
            query: Values of each key, in order.
        """
        state = cls()
        for item in fields(cls):
            values = [value for value in query.get(item.name, ()) if isinstance(value, str) and len(value) <= LONGEST]
            if values:
                try:
                    state = replace(state, **{item.name: _read(item.name, getattr(state, item.name), values)})
                except ValueError:
                    continue
        return state

    def to_query(self) -> dict[str, list[str]]:
        """The address's query: only what differs from the default."""
        blank = type(self)()
        changed = {item.name: getattr(self, item.name) for item in fields(self) if getattr(self, item.name) != getattr(blank, item.name)}
        return {name: list(value) if isinstance(value, tuple) else [str(value)] for name, value in changed.items()}

    @property
    def kind(self) -> Suite:
        """The chosen suite."""
        return SUITES[self.suite]

    def trial(self, default_model: str) -> Trial:
        """What is to be measured.

        Args:
            default_model: Id of the encoder that is taken where none is chosen.
        """
        shared = {item.name: getattr(self, item.name) for item in fields(Trial)}
        return Trial(**(shared | {"models": self.models or (default_model,), "folder": self.folder if self.data == FOLDER else ""}))

    @classmethod
    def of_trial(cls, trial: Trial, run: str) -> Self:
        """The page that shows an evaluation."""
        return cls(**{item.name: getattr(trial, item.name) for item in fields(Trial)}, run=run)


def _read(name: str, default: Any, values: list[str]) -> Any:  # noqa: ANN401 - a field's value
    if isinstance(default, tuple):
        return tuple(dict.fromkeys(values))
    if isinstance(default, int):
        low, high = RANGES[name]
        number = int(values[-1])
        if not low <= number <= high:
            raise ValueError(name)
        return number
    if name == "suite" and values[-1] not in SUITES:
        raise ValueError(values[-1])
    return values[-1]
