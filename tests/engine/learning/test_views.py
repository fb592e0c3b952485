"""What holds of a view: shares of water from where it was found, and classes that a part doesn't tell."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.errors import RecipeInvalid
from engine.learning.augmentation import augment, draw_windows, kept_area, seen_through
from engine.learning.draws import Draw
from engine.learning.recipe import Augmentation, ViewsPart
from engine.learning.views import Views

CLASSES = ("Beach", "Farmland", "Meadow", "Pond")
BEACH, FARMLAND, MEADOW, POND = np.eye(4, dtype=bool)
LEFT = Tensor([[0.5, 0, -0.5], [0, 1, 0]])
RIGHT = Tensor([[0.5, 0, 0.5], [0, 1, 0]])
WHOLE = Tensor([[1, 0, 0], [0, 1, 0]])
CORNER = Tensor([[0.4, 0, -0.6], [0, 0.4, -0.6]])


@pytest.fixture
def views() -> Views:
    """Four pictures; in all of them the left half looks like water, but in the last nothing does."""
    wet = np.zeros((4, 20, 20), dtype=bool)
    wet[:3, :, :10] = True
    return Views(
        wet,
        water=POND,
        perhaps=BEACH,
        beside=FARMLAND | MEADOW,
        beds=FARMLAND,
        alike=np.stack([FARMLAND | MEADOW, POND | BEACH]),
        small=0.3,
    )


def drawn(*labels: np.ndarray, places: tuple[int, ...]) -> Draw:
    count = len(labels)
    return Draw(torch.zeros(count, 3, 20, 20, dtype=torch.uint8), (), np.stack(labels), np.zeros((count, 4), bool), (), np.array(places))


def test_as_much_of_a_pond_is_there_as_water(views: Views) -> None:
    seen = views.seen(drawn(POND, POND, POND, places=(0, 1, 2)), torch.stack([WHOLE, LEFT, RIGHT]), 40)
    assert seen.ground is not None
    assert seen.ground.shape == (3, 1, 40, 40)
    np.testing.assert_allclose(seen.ground.mean(dim=(1, 2, 3)), [0.5, 1, 0], atol=0.03)
    assert seen.labels.tolist() == [POND.tolist(), POND.tolist(), [False] * 4]
    assert seen.unsure.tolist() == [(FARMLAND | MEADOW).tolist(), [False] * 4, (FARMLAND | MEADOW | POND).tolist()]


def test_what_is_known_of_the_water(views: Views) -> None:
    """Of a pond it is known where it is, but not where nothing was found; a farm is a bed for other water, a meadow isn't said to be."""
    seen = views.seen(drawn(POND, POND, FARMLAND, MEADOW, places=(0, 3, 0, 3)), torch.stack([WHOLE] * 4), 40)
    assert seen.water is not None
    assert seen.water.classes.tolist() == POND.tolist()
    assert seen.water.seen.tolist() == [True, False, False, False]
    assert seen.water.beds.tolist() == [False, False, True, False]


def test_where_no_water_was_found_all_of_the_picture_counts(views: Views) -> None:
    seen = views.seen(drawn(POND, places=(3,)), RIGHT[None], 16)
    assert seen.ground is not None
    assert seen.ground.min() == 1
    assert seen.labels.tolist() == [POND.tolist()]


def test_water_beside_another_class_is_open(views: Views) -> None:
    seen = views.seen(drawn(BEACH, BEACH, FARMLAND, places=(0, 0, 0)), torch.stack([LEFT, RIGHT, LEFT]), 16)
    assert seen.unsure.tolist() == [POND.tolist(), [False] * 4, [False] * 4]  # a farm has no sea: it only looks like water there
    assert seen.labels.tolist() == [BEACH.tolist(), BEACH.tolist(), FARMLAND.tolist()]


def test_a_small_field_may_be_a_meadow(views: Views) -> None:
    seen = views.seen(drawn(FARMLAND, FARMLAND, BEACH, places=(3, 3, 3)), torch.stack([CORNER, LEFT, CORNER]), 16)
    assert seen.unsure.tolist() == [MEADOW.tolist(), [False] * 4, POND.tolist()]


