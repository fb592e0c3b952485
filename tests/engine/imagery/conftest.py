"""What the imagery tests ask for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from numpy.typing import NDArray

from .rasters import save, scenery

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a raster into the test's folder: ``write("a.tif", data, crs=…)``."""

    def into(name: str, data: NDArray[Any] | None = None, **options: Any) -> Path:
        return save(tmp_path / name, scenery() if data is None else data, **options)

    return into
