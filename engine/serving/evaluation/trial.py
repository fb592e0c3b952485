"""What is to be measured: which models, on which data, by which suite."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from engine.errors import EvaluationInvalid
from engine.serving.evaluation.found import Form, Part

if TYPE_CHECKING:
    from engine.evaluation.datasets.pictures import Only
    from engine.evaluation.report import Report
    from engine.evaluation.suites import Bench

ISLAND: Final = "island"
"""The made-up island: data that are always there."""
COLLECTION: Final = "collection:"
FOLDER: Final = "folder"
Option = Literal["templates", "labels", "split", "seeds", "shots", "share", "numerals", "order", "held"]


@dataclass(frozen=True, slots=True)
class Suite:
    """A kind of measurement.

    Attributes:
        id: Names it in addresses.
        title: For a person.
        about: What it asks, in a sentence.
        forms: Data that it can be run on, the preferred first.
        options: What a person may set.
        figure: The key of its main figure.
        modelled: Whether a model is asked; published embeddings bring their own vectors.
    """

    id: str
    title: str
    about: str
    forms: tuple[Form, ...]
    options: tuple[Option, ...]
    figure: str = "accuracy"
    modelled: bool = True


_ZERO_SHOT: Final = "The class whose sentences lie nearest; nothing is learned from these pictures."
SUITES: Final[dict[str, Suite]] = {
    suite.id: suite
    for suite in (
        Suite("zeroshot", "Zero-shot classification", _ZERO_SHOT, ("classes",), ("templates", "labels", "held")),
        Suite(
            "calibration",
            "Calibration",
            "Whether a probability of 0.8 is right eight times in ten.",
            ("classes",),
            ("templates", "labels", "held"),
            "reliability.ece",
        ),
        Suite("retrieval-p1", "Retrieval, P1", "Each caption asks, one picture is right.", ("captions",), ("split", "held"), "mean_recall"),
        Suite(
            "retrieval-p2",
            "Retrieval, P2",
            "Identical captions are one question, and every picture that has it is right.",
            ("captions",),
            ("split", "held"),
            "mean_recall",
        ),
        Suite("knn", "Nearest neighbours", "The 20 nearest training pictures vote.", ("classes",), ("seeds", "share", "held")),
        Suite("linear", "Linear probe", "Logistic regression on frozen vectors.", ("classes",), ("seeds", "share", "held")),
        Suite(
            "fewshot",
            "Few-shot",
            "A probe that learns from 1, 4, 8, … pictures a class.",
            ("classes",),
            ("shots", "seeds", "share", "held"),
        ),
        Suite("counting", "Counting", "Which of ten captions that differ only in their number fits best.", ("counts",), ("numerals",)),
        Suite(
            "ndcg",
            "Graded retrieval (nDCG)",
            "Rankings by label sets, graded by what they share.",
            ("labels", "classes"),
            ("split",),
            "ndcg",
        ),
        Suite(
            "word-order",
            "Word order",
            "A caption against the same words in another order; chance is one half.",
            ("captions", "pairs"),
            ("order", "split", "seeds", "held"),
        ),
        Suite(
            "embeddings",
            "Published embeddings",
            "Zero-shot figures of vectors that others published: one template, and the mean of all.",
            ("embeddings",),
            (),
            "accuracy_ensemble",
            modelled=False,
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Trial:
    """One evaluation, as a person asks for it.

    Attributes:
        suite: Key of ``SUITES``.
        models: Ids of encoders, in the order in which they stand beside one another.
        data: ``island``, ``collection:NAME`` or ``folder``.
        folder: Path of the folder or file, if ``data`` is ``folder``.
        part: Name of the list or archive, where the data have several.
        templates: A set of ``assets/prompts/templates.yaml``, or a sentence with ``{}`` or ``{a}``.
        labels: Class names separated by commas; empty takes the folder names.
        split: Part of lists that divide themselves.
        shots: Numbers of pictures a class, separated by commas.
        seeds: How many runs.
        share: Percent of each class that teaches.
        numerals: ``words`` or ``digits``.
        order: ``swap`` or ``shuffle``.
        held: Recipe; only the pictures that it kept from training are measured on. Empty takes all.
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

    @property
    def kind(self) -> Suite:
        """The suite.

        Raises:
            EvaluationInvalid: If there is none of this name.
        """
        if self.suite not in SUITES:
            raise EvaluationInvalid(f"there is no suite “{self.suite[:40]}”. Known: {', '.join(SUITES)}.")
        return SUITES[self.suite]

    @property
    def steps(self) -> tuple[str, ...]:
        """What is measured one after the other: the models, or the archive alone."""
        return self.models if self.kind.modelled else ("",)

    def measure(self, bench: Bench, part: Part) -> Report:
        """Measure one encoder.

        Args:
            bench: The encoder on its bench.
            part: What to measure on.

        Raises:
            PharosError: As the suites of :class:`engine.evaluation.suites.Bench`.
        """
        split, only = self._split(part), self._only(part)
        match self.kind.id:
            case "zeroshot" | "calibration":
                labels = [label for label in self.labels.split(",") if label.strip()]
                return bench.zero_shot(part.path, labels=labels, templates=self.templates, only=only)
            case "retrieval-p1":
                return bench.retrieval(part.pictures, part.path, protocol="P1", split=split, only=only)
            case "retrieval-p2":
                return bench.retrieval(part.pictures, part.path, protocol="P2", split=split, only=only)
            case "counting":
                return bench.counting(part.path, folder=part.pictures, numerals="digits" if self.numerals == "digits" else "words")
            case "ndcg":
                return bench.ndcg(part.path, split=split)
            case "word-order":
                kind: Literal["swap", "shuffle", "given"] = "shuffle" if self.order == "shuffle" else "swap"
                given = "given" if part.form == "pairs" else kind
                return bench.word_order(part.pictures, part.path, kind=given, split=split, seeds=self.seeds, only=only)
        return self._probe(bench, part, only)

    def _probe(self, bench: Bench, part: Part, only: Only | None) -> Report:
        from engine.evaluation.probe import shots_named
        from engine.evaluation.suites import probe_named

        kind, counts, share = probe_named(self.suite), shots_named(self.shots), self.share / 100
        return bench.probe(part.path, kind=kind, counts=counts, seeds=self.seeds, train_share=share, only=only)

    def _only(self, part: Part) -> Only | None:
        """The pictures that the recipe kept from training, or None for all."""
        if not self.held or "held" not in self.kind.options:
            return None
        if self.held not in part.recipes:
            raise EvaluationInvalid(f"the recipe “{self.held[:60]}” keeps nothing of these data back. Measure on all pictures.")
        from engine.evaluation.datasets.held_out import held_out

        return held_out(part.pictures, self.held)

    def _split(self, part: Part) -> str:
        """The wanted part of a list that has it, else everything."""
        return self.split if self.split in part.splits else "all"
