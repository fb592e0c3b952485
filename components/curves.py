"""Curves of an evaluation as Vega-Lite: drawn by the browser from a few numbers, nothing is fetched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import streamlit as st

COLOURS: Final = ("#1f8aa8", "#d9730d", "#7a5cc4", "#3f9142", "#c2386b", "#8a6d1f")
"""Told apart with any colour vision, and on light and dark."""
HEIGHT: Final = 340

Row = Mapping[str, Any]


def reliability_diagram(rows: Sequence[Row]) -> None:
    """Accuracy over confidence, a line for each model; on the diagonal a model is as right as it is sure.

    Args:
        rows: ``model, confidence, accuracy, count`` of each bin that holds something.
    """
    axis = {"scale": {"domain": [0, 1]}, "type": "quantitative", "axis": {"tickCount": 5}}
    diagonal = {
        "data": {"values": [{"x": 0, "y": 0}, {"x": 1, "y": 1}]},
        "mark": {"type": "line", "strokeDash": [4, 4], "opacity": 0.6, "color": "#8896a3"},
    }
    diagonal["encoding"] = {"x": {"field": "x", **axis}, "y": {"field": "y", **axis}}
    points = {
        "data": {"values": [dict(row) for row in rows]},
        "encoding": {
            "x": {"field": "confidence", "title": "confidence", **axis},
            "y": {"field": "accuracy", "title": "accuracy", **axis},
            "color": _colour(rows),
            "tooltip": [
                {"field": "model", "type": "nominal"},
                {"field": "confidence", "type": "quantitative", "format": ".3f"},
                {"field": "accuracy", "type": "quantitative", "format": ".3f"},
                {"field": "count", "type": "quantitative", "title": "answers"},
            ],
        },
        "layer": [
            {"mark": {"type": "line", "strokeWidth": 1.5}},
            {
                "mark": {"type": "circle", "opacity": 0.9},
                "encoding": {"size": {"field": "count", "type": "quantitative", "legend": None, "scale": {"range": [20, 320]}}},
            },
        ],
    }
    _draw({"layer": [diagonal, points]}, "Reliability diagram: accuracy over confidence")


def curve(rows: Sequence[Row], *, x: str, y: str, label: str, chance: float | None = None, ordinal: bool = False) -> None:
    """A line for each model, with its spread where rows say ``low`` and ``high``.

    Args:
        rows: ``model, x, y`` and maybe ``low, high``.
        x: Title of the horizontal axis.
        y: Title of the vertical axis, a fraction.
        label: What the chart is, for whoever listens.
        chance: Height of a dashed line, or None.
        ordinal: Whether the values of x stand at equal distances.
    """
    across: dict[str, Any] = {"field": "x", "title": x, "type": "ordinal" if ordinal else "quantitative"}
    across["axis"] = {"labelAngle": 0}
    up: dict[str, Any] = {"field": "y", "title": y, "type": "quantitative", "scale": {"domain": [0, 1]}, "axis": {"tickCount": 5}}
    tip = [{"field": "model", "type": "nominal"}, {"field": "x", "title": x, "type": across["type"]}]
    tip += [{"field": "y", "title": y, "type": "quantitative", "format": ".3f"}]
    layers: list[dict[str, Any]] = [{"mark": {"type": "line", "point": True, "strokeWidth": 1.8}, "encoding": {"y": up, "tooltip": tip}}]
    if rows and "low" in rows[0]:
        band = {"y": {"field": "low", "type": "quantitative", "title": y}, "y2": {"field": "high"}}
        layers.insert(0, {"mark": {"type": "rule", "strokeWidth": 1.5, "opacity": 0.6}, "encoding": band})
    shown: dict[str, Any] = {
        "data": {"values": [dict(row) for row in rows]},
        "encoding": {"x": across, "color": _colour(rows)},
        "layer": layers,
    }
    whole: list[dict[str, Any]] = [shown]
    if chance is not None:
        mark = {"type": "rule", "strokeDash": [4, 4], "color": "#8896a3"}
        whole.append({"data": {"values": [{"y": chance}]}, "mark": mark, "encoding": {"y": {"field": "y", "type": "quantitative"}}})
    _draw({"layer": whole}, label)


def _colour(rows: Sequence[Row]) -> dict[str, Any]:
    models = list(dict.fromkeys(str(row["model"]) for row in rows))
    legend = {"orient": "bottom", "title": None} if len(models) > 1 else None
    return {
        "field": "model",
        "type": "nominal",
        "scale": {"domain": models, "range": list(COLOURS[: max(1, len(models))])},
        "legend": legend,
    }


def _draw(spec: dict[str, Any], label: str) -> None:
    st.vega_lite_chart({"height": HEIGHT, **spec}, width="stretch", alt=label)
