"""SatMIP and SatMIPS against slow references in float64; missing, equal and few records."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from engine.errors import RecipeInvalid
from engine.learning.metadata import Metadata
from engine.learning.objectives.satmip import SatMIP, SatMIPPart, SatMIPS, SatMIPSPart
from tests.engine.learning.metadata.test_record import FULL
from tests.engine.learning.objectives.stage import FlatTowers, batch, rows

SMALL: dict[str, Any] = {"width": 8, "layers": 1, "heads": 2, "projected": 4}
RECORDS = tuple(replace(FULL, lat=float(lat), gsd_m=10.0) for lat in (10, 20, 30, 40, 50))


def satmip(**changes: Any) -> SatMIP:
    torch.manual_seed(0)
    return SatMIP(SatMIPPart(kind="satmip", **{**SMALL, **changes}), 6).double()


def satmips(**changes: Any) -> SatMIPS:
    torch.manual_seed(0)
    return SatMIPS(SatMIPSPart(kind="satmips", **{**SMALL, **changes}), 6).double()


def slow_match(image: Tensor, record: Tensor, scale: Tensor, same: list[list[bool]]) -> Tensor:
    """½ [NCE(image → record) + NCE(record → image)] with loops; equal records are all right answers."""
    count, total = len(image), torch.zeros((), dtype=torch.float64)
    for first, second in ((image, record), (record, image)):
        for i in range(count):
            mass = sum(torch.exp(scale * (first[i] * second[k]).sum()) for k in range(count))
            mine = [j for j in range(count) if same[i][j]]
            total = total - sum(torch.log(torch.exp(scale * (first[i] * second[j]).sum()) / mass) for j in mine) / len(mine)
    return total / (2 * count)


def gradients(objective: torch.nn.Module, loss: Callable[[Tensor], Tensor]) -> list[Tensor]:
    """The loss and its gradients in the images and all parameters."""
    objective.zero_grad()
    image = rows(5, 6, 1).requires_grad_()
    value = loss(image)
    value.backward()  # type: ignore[no-untyped-call]
    assert image.grad is not None
    return [value.detach(), image.grad, *(p.grad.clone() for p in objective.parameters() if p.grad is not None)]


@pytest.mark.parametrize("form", ["tabular", "textual"])
@pytest.mark.parametrize("repeated", [False, True])
def test_satmip_and_its_gradient_agree_with_a_slow_reference(form: str, repeated: bool) -> None:
    records = (*RECORDS[:4], RECORDS[0]) if repeated else RECORDS
    same = [[a == b for b in records] for a in records]
    objective = satmip(form=form)

    def slow(image: Tensor) -> Tensor:
        record = objective.records([record.only(("gsd", "time", "location")) for record in records])
        return slow_match(objective.matched(image), record, objective.scale, same)

    fast = gradients(objective, lambda image: objective(batch(image, rows(5, 6, 2), metadata=records)))
    for mine, reference in zip(fast, gradients(objective, slow), strict=True):
        torch.testing.assert_close(mine, reference, rtol=1e-8, atol=1e-11)


def test_satmips_adds_two_views_that_meet() -> None:
    second = rows(5, 6, 3)
    objective = satmips(views=0.7, temperature=0.2)

    def slow(image: Tensor) -> Tensor:
        records = objective.records([record.only(("gsd", "time", "location")) for record in RECORDS])
        match = slow_match(objective.matched(image), records, objective.scale, torch.eye(5, dtype=torch.bool).tolist())
        views = [*objective.viewed(image), *objective.viewed(second)]
        total = torch.zeros((), dtype=torch.float64)
        for i, mine in enumerate(views):
            mass = sum(torch.exp((mine * views[k]).sum() / 0.2) for k in range(10) if k != i)
            total = total - torch.log(torch.exp((mine * views[(i + 5) % 10]).sum() / 0.2) / mass)
        return match + 0.7 * total / 10

    fast = gradients(objective, lambda image: objective(batch(image, rows(5, 6, 2), metadata=RECORDS, second=second)))
    for mine, reference in zip(fast, gradients(objective, slow), strict=True):
        torch.testing.assert_close(mine, reference, rtol=1e-8, atol=1e-11)


def test_one_pass_serves_both_losses() -> None:
    """Coupled: the first view is the step's own, so the objective asks the tower once."""
    towers = FlatTowers()
    satmips().float()(batch(rows(5, 6, 1).float(), rows(5, 6, 2).float(), metadata=RECORDS, towers=towers))
    assert towers.passes == 1
    satmip().float()(batch(rows(5, 6, 1).float(), rows(5, 6, 2).float(), metadata=RECORDS, towers=towers))
    assert towers.passes == 1


