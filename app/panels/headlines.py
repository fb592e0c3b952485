"""Main figures of each suite, ours and those that papers publish under the same protocol, in the same columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from components.figure_table import FigureRow, figure, spread

if TYPE_CHECKING:
    from engine.evaluation.report import Report

SIGNS: Final = "¹²³⁴⁵⁶⁷⁸⁹"
Figures = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table.

    Attributes:
        title: Its head.
        value: The figure in a report's figures, or None.
        words: How it is written; None writes the value.
        best: Takes the better of several values: ``max``, ``min``, or None where none is better.
    """

    title: str
    value: Callable[[Figures], Any]
    words: Callable[[Figures], str] | None = None
    best: Callable[[Sequence[float]], float] | None = None

    def text(self, figures: Figures) -> str:
        """The cell."""
        return self.words(figures) if self.words else figure(self.value(figures))


def at(*path: str) -> Callable[[Figures], Any]:
    """Reads a figure inside figures; None where there is none."""

    def read(figures: Figures) -> Any:  # noqa: ANN401 - any figure
        value: Any = figures
        for key in path:
            value = value.get(key) if isinstance(value, Mapping) else None
        return value

    return read


def recall(way: str, key: str) -> Callable[[Figures], Any]:
    """Reads a recall of ours (a mapping) or of a paper (a list of R@1, R@5, R@10, or the mean alone)."""
    place = {"r1": 0, "r5": 1, "r10": 2}

    def read(figures: Figures) -> Any:  # noqa: ANN401 - any figure
        value = figures.get(way)
        if isinstance(value, Mapping):
            return value.get(key)
        if isinstance(value, list | tuple):
            return sum(value) / len(value) if key == "mean" else value[place[key]]
        return figures.get(f"{way}_mean") if key == "mean" else None

    return read


def _accuracy() -> Column:
    return Column("accuracy", at("accuracy"), best=max)


def _spread() -> Column:
    return Column("accuracy", at("accuracy"), lambda figures: spread(figures.get("accuracy"), figures.get("std")), max)


WAYS: Final = "T → I: a text asks for pictures. I → T: a picture asks for texts. Mean recall is the mean of the six recalls."
INTERVAL: Final = Column("95 % interval", at("interval"))
CLASSES: Final = Column("mean of classes", at("mean_per_class"), best=max)
ERROR: Final = Column("calibration error", at("reliability", "ece"), best=min)
PICTURES: Final = Column("pictures", at("n"))

COLUMNS: Final[dict[str, tuple[Column, ...]]] = {
    "zeroshot": (_accuracy(), INTERVAL, CLASSES, ERROR, PICTURES),
    "calibration": (
        ERROR,
        Column("largest gap", at("reliability", "mce"), best=min),
        Column("error after temperature scaling", at("reliability_calibrated", "ece"), best=min),
        _accuracy(),
        PICTURES,
    ),
    "knn": (_spread(), CLASSES, Column("seeds", at("seeds")), Column("measured on", at("n"))),
    "linear": (_spread(), CLASSES, Column("seeds", at("seeds")), Column("measured on", at("n"))),
    "counting": (
        _accuracy(),
        INTERVAL,
        Column("among the best 3", lambda figures: (figures.get("top_k") or [None] * 3)[2], best=max),
        Column("mean error", at("mean_error"), best=min),
        PICTURES,
    ),
    "ndcg": (
        Column("nDCG, Jaccard", at("ndcg_jaccard"), best=max),
        Column("95 % interval", at("ndcg_jaccard_interval")),
        Column("nDCG, overlap", at("ndcg_overlap"), best=max),
        Column("depth", at("k")),
        Column("queries", at("queries")),
        PICTURES,
    ),
    "word-order": (_accuracy(), INTERVAL, Column("chance", at("chance")), Column("ties", at("ties")), Column("pairs", at("n"))),
    "embeddings": (
        Column("one template", at("accuracy_single"), best=max),
        Column("95 % interval", at("interval_single")),
        Column("all templates", at("accuracy_ensemble"), best=max),
        Column("95 % interval", at("interval_ensemble")),
        PICTURES,
    ),
}


def _retrieval() -> tuple[Column, ...]:
    ways = (("t2i", "T → I"), ("i2t", "I → T"))
    keys = (("r1", "R@1"), ("r5", "R@5"), ("r10", "R@10"), ("mean", "mean"))
    recalls = (Column(f"{name} {title}", recall(way, key), best=max) for way, name in ways for key, title in keys)
    sizes = (Column("pictures", at("n_images")), Column("captions", at("n_captions")))
    return (Column("mean recall", at("mean_recall"), best=max), *recalls, *sizes)


def _few_shot(reports: Sequence[Report]) -> tuple[Column, ...]:
    counts = sorted({int(count) for report in reports for count in report.figures.get("by_shots", {})})

    def column(count: int) -> Column:
        def words(figures: Figures) -> str:
            each = figures.get("by_shots", {}).get(str(count), {})
            return spread(each.get("accuracy"), each.get("std"))

        return Column("1 picture" if count == 1 else f"{count} pictures", at("by_shots", str(count), "accuracy"), words, max)

    return (*map(column, counts), Column("measured on", at("n")))


def columns(suite: str, reports: Sequence[Report]) -> tuple[Column, ...]:
    """Columns of a suite's table.

    Args:
        suite: Key of the suites.
        reports: What was found.
    """
    if suite.startswith("retrieval"):
        return _retrieval()
    return _few_shot(reports) if suite == "fewshot" else COLUMNS[suite]


def headline(suite: str, reports: Sequence[Report]) -> tuple[list[str], list[FigureRow], list[str]]:
    """Heads, rows and footnotes of a suite's table.

    Args:
        suite: Key of the suites.
        reports: What was found, in the order of the rows.
    """
    shown = columns(suite, reports)
    values = [[column.value(report.figures) for report in reports] for column in shown]
    rows = [
        FigureRow(
            report.provenance.model,
            [column.text(report.figures) for column in shown],
            best=frozenset(place for place, column in enumerate(shown) if _is_best(column, values[place], row)),
        )
        for row, report in enumerate(reports)
    ]
    notes = [WAYS] if suite.startswith("retrieval") else []
    tables = {table.source: table for report in reports for table in report.published}
    for sign, table in zip(SIGNS, tables.values(), strict=False):
        rows += [FigureRow(str(entry["model"]), [figure(column.value(entry)) for column in shown], sign) for entry in table.figures]
        notes.append(f"{sign} Published, same protocol: {table.source}. {table.note}".strip())
    return [column.title for column in shown], rows, notes


def _is_best(column: Column, values: Sequence[Any], row: int) -> bool:
    known = [value for value in values if isinstance(value, int | float)]
    return column.best is not None and len(known) > 1 and values[row] == column.best(known) and min(known) != max(known)
