"""Confusions: the matrix, and the pictures of the largest ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import streamlit as st

FEW = 9
"""Classes up to which the cells are large."""
MOST_NUMBERED = 32
"""Classes up to which every cell shows its count; beyond, colours must do."""


@dataclass(frozen=True, slots=True)
class Confusion:
    """One of the largest confusions.

    Attributes:
        truth: The right class.
        said: What was said instead.
        count: How often.
        pictures: Addresses of some of its pictures.
        files: Their file names, in the same order.
    """

    truth: str
    said: str
    count: int
    pictures: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


def confusion_matrix(names: Sequence[str], counts: Sequence[Sequence[int]]) -> None:
    """Draw the matrix: rows are right, columns were said; the darker, the larger the share of its row.

    Args:
        names: C classes.
        counts: (C, C) pictures.
    """
    head = "".join(f'<th scope="col"><span>{escape(name)}</span></th>' for name in names)
    rows = "".join(_row(place, names, row) for place, row in enumerate(counts))
    kind = "ph-few" if len(names) <= FEW else "ph-many" if len(names) > MOST_NUMBERED else ""
    st.html(
        '<div class="ph-scroll" tabindex="0" role="region" aria-label="Confusion matrix: rows are right, columns were said">'
        f'<table class="ph-matrix {kind}"><thead><tr><td></td>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _row(place: int, names: Sequence[str], row: Sequence[int]) -> str:
    total = sum(row)
    cells = "".join(
        _cell(names[place], said, count, total, right=column == place) for column, (said, count) in enumerate(zip(names, row, strict=True))
    )
    return f'<tr><th scope="row">{escape(names[place])}</th>{cells}</tr>'


def _cell(truth: str, said: str, count: int, total: int, *, right: bool) -> str:
    if not count:
        return f"<td{' class=ph-right' if right else ''}></td>"
    words = f"{truth}: {count:,} of {total:,} {'recognised' if right else f'taken for {said}'}"
    share = count / total
    deep = " ph-deep" if share > 0.55 else ""
    kind = "ph-right" if right else "ph-wrong"
    return f'<td class="{kind}{deep}" style="--share:{share * 100:.0f}%" title="{escape(words)}">{count}</td>'


def confusion_pictures(confusions: Sequence[Confusion]) -> None:
    """Draw the largest confusions, each with pictures by URL.

    Args:
        confusions: The largest first.
    """
    drawn = "".join(
        f"<figure><figcaption><b>{escape(each.truth)}</b> taken for <b>{escape(each.said)}</b><span>{each.count:,}×</span></figcaption>"
        f"<div>{''.join(_picture(each, place) for place in range(len(each.pictures)))}</div></figure>"
        for each in confusions
    )
    st.html(f'<div class="ph-confusions">{drawn}</div>')


def _picture(each: Confusion, place: int) -> str:
    words = f"{each.truth}, taken for {each.said}: {each.files[place]}"
    return f'<img src="{escape(each.pictures[place])}" alt="{escape(words)}" title="{escape(each.files[place])}" loading="lazy">'
