"""Label sets, probabilities and abstention, on vectors whose answer is known by construction."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from engine.encoders.prompts import TemplateSet
from engine.errors import LabelSetInvalid, ModelMismatch
from engine.imagery import TileSpec, find_scenes
from engine.index import Collection, build
from engine.labels import LabelSet, label_collection, label_sets, label_tiles
from engine.settings import ASSETS
from engine.types import Region, TimeSpan
from tests.engine.index.colour_encoder import COLOURS, ColourEncoder

PURE = LabelSet.from_like("red, green, blue")


def label(*pictures: Any, labels: LabelSet = PURE) -> list[Any]:
    encoder = ColourEncoder()
    return label_tiles(encoder.images(list(pictures)), [f"t{n}" for n in range(len(pictures))], labels, encoder)


def picture(*colours: str) -> np.ndarray:
    return np.array([[COLOURS[colour] for colour in colours]] * 4, dtype=np.uint8)


def test_each_colour_gets_its_label() -> None:
    found = label(picture("red"), picture("green"), picture("blue"))
    assert [(scores.tile_id, scores.label, scores.abstained) for scores in found] == [
        ("t0", "red", False),
        ("t1", "green", False),
        ("t2", "blue", False),
    ]


def test_probabilities_sum_to_one_and_follow_the_formula() -> None:
    found = label(picture("red", "green", "white"), picture("black"))
    for scores in found:
        assert sum(scores.probabilities) == pytest.approx(1, abs=1e-12)
    encoder = ColourEncoder()
    encoder.logit_scale = 3.0  # type: ignore[attr-defined]
    one = label_tiles(encoder.images([picture("red", "green", "green", "white")]), ["t"], PURE, encoder)[0]
    powers = np.exp(3.0 * np.array([1, 2, 0]) / np.sqrt(6))
    assert one.probabilities == pytest.approx(tuple(powers / powers.sum()), abs=1e-6)


def test_a_tile_between_two_labels_abstains() -> None:
    half, mostly = label(picture("red", "green"), picture("red", "red", "green"))
    assert half.abstained
    assert half.margin == pytest.approx(0, abs=1e-6)
    assert not mostly.abstained


def test_a_flat_picture_of_something_else_abstains() -> None:
    """White is no label: nothing fits, though one of the names must fit best."""
    assert label(picture("white"))[0].abstained


def test_a_confident_choice_abstains_where_nothing_fits_better_than_neutral() -> None:
    """A trace of red in white: red is certain among the three, and yet the tile does not look red."""
    trace = label(picture(*["white"] * 9, "red"))[0]
    assert trace.label == "red"
    assert trace.probability > 0.99
    assert trace.abstained


def test_no_tiles_give_no_labels() -> None:
    assert label_tiles(np.empty((0, 8), np.float32), [], PURE, ColourEncoder()) == []


def test_a_comma_separated_list_is_a_set_of_its_own() -> None:
    labels = LabelSet.from_like(" a  lake, farmland ,, a car park ")
    assert (labels.labels, labels.name) == (("a lake", "farmland", "a car park"), "own")
    assert LabelSet.from_like(labels) is labels
    assert LabelSet.from_like(["x", "y"]).labels == ("x", "y")


@pytest.mark.parametrize(
    ("like", "words"),
    [
        ("forest", "no set “forest”. Known: "),
        ("", "no set"),
        ("forest,", "1 labels"),
        (",,", "0 labels"),
        (",".join(f"label {n}" for n in range(101)), "101 labels"),
        ("lake, " + "x" * 81, "81 characters"),
        ("lake, forest, Lake", "“Lake” stands in it twice"),
        ("lake, ?!", "“[?]!” says nothing"),
    ],
)
def test_sets_that_can_not_be_chosen_from(like: str, words: str) -> None:
    with pytest.raises(LabelSetInvalid, match=words):
        LabelSet.from_like(like)


def test_every_named_set_is_valid_and_its_templates_exist() -> None:
    assert {"land_cover", "marine", "disaster", "teaching"} <= set(label_sets())
    for path in sorted((ASSETS / "labels").glob("*.yaml")):
        named = LabelSet.from_like(path.stem)
        assert list(named.labels) == yaml.safe_load(path.read_text(encoding="utf-8"))["labels"]
        assert TemplateSet.from_like(named.templates).texts
        assert named.about


@pytest.fixture
def squares(tmp_path: Path) -> Callable[..., Collection]:
    """A collection of 2 × 2 tiles: red, green, half and half, white."""
    import rasterio
    from rasterio.transform import Affine

    pixels = np.zeros((3, 64, 64), np.uint8)
    pixels[0, :32, :32] = 255
    pixels[1, :32, 32:] = 255
    pixels[0, 32:, :16] = 255
    pixels[1, 32:, 16:32] = 255
    pixels[:, 32:, 32:] = 255
    with rasterio.open(
        tmp_path / "a_20200101.tif",
        "w",
        driver="GTiff",
        width=64,
        height=64,
        count=3,
        dtype="uint8",
        crs="EPSG:32631",
        transform=Affine(10.0, 0.0, 500_000.0, 0.0, -10.0, 5_500_000.0),
    ) as out:
        out.write(pixels)

    def make(overlap: float = 0) -> Collection:
        build("squares", find_scenes([tmp_path / "a_20200101.tif"]).scenes, ColourEncoder(), spec=TileSpec(32, overlap=overlap))
        return Collection.open("squares")

    return make


def test_a_collection_is_labelled_with_its_areas(squares: Callable[..., Collection]) -> None:
    labelled = label_collection(squares(), PURE, ColourEncoder())
    assert [(tile.tile_id.split("/")[1], tile.label if not tile.abstained else None) for tile in labelled.tiles] == [
        ("0-0", "red"),
        ("0-32", None),
        ("32-0", "green"),
        ("32-32", None),
    ]
    one = 0.32**2  # a tile of 320 m; UTM's scale on its meridian is 0.9996
    assert labelled.shares_km2 == pytest.approx({"red": one, "green": one, "blue": 0.0}, rel=2e-3)
    record = labelled.record()
    assert record["abstained"] == 2
    assert record["abstained_km2"] == pytest.approx(2 * one, rel=2e-3)
    assert (record["model"], record["label_set"], record["templates"]) == ("colours@c0105c0105c0", "own", TemplateSet.from_like("label").id)


def test_areas_are_clipped_to_the_region_and_time_is_a_filter(squares: Callable[..., Collection]) -> None:
    collection = squares()
    red = collection.tile("a_20200101/0-0").bounds
    middle = Region.from_like([red.west + 1e-4, (red.south + red.north) / 2, red.west + 2e-4, red.north - 1e-4])
    labelled = label_collection(collection, PURE, ColourEncoder(), regions=[middle], span=TimeSpan.from_like("2020-01-01", "2020-01-01"))
    assert [tile.label for tile in labelled.tiles] == ["red"]
    assert labelled.shares_km2["red"] == pytest.approx(middle.area_km2, rel=1e-6)


def test_another_model_is_refused(squares: Callable[..., Collection]) -> None:
    with pytest.raises(ModelMismatch):
        label_collection(squares(), PURE, ColourEncoder(hash_="ffffff"))
