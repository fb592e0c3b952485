from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from engine.errors import EvaluationInvalid
from engine.evaluation.published import published, tables
from engine.evaluation.reliability import reliability
from engine.evaluation.report import Provenance, Report, check_format, flat


def report(**changes: Any) -> Report:
    figures = {
        "accuracy": 0.75,
        "per_class": {"=evil()": 0.5, "<script>alert(1)</script>": None},
        "confusion": [[1, 1], [0, 2]],
        "reliability": reliability([0.9, 0.8], [1, 0]).record(),
        "n": 4,
    }
    source = Provenance(
        "tiny",
        "abcdef012345",
        "island_synthetic",
        "0123456789ab",
        "plain-1",
        ("a photo of {}.",),
        {"seeds": 3},
        datetime(2026, 1, 2, tzinfo=UTC),
        True,
    )
    known: dict[str, Any] = {
        "suite": "zeroshot",
        "title": "Zero-shot: tiny & co",
        "figures": figures,
        "provenance": source,
        "names": ("=evil()", "<script>alert(1)</script>"),
        "published": published("zeroshot", "RSSCN7", {"n": 2800, "classes": 7, "prompts": ("a satellite photo of {}.",)}),
        "skipped": (("bad & broken.png", "it is cut short."),),
    }
    return Report(**{**known, **changes})


def test_json_holds_figures_and_provenance() -> None:
    record = json.loads(report().json())
    assert record["accuracy"] == 0.75
    assert record["model_hash"] == "abcdef012345"
    assert record["measured"] == "2026-01-02T00:00:00+00:00"
    assert record["prompts"] == ["a photo of {}."]
    assert record["published"][0]["source"].endswith("table III")


def test_csv_has_one_line_a_figure_and_no_formula() -> None:
    rows = list(csv.DictReader(io.StringIO(report().csv())))
    by_figure = {row["figure"]: row["value"] for row in rows}
    assert by_figure["accuracy"] == "0.75"
    assert by_figure["confusion.<script>alert(1)</script>.=evil()"] == "0"
    assert by_figure["prompt"] == "a photo of {}."
    assert {row["model_hash"] for row in rows} == {"abcdef012345"}
    assert not any(str(cell).startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())
    spiked = report(provenance=Provenance("=1+1", "", "", ""))
    assert next(csv.DictReader(io.StringIO(spiked.csv())))["model"] == "'=1+1"


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def test_html_needs_nothing_beside_itself_and_escapes_data() -> None:
    page = report().html()
    parsed = Tags()
    parsed.feed(page)
    assert not {"script", "link", "img", "iframe"} & set(parsed.tags)
    assert not [name for name, _ in parsed.attributes if name in ("src", "href") or name.startswith("on")]
    assert "http" not in page
    for text in ("<script>alert(1)</script>", "SYNTHETIC", "abcdef012345", "0.7500", "RemoteCLIP ViT-B-32", "table III", "a photo of {}."):
        assert text in parsed.text
    assert "svg" in parsed.tags


def test_saved_by_suffix(tmp_path: Path) -> None:
    for suffix in (".json", ".csv", ".html"):
        report().save(tmp_path / "deep" / f"r{suffix}")
        assert (tmp_path / "deep" / f"r{suffix}").stat().st_size > 100
    for act in (report().save, check_format):
        with pytest.raises(EvaluationInvalid, match=r"\.json, \.csv, \.html"):
            act(tmp_path / "r.pdf")
    (tmp_path / "file").write_text("")
    with pytest.raises(EvaluationInvalid, match="can't be written"):
        report().save(tmp_path / "file" / "r.json")


def test_flat_names_what_is_inside() -> None:
    assert list(flat({"a": {"b": [1, None]}, "c": "x"})) == [("a.b.0", 1), ("a.b.1", None), ("c", "x")]


def test_published_figures_stand_only_beside_the_same_protocol() -> None:
    fitting = {"protocol": "P1", "n_images": 1093, "n_captions": 5465}
    (table,) = published("retrieval", "RSICD_images dataset_rsicd.json", fitting)
    assert {entry["model"]: entry["mean_recall"] for entry in table.figures}["RemoteCLIP ViT-B-32"] == 0.3526
    assert not published("retrieval", "RSICD", {**fitting, "protocol": "P2", "n_images": 1094})
    assert not published("retrieval", "RSICD", {**fitting, "n_images": 800})
    assert not published("retrieval", "my pictures", fitting)
    assert not published("zeroshot", "rsscn7", {"n": 2800, "classes": 7, "prompts": ("a photo of {}.",)})
    assert not published("zeroshot", "rsscn7", {"n": 2799, "classes": 7, "prompts": ("a satellite photo of {}.",)})


@pytest.mark.parametrize("table", [t for t in tables() if t.where.get("protocol") == "P1"], ids=lambda t: t.where["data"])
def test_printed_mean_recalls_are_the_means_of_their_rows(table: Any) -> None:
    for entry in table.figures:
        assert entry["mean_recall"] == pytest.approx(sum(entry["i2t"] + entry["t2i"]) / 6, abs=1.1e-4)


def test_every_table_names_its_source_and_holds_fractions() -> None:
    for table in tables():
        assert "data" in table.where
        assert len(table.source) > 10
        for entry in table.figures:
            assert all(0 < value < 1 for _, value in flat(entry) if not isinstance(value, str))
