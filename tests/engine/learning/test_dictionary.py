"""Texts of a dictionary."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import DataMissing
from engine.learning.dictionary import entries

LINES = """  1 This software and database is being provided to you, the LICENSEE, by
02687992 06 n 04 airport 0 airdrome 0 aerodrome 0 drome 0 002 @ 02686568 n 0000 ~ 03356858 n 0000 | an airfield equipped with control tower (and hangars) as well as accommodations for passengers and cargo
03216828 06 n 02 dock 1 loading_dock 0 001 @ 04142434 n 0000 | landing in a harbor; "the ship arrived at the dock more than a day late"
10000001 18 n 01 sailor 0 001 @ 1 n 0000 | any member of a ship's crew
"""  # noqa: E501 - the format's lines are long


def test_names_definitions_and_examples_of_things(tmp_path: Path) -> None:
    path = tmp_path / "data.noun"
    path.write_text(LINES)
    assert entries(path) == (
        "aerodrome",
        "airdrome",
        "airport",
        "an airfield equipped with control tower as well as accommodations for passengers and cargo",
        "dock",
        "drome",
        "landing in a harbor",
        "loading dock",
        "the ship arrived at the dock more than a day late",
    )


@pytest.mark.parametrize("content", [None, "", "no dictionary at all\n", "1 x n\n"])
def test_other_files_are_refused(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "data.noun"
    if content is not None:
        path.write_text(content)
    with pytest.raises(DataMissing, match="WordNet"):
        entries(path)
