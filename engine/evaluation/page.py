"""A report as one HTML file: no script, no address, light and dark."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from engine.evaluation.report import Report

STYLE: Final = """
:root{color-scheme:light dark;--ink:#16202c;--soft:#5b6875;--line:#d5dce3;--paper:#fff;--mark:33,102,172}
@media(prefers-color-scheme:dark){:root{--ink:#e8edf2;--soft:#9aa7b4;--line:#34404c;--paper:#12181f;--mark:103,169,207}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);margin:2rem auto;max-width:70rem;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}.scroll{overflow-x:auto}
table{border-collapse:collapse}td,th{border-bottom:1px solid var(--line);padding:.25rem .6rem;text-align:left;vertical-align:top}
td.n{text-align:right;font-variant-numeric:tabular-nums}.note{color:var(--soft)}
table.matrix td,table.matrix th{padding:.15rem .35rem;font-size:.75rem}
table.matrix thead th{writing-mode:vertical-rl}.synthetic{border:2px solid;padding:.4rem .8rem;font-weight:600}
"""
TABLES: Final = ("per_class", "by_shots", "reliability", "reliability_calibrated")
"""Figures that have a section of their own."""
SIDE: Final = 240
"""Pixels of the reliability diagram."""


def page(report: Report) -> str:
    """The report as HTML; every text from data is escaped."""
    source, figures = report.provenance, report.figures
    plain = {key: value for key, value in figures.items() if isinstance(value, int | float | str) or value is None}
    plain |= {
        f"{key} {inner}": value
        for key, values in figures.items()
        if isinstance(values, Mapping) and key not in TABLES
        for inner, value in values.items()
        if isinstance(value, int | float)
    }
    synthetic = '<p class="synthetic">SYNTHETIC: measured on made-up data</p>' if source.synthetic else ""
    parts = [
        f"<h1>{escape(report.title)}</h1>{synthetic}",
        _section("Figures", _table(["figure", "value"], ([key.replace("_", " "), value] for key, value in plain.items()))),
        _section("By class", _by_class(figures.get("per_class"))),
        _section("By shots", _by_shots(figures.get("by_shots"))),
        _section("Confusion: rows are right, columns were said", _matrix(figures.get("confusion"), report.names)),
        _section("Reliability", _diagram(figures.get("reliability"))),
        _section("Reliability after temperature scaling", _diagram(figures.get("reliability_calibrated"))),
        _section("By query", _by_query(figures.get("per_query"))),
        *(_section("Published, same protocol", _published(table.record())) for table in report.published),
        _section("Provenance", _provenance(source.record())),
        _section("Left out", _table(["name", "why"], report.skipped) if report.skipped else ""),
    ]
    body = "\n".join(part for part in parts if part)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(report.title)}</title><style>{STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
    )


def _section(title: str, content: str) -> str:
    return f'<h2>{escape(title)}</h2><div class="scroll">{content}</div>' if content else ""


def _cell(value: Any) -> str:  # noqa: ANN401 - any JSON value
    if isinstance(value, bool) or value is None:
        return f"<td>{'–' if value is None else value}</td>"
    if isinstance(value, int | float):
        return f'<td class="n">{value:,}</td>' if isinstance(value, int) else f'<td class="n">{value:.4f}</td>'
    return f"<td>{escape(str(value))}</td>"


def _table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    head = "".join(f"<th scope=col>{escape(text)}</th>" for text in heads)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _by_class(shares: Mapping[str, float | None] | None) -> str:
    return _table(["class", "accuracy"], shares.items()) if shares else ""


def _by_shots(shots: Mapping[str, Mapping[str, Any]] | None) -> str:
    if not shots:
        return ""
    return _table(["pictures a class", "accuracy", "std"], ([int(count), each["accuracy"], each["std"]] for count, each in shots.items()))


def _by_query(queries: Sequence[Mapping[str, Any]] | None) -> str:
    return _table([*queries[0]], ([*each.values()] for each in queries)) if queries else ""


def _matrix(matrix: Sequence[Sequence[int]] | None, names: Sequence[str]) -> str:
    if not matrix or len(names) != len(matrix):
        return ""
    head = "<td></td>" + "".join(f"<th scope=col>{escape(name)}</th>" for name in names)
    rows = []
    for name, row in zip(names, matrix, strict=True):
        total = max(1, sum(row))
        cells = (f'<td class="n" style="background:rgba(var(--mark),{count / total:.2f})">{count or ""}</td>' for count in row)
        rows.append(f"<tr><th scope=row>{escape(name)}</th>{''.join(cells)}</tr>")
    return f'<table class="matrix"><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'


def _diagram(reliability: Mapping[str, Any] | None) -> str:
    """Accuracy over confidence: a bar for each bin, the diagonal for perfect calibration."""
    if not reliability:
        return ""
    bars = "".join(
        f'<rect x="{part["low"] * SIDE:.1f}" y="{(1 - part["accuracy"]) * SIDE:.1f}" width="{(part["high"] - part["low"]) * SIDE - 1:.1f}" '
        f'height="{part["accuracy"] * SIDE:.1f}" fill="rgb(var(--mark))"><title>{part["count"]} answers, confidence '
        f"{part['confidence']:.3f}, accuracy {part['accuracy']:.3f}</title></rect>"
        for part in reliability["bins"]
        if part["count"]
    )
    return (
        f'<svg role="img" aria-label="Reliability diagram" viewBox="0 0 {SIDE} {SIDE}" width="{SIDE}" height="{SIDE}" '
        f'style="border:1px solid var(--line)">{bars}<line x1="0" y1="{SIDE}" x2="{SIDE}" y2="0" stroke="currentColor" '
        f'stroke-dasharray="4 3"/></svg><p>Accuracy (up) over confidence (right). Expected calibration error '
        f"{reliability['ece']:.3f}, largest gap {reliability['mce']:.3f}.</p>"
    )


def _published(table: Mapping[str, Any]) -> str:
    keys = [key for key in table["figures"][0] if key != "model"]
    rows = ([entry["model"], *(_joined(entry.get(key)) for key in keys)] for entry in table["figures"])
    note = f" {escape(table['note'])}" if table["note"] else ""
    return f"{_table(['model', *keys], rows)}<p class=note>{escape(table['source'])}.{note}</p>"


def _joined(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    return " / ".join(f"{each:.4f}" for each in value) if isinstance(value, list) else value


def _provenance(record: Mapping[str, Any]) -> str:
    settings = ", ".join(f"{key} {value}" for key, value in record["settings"].items())
    rows = [[key.replace("_", " "), value] for key, value in record.items() if key not in ("settings", "prompts")]
    return _table(["what", "value"], [*rows, ["settings", settings], *(["prompt", prompt] for prompt in record["prompts"])])
