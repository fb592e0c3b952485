"""Pictures of an evaluation by URL."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.routes import routes
from engine.serving import engine
from engine.serving.evaluation import FOLDER, Evaluations, Run, Trial
from engine.settings import Settings
from tests.engine.evaluation.squares import write_folders
from tests.engine.serving.evaluation.test_evaluations import encoders


@pytest.fixture
def run(own_data: Settings, tmp_path: Path) -> Iterator[Run]:
    engine.cache_clear()
    engine().evaluations = Evaluations(own_data, encoders())
    root = write_folders(tmp_path / "squares", {"red": ["red"], "blue": ["red", "blue"]})
    begun = engine().evaluations.begin(Trial(models=("colours",), data=FOLDER, folder=str(root)))
    begun.job.wait(60)
    yield begun
    engine.cache_clear()


def test_a_confused_picture_is_shown_and_nothing_else_is(run: Run) -> None:
    with TestClient(Starlette(routes=routes(""))) as client:
        reply = client.get(f"/evaluations/{run.id}/0/0/0.webp?size=32&v=1")
        assert reply.status_code == 200
        assert reply.headers["content-type"] == "image/webp"
        assert "immutable" in reply.headers["cache-control"]
        assert Image.open(io.BytesIO(reply.content)).size == (32, 32)
        for path in ("0/0/1", "0/1/0", "7/0/0", "-1/0/0", "0/0/x", "0/0/99999999999", "0/..%2f0/0"):
            missing = client.get(f"/evaluations/{run.id}/{path}.webp")
            assert missing.status_code == 404, path
            assert "error" in missing.json()
        assert client.get("/evaluations/000000000000/0/0/0.webp").status_code == 404
