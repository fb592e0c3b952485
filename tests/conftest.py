"""What every test may ask for: a data folder of its own, the shared imagery, no network."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from engine.settings import Settings, settings

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "data"
IN_CI = bool(os.environ.get("CI"))

# No timing asserts in tests: speed lives in benchmarks/. Few examples, the same ones each run.
hypothesis.settings.register_profile("pharos", deadline=None, max_examples=50, derandomize=True, database=None)
hypothesis.settings.load_profile("pharos")


@pytest.fixture(autouse=True)
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Settings whose data folder is this test's alone."""
    monkeypatch.setenv("PHAROS_DATA_DIR", str(tmp_path / "data"))
    settings.cache_clear()
    yield settings()
    settings.cache_clear()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real imagery beside the checkout; it may not be redistributed, so it is not in the project."""
    if not SHARED.is_dir():
        if IN_CI:
            pytest.fail(f"{SHARED} is absent, and CI must test on real imagery")
        pytest.skip(f"{SHARED} is absent: real imagery is not part of the project")
    return SHARED
