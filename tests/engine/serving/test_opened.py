from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from engine import imagery, index
from engine.errors import CollectionNotFound
from engine.index.lock import writing
from engine.serving.opened import MOST_OPEN, OpenedCollections
from engine.settings import Settings
from tests.engine.index.colour_encoder import ColourEncoder
from tests.scenes import write_scene


@pytest.fixture
def add(tmp_path: Path) -> Any:
    def add(name: str, seed: int) -> None:
        found = imagery.find_scenes([write_scene(tmp_path / "scenes" / f"s{seed}_20200101.tif", seed=seed, size=64)])
        index.build(name, found.scenes, ColourEncoder(), spec=imagery.TileSpec(), resume=True)  # type: ignore[arg-type]

    return add


def test_a_growing_collection_is_served_as_it_was_and_then_taken_up(own_data: Settings, add: Any) -> None:
    add("fields", 1)
    opened = OpenedCollections(own_data)
    before = opened.get("fields")
    add("fields", 2)
    with writing(own_data.collections_dir / "fields"):
        assert opened.get("fields") is before
    assert len(opened.get("fields")) == 2 * len(before)


def test_few_are_kept_and_what_is_gone_is_told(own_data: Settings, add: Any) -> None:
    names = [f"c{number}" for number in range(MOST_OPEN + 1)]
    for name in names:
        add(name, 1)
    opened = OpenedCollections(own_data)
    first = [opened.get(name) for name in names]
    assert opened.get(names[-1]) is first[-1]
    assert opened.get(names[0]) is not first[0]
    with pytest.raises(CollectionNotFound):
        opened.get("nowhere")


def test_a_slow_collection_keeps_nobody_else_waiting(own_data: Settings, add: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    add("slow", 1)
    add("quick", 1)
    go, entered, count, real = threading.Event(), threading.Event(), [0], index.Collection.open

    def held(name: str, settings: Settings | None = None) -> index.Collection:
        if name == "slow":
            count[0] += 1
            entered.set()
            assert go.wait(10)
        return real(name, settings)

    monkeypatch.setattr(index.Collection, "open", held)
    opened = OpenedCollections(own_data)
    askers = [threading.Thread(target=opened.get, args=("slow",)) for _ in range(3)]
    for asker in askers:
        asker.start()
    assert entered.wait(10)
    assert opened.get("quick").name == "quick"
    go.set()
    for asker in askers:
        asker.join(10)
    assert count == [1]
