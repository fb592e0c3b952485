"""``fog detect``, ``fog explain`` and the store that ``fog score`` reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from engine import cli
from engine.fog import Cube, State, detect
from engine.fog.detection.store import unpacked
from engine.world.weather import REGIMES, simulate

from .series import coast

REGIME = REGIMES["training"].at_rate(0.3, foggy=1.0)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cubes")
    made = simulate("GS", 11, frames=3, size=40, step=0.025, regime=REGIME, coastline=coast(folder, 170.0))
    return made.write(folder)


def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str) -> tuple[int, Any, str]:
    monkeypatch.setattr("sys.argv", ["engine", "fog", *words, "--json"])
    code = 0
    try:
        cli.main()
    except SystemExit as end:
        code = int(end.code or 0)
    out, err = capsys.readouterr()
    return code, json.loads(out.splitlines()[-1]) if out.strip() else None, err


def test_detect_prints_its_contract_and_score_reads_the_masks(
    stored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "SYNTHETIC_mask.zarr"
    code, record, _ = run(capsys, monkeypatch, "detect", str(stored), "--out", str(out))
    assert code == 0
    assert {"frames", "fog_fraction", "obscured_fraction", "validity", "seconds"} <= set(record)
    assert (record["frames"], record["synthetic"], record["event"]) == (3, True, "fog or very low stratus")
    with Cube.open(stored) as cube:
        masks = [detect(cube, frame) for frame in range(3)]
    assert record["fog_fraction"] == pytest.approx(np.mean([mask.fog.mean() for mask in masks]), abs=1e-6)
    with xr.open_zarr(out, mask_and_scale=False) as data:
        assert data.attrs["synthetic"] == 1
        assert "SYNTHETIC" in data.attrs["title"]
        assert "fog or very low stratus" in data.attrs["title"]
        for frame, mask in enumerate(masks):
            assert np.array_equal(data["fog_state"][frame].values, mask.state)
            assert np.array_equal(data["fog_reasons"][frame].values, mask.reasons)
            assert np.array_equal(data["fog_validity"][frame].values, mask.validity)
            assert np.allclose(unpacked(data["fog_prob"][frame].values), mask.probability, atol=0.003, equal_nan=True)
    code, scores, _ = run(capsys, monkeypatch, "score", str(out), "--truth", str(stored))
    assert code == 0
    assert scores["frames"] == 3
    assert scores["csi"] > 0.3


def test_one_time_dynamic_and_netcdf(
    stored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Cube.open(stored) as cube:
        when = cube.times[2]
    out = tmp_path / "SYNTHETIC_mask.nc"
    code, record, _ = run(capsys, monkeypatch, "detect", str(stored), "--out", str(out), "--time", when.isoformat(), "--dynamic")
    assert code == 0
    assert record["times"] == [when.isoformat()]
    assert "dynamic" in record["method"]
    with xr.open_dataset(out, mask_and_scale=False) as data:
        assert data["fog_state"].shape == (1, 40, 40)
    code, scores, _ = run(capsys, monkeypatch, "score", str(out), "--truth", str(stored))
    assert (code, scores["frames"]) == (0, 1)


def test_masks_of_made_up_data_are_named_so_and_found_again(
    stored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "m").mkdir()
    code, record, _ = run(capsys, monkeypatch, "detect", str(stored), "--out", str(tmp_path / "m" / "mask.zarr"))
    assert code == 0
    assert Path(record["out"]).name == "SYNTHETIC_mask.zarr"
    code, _, _ = run(capsys, monkeypatch, "score", str(tmp_path / "m" / "mask.zarr"), "--truth", str(stored))
    assert code == 0


def test_explain_gives_every_test_with_value_and_threshold(
    stored: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Cube.open(stored) as cube:
        mask = detect(cube, 2)
        row, column = (int(each) for each in np.argwhere(mask.fog)[0])
        lat, lon = float(cube.lat[row]), float(cube.lon[column])
    code, record, _ = run(capsys, monkeypatch, "explain", str(stored), f"--lat={lat}", f"--lon={lon}")
    assert code == 0
    assert (record["row"], record["column"], record["state"]) == (row, column, "fog")
    assert record["probability"] == pytest.approx(float(mask.probability[row, column]), abs=1e-5)
    droplets = next(finding for finding in record["findings"] if "3.9" in finding["quantity"])
    assert {"value", "threshold", "passed", "weight", "unit", "words"} <= set(droplets)
    assert record["solar_zenith"] is not None


def test_bad_input_is_one_line_and_exit_2(
    stored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = tmp_path / "taken.zarr"
    taken.mkdir()
    (taken / "letter.txt").write_text("dear")
    for words, said in (
        (["detect", str(stored), "--out", str(tmp_path / "mask.xyz")], ".zarr or .nc"),
        (["detect", str(stored), "--out", str(tmp_path / "m.zarr"), "--method", "guess"], "no such method"),
        (["detect", str(stored), "--out", str(tmp_path / "m.zarr"), "--time", "noon"], "is not a time"),
        (["detect", str(tmp_path / "gone.zarr"), "--out", str(tmp_path / "m.zarr")], "There is no cube"),
        (["detect", str(stored), "--out", str(tmp_path / "m.zarr"), "--dynamic", "--multi-frame"], "not both"),
        (["explain", str(stored), "--lat", "80", "--lon", "0"], ""),
    ):
        code, record, err = run(capsys, monkeypatch, *words)
        assert (code, record) == (2, None), words
        assert said in err, words
        assert len(err.strip().splitlines()) == 1, err
    assert (taken / "letter.txt").exists()


def test_a_frame_that_cannot_be_judged_is_no_data_and_said(tmp_path: Path) -> None:
    from engine.fog.detection.run import detect_cube

    made = simulate("GS", 11, frames=2, size=32, step=0.025, regime=REGIME, coastline=coast(tmp_path, 170.0)).cube()
    data = made.dataset.load()
    data["BT1120"][1] = np.nan
    data["R0064"][1] = np.nan
    data["R0086"][1] = np.nan
    found = detect_cube(Cube(made.path, data), tmp_path / "SYNTHETIC_m.zarr")
    assert found.tally.frames == 1
    assert found.skipped == (made.times[1],)
    assert any("not judged" in note for note in found.notes)
    with xr.open_zarr(found.path, mask_and_scale=False) as masks:
        assert (masks["fog_state"][1] == State.NO_DATA).all()


def test_a_cancelled_run_leaves_nothing_behind(stored: Path, tmp_path: Path) -> None:
    from threading import Event

    from engine.errors import Cancelled
    from engine.fog.detection.run import detect_cube

    stop = Event()
    stop.set()
    with Cube.open(stored) as cube, pytest.raises(Cancelled):
        detect_cube(cube, tmp_path / "SYNTHETIC_m.zarr", cancel=stop)
    assert not list(tmp_path.iterdir())


def test_a_lost_chunk_is_an_error_and_no_empty_patch(stored: Path, tmp_path: Path) -> None:
    import shutil

    from engine.errors import CubeInvalid

    broken = tmp_path / stored.name
    shutil.copytree(stored, broken)
    (broken / "BT0390" / "1.0.0").unlink()
    with Cube.open(broken) as cube:
        detect(cube, 0)
        with pytest.raises(CubeInvalid, match="missing"):
            detect(cube, 1)


def test_of_ten_thousand_frames_only_those_that_are_asked_for_are_read(tmp_path: Path) -> None:
    from datetime import UTC, datetime

    from engine.fog.detection.run import detect_cube

    from ..skies import hours, write_cube

    times = hours(10_000, datetime(2021, 1, 1, tzinfo=UTC))
    values = np.full((10_000, 2, 2), 284.0)
    lat, lon = np.array([45.1, 45.0]), np.array([0.0, 0.1])
    cube = Cube.open(write_cube(tmp_path / "long.zarr", {"BT1120": values, "BT0390": values, "SST": values + 2}, times, lat, lon))
    found = detect_cube(cube, tmp_path / "SYNTHETIC_m.zarr", frames=[0, 4_999, 9_999])
    assert found.tally.frames == 3
    assert found.tally.record()["fog_fraction"] == 0
    with xr.open_zarr(found.path) as data:
        assert data.sizes["time"] == 3