def test_pictures_of_which_nothing_is_known_are_left_out() -> None:
    objective, image, text = satmip(), rows(5, 6, 1), rows(5, 6, 2)
    some = (RECORDS[0], Metadata(), RECORDS[2], Metadata(cloud_cover=0.5), RECORDS[4])  # cloud cover isn't asked for
    kept = [0, 2, 4]
    few = objective(batch(image[kept], text[kept], metadata=tuple(RECORDS[row] for row in kept)))
    torch.testing.assert_close(objective(batch(image, text, metadata=some)), few)


@pytest.mark.parametrize("metadata", [None, (Metadata(),) * 5])
def test_without_metadata_satmip_is_silent_and_satmips_is_simclr(metadata: tuple[Metadata, ...] | None) -> None:
    given = batch(rows(5, 6, 1).float(), rows(5, 6, 2).float(), metadata=metadata)
    assert satmip().float()(given).item() == 0
    assert satmips().float()(given).item() > 0


def test_a_partly_known_record_takes_part() -> None:
    objective = satmip()
    known = (RECORDS[0], Metadata(gsd_m=3.0), Metadata(lon=1.0, lat=2.0), RECORDS[3], RECORDS[4])
    assert objective(batch(rows(5, 6, 1), rows(5, 6, 2), metadata=known)).item() > 0


def test_equal_records_and_a_batch_of_one_teach_nothing() -> None:
    objective = satmip()
    image = rows(1, 6, 1).expand(4, -1).clone().requires_grad_()
    loss = objective(batch(image, rows(4, 6, 2), metadata=(RECORDS[0],) * 4))
    assert loss.item() == pytest.approx(math.log(4))
    loss.backward()
    assert image.grad is not None
    assert image.grad.abs().max() < 1e-10
    one = rows(1, 6, 1).requires_grad_()
    assert objective(batch(one, rows(1, 6, 2), metadata=RECORDS[:1])).item() == pytest.approx(0, abs=1e-12)
    assert satmips()(batch(one, rows(1, 6, 2), metadata=RECORDS[:1])).item() == pytest.approx(0, abs=1e-6)


def test_fields_that_are_not_asked_for_change_nothing() -> None:
    objective, image, text = satmip(fields=("gsd",)), rows(3, 6, 1), rows(3, 6, 2)
    plain = tuple(Metadata(gsd_m=float(gsd)) for gsd in (1, 3, 10))
    rich = tuple(replace(FULL, gsd_m=record.gsd_m) for record in plain)
    torch.testing.assert_close(objective(batch(image, text, metadata=rich)), objective(batch(image, text, metadata=plain)))


def test_it_learns_to_match() -> None:
    objective, image = satmip().float(), rows(5, 6, 1).float()
    given = batch(image, rows(5, 6, 2).float(), metadata=RECORDS)
    optimiser = torch.optim.Adam(objective.parameters(), 1e-2)
    first = objective(given).item()
    for _ in range(80):
        optimiser.zero_grad()
        objective(given).backward()
        optimiser.step()
    assert objective(given).item() < first / 4


def test_the_temperature_is_bounded() -> None:
    objective = satmip(scale_start=99.0)
    with torch.no_grad():
        objective.log_scale.add_(5)
    assert objective.scale.item() == 100


def test_sources_that_know_nothing_are_refused() -> None:
    training: Any = SimpleNamespace(
        sources=(SimpleNamespace(metadata=(Metadata(), Metadata(cloud_cover=0.1))), SimpleNamespace()),
        recipe=SimpleNamespace(name="tiny"),
    )
    with pytest.raises(RecipeInvalid, match="no picture knows its gsd, time, location"):
        satmip().begin(0, training)
    satmip(fields=("cloud",)).begin(0, training)
    with pytest.raises(RecipeInvalid):
        satmip(fields=("cloud",), sources=(1,)).begin(0, training)
