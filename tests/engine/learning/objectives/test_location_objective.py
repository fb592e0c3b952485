"""GeoCLOSP's contrast of pictures and places; equal and missing places, poles."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from engine.errors import RecipeInvalid
from engine.learning.metadata import Metadata
from engine.learning.objectives.infonce import infonce
from engine.learning.objectives.location import Location, LocationPart
from tests.engine.learning.objectives.stage import batch, rows

PLACES = tuple(Metadata(lon=lon, lat=lat) for lon, lat in ((-31.5, 43.5), (100.0, -20.0), (180.0, 5.0), (0.0, 90.0)))


def location(**changes: Any) -> Location:
    torch.manual_seed(0)
    return Location(LocationPart(kind="location", **{"width": 16, "degrees": 4, **changes}), 6).double()


def test_loss_and_gradient_agree_with_a_slow_reference() -> None:
    objective, results = location(), []
    lonlat = torch.tensor([[place.lon, place.lat] for place in PLACES], dtype=torch.float64)
    for fast in (True, False):
        objective.zero_grad()
        image = rows(4, 6, 1).requires_grad_()
        if fast:
            value = objective(batch(image, rows(4, 6, 2), metadata=PLACES))
        else:
            places, scale = objective.places(lonlat), objective.log_scale.exp()
            share = torch.exp(scale * image @ places.T)
            value = -(torch.log(share.diagonal() / share.sum(1)) + torch.log(share.diagonal() / share.sum(0))).mean() / 2
        value.backward()
        results.append((value.detach(), image.grad, *(p.grad.clone() for p in objective.parameters() if p.grad is not None)))
    assert len(results[0]) > 3
    for mine, reference in zip(*results, strict=True):
        torch.testing.assert_close(mine, reference, rtol=1e-8, atol=1e-11)


def test_pictures_of_one_place_are_not_pushed_apart() -> None:
    """Also where one place is written in two ways: at ±180° and at a pole."""
    objective = location()
    same = (Metadata(lon=180.0, lat=5.0), Metadata(lon=-180.0, lat=5.0), Metadata(lon=40.0, lat=90.0), Metadata(lon=-3.0, lat=90.0))
    image = rows(4, 6, 1)
    lonlat = torch.tensor([[record.lon, record.lat] for record in same], dtype=torch.float64)
    positive = torch.block_diag(torch.ones(2, 2), torch.ones(2, 2)).bool()
    expected = infonce(image, objective.places(lonlat), objective.log_scale.exp(), positive)
    torch.testing.assert_close(objective(batch(image, rows(4, 6, 2), metadata=same)), expected)
    here = rows(1, 6, 1).expand(4, -1)
    assert objective(batch(here, rows(4, 6, 2), metadata=(PLACES[0],) * 4)).item() == pytest.approx(math.log(4))


def test_pictures_without_a_place_are_left_out() -> None:
    objective, image, text = location(), rows(4, 6, 1), rows(4, 6, 2)
    some = (PLACES[0], Metadata(gsd_m=10.0), PLACES[2], Metadata())
    few = objective(batch(image[[0, 2]], text[[0, 2]], metadata=(PLACES[0], PLACES[2])))
    torch.testing.assert_close(objective(batch(image, text, metadata=some)), few)
    assert objective(batch(image, text)).item() == 0
    assert objective(batch(image[:1], text[:1], metadata=PLACES[:1])).item() == pytest.approx(0, abs=1e-12)


def test_sources_without_places_are_refused() -> None:
    training: Any = SimpleNamespace(sources=(SimpleNamespace(metadata=(Metadata(gsd_m=1.0),)),), recipe=SimpleNamespace(name="tiny"))
    with pytest.raises(RecipeInvalid, match="needs places"):
        location().begin(0, training)
    training.sources = (SimpleNamespace(metadata=PLACES),)
    location().begin(0, training)
