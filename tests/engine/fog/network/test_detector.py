from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.errors import DetectorUnavailable
from engine.fog import Cube
from engine.fog.detection import Detector, detector
from engine.fog.mask import FogMask, State, Validity
from engine.fog.network import NetworkDetector
from engine.fog.network.calibration import Calibration
from engine.fog.network.detector import merged, unfit
from engine.fog.network.export import export
from engine.fog.network.features import NAMES, Sight
from engine.fog.network.gate import Gate
from engine.fog.network.session import Session
from engine.fog.network.unet import UNet
from engine.fog.network.windows import Window
from engine.fog.sun import solar_zenith
from engine.types import Bounds

from .. import skies

NIGHT = datetime(2021, 6, 1, 23, tzinfo=UTC)
LAT, LON = np.linspace(45.4, 44.5, 36), np.linspace(-0.45, 0.5, 39)
Make = Callable[..., Cube]


def cube_of(path: Path, *, lat: np.ndarray = LAT, drop: tuple[str, ...] = (), add: float = 0.0) -> Cube:
    zenith = solar_zenith(NIGHT, lat[:, None], LON[None, :])
    dice = np.random.default_rng(3)
    fields, fog = skies.clear_sea(zenith, dice), skies.fog(zenith, dice)
    for name in fields:
        fields[name][:, 18:] = fog[name][:, 18:]
    fields["BT1120"][:, :4] = np.nan
    for name in ("BT1120", "BT0390", "BT1230"):
        fields[name] = fields[name] + add
    kept = {name: values[None] for name, values in fields.items() if name not in drop}
    kept["land"] = np.zeros(zenith.shape, np.int8)
    kept = {name: values for name, values in kept.items() if name not in drop}
    return Cube.open(skies.write_cube(path / "sky.zarr", kept, [NIGHT], lat, LON, attrs={"synthetic": 1, "sub_satellite_lon": -25.0}))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A network that says fog where 3.9 µm emits little, with a gate that knows the cube's sky."""
    torch.manual_seed(0)
    network = UNet(len(NAMES), (2, 3)).eval()
    emitted = NAMES.index("near_emitted")
    with torch.no_grad():
        for part in network.parameters():
            part.zero_()
        for layer in (network.pixel[0], network.pixel[1], network.join):
            layer[1].weight.fill_(1)
        network.pixel[0][0].weight[0, emitted] = -10  # the emission that lacks, through all layers
        network.pixel[1][0].weight[0, 0] = 1
        network.join[0].weight[0, 2] = 1
        network.head.weight[0, 0] = 1
        network.head.bias.copy_(torch.tensor([-6.0, -4.0]))
    learned = Sight.of(cube_of(tmp_path), 0)
    gate = Gate.fit([Window(learned, np.zeros(learned.shape, np.int8), np.zeros(learned.shape, np.float32))] * 4)
    path = tmp_path / "toy.onnx"
    export(network, path, Calibration(1.0, 0.0, 0.4), gate, {"recipe": "toy"})
    return path


def test_it_is_a_detector_marked_experimental(model: Path) -> None:
    found = NetworkDetector(model)
    assert isinstance(found, Detector)
    assert found.experimental
    assert "experimental" in found.title


def test_it_says_fog_where_its_network_does_and_nothing_where_there_is_no_data(tmp_path: Path, model: Path) -> None:
    mask = NetworkDetector(model).detect(cube_of(tmp_path), 0)
    assert (mask.state[:, 20:] == State.FOG).mean() > 0.9
    assert (mask.state[:, 6:16] == State.FOG).mean() < 0.1
    assert (mask.state[:, :4] == State.NO_DATA).all()
    assert np.isnan(mask.probability[:, :4]).all()
    assert "experimental" in mask.method
    assert any("simulated weather" in note for note in mask.notes)
    assert ((mask.validity & Validity.UNUSUAL) == 0).all()


def test_a_frame_unlike_what_was_learned_is_left_to_physics_and_says_so(tmp_path: Path, model: Path) -> None:
    strange = cube_of(tmp_path, add=-12.0)
    mask, physics = NetworkDetector(model).detect(strange, 0), detector("physics").detect(strange, 0)
    np.testing.assert_array_equal(mask.state, physics.state)
    np.testing.assert_array_equal(mask.probability, physics.probability)
    assert physics.method in mask.method
    assert "not asked" in mask.method
    assert any("judged by physics" in note for note in mask.notes)
    assert ((mask.validity & Validity.UNUSUAL) > 0)[mask.judged].all()


def test_cells_of_another_size_are_left_to_physics(tmp_path: Path, model: Path) -> None:
    mask = NetworkDetector(model).detect(cube_of(tmp_path, lat=np.linspace(45.4, 35, 36)), 0)
    assert any("cells of" in note for note in mask.notes)


@pytest.mark.parametrize(("missing", "words"), [("land", "where land is"), ("BT0390", "3.9 µm or a visible band")])
def test_what_it_can_not_do_without_is_said(tmp_path: Path, model: Path, missing: str, words: str) -> None:
    cube = cube_of(tmp_path, drop=(missing, "R0064") if missing == "BT0390" else (missing,))
    assert words in unfit(cube)


def test_higher_cloud_is_obscured_and_never_clear() -> None:
    physics = FogMask(
        np.array([[0.1, 0.9, np.nan, 0.2, np.nan]], np.float32),
        np.array([[State.CLEAR, State.FOG, State.OBSCURED, State.CLEAR, State.NO_DATA]], np.uint8),
        np.zeros((1, 5), np.uint16), NIGHT, Bounds(0, 0, 1, 1), "physics", "cube", True,
    )  # fmt: skip
    chance = np.array([[0.1, 0.1, 0.1, 0.1, 0.9]], np.float32)
    covered = np.array([[True, False, False, True, True]])
    asked = np.array([[True, True, True, False, False]])
    mask = merged(physics, chance, covered, asked, 0.4)
    assert mask.state.tolist() == [[State.OBSCURED, State.CLEAR, State.OBSCURED, State.CLEAR, State.NO_DATA]]
    np.testing.assert_allclose(mask.probability, [[np.nan, 0.1, np.nan, 0.2, np.nan]], rtol=1e-6)


def test_frames_of_any_size_and_strips_give_what_the_whole_gives(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    features = np.random.default_rng(0).normal(size=(len(NAMES), 150, 9)).astype(np.float32)
    whole = Session(model).logits(features)
    assert whole.shape == (2, 150, 9)
    monkeypatch.setattr("engine.fog.weights._STRIP", 9 * 20)
    np.testing.assert_allclose(Session(model).logits(features), whole, atol=1e-5)
    assert Session(model).logits(features[:, :1, :1]).shape == (2, 1, 1)


@pytest.mark.parametrize("harm", ["gone", "record gone", "other file", "other features", "no record"])
def test_weights_that_are_missing_or_broken_make_it_unavailable(model: Path, harm: str) -> None:
    beside = model.with_suffix(".json")
    if harm == "gone":
        model.unlink()
    elif harm == "record gone":
        beside.unlink()
    elif harm == "other file":
        model.write_bytes(model.read_bytes() + b"\0")
    elif harm == "other features":
        beside.write_text(json.dumps(json.loads(beside.read_text()) | {"features": ["window"]}))
    else:
        beside.write_text("{")
    with pytest.raises(DetectorUnavailable, match="network"):
        NetworkDetector(model)
