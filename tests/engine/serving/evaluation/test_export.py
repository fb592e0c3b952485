from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime

from engine.evaluation.report import Provenance, Report
from engine.serving.evaluation.export import export, file_name

WHEN = datetime(2026, 11, 21, 18, 44, tzinfo=UTC)


def report(model: str, accuracy: float) -> Report:
    source = Provenance(model, "abc", "SYNTHETIC <squares>", "f00", "plain-1", ("a photo of {}.",), measured=WHEN, synthetic=True)
    return Report("zeroshot", f"Zero-shot: {model}", {"accuracy": accuracy, "n": 6}, source)


def test_one_report_is_written_as_the_command_line_does() -> None:
    one = report("one", 0.5)
    assert export([one], "json").decode() == one.json()
    assert export([one], "csv").decode() == one.csv()
    assert export([one], "html").decode() == one.html()


def test_several_are_one_object_one_table_one_page() -> None:
    both = [report("one", 0.5), report("two", 0.25)]
    assert [each["accuracy"] for each in json.loads(export(both, "json"))["reports"]] == [0.5, 0.25]
    rows = list(csv.DictReader(io.StringIO(export(both, "csv").decode())))
    assert [(row["model"], row["value"]) for row in rows if row["figure"] == "accuracy"] == [("one", "0.5"), ("two", "0.25")]
    assert {row["model_hash"] for row in rows} == {"abc"}
    page = export(both, "html").decode()
    assert page.count("<html") == page.count("</html>") == page.count("<style>") == 1
    assert page.count("<h1>") == 2
    assert "<squares>" not in page
    assert "SYNTHETIC" in page


def test_the_file_name_says_what_was_measured() -> None:
    assert file_name([report("one", 0.5)], "json") == "pharos-zeroshot-one-SYNTHETIC-squares-20261121T1844Z.json"
    assert file_name([report("one", 0.5), report("two", 0.5)], "csv") == "pharos-zeroshot-2-models-SYNTHETIC-squares-20261121T1844Z.csv"
