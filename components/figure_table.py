"""Figures beside one another: a row for each model, ours first, published ones below with their source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

import streamlit as st

THIN = "\u2009"


@dataclass(frozen=True, slots=True)
class FigureRow:
    """One row.

    Attributes:
        name: Of the model.
        cells: One text a column; an empty one is shown as a dash.
        source: Sign of the footnote that says where a published row comes from; empty for our own.
        best: Columns in which no other row of ours is better.
    """

    name: str
    cells: Sequence[str]
    source: str = ""
    best: frozenset[int] = field(default_factory=frozenset)


def figure(value: object) -> str:
    """A figure as a person reads it: three digits of a fraction, thousands apart."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool | str):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.3f}".replace("-", "−")
    return " to ".join(figure(part) for part in value) if isinstance(value, list | tuple) else str(value)


def spread(mean: object, std: object) -> str:
    """A mean with its standard deviation."""
    return figure(mean) if std is None or not figure(mean) else f"{figure(mean)}{THIN}±{THIN}{figure(std)}"


def figure_table(columns: Sequence[str], rows: Sequence[FigureRow], notes: Sequence[str] = (), *, label: str) -> None:
    """Draw the table.

    Args:
        columns: Heads of the figures.
        rows: Ours first.
        notes: Footnotes below it.
        label: What the table is, for whoever listens.
    """
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in ("Model", *columns))
    body = "".join(_row(row) for row in rows)
    feet = "".join(f'<p class="ph-soft">{escape(note)}</p>' for note in notes)
    st.html(
        f'<div class="ph-scroll" tabindex="0" role="region" aria-label="{escape(label)}"><table class="ph-figures">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{feet}"
    )


def _row(row: FigureRow) -> str:
    cells = "".join(
        f"<td{' class=ph-best' if place in row.best else ''}>{escape(cell) if cell else '–'}</td>" for place, cell in enumerate(row.cells)
    )
    sign = f"<sup>{escape(row.source)}</sup>" if row.source else ""
    return f'<tr{" class=ph-theirs" if row.source else ""}><th scope="row">{escape(row.name)}{sign}</th>{cells}</tr>'


def plain_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, label: str, numbers: bool = True) -> None:
    """Draw a table of texts, the first cell of each row its name.

    Args:
        columns: All heads.
        rows: Cells.
        label: What the table is, for whoever listens.
        numbers: Whether the cells behind the name are figures, which stand at the right.
    """
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in columns)
    body = "".join(f'<tr><th scope="row">{escape(row[0])}</th>{_cells(row[1:])}</tr>' for row in rows)
    kind = "ph-figures" if numbers else "ph-figures ph-words-table"
    st.html(
        f'<div class="ph-scroll" tabindex="0" role="region" aria-label="{escape(label)}"><table class="{kind}">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _cells(texts: Sequence[str]) -> str:
    return "".join(f"<td>{escape(text) or '–'}</td>" for text in texts)


def class_bars(names: Sequence[str], columns: Sequence[tuple[str, Sequence[float | None]]]) -> None:
    """Shares of each class as bars, a column for each model; the worst class of the first model comes first.

    Args:
        names: Classes.
        columns: Model and its shares, 0 to 1; None where a class has no picture.
    """
    order = sorted(range(len(names)), key=lambda place: (columns[0][1][place] is None, columns[0][1][place] or 0.0, names[place]))
    head = "".join(f'<th scope="col">{escape(model)}</th>' for model in ("Class", *(model for model, _ in columns)))
    body = "".join(
        f'<tr><th scope="row">{escape(names[place])}</th>{"".join(_bar(shares[place]) for _, shares in columns)}</tr>' for place in order
    )
    st.html(
        '<div class="ph-scroll" tabindex="0" role="region" aria-label="Accuracy by class"><table class="ph-figures ph-class-bars">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _bar(share: float | None) -> str:
    if share is None:
        return "<td>–</td>"
    return f'<td><span class="ph-track"><i style="width:{share:.1%}"></i></span><b>{share:.2f}</b></td>'
