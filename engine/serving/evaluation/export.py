"""Reports of one evaluation as a file: JSON, CSV or HTML, each with model hash, prompts, data and date."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from engine.evaluation.report import Report

Format = Literal["json", "csv", "html"]
MEDIA: Final[dict[Format, str]] = {"json": "application/json", "csv": "text/csv", "html": "text/html"}
_BODY: Final = re.compile(r"(?P<head>.*<body>\n?)(?P<body>.*)(?P<tail></body>.*)", re.DOTALL)


def export(reports: Sequence[Report], kind: Format) -> bytes:
    """The reports as one file.

    A single report is written as the command line writes it. Several are a JSON object with ``reports``, one table, or one page.

    Args:
        reports: One or more.
        kind: Format.
    """
    written = [getattr(report, kind)() for report in reports]
    if len(written) > 1:
        written = [{"json": _json, "csv": _csv, "html": _html}[kind](written)]
    return str(written[0]).encode("utf-8")


def file_name(reports: Sequence[Report], kind: Format) -> str:
    """Says what was measured, on what and when; figures of made-up data say so."""
    first = reports[0]
    data = first.provenance.data
    if first.provenance.synthetic and "synthetic" not in data.lower():
        data = f"SYNTHETIC {data}"
    models = first.provenance.model if len(reports) == 1 else f"{len(reports)} models"
    words = f"pharos {first.suite} {models} {data} {first.provenance.measured:%Y%m%dT%H%MZ}"
    return f"{re.sub(r'[^A-Za-z0-9.]+', '-', words).strip('-.')[:160]}.{kind}"


def _json(written: Sequence[str]) -> str:
    records = [json.loads(each) for each in written]
    return json.dumps({"reports": records}, ensure_ascii=False, allow_nan=False, indent=2) + "\n"


def _csv(written: Sequence[str]) -> str:
    head, *_ = written[0].split("\n", 1)
    return "\n".join([head, *(each.split("\n", 1)[1].rstrip("\n") for each in written)]) + "\n"


def _html(written: Sequence[str]) -> str:
    """Pages one below the other, in the frame of the first."""
    parts = [match for each in written if (match := _BODY.fullmatch(each))]
    bodies = "\n<hr>\n".join(part["body"] for part in parts)
    head = re.sub(r"<title>.*?</title>", f"<title>{escape(f'{len(parts)} models')}</title>", parts[0]["head"], flags=re.DOTALL)
    return f"{head}{bodies}{parts[0]['tail']}"
