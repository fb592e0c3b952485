"""The command line's contract: JSON keys, exit codes, one clear line for bad input."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from engine.cli import main
from engine.settings import ROOT, settings
from tests.scenes import write_scene

Run = Callable[..., tuple[int, Any, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Run ``python -m engine ARGUMENTS --json`` in this process: exit code, the JSON object, standard error."""

    def call(*arguments: str) -> tuple[int, Any, str]:
        monkeypatch.setattr("sys.argv", ["engine", *arguments, "--json"])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        out, err = capfd.readouterr()
        lines = out.strip().splitlines()
        assert len(lines) == (1 if code == 0 else 0), out
        return code, json.loads(lines[0]) if lines else None, err

    return call


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    for day in ("20140720", "20200831"):
        write_scene(tmp_path / "scenes" / f"field_{day}.tif", seed=int(day))
    return tmp_path / "scenes"


def test_index_search_and_label_keep_the_contract(run: Run, scenes: Path) -> None:
    code, made, _ = run("index", str(scenes), "--collection", "fields")
    assert code == 0
    assert {"collection", "model", "scenes", "tiles", "skipped", "seconds", "tiles_per_second"} <= made.keys()
    assert (made["scenes"], made["tiles"], made["skipped"]) == (2, 32, 0)

    code, found, _ = run(
        "search", "water", "--collection", "fields", "--k", "100", "--not", "a town", "--from", "2014-07-20", "--to", "2014-07-20"
    )
    assert code == 0
    assert {"hits", "relevant", "searched", "timings_ms"} <= found.keys()
    assert {"tile_id", "rank", "score", "percentile", "margin", "verdict", "bbox", "datetime", "scene"} <= found["hits"][0].keys()
    assert found["searched"] == len(found["hits"]) == 16
    assert [hit["rank"] for hit in found["hits"]] == list(range(1, 17))
    scores = [hit["score"] for hit in found["hits"]]
    assert scores == sorted(scores, reverse=True)

    west, south, east, north = found["hits"][0]["bbox"]
    middle = f"{(west + east) / 2},{(south + north) / 2},{(west + east) / 2 + 1e-4},{(south + north) / 2 + 1e-4}"
    code, inside, _ = run("search", "--like", found["hits"][0]["tile_id"], "--collection", "fields", "--region", middle)
    assert code == 0
    assert inside["searched"] == 2
    assert inside["hits"][0]["score"] == pytest.approx(1, abs=1e-2)

    code, labelled, _ = run("label", "--collection", "fields", "--labels", "water,grass,a town", "--from", "2020-01-01")
    assert code == 0
    assert {"tiles", "shares_km2", "abstained"} <= labelled.keys()
    assert len(labelled["tiles"]) == 16
    assert {"tile_id", "label", "probability", "abstained"} <= labelled["tiles"][0].keys()
    assert sum(labelled["shares_km2"].values()) <= 2.56**2 + 0.01


def test_resume_adds_what_is_new_and_a_second_run_without_it_is_refused(run: Run, scenes: Path) -> None:
    assert run("index", str(scenes), "--collection", "fields")[0] == 0
    code, _, err = run("index", str(scenes), "--collection", "fields")
    assert code == 2
    assert "exists already" in err
    write_scene(scenes / "field_20220101.tif", seed=3)
    code, more, _ = run("index", str(scenes), "--collection", "fields", "--resume")
    assert (code, more["scenes"], more["tiles"]) == (0, 3, 48)


def test_what_the_name_forbids_is_refused_before_anything_is_scanned(run: Run, scenes: Path) -> None:
    assert run("index", str(scenes), "--collection", "fields")[0] == 0
    for name, says in (("fields", "exists already"), ("../fields", "can't name a collection")):
        code, _, err = run("index", "/nowhere/at/all", "--collection", name, "--model", "none")
        assert code == 2
        assert says in err


def test_resume_goes_on_with_the_collections_own_model(run: Run, scenes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("index", str(scenes), "--collection", "fields")[0] == 0
    monkeypatch.setenv("PHAROS_MODEL", "no-such-model")
    settings.cache_clear()
    code, again, err = run("index", str(scenes), "--collection", "fields", "--resume")
    assert code == 0, err
    assert again["model"].startswith("pharos-small@")
    assert run("index", str(scenes), "--collection", "other", "--resume")[0] == 2


def test_a_bad_setting_ends_with_exit_2_and_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHAROS_THREADS", "many")
    settings.cache_clear()
    code, _, err = run("search", "a lake", "--collection", "fields")
    assert code == 2
    assert len(err.strip().splitlines()) == 1
    assert "PHAROS_THREADS" in err


def test_a_reader_that_has_seen_enough_ends_it_quietly() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "engine", "models", "--json"], cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, timeout=60, check=False
        )
    finally:
        os.close(writing)
    assert ended.stderr == b""


