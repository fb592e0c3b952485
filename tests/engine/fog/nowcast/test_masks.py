from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from engine.cli import main
from engine.errors import CubeInvalid, NowcastInvalid
from engine.fog.cube import Cube
from engine.fog.mask import FogMask, State, Validity
from engine.fog.nowcast import nowcast_mask
from engine.fog.scores.files import Frames
from engine.types import Bounds

from ..skies import write_cube
from .skies import START, drifting, times

SHAPE = (48, 64)
LAT, LON = 10 - 0.1 * np.arange(48), 5 + 0.1 * np.arange(64)


@pytest.fixture
def cube(tmp_path: Path) -> Cube:
    """SYNTHETIC clouds in one band that move two cells a frame."""
    frames = drifting(6, (0, 2), shape=SHAPE)
    return Cube.open(write_cube(tmp_path / "drift.zarr", {"R0160": frames}, times(6), LAT, LON))


def detector(cube: Cube, index: int) -> FogMask:
    """Fog where the band is bright; land in the lowest rows, a cirrus in a corner."""
    field = cube.element("R0160", index)
    probability = np.clip((field - 20) / 60, 0, 1).astype(np.float32)
    state = np.where(probability >= 0.5, State.FOG, State.CLEAR).astype(np.uint8)
    state[:8, :8], state[-6:] = State.OBSCURED, State.NO_DATA
    probability[(state == State.OBSCURED) | (state == State.NO_DATA)] = np.nan
    validity = np.full(SHAPE, Validity.DAY, np.uint8)
    validity[-6:] |= np.uint8(Validity.LAND)
    return FogMask(probability, state, validity, cube.times[index], Bounds(5, 5, 11, 10), "test", cube.name, cube.synthetic)


def test_a_mask_is_carried_and_what_was_hidden_is_never_clear(cube: Cube) -> None:
    found = nowcast_mask(cube, (30, 60), "flow", detector=detector)
    first = found.masks[0]
    assert first.time == times(7)[-1]
    assert (first.state[-6:] == State.NO_DATA).all()  # land stays land
    assert (first.state[2:6, 4:8] == State.OBSCURED).all()  # the cirrus' shadow of two cells moved on
    skill = found.nowcast.steps[0].skill
    assert skill is not None
    assert (skill.scores.csi or 0) > (skill.persistence.csi or 1)
    truth = drifting(7, (0, 2), shape=SHAPE)[6] >= 50
    inside = np.zeros(SHAPE, bool)
    inside[10:-8, 10:-4] = True
    assert (first.fog == truth)[inside].mean() > 0.93
    assert first.synthetic
    assert "nowcast +30 min (flow)" in first.method


def test_the_light_of_a_forecast_is_that_of_its_time(cube: Cube) -> None:
    """Near 5° E at the equinox the sun rises before 06 UTC and stands high at noon: the last frame is of 08:30."""
    found = nowcast_mask(cube, (30,), "persistence", detector=detector)
    assert ((found.masks[0].validity & Validity.DAY) > 0).all()
    assert ((found.masks[0].validity & Validity.LAND) > 0)[-6:].all()
    dawn = nowcast_mask(cube, (30,), "persistence", until=START, detector=detector)
    assert ((dawn.masks[0].validity & (Validity.TWILIGHT | Validity.DAY)) > 0).all()
    assert ((dawn.masks[0].validity & Validity.NIGHT) == 0).all()


def test_past_frames_without_a_mask_are_left_out(cube: Cube) -> None:
    def broken(source: Cube, index: int) -> FogMask:
        if index == 2:
            raise CubeInvalid(source.name, "this frame is empty.")
        return detector(source, index)

    assert nowcast_mask(cube, (30,), "flow", detector=broken).nowcast.steps[0].skill is not None
    with pytest.raises(CubeInvalid, match="this frame is empty"):
        nowcast_mask(cube, (30,), "flow", until=times(3)[-1], detector=broken)
    with pytest.raises(NowcastInvalid, match="begins at"):
        nowcast_mask(cube, (30,), "flow", until=times(1)[0].replace(year=2000), detector=detector)


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, object]:
    monkeypatch.setattr("sys.argv", ["engine", "fog", "nowcast", *words, "--json"])
    main()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    return dict(json.loads(lines[0]))


def test_the_command_keeps_its_contract(
    cube: Cube, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "next.zarr"
    record = run(monkeypatch, capsys, str(cube.path), "--leads", "30,60", "--method", "flow", "--out", str(out))
    leads = record["leads"]
    assert isinstance(leads, list)
    assert [lead["minutes"] for lead in leads] == [30, 60]
    assert {"mae", "ssim", "psnr", "csi", "persistence", "skill"} <= set(leads[0])
    assert leads[0]["mae"] < leads[0]["persistence"]["mae"]
    assert (record["method"], record["quantity"], record["synthetic"]) == ("flow", "R0160", True)
    written = tmp_path / "SYNTHETIC_next.zarr"
    assert record["out"] == str(written)
    with xr.open_zarr(written) as data:
        assert data["R0160"].shape == (2, *SHAPE)
        assert data.attrs["method"] == "flow"
        assert data.attrs["synthetic"] == 1


def test_a_mask_store_opens_for_scoring(cube: Cube, tmp_path: Path) -> None:
    from engine.fog.nowcast.store import write_nowcast

    found = nowcast_mask(cube, (30, 60), "persistence", detector=detector)
    frames = Frames.open(write_nowcast(tmp_path / "mask.zarr", cube, found))
    assert frames.times == tuple(mask.time for mask in found.masks)
    said = frames.said(0)
    assert np.array_equal(said.state, found.masks[0].state)
    assert said.probability is not None
    np.testing.assert_allclose(said.probability, found.masks[0].probability, atol=0.5 / 254 + 1e-6)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--leads", "500"), "out of reach"),
        (("--method", "magic"), "is no method"),
        (("--element", "BT1120"), "lacks"),
        (("--element", "mask"), "BT"),
        (("--time", "2000-01-01"), "begins at"),
    ],
)
def test_bad_questions_end_in_one_line(
    cube: Cube, words: tuple[str, str], why: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["engine", "fog", "nowcast", str(cube.path), *words])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    assert why in capsys.readouterr().err.splitlines()[-1]
