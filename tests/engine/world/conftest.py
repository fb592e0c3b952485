"""One small island for all tests of what it looks like; it is read, never changed."""

from __future__ import annotations

import pytest

from engine.world import Island, View


@pytest.fixture(scope="package")
def views() -> list[View]:
    """The four dates of a small island: March with snow, June, September with clouds, November."""
    island = Island(7, 512)
    return [island.at(when) for when in island.dates]


@pytest.fixture(scope="package")
def june(views: list[View]) -> View:
    return views[1]


@pytest.fixture(scope="package")
def cloudy(views: list[View]) -> View:
    return views[2]