def test_what_was_unsure_before_stays_so(views: Views) -> None:
    draw = drawn(FARMLAND, places=(3,))
    seen = views.seen(replace(draw, unsure=BEACH[None]), WHOLE[None], 16)
    assert seen.unsure.tolist() == [BEACH.tolist()]


def test_windows_cut_pictures_and_water_alike() -> None:
    """A picture whose red says where its water is, seen through random windows: both give the same."""
    random = torch.Generator().manual_seed(4)
    wet = (torch.rand(6, 1, 5, 5, generator=random) > 0.5).float()
    red = torch.nn.functional.interpolate(wet, size=(60, 60), mode="nearest")
    still = Augmentation(brightness=0, contrast=0, saturation=0, channel=0, gamma=1, haze=0, coarse=0, gray=0)
    windows = draw_windows(6, still, random)
    pictures = augment((red.expand(-1, 3, -1, -1) * 255).to(torch.uint8), 48, still, random, windows)
    torch.testing.assert_close(pictures[:, :1], seen_through(red, windows, 48).clamp(1e-4, 1), atol=1e-3, rtol=0)


def test_kept_area_is_that_of_the_window() -> None:
    np.testing.assert_allclose(kept_area(torch.stack([WHOLE, LEFT, CORNER])), [1, 0.5, 0.16], rtol=1e-6)
    turned = torch.tensor([[[0.0, -0.3, 0.1], [0.3, 0.0, 0.2]]])
    assert float(kept_area(turned)) == pytest.approx(0.09)


def test_a_class_that_there_is_not_is_refused(tmp_path: Path) -> None:
    how = ViewsPart(package="none", water=("Pond", "Puddle"))
    with pytest.raises(RecipeInvalid, match="Puddle"):
        Views.of(how, np.zeros((1, 3, 8, 8), np.uint8), np.zeros(1, int), np.zeros(1, int), CLASSES, tmp_path)


def test_what_was_found_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second training looks at nothing: it doesn't even ask for the package."""
    found = np.arange(16).reshape(4, 2, 2) % 3 == 0
    labels, train = np.array([0, 1, 2, 3]), np.array([0, 1, 3])
    asked = []

    def once(pictures: np.ndarray, shows: np.ndarray, told: np.ndarray, *_: object) -> np.ndarray:
        asked.append((shows.tolist(), told.tolist()))
        return found

    monkeypatch.setattr("engine.learning.views.find_water", once)
    how = ViewsPart(package="none", water=("Pond",), perhaps=("Beach",), alike=(("Farmland", "Meadow"), ("Pond", "Beach")))
    for _ in range(2):
        views = Views.of(how, np.zeros((4, 3, 16, 16), np.uint8), labels, train, CLASSES, tmp_path)
        np.testing.assert_array_equal(views.wet, found)
    assert asked == [([False, False, False, True], [1, 3])]  # the beach may have a pond, picture 2 is held out
    Views.of(how, np.ones((4, 3, 16, 16), np.uint8), labels, train, CLASSES, tmp_path)
    assert len(asked) == 2  # other pictures
    assert views.alike.tolist() == [[False, True, True, False], [True, False, False, True]]


def test_water_is_dark_in_near_infrared_where_there_can_be_some(views: Views) -> None:
    """The same green picture of a pond and of a farm, both wet to the left by their look: the pond's water turns blue."""
    draw = drawn(POND, FARMLAND, places=(0, 0))
    green = torch.tensor([60, 110, 60], dtype=torch.uint8)[None, :, None, None].expand(2, 3, 20, 20)
    seen = replace(views, infrared=1.0).coloured(replace(draw, pictures=green), np.random.default_rng(0)).pictures.int()
    assert (seen[0, 2, :, :8] > seen[0, 2, :, 12:] + 20).all()  # blue
    assert (seen[0, 1, :, :8] < seen[0, 1, :, 12:] - 20).all()  # green
    assert len(seen[1].flatten(1).unique(dim=1).T) == 1
    assert views.coloured(draw, np.random.default_rng(0)) is draw
