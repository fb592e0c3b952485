"""Networks that read metadata: unit rows, unknown fields, the same record the same vector."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import nn

from engine.learning.metadata import FIELDS, Metadata
from engine.learning.metadata.encoders import TabularEncoder, TextualEncoder
from tests.engine.learning.metadata.test_record import FULL

BUILD: list[Callable[..., nn.Module]] = [TextualEncoder, TabularEncoder]


@pytest.fixture(params=BUILD, ids=["textual", "tabular"])
def encoder(request: pytest.FixtureRequest) -> nn.Module:
    torch.manual_seed(0)
    built: nn.Module = request.param(8, width=16, layers=2, heads=2)
    return built


def test_rows_are_unit_and_equal_for_equal_records(encoder: nn.Module) -> None:
    rows = encoder([FULL, Metadata(), FULL, Metadata(gsd_m=10.0)])
    assert rows.shape == (4, 8)
    torch.testing.assert_close(rows.norm(dim=1), torch.ones(4))
    torch.testing.assert_close(rows[0], rows[2])
    assert not torch.allclose(rows[0], rows[3])


def test_a_vector_does_not_depend_on_its_neighbours(encoder: nn.Module) -> None:
    """Padding to the longest of a batch is not seen."""
    short = Metadata(gsd_m=10.0)
    torch.testing.assert_close(encoder([short, FULL])[0], encoder([short])[0])


def test_unknown_is_not_zero(encoder: nn.Module) -> None:
    rows = encoder([replace(FULL, cloud_cover=None), replace(FULL, cloud_cover=0.0)])
    assert not torch.allclose(rows[0], rows[1])


@pytest.mark.parametrize("build", BUILD)
@pytest.mark.parametrize("field", FIELDS)
def test_each_field_alone_is_read_and_the_others_are_not(build: Callable[..., nn.Module], field: str) -> None:
    torch.manual_seed(0)
    encoder = build(8, fields=(field,), width=16, layers=1, heads=2)
    other = Metadata(0.5, None, 100.0, -20.0, "winter", 10.0, 200.0, 30.0, 0.9)
    rows = encoder([FULL, FULL.only((field,)), other])  # type: ignore[arg-type]
    torch.testing.assert_close(rows[0], rows[1])
    assert not torch.allclose(rows[0], rows[2])


def test_every_weight_learns(encoder: nn.Module) -> None:
    records = [FULL, Metadata(), Metadata(gsd_m=3.0)]
    (encoder(records) @ torch.randn(8)).sum().backward()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in encoder.parameters())
