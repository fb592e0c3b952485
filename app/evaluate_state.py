"""What the Evaluate page shows, as one value that the address bar carries."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from typing import ClassVar, Self

from app.address import PageState
from engine.serving.evaluation import FOLDER, ISLAND, SUITES, Suite, Trial


@dataclass(frozen=True, slots=True)
class EvaluateState(PageState):
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

    RANGES: ClassVar[Mapping[str, tuple[int, int]]] = {"seeds": (1, 20), "share": (5, 95)}
    CHOICES: ClassVar[Mapping[str, Collection[str]]] = {"suite": SUITES}
    LONGEST: ClassVar[int] = 2000

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
