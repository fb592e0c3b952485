from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from engine.errors import LayerNotFound, RecipeInvalid
from engine.fog.layers import Layer, all_layers, layer_named

GOOD: dict[str, Any] = {
    "id": "warm",
    "title": "Warm",
    "paint": {"grey": {"of": {"BT1120": 1}, "range": [300, 200]}},
    "legend": {"swatches": [["cold", "colour", "#ffffff"]]},
    "source": "a test",
}


def read(folder: Path, **changes: Any) -> Layer:
    path = folder / "warm.yaml"
    path.write_text(yaml.safe_dump({**GOOD, **changes}))
    return Layer.read(path)


def test_a_recipe_is_read(tmp_path: Path) -> None:
    layer = read(tmp_path)
    assert (layer.id, layer.valid, layer.format, layer.needs) == ("warm", "always", "png", ("BT1120",))
    assert layer.variants[0][0].range == (300, 200)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"paint": {"grey": {"of": {"T11": 1}}}}, "“T11” is no element"),
        ({"paint": {"grey": {"of": {}}}}, "no element"),
        ({"paint": {"grey": {"of": {"BT1120": "one"}}}}, "“BT1120” must be a number"),
        ({"paint": {"grey": {"of": {"BT1120": 1}, "range": [3, 3]}}}, "range of grey is empty"),
        ({"paint": {"rgb": {"red": {"of": {"BT1120": 1}}}}}, "red, green and blue"),
        ({"paint": {"mask": "mist"}}, "“mask” is “mist”"),
        ({"paint": {"oil": 1}}, "“paint” is “oil”"),
        ({"paint": None}, "“paint” must hold keys"),
        ({"valid": "dusk"}, "“valid” is “dusk”"),
        ({"id": "Warm Layer"}, "can't be an id"),
        ({"title": ""}, "a text under “title”"),
        ({"source": None}, "a text under “source”"),
        ({"legend": {}}, "needs a legend"),
        ({"legend": {"swatches": [["cold", "colour", "white"]]}}, "“white” is no colour"),
        ({"legend": {"ramp": [[2, "#000000", 1], [1, "#ffffff", 1]]}}, "must rise"),
        ({"paint": {"ramp": {"of": {"BT1120": 1}}}}, "at least two stops"),
        ({"colour": "red"}, "no key “colour”"),
    ],
)
def test_what_is_wrong_with_a_recipe_is_named(tmp_path: Path, changes: dict[str, Any], says: str) -> None:
    with pytest.raises(RecipeInvalid, match=says):
        read(tmp_path, **changes)


def test_a_file_that_is_no_yaml_is_refused(tmp_path: Path) -> None:
    (tmp_path / "warm.yaml").write_text("{")
    with pytest.raises(RecipeInvalid, match="no readable YAML"):
        Layer.read(tmp_path / "warm.yaml")


def test_an_id_stands_once(tmp_path: Path) -> None:
    read(tmp_path)
    (tmp_path / "other.yaml").write_text((tmp_path / "warm.yaml").read_text())
    with pytest.raises(RecipeInvalid, match="stands twice"):
        all_layers(tmp_path)


def test_the_layers_of_the_fog_view_are_there() -> None:
    known = all_layers()
    assert {"infrared", "natural", "night", "difference", "probability", "state", "forecast", "disagreement", "fog", "truth"} <= set(known)
    assert (known["natural"].valid, known["night"].valid) == ("day", "night")
    assert all(layer.legend.note and layer.source for layer in known.values())
    assert "fog or very low stratus" in known["fog"].title.lower()
    with pytest.raises(LayerNotFound, match="infrared"):
        layer_named("mist")


def test_night_microphysics_takes_what_the_sensor_has() -> None:
    night = layer_named("night")
    with_104, without = (night.variant(elements) for elements in (("BT0390", "BT1040", "BT1230"), ("BT0390", "BT1120", "BT1230")))
    assert with_104 is not None
    assert with_104[2].terms == (("BT1040", 1.0),)
    assert without is not None
    assert without[2].terms == (("BT1120", 1.0),)
    assert night.variant(("BT1120", "BT1230")) is None
    assert night.lacks(("BT1120", "BT1230")) == ("BT0390",)


def lightness(colour: str) -> float:
    """CIE L* of a colour, 0–100."""
    linear = [(int(colour[i : i + 2], 16) / 255) ** 2.2 for i in (1, 3, 5)]
    y = float(np.dot(linear, (0.2126, 0.7152, 0.0722)))
    return 116 * y ** (1 / 3) - 16 if y > 0.008856 else 903.3 * y


@pytest.mark.parametrize("layer", ["infrared", "fog", "probability"])
def test_ramps_are_read_by_lightness_alone(layer: str) -> None:
    """So that they survive every kind of colour blindness and a grey print."""
    steps = np.diff([lightness(colour) for _, colour, _ in layer_named(layer).legend.ramp])
    assert (np.abs(steps) > 5).all()
    assert (steps < 0).all()


def test_the_difference_ramp_is_lightest_at_zero() -> None:
    ramp = layer_named("difference").legend.ramp
    assert max(ramp, key=lambda stop: lightness(stop[1]))[0] == 0
    reds = [int(colour[1:3], 16) - int(colour[5:7], 16) for value, colour, _ in ramp if value]
    assert reds == sorted(reds)  # blue-green below zero, brown above: told apart by red-green blindness too
