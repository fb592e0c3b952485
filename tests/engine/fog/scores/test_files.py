from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import rasterio
import xarray as xr
from PIL import Image
from rasterio.transform import from_origin

from engine.cli import main
from engine.errors import ScoresInvalid
from engine.fog.labels import Label
from engine.fog.mask import State
from engine.fog.scores.files import Comparison, Frames
from engine.fog.scores.scorecard import scorecard

NOON = datetime(2021, 3, 20, 12, tzinfo=UTC)
RNG = np.random.default_rng(8)


def store(path: Path, name: str, values: np.ndarray, hours: list[float], lat: np.ndarray | None = None) -> Path:
    """SYNTHETIC frames over a small sea off Africa."""
    times = np.array([(NOON + timedelta(hours=hour)).replace(tzinfo=None) for hour in hours], dtype="datetime64[ns]")
    lat = np.array([2.0, 1.0, 0.0]) if lat is None else lat
    coords = {"time": times, "lat": lat, "lon": np.array([0.0, 1.0, 2.0, 3.0])}
    xr.Dataset({name: (("time", "lat", "lon"), values)}, coords, {"synthetic": 1, "region_id": "XX"}).to_zarr(path, zarr_format=2, mode="w")
    return path


def codes(count: int) -> np.ndarray:
    return RNG.choice([0, 1], (count, 3, 4)).astype(np.int8)


def test_frames_are_joined_by_their_times(tmp_path: Path) -> None:
    labels = codes(4)
    truth = store(tmp_path / "truth.zarr", "fog_label", labels, [0, 0.5, 1, 12])
    mask = store(tmp_path / "mask.zarr", "state", labels[[2, 3]].astype(np.uint8), [1, 12])
    joined = Comparison.of(Frames.open(mask), Frames.open(truth))
    assert joined.matches == ((0, 2), (1, 3))
    card = scorecard(joined.pairs())
    assert card.total.csi == 1.0
    assert set(card.by("light")) == {"day", "night"}  # noon and midnight at the equator
    assert set(card.by("region")) == {"XX"}
    assert card.events == 2  # eleven hours apart


def test_rows_from_south_to_north_are_turned(tmp_path: Path) -> None:
    labels = codes(1)
    truth = store(tmp_path / "truth.zarr", "fog_label", labels, [0])
    mask = store(tmp_path / "mask.zarr", "fog_label", labels[:, ::-1], [0], np.array([0.0, 1.0, 2.0]))
    assert scorecard(Comparison.of(Frames.open(mask), Frames.open(truth)).pairs()).total.csi == 1.0


def test_states_and_labels_mean_different_things(tmp_path: Path) -> None:
    """255 is no data in a mask's states; 2 is obscured there and fog below cloud in labels."""
    values = np.array([[[0, 1, 2, 255]] * 3], np.uint8)
    mask = Frames.open(store(tmp_path / "m.zarr", "fog_state", values, [0]))
    assert mask.said(0).state[0].tolist() == [State.CLEAR, State.FOG, State.OBSCURED, State.NO_DATA]
    assert mask.truth(0).labels[0].tolist() == [Label.NOT_FOG, Label.FOG, Label.UNLABELLED, Label.UNLABELLED]
    labels = Frames.open(store(tmp_path / "l.zarr", "fog_label", np.array([[[0, 1, 2, -1]] * 3], np.int8), [0]))
    assert labels.said(0).state[0].tolist() == [State.CLEAR, State.FOG, State.OBSCURED, State.NO_DATA]


def test_pictures_arrays_and_geotiffs_are_read(tmp_path: Path) -> None:
    fog = RNG.random((6, 5)) < 0.5
    Image.fromarray((fog * 255).astype(np.uint8)).save(tmp_path / "m.png")
    np.save(tmp_path / "m.npy", fog.astype(np.float32) * 0.8 + 0.1)
    place = {
        "driver": "GTiff",
        "height": 6,
        "width": 5,
        "count": 1,
        "dtype": "uint8",
        "crs": "EPSG:4326",
        "transform": from_origin(10, 50, 1, 1),
    }
    with rasterio.open(tmp_path / "m.tif", "w", **place) as out:
        out.write(fog.astype(np.uint8), 1)
    for name in ("m.png", "m.npy", "m.tif"):
        frames = Frames.open(tmp_path / name)
        assert np.array_equal(frames.said(0).fog, fog), name
    assert frames.lat is not None
    assert frames.lat[0] == 49.5
    assert Frames.open(tmp_path / "m.npy").said(0).probability is not None


@pytest.mark.parametrize(
    ("name", "hours", "lat", "why"),
    [
        ("time", [100.0], None, "no frame of the mask has the time"),
        ("place", [0.0], np.array([52.0, 51.0, 50.0]), "different places"),
    ],
)
def test_other_times_and_places_are_refused(tmp_path: Path, name: str, hours: list[float], lat: np.ndarray | None, why: str) -> None:
    truth = store(tmp_path / "truth.zarr", "fog_label", codes(1), [0])
    mask = store(tmp_path / f"{name}.zarr", "state", codes(1).astype(np.uint8), hours, lat)
    with pytest.raises(ScoresInvalid, match=why):
        Comparison.of(Frames.open(mask), Frames.open(truth))


def test_other_shapes_and_counts_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((2, 3, 4)))
    np.save(tmp_path / "b.npy", np.zeros((3, 3, 4)))
    np.save(tmp_path / "c.npy", np.zeros((2, 4, 4)))
    a, b, c = (Frames.open(tmp_path / f"{name}.npy") for name in "abc")
    with pytest.raises(ScoresInvalid, match="2 frames, “b” 3"):
        Comparison.of(a, b)
    with pytest.raises(ScoresInvalid, match="3 × 4 cells, the truth 4 × 4"):
        scorecard(Comparison.of(a, c).pairs())


def test_what_is_no_mask_is_told(tmp_path: Path) -> None:
    np.save(tmp_path / "kelvin.npy", np.full((3, 3), 280.5))
    np.save(tmp_path / "object.npy", np.array([{}]), allow_pickle=True)
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "empty.zarr").mkdir()
    store(tmp_path / "other.zarr", "BT1120", np.full((1, 3, 4), 280.0), [0])
    for name, why in {
        "kelvin.npy": "no mask",
        "object.npy": "can't be read",
        "text.png": "can't be read",
        "empty.zarr": "no readable store",
        "other.zarr": "holds no mask",
        "absent.zarr": "there is no",
    }.items():
        with pytest.raises(ScoresInvalid, match=why):
            Frames.open(tmp_path / name)


def test_the_command_keeps_its_contract(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    labels = codes(2)
    truth = store(tmp_path / "truth.zarr", "fog_label", labels, [0, 0.5])
    mask = store(tmp_path / "mask.zarr", "state", labels.astype(np.uint8), [0, 0.5])
    monkeypatch.setattr("sys.argv", ["engine", "fog", "score", str(mask), "--truth", str(truth), "--json"])
    main()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    record = json.loads(lines[0])
    assert {"csi", "pod", "far", "hss", "bias", "f1", "iou_mean", "by"} <= set(record)
    assert set(record["by"]) == {"day", "twilight", "night"}
    assert (record["csi"], record["far"], record["synthetic"], record["skipped"]) == (1.0, 0.0, True, 0)
    monkeypatch.setattr("sys.argv", ["engine", "fog", "score", str(tmp_path / "none.zarr"), "--truth", str(truth)])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    assert "there is no" in capsys.readouterr().err
