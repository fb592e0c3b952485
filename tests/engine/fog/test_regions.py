from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import RecipeInvalid
from engine.fog import sea_regions


def test_there_are_the_fifteen_regions_and_each_is_1024_cells_wide() -> None:
    regions = sea_regions()
    assert sorted(regions) == sorted(["YB", "CE", "CN", "ME", "MC", "MW", "NS", "BE", "AG", "GA", "CC", "BC", "GS", "GM", "NB"])
    for region in regions.values():
        box = region.bounds
        assert box.width == pytest.approx(12.8, abs=1e-6), region.id
        assert box.north - box.south == pytest.approx(12.8, abs=0.05), region.id
        assert region.satellites, region.id


def test_misnamed_regions_are_corrected_and_say_so() -> None:
    regions = sea_regions()
    assert regions["BE"].bounds.west == 4.0  # the paper's table prints 2.0
    assert regions["ME"].name == "Black Sea"
    assert regions["ME"].note
    assert "South China Sea" in regions["CN"].name
    assert not regions["YB"].note


def test_a_file_without_bounds_says_which_file(tmp_path: Path) -> None:
    (tmp_path / "XX.yaml").write_text("id: XX\nname: somewhere\n", encoding="utf-8")
    with pytest.raises(RecipeInvalid, match=r"XX\.yaml"):
        sea_regions(tmp_path)
