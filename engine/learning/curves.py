"""The curves of a training as one picture: the loss, and the figures of the validations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

_NOT_FIGURES: Final = frozenset({"step", "epoch", "loss", "scale", "seconds", "parts"})
_COLOURS: Final = ("#0b6e99", "#c2410c", "#15803d", "#7c3aed", "#b45309", "#be185d", "#0f766e", "#4b5563", "#a16207", "#1d4ed8")
_WIDTH, _HEIGHT, _LEFT, _TOP = 640, 240, 56, 28
_LEGEND: Final = 170


def drawn(rows: Sequence[Mapping[str, Any]], title: str) -> str:
    """Draw the curves.

    Args:
        rows: Of ``metrics.jsonl``: ``epoch``, ``loss`` and, where it was validated, figures from 0 to 1.
        title: Stands above.

    Returns:
        SVG: the loss above, the figures below, both over epochs.
    """
    losses = {"loss": [(float(row["epoch"]), float(row["loss"])) for row in rows]}
    names = list(dict.fromkeys(name for row in rows for name in row if name not in _NOT_FIGURES))
    figures = {name: [(float(row["epoch"]), float(row[name])) for row in rows if name in row] for name in names}
    last = max((float(row["epoch"]) for row in rows), default=1.0)
    values = [value for _, value in losses["loss"]]
    panels = [_panel(f"{title}: loss, nats", losses, last, (min([0.0, *values]), max([1e-9, *values])), 0)]
    if figures:
        panels.append(_panel("held-out figures", figures, last, (0.0, 1.0), 1))
    width, height = _LEFT + _WIDTH + _LEGEND, len(panels) * (_HEIGHT + 2 * _TOP)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/>{"".join(panels)}</svg>\n'
    )


def _panel(title: str, curves: Mapping[str, Sequence[tuple[float, float]]], last: float, span: tuple[float, float], number: int) -> str:
    """One diagram below the others; ``span`` are the values at its lower and upper edge."""
    low, high = span
    top = _TOP + number * (_HEIGHT + 2 * _TOP)

    def place(epoch: float, value: float) -> str:
        return f"{_LEFT + _WIDTH * epoch / last:.1f},{top + _HEIGHT * (1 - (value - low) / (high - low)):.1f}"

    parts = [f'<text x="{_LEFT}" y="{top - 10}" font-weight="bold">{escape(title)}</text>']
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        y, value = top + _HEIGHT * (1 - share), low + share * (high - low)
        parts.append(
            f'<path d="M{_LEFT} {y:.1f}h{_WIDTH}" stroke="#ddd"/><text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:.2f}</text>'
        )
        parts.append(f'<text x="{_LEFT + _WIDTH * share:.1f}" y="{top + _HEIGHT + 16}" text-anchor="middle">{last * share:g}</text>')
    for row, (name, points) in enumerate(curves.items()):
        colour = _COLOURS[row % len(_COLOURS)]
        line = " ".join(place(*point) for point in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.8"/>')
        parts += [f'<circle cx="{x}" cy="{y}" r="2.2" fill="{colour}"/>' for x, y in (place(*point).split(",") for point in points)]
        words = f"{name} {points[-1][1]:.3f}" if points else name
        parts.append(f'<text x="{_LEFT + _WIDTH + 10}" y="{top + 12 + 17 * row}" fill="{colour}">{escape(words)}</text>')
    return "".join(parts)
