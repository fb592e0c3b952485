"""The routes on a real collection, without a browser."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.routes import routes
from engine import encoders, imagery, index
from engine.serving import engine
from engine.settings import Settings
from tests.scenes import write_scene

BASE = "/pharos"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with one indexed collection of two dates."""
    folder = tmp_path_factory.mktemp("home")
    config = Settings(data_dir=folder)
    for day in ("20140720", "20200831"):
        write_scene(folder / "scenes" / f"field_{day}.tif", seed=int(day))
    found = imagery.find_scenes([folder / "scenes"])
    index.build("fields", found.scenes, encoders.load(settings=config), spec=imagery.TileSpec(), settings=config)
    return folder


@pytest.fixture
def client(home: Path, own_data: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    engine.cache_clear()
    monkeypatch.setattr(own_data, "data_dir", home)
    with TestClient(Starlette(routes=routes(BASE))) as running:
        yield running
    engine.cache_clear()


def picture(body: bytes) -> Image.Image:
    opened = Image.open(io.BytesIO(body))
    opened.load()
    return opened


def test_health_answers_before_the_model_is_there(client: TestClient) -> None:
    reply = client.get(f"{BASE}/healthz")
    assert reply.status_code == 200
    assert reply.json()["status"] == "ok"
    assert reply.json()["ready"] is False


def test_search_by_address_and_by_body_agree(client: TestClient) -> None:
    body = {"collection": "fields", "text": ["water"], "k": 3, "from": "2014-07-20", "to": "2014-07-20"}
    posted = client.post(f"{BASE}/api/v1/search", json=body)
    asked = client.get(f"{BASE}/api/v1/search", params=body)
    assert posted.status_code == asked.status_code == 200
    assert posted.json()["hits"] == asked.json()["hits"]
    assert posted.json()["searched"] == 16
    assert {hit["datetime"][:10] for hit in posted.json()["hits"]} == {"2014-07-20"}
    assert "encode" in posted.headers["x-pharos-stages"]


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"collection": "fields", "text": " "}, 422, "query is empty"),
        ({"collection": "fields", "text": "x" * 5000}, 422, "5,000 characters"),
        ({"collection": "nowhere", "text": "a lake"}, 404, "no collection"),
        ({"text": "a lake"}, 422, "which “collection”"),
        ({"collection": "fields", "text": "a lake", "region": [0, 0, 1, 1]}, 422, "lies outside"),
        ({"collection": "fields", "text": "a lake", "region": "/etc/passwd.geojson"}, 422, "must be W,S,E,N"),
        ({"collection": "fields", "like": ["/etc/passwd"]}, 404, "no tile"),
        ({"collection": "fields", "text": 7}, 422, "must be a text"),
        ({"collection": "fields", "text": "a lake", "k": "many"}, 422, "whole number"),
        ({"collection": "fields", "text": "a lake", "from": "soon"}, 422, "not a time"),
        ({"collection": "../fields", "text": "a lake"}, 422, "can't name a collection"),
    ],
)
def test_a_bad_question_gets_one_clear_sentence(client: TestClient, body: dict[str, object], status: int, says: str) -> None:
    reply = client.post(f"{BASE}/api/v1/search", json=body)
    assert reply.status_code == status, reply.text
    assert says in reply.json()["error"]


def test_a_body_that_is_no_json_and_one_that_is_too_large_are_refused(client: TestClient) -> None:
    assert client.post(f"{BASE}/api/v1/search", content=b"{").status_code == 422
    assert client.post(f"{BASE}/api/v1/search", content=b" " * 1_000_001).status_code == 422


def test_another_sites_page_may_not_post(client: TestClient) -> None:
    body = {"collection": "fields", "text": "water"}
    assert client.post(f"{BASE}/api/v1/search", json=body, headers={"Origin": "http://evil.example"}).status_code == 422
    assert client.post(f"{BASE}/api/v1/search", json=body, headers={"Origin": "http://testserver"}).status_code == 200


def test_a_thumbnail_shows_the_tile_and_may_be_kept(client: TestClient) -> None:
    tile = client.post(f"{BASE}/api/v1/search", json={"collection": "fields", "text": "water", "k": 1}).json()["hits"][0]["tile_id"]
    address = f"{BASE}/thumbnails/fields/{tile}.webp?size=64&v=1"
    reply = client.get(address)
    assert picture(reply.content).size == (64, 64)
    assert "immutable" in reply.headers["cache-control"]
    assert client.get(address, headers={"If-None-Match": reply.headers["etag"]}).status_code == 304
    assert client.get(f"{BASE}/thumbnails/fields/none/0-0.webp").status_code == 404


def test_map_tiles_show_the_scene_where_it_lies_and_nothing_elsewhere(client: TestClient) -> None:
    """Web-mercator tile of 46.95° N 98.99° W at zoom 12, by the OGC tile formula."""
    inside = client.get(f"{BASE}/tiles/fields/2014-07-20T00:00:00+00:00/12/921/1441.png")
    assert inside.status_code == 200
    assert picture(inside.content).convert("RGBA").getextrema()[3][1] == 255
    assert client.get(f"{BASE}/tiles/fields/2014-07-20T00:00:00+00:00/12/0/0.png").status_code == 204
    assert client.get(f"{BASE}/tiles/fields/undated/12/921/1441.png").status_code == 204
    assert client.get(f"{BASE}/tiles/fields/sometime/12/921/1441.png").status_code == 422


def test_the_score_surface_of_a_question_covers_its_tiles(client: TestClient) -> None:
    from engine.types import Query

    token = engine().remember(Query("fields", texts=("water",)))
    drawn = picture(client.get(f"{BASE}/surfaces/{token}.png").content)
    assert drawn.mode == "RGBA"
    opaque = sum(1 for *_, alpha in drawn.resize((40, 40), Image.Resampling.NEAREST).get_flattened_data() if alpha)
    assert opaque > 1200
    assert client.get(f"{BASE}/surfaces/0000.png").status_code == 204


@pytest.mark.parametrize(
    "path",
    [
        "api/v1/nothing",
        "tiles/a/b",
        "thumbnails/x",
        "frames/none/fog/0.png",
        "vendor/%2e%2e/app/server.py",
        "components/map/view.py",
        "surfaces",
    ],
)
def test_an_unknown_address_is_a_json_404(client: TestClient, path: str) -> None:
    reply = client.get(f"{BASE}/{path}")
    assert reply.status_code == 404
    assert "error" in reply.json() or reply.json() == {"detail": "Not Found"}


def test_front_end_files_are_served_and_python_is_not(client: TestClient) -> None:
    reply = client.get(f"{BASE}/components/map/map.js?v=1")
    assert reply.status_code == 200
    assert "javascript" in reply.headers["content-type"]
