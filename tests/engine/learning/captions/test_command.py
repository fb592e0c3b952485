"""The command line of captions: its keys, its words, its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.cli import main
from tests.engine.learning.captions.blobs import write_blobs

LINE = "28 18 32 18 32 22 28 22 large-vehicle 0\n"


@pytest.fixture
def dota(tmp_path: Path) -> Path:
    for number in range(2):
        write_blobs(tmp_path / "set" / "images" / f"P{number}.png", number)
        (tmp_path / "set" / f"P{number}.txt").write_text(LINE + ("bad line\n" if number else ""))
    (tmp_path / "set" / "Gone.txt").write_text(LINE)
    return tmp_path / "set"


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["engine", "captions", *arguments])
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def test_the_json_contract(dota: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    options = ["--seed", "4", "--central", "0.2", "--no-difficult", "--keep-duplicates", "--least", "2"]
    assert run(monkeypatch, str(dota), str(dota), "--kind", "dota", *options, "--json") == 0
    (line,) = capfd.readouterr().out.splitlines()
    record = json.loads(line)
    assert Path(record["captions"]) == dota / "captions.json"
    assert (record["pictures"], record["sentences"], record["boxes"]) == (2, 8, 2)
    assert (record["dropped"], record["duplicates"], record["skipped"]) == (1, 0, 1)
    assert record["dropped_boxes"] == [{"name": "P1", "why": "a line does not begin with eight coordinates."}]
    assert record["skipped_files"][0]["name"] == "Gone"
    assert record["seconds"] > 0


def test_words_for_a_person(dota: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, str(dota), str(dota / "own.json"), "--kind", "dota") == 0
    out = capfd.readouterr().out
    assert "8 sentences on 2 pictures" in out
    assert "skipped Gone: its picture is not there" in out
    assert "left out of P1: a line" in out
    assert (dota / "own.json").is_file()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--kind", "voc"],
        ["--kind", "coco"],
        ["--kind", "raster"],
        [],
        ["--kind", "dota", "--central", "2"],
        ["--kind", "dota", "--least", "0"],
        ["--kind", "dota", "--distance", "-1"],
    ],
)
def test_bad_input_is_one_line_and_exit_2(
    dota: Path, arguments: list[str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, str(dota), str(dota), *arguments, "--json") == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert len(err.strip().splitlines()) == 1
    assert not (dota / "captions.json").exists()