def test_a_folder_of_classes_becomes_one_tile_a_picture(run: Run, tmp_path: Path) -> None:
    from PIL import Image

    for name in ("Pond/a.png", "Pond/b.png", "Desert/a.png"):
        path = tmp_path / "classes" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((40, 40, 3), 90, np.uint8)).save(path)
    (tmp_path / "classes" / "notes.txt").write_text("no picture")
    code, made, _ = run("index", str(tmp_path / "classes"), "--collection", "classes")
    assert (code, made["tiles"]) == (0, 3)
    code, found, _ = run("search", "a pond", "--collection", "classes")
    assert {hit["scene"] for hit in found["hits"]} == {"Pond/a.png", "Pond/b.png", "Desert/a.png"}


def bad(tmp_path: Path, kind: str) -> Path:
    """A file that can't be indexed."""
    path = tmp_path / f"{kind}.tif"
    if kind == "truncated":
        whole = write_scene(tmp_path / "whole.tif").read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
    elif kind == "text":
        path.write_text("this is no picture")
    else:
        fill = 0 if kind == "empty" else 9
        crs = None if kind == "placeless" else "EPSG:32614"
        transform = rasterio.transform.from_origin(500_000, 5_200_000, 10, 10) if crs else rasterio.Affine.identity()
        with rasterio.open(
            path, "w", driver="GTiff", width=96, height=96, count=3, dtype="uint8", crs=crs, transform=transform, nodata=0
        ) as out:
            out.write(np.full((3, 96, 96), fill, np.uint8))
    return path


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize(
    ("kind", "says"),
    [("truncated", "can't be read"), ("text", "can't be read"), ("empty", "no valid pixel"), ("placeless", "--place W,S,E,N")],
)
def test_a_file_that_cant_be_indexed_is_told_in_one_line(run: Run, tmp_path: Path, kind: str, says: str) -> None:
    code, _, err = run("index", str(bad(tmp_path, kind)), "--collection", "bad")
    assert code == 2
    assert says in err
    assert "Traceback" not in err
    assert run("search", "x", "--collection", "bad")[0] == 2


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_raster_without_a_crs_is_placed_where_the_person_says(run: Run, tmp_path: Path) -> None:
    assert run("index", str(bad(tmp_path, "placeless")), "--collection", "placed", "--place", "10,50,10.01,50.01")[0] == 0
    hit = run("search", "a field", "--collection", "placed")[1]["hits"][0]
    assert hit["bbox"] == pytest.approx([10, 50, 10.01, 50.01], abs=0.004)


def test_one_bad_file_does_not_cost_the_others(run: Run, scenes: Path) -> None:
    (scenes / "broken.tif").write_text("nothing")
    code, made, _ = run("index", str(scenes), "--collection", "fields")
    assert (code, made["tiles"], made["skipped"]) == (0, 32, 1)
    assert "broken.tif" in made["skipped_files"][0]["name"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["search", "", "--collection", "fields"], "query is empty"),
        (["search", "x" * 5000, "--collection", "fields"], "5,000 characters"),
        (["search", "a lake", "--collection", "nowhere"], "no collection"),
        (["search", "a lake", "--collection", "../fields"], "can't name a collection"),
        (["search", "a lake", "--collection", "fields", "--region", "0,0,1,1"], "lies outside"),
        (["search", "a lake", "--collection", "fields", "--region", "0,0,0,0"], "no area"),
        (["search", "a lake", "--collection", "fields", "--region", "170,0,-170,1"], "lies outside"),
        (["search", "a lake", "--collection", "fields", "--from", "2001-01-01", "--to", "2001-12-31"], "It has 2014-07-20"),
        (["search", "a lake", "--collection", "fields", "--from", "soon"], "not a time"),
        (["search", "--like", "none/0-0", "--collection", "fields"], "none/0-0"),
        (["search", "--like", "x" * 5000, "--collection", "fields"], "no tile “x+”"),
        (["index", "x" * 5000, "--collection", "x"], "no such file|can't be read"),
        (["search", "a lake"], "Missing option"),
        (["label", "--collection", "fields", "--labels", "one"], "label set"),
        (["index", "/nowhere/at/all", "--collection", "x"], "no such file"),
        (["index", "s3://bucket/a.tif", "--collection", "x"], "is not opened"),
        (["index", "scenes", "--collection", "x", "--model", "none"], "no model|can't be read|not"),
        (["models", "add", "/nowhere.pt"], "nowhere.pt"),
        (["train", "no-such-recipe"], "Known recipes"),
        (["bench", "nothing"], "no benchmark"),
    ],
)
def test_bad_input_ends_with_exit_2_and_one_clear_line(run: Run, scenes: Path, arguments: list[str], says: str) -> None:
    import re

    run("index", str(scenes), "--collection", "fields")
    code, _, err = run(*arguments)
    last = err.strip().splitlines()[-1]
    assert code == 2
    assert re.search(says, last), last
    assert "Traceback" not in err


def test_models_are_listed_with_what_a_person_must_know(run: Run) -> None:
    code, found, _ = run("models")
    assert code == 0
    by_id = {card["id"]: card for card in found["models"]}
    assert {"id", "ready", "bands", "dim", "licence", "sha256"} <= by_id["pharos-small"].keys()
    assert by_id["pharos-small"]["ready"] is True
    assert len(by_id) >= 8
