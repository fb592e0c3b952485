"""Windows of a scene that the test paints: what is said of their water is what their pixels show."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import yaml
from rasterio.transform import from_origin

from engine.errors import DataMissing, RecipeInvalid
from engine.learning import shores, train
from engine.learning.recipe import Shore, Shores
from engine.learning.shores import ShoreSource

SIDE = 96
JUDGED = 88
"""Columns from here on nobody has judged."""


@pytest.fixture
def shore(tmp_path: Path) -> Shore:
    """A scene of four bands with a blue lake of 40 px around (30, 40), and where its water is."""
    y, x = np.mgrid[:SIDE, :SIDE]
    lake = np.hypot(y - 30, x - 40) < 40
    random = np.random.default_rng(2)
    bands = np.where(lake, np.array([20, 40, 200, 5])[:, None, None], np.array([90, 120, 40, 210])[:, None, None])
    bands = (bands + random.normal(0, 3, bands.shape)).clip(1, 255).astype(np.uint8)
    bands[:, :, JUDGED:] = np.array([250, 10, 10, 10], dtype=np.uint8)[:, None, None]
    drawn = np.where(x >= JUDGED, -1, lake).astype(np.int16)
    where: dict[str, Any] = {
        "driver": "GTiff",
        "width": SIDE,
        "height": SIDE,
        "crs": "EPSG:32630",
        "transform": from_origin(5e5, 4.2e6, 10, 10),
    }
    with rasterio.open(tmp_path / "scene.tif", "w", count=4, dtype="uint8", **where) as file:
        file.write(bands)
        file.colorinterp = [getattr(rasterio.enums.ColorInterp, name) for name in ("red", "green", "blue", "nir")]
    with rasterio.open(tmp_path / "water.tif", "w", count=1, dtype="int16", **where) as file:
        file.write(drawn, 1)
    return Shore(scene=tmp_path / "scene.tif", water=tmp_path / "water.tif")


@pytest.fixture
def how(recipe: Callable[..., Path], shore: Shore) -> Callable[..., Shores]:
    """What a recipe says, with the small set's words."""
    phrases = recipe().parent / "phrases.yaml"

    def said(**changes: Any) -> Shores:
        given: dict[str, Any] = {
            "scenes": (shore,),
            "water": "Pond",
            "land": "Forest",
            "wet": ("Pond", "Beach"),
            "dry": ("Forest",),
            "windows": 60,
            "sides": (8, 16, 24),
        }
        return Shores(kind="shores", phrases=phrases, size=32, **(given | changes))

    return said


def test_the_share_of_water_is_what_the_picture_shows(how: Callable[..., Shores]) -> None:
    source = ShoreSource.read(how(), 3)
    assert source.pictures.shape == (60, 3, 32, 32)
    blue = source.pictures[:, 2].astype(float) > source.pictures[:, 1]
    np.testing.assert_allclose(blue.mean(axis=(1, 2)), source.share, atol=0.06)  # shores are smoothed
    steps = np.histogram(source.share, 5, (0, 1))[0]
    assert steps.min() > 0
    assert steps.max() <= 24


def test_where_nobody_has_judged_no_window_lies(how: Callable[..., Shores], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shores, "_KNOWN", 1.0)
    source = ShoreSource.read(how(windows=30), 3)
    assert len(source) == 30
    assert source.pictures[:, 0].max() < 200  # it is red there


def test_as_much_land_as_there_is_no_water_and_of_others_nobody_knows(how: Callable[..., Shores]) -> None:
    source = ShoreSource.read(how(), 3)
    classes = source.phrases.classes
    beach, forest, pond = (classes.index(name) for name in ("Beach", "Forest", "Pond"))
    draw = source.draw(np.arange(60), np.random.default_rng(0))
    share = source.share
    assert draw.amounts is not None
    np.testing.assert_allclose(draw.amounts[:, pond], share)
    np.testing.assert_allclose(draw.amounts[:, forest], 1 - share)
    assert draw.amounts[:, beach].max() == 0
    assert draw.water is not None
    assert np.flatnonzero(draw.water.classes).tolist() == [pond]
    assert not (draw.water.seen | draw.water.beds).any()
    np.testing.assert_array_equal(draw.unsure[:, beach], share >= 0.02)  # dry windows show no beach
    assert not draw.unsure[:, [forest, pond]].any()
    for text, part in zip(draw.texts, share, strict=True):
        assert text.holds[pond if part >= 0.5 else forest]


def test_without_a_class_of_the_land_only_windows_of_water_alone_rule_one_out(how: Callable[..., Shores]) -> None:
    source = ShoreSource.read(how(land=None, sides=(8,)), 3)
    draw = source.draw(np.arange(len(source)), np.random.default_rng(0))
    forest = source.phrases.classes.index("Forest")
    np.testing.assert_array_equal(draw.unsure[:, forest], source.share < 0.9)
    assert (source.share >= 0.9).any()
    assert not draw.labels[:, forest].any()


@pytest.mark.parametrize(
    ("changes", "says"),
    [({"water": "Sea"}, "no class “Sea”"), ({"dry": ("Town",)}, "no class “Town”"), ({"sides": (8, 120)}, "a window of 120 px is larger")],
)
def test_what_can_not_be_is_refused(how: Callable[..., Shores], changes: dict[str, Any], says: str) -> None:
    with pytest.raises(RecipeInvalid, match=says):
        ShoreSource.read(how(**changes), 3)


def test_a_scene_without_its_water_is_refused(how: Callable[..., Shores], shore: Shore) -> None:
    with pytest.raises(DataMissing, match=r"gone\.tif"):
        ShoreSource.read(how(scenes=(shore.model_copy(update={"water": shore.water.with_name("gone.tif")}),)), 3)
    with rasterio.open(shore.water) as file:
        profile, drawn = file.profile, file.read(1)
    with rasterio.open(shore.water.with_name("half.tif"), "w", **{**profile, "height": SIDE // 2}) as file:
        file.write(drawn[: SIDE // 2], 1)
    with pytest.raises(RecipeInvalid, match="96 × 48 pixels aren't those of"):
        ShoreSource.read(how(scenes=(shore.model_copy(update={"water": shore.water.with_name("half.tif")}),)), 3)


def test_a_training_learns_from_pictures_and_shores_together(
    recipe: Callable[..., Path], how: Callable[..., Shores], tmp_path: Path
) -> None:
    pictures = yaml.safe_load(recipe().read_text())["data"][0]
    data = [pictures, {**how(windows=20).model_dump(mode="json"), "weight": 0.5}]
    objectives = [{"kind": "infonce", "sources": [0]}, {"kind": "shares", "sources": [1], "pictures": 0.3}]
    report = train(recipe("both.yaml", data=data, objectives=objectives, epochs=2), out=tmp_path / "run")
    assert report.epochs == 2
    assert 0 <= report.metrics["zero_shot"] <= 1
