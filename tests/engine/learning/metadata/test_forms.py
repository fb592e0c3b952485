"""Metadata as a sentence and as a table."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
import pytest
import torch

from engine.learning.metadata import FIELDS, Metadata
from engine.learning.metadata.sentence import sentence
from engine.learning.metadata.table import WIDTHS, Table, equal
from tests.engine.learning.metadata.test_record import FULL


def row(record: Metadata, *fields: str) -> np.ndarray:
    """The numbers of one record."""
    held: np.ndarray = Table.of([record], fields).values[0].numpy()  # type: ignore[arg-type]
    return held


def test_a_sentence_has_a_line_for_each_field() -> None:
    assert sentence(FULL).splitlines() == [
        "- gsd: 10 m",
        "- time: 2022-06-18 13:51",
        "- location: 43.50° N, 31.50° W",
        "- season: summer",
        "- sun: elevation 66°, azimuth 150°",
        "- view: 4° off nadir",
        "- cloud cover: 12 %",
    ]


def test_what_is_unknown_has_no_line() -> None:
    assert sentence(Metadata(gsd_m=0.3, cloud_cover=0.0)) == "- gsd: 0.3 m\n- cloud cover: 0 %"
    assert sentence(FULL, ("location",)) == "- location: 43.50° N, 31.50° W"
    assert sentence(Metadata()) == ""
    assert sentence(Metadata(lon=0.0, lat=-0.001)) == "- location: 0.00° N, 0.00° E"


def test_a_table_marks_what_is_unknown() -> None:
    table = Table.of([FULL, Metadata(), Metadata(lon=1.0, lat=2.0)])
    assert table.values.shape == (3, sum(WIDTHS.values()))
    assert table.values.isfinite().all()
    assert table.known.sum(dim=1).tolist() == [sum(WIDTHS.values()), 0, 7]
    assert (table.values[~table.known] == 0).all()
    assert table.season.tolist() == [3, 0, 0]
    assert table.values.abs().max() <= 1


def test_a_year_is_a_circle() -> None:
    eve, day = Metadata(when=datetime(2022, 12, 31, 23, 59, tzinfo=UTC)), Metadata(when=datetime(2023, 1, 1, tzinfo=UTC))
    assert np.abs(row(eve, "time") - row(day, "time")).max() < 0.02
    june = Metadata(when=datetime(2022, 7, 2, 12, tzinfo=UTC))
    assert np.linalg.norm(row(june, "time")[:2] - row(day, "time")[:2]) == pytest.approx(2, abs=0.01)
    noon = row(june, "time")[2:4]
    assert noon == pytest.approx([0, -1], abs=1e-6)


def test_scales_are_logarithmic() -> None:
    fine, middle, coarse = (row(Metadata(gsd_m=gsd), "gsd")[0] for gsd in (0.3, 3.0, 30.0))
    assert middle - fine == pytest.approx(coarse - middle)


def test_places_have_no_seam_and_poles_are_one_place() -> None:
    east, west = row(Metadata(lon=179.999999, lat=10.0), "location"), row(Metadata(lon=-179.999999, lat=10.0), "location")
    np.testing.assert_allclose(east, west, atol=1e-4)
    np.testing.assert_allclose(row(Metadata(lon=12.0, lat=90.0), "location"), [0, 0, 1, 0, 1, 0, 0], atol=1e-6)
    np.testing.assert_allclose(row(Metadata(lon=90.0, lat=0.0), "location")[:3], [0, 1, 0], atol=1e-6)


def test_places_in_one_scene_are_told_apart() -> None:
    """A kilometre, on an island of thirteen."""
    here, there = row(Metadata(lon=-31.5, lat=43.5), "location"), row(Metadata(lon=-31.488, lat=43.5), "location")
    assert np.abs(here - there)[:3].max() < 2e-4
    assert np.abs(here - there).max() > 0.01


def test_equal_records_are_found() -> None:
    records = [FULL, Metadata(), FULL, Metadata(gsd_m=10.0), Metadata()]
    same = [[a == b for b in records] for a in records]
    assert equal(records).tolist() == same
    assert equal([]).shape == (0, 0)


def test_azimuths_are_a_circle() -> None:
    low, high = (row(Metadata(sun_elevation_deg=30.0, sun_azimuth_deg=azimuth), "sun") for azimuth in (0.0, 360.0))
    np.testing.assert_allclose(low, high, atol=1e-6)
    assert low[0] == pytest.approx(math.sin(math.radians(30)))


def test_a_table_of_nothing_but_words_has_no_numbers() -> None:
    table = Table.of([FULL], ["season"])
    assert table.values.shape == (1, 0)
    assert torch.equal(table.season, torch.tensor([3]))
    assert Table.of([FULL], ["gsd"]).season.tolist() == [0]
    assert set(WIDTHS) == set(FIELDS)
