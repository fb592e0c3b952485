"""A measurement with everything that is needed to repeat it, and its export."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from engine.errors import EvaluationInvalid
from engine.evaluation.datasets.pictures import Skipped
from engine.evaluation.published import Table

FORMATS: Final = (".json", ".csv", ".html")
COLUMNS: Final = ("suite", "figure", "value", "model", "model_hash", "data", "data_fingerprint", "templates", "measured", "synthetic")


def now() -> datetime:
    """The present time, UTC, to the second."""
    return datetime.now(UTC).replace(microsecond=0)


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a figure comes from.

    Attributes:
        model: Id of the encoder.
        model_hash: 12 hexadecimal digits of its weights' SHA-256.
        data: Name of the data.
        fingerprint: 12 hexadecimal digits of what was measured on: names, captions or labels.
        templates: Name and version of the sentences around labels; empty where none are used.
        prompts: The sentences themselves.
        protocol: What else decides the figure: protocol, part, seeds, k, temperature.
        measured: When, UTC.
        synthetic: Whether the data are made up.
    """

    model: str
    model_hash: str
    data: str
    fingerprint: str
    templates: str = ""
    prompts: tuple[str, ...] = ()
    protocol: Mapping[str, Any] = field(default_factory=dict)
    measured: datetime = field(default_factory=now)
    synthetic: bool = False

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "model": self.model,
            "model_hash": self.model_hash,
            "data": self.data,
            "data_fingerprint": self.fingerprint,
            "templates": self.templates,
            "prompts": list(self.prompts),
            "settings": dict(self.protocol),
            "measured": self.measured.isoformat(),
            "synthetic": self.synthetic,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """What one suite found.

    Attributes:
        suite: ``zeroshot``, ``retrieval``, ``phrases``, ``probe``, ``counting``, ``ndcg``, ``word-order``, ``embeddings``.
        title: As a person reads it.
        figures: Keys of the command-line contract and more; JSON values, fractions from 0 to 1.
        provenance: Where they come from.
        names: Row and column names of ``figures["confusion"]``; empty where there is none.
        published: Figures of papers under the same protocol.
        skipped: What was left out, with the reason.
    """

    suite: str
    title: str
    figures: Mapping[str, Any]
    provenance: Provenance
    names: tuple[str, ...] = ()
    published: tuple[Table, ...] = ()
    skipped: Skipped = ()

    def record(self) -> dict[str, Any]:
        """As JSON: the figures, then their provenance."""
        return {
            "suite": self.suite,
            **self.figures,
            **({"classes": list(self.names)} if self.names else {}),
            **self.provenance.record(),
            "published": [table.record() for table in self.published],
            "skipped": [{"name": name, "why": why} for name, why in self.skipped],
        }

    def json(self) -> str:
        """The record as indented JSON."""
        return json.dumps(self.record(), ensure_ascii=False, allow_nan=False, indent=2) + "\n"

    def csv(self) -> str:
        """One line a figure, each with its provenance; opens in any spreadsheet."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(
            ["suite", "figure", "value", "model", "model_hash", "data", "data_fingerprint", "templates", "measured", "synthetic"]
        )
        source = self.provenance
        tail = [source.model, source.model_hash, source.data, source.fingerprint, source.templates, source.measured.isoformat()]
        for name, value in flat(self._named()):
            writer.writerow([self.suite, _inert(name), _inert(value), *map(_inert, tail), source.synthetic])
        for prompt in source.prompts:
            writer.writerow([self.suite, "prompt", _inert(prompt), *map(_inert, tail), source.synthetic])
        return out.getvalue()

    def html(self) -> str:
        """A page that needs nothing beside itself."""
        from engine.evaluation.page import page

        return page(self)

    def save(self, path: Path) -> None:
        """Write the report; the suffix decides the format.

        Raises:
            EvaluationInvalid: If the suffix is none of .json, .csv, .html, or the file can't be written.
        """
        made = {".json": self.json, ".csv": self.csv, ".html": self.html}.get(path.suffix.lower())
        if made is None:
            raise EvaluationInvalid(f"a report is written as {', '.join(FORMATS)}, not as “{path.name}”.")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(made(), encoding="utf-8")
        except OSError as error:
            raise EvaluationInvalid(f"the report can't be written to {path} ({error.strerror}).") from None

    def _named(self) -> dict[str, Any]:
        """The figures, the confusion matrix with its names."""
        figures = dict(self.figures)
        if self.names and "confusion" in figures:
            rows = zip(self.names, figures["confusion"], strict=True)
            figures["confusion"] = {name: dict(zip(self.names, row, strict=True)) for name, row in rows}
        return figures


def check_format(path: Path) -> None:
    """Refuse a report file that could not be written, before anything is measured.

    Raises:
        EvaluationInvalid: If its suffix is unknown.
    """
    if path.suffix.lower() not in FORMATS:
        raise EvaluationInvalid(f"a report is written as {', '.join(FORMATS)}, not as “{path.name}”.")


def flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - any JSON value
    """Figures inside figures as ``outer.inner``; entries of lists by their place from 0."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from flat(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list | tuple):
        for place, inner in enumerate(value):
            yield from flat(inner, f"{name}.{place}")
    else:
        yield name, value


def _inert(cell: Any) -> Any:  # noqa: ANN401 - any cell
    """Text that a spreadsheet would take as a formula gets an apostrophe before it."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
