"""The fog group of the command line keeps its contract: one JSON object, or one clear line and exit 2."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine import cli

from .reading import layouts


def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str) -> tuple[int, Any, str]:
    monkeypatch.setattr("sys.argv", ["engine", *words])
    code = 0
    try:
        cli.main()
    except SystemExit as end:
        code = int(end.code or 0)
    out, err = capsys.readouterr()
    return code, json.loads(out.splitlines()[-1]) if out.strip() else None, err


def test_convert_prints_its_contract(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    root = layouts.fengyun(tmp_path / "train_all", ["20200101_0400", "20200101_0430"])
    out = tmp_path / "SYNTHETIC_yb.zarr"
    code, record, _ = run(
        capsys, monkeypatch, "fog", "convert", str(root), "--out", str(out), "--layout", "m4fog-a", "--synthetic", "--json"
    )
    assert code == 0
    assert record["shape"] == [2, 24, 24]
    assert record["times"] == ["2020-01-01T04:00:00+00:00", "2020-01-01T04:30:00+00:00"]
    assert "BT1120" in record["elements"]
    assert record["units_detected"]["R0064"] == "fraction 0–1"
    assert record["synthetic"] is True
    code, exported, _ = run(
        capsys, monkeypatch, "fog", "export", str(out), "--out", str(tmp_path / "SYNTHETIC_a.npy"), "--element", "BT1120", "--json"
    )
    assert code == 0
    assert exported["shape"] == [1, 24, 24, 2]
    assert np.load(exported["array"]).shape == (1, 24, 24, 2)


def test_bad_input_is_one_line_and_exit_2(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for words, said in (
        (["convert", str(tmp_path / "gone"), "--out", str(tmp_path / "o")], "no such file or folder"),
        (["convert", str(tmp_path), "--out", str(tmp_path / "o"), "--layout", "m4fog-z"], "there is no layout"),
        (["convert", str(tmp_path), "--out", str(tmp_path / "o"), "--name", "IR_108"], "VARIABLE=ELEMENT"),
        (["convert", str(tmp_path), "--out", str(tmp_path / "o"), "--start", "noon"], "is not a time"),
        (["export", str(tmp_path / "gone.zarr"), "--out", str(tmp_path / "o")], "There is no cube"),
        (["fetch", "--region", "NS", "--from", "2024-05-03", "--out", str(tmp_path)], "public archives"),
    ):
        code, record, err = run(capsys, monkeypatch, "fog", *words, "--json")
        assert (code, record) == (2, None), words
        assert said in err, words
        assert len(err.strip().splitlines()) == 1, err


def test_regions_are_the_fifteen(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    code, record, _ = run(capsys, monkeypatch, "fog", "regions", "--json")
    assert code == 0
    assert len(record["regions"]) == 15
    assert {region["id"]: region for region in record["regions"]}["BE"]["bounds"] == [4.0, -26.8, 16.8, -14.0]
