"""The routes on a real collection, without a browser."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.testclient import TestClient

from app.routes import api, pixels, routes
from app.routes.refusals import TooLarge
from engine import encoders, imagery, index
from engine.serving import engine
from engine.settings import Settings
from tests.loops import run
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
        ({"collection": "fields", "text": "a lake", "region": "/etc/passwd.geojson"}, 422, "W,S,E,N"),
        ({"collection": "fields", "text": "a lake", "region": "1.geojson"}, 422, "W,S,E,N"),
        ({"collection": "fields", "text": "a lake", "region": 5}, 422, "W,S,E,N"),
        ({"collection": "fields", "text": "a lake", "region": {"type": "Polygon", "coordinates": [[[0, 0], [1]]]}}, 422, "GeoJSON"),
        ({"collection": "fields", "text": "a lake", "region": ["0,0,1,1"] * 17}, 422, "at most 16"),
        ({"collection": "fields", "text": ["a lake"] * 17}, 422, "at most 16"),
        ({"collection": "fields", "text": "a lake", "not": ["a town"] * 17}, 422, "at most 16"),
        ({"collection": "fields", "like": ["field/0-0"] * 17}, 422, "at most 16"),
        ({"collection": "fields", "text": "half \ud83d"}, 422, "half a character"),
        ({"collection": "fields", "text": "a lake", "from": 2014}, 422, "“from” must be a text"),
        ({"collection": "fields", "text": "a lake", "to": ["2014"]}, 422, "“to” must be a text"),
        ({"collection": "fields", "text": "a lake", "from": "0001-01-01T00:00+14:00"}, 422, "not a time"),
        ({"collection": "fields", "text": "a lake", "sensor": 7}, 422, "“sensor” must be a text"),
        ({"collection": "fields", "like": ["/etc/passwd"]}, 404, "no tile"),
        ({"collection": "fields", "text": 7}, 422, "must be a text"),
        ({"collection": "fields", "text": "a lake", "k": "many"}, 422, "whole number"),
        ({"collection": "fields", "text": "a lake", "from": "soon"}, 422, "not a time"),
        ({"collection": "../fields", "text": "a lake"}, 422, "can't name a collection"),
    ],
)
def test_a_bad_question_gets_one_clear_sentence(client: TestClient, body: dict[str, object], status: int, says: str) -> None:
    reply = client.post(f"{BASE}/api/v1/search", content=json.dumps(body))
    assert reply.status_code == status, reply.text
    assert says in reply.json()["error"]


def test_a_body_that_is_no_json_and_one_that_is_too_large_are_refused(client: TestClient) -> None:
    assert client.post(f"{BASE}/api/v1/search", content=b"{").status_code == 422
    assert client.post(f"{BASE}/api/v1/search", content=b"[" * 100_000).status_code == 422
    assert client.post(f"{BASE}/api/v1/search", content=b" " * 1_000_001).status_code == 413


def test_a_body_without_end_is_not_read_to_its_end(client: TestClient) -> None:
    read = 0

    def endless() -> Iterator[bytes]:
        nonlocal read
        while True:
            read += 1
            yield b" " * 100_000

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": next(body), "more_body": True}

    body = endless()
    request = Request({"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": b""}, receive)
    with pytest.raises(TooLarge):
        run(api.body_of(request))
    assert read == 11


def test_another_sites_page_may_not_post(client: TestClient) -> None:
    body = {"collection": "fields", "text": "water"}
    assert client.post(f"{BASE}/api/v1/search", json=body, headers={"Origin": "http://evil.example"}).status_code == 403
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


@pytest.mark.parametrize("place", ["31/0/0", "0/0/1", "0/1/0", "12/4096/0", "a/0/0", "0/-1/0", f"{'9' * 5000}/0/0", f"0/{'9' * 5000}/0"])
@pytest.mark.parametrize("layer", ["base/light", "fields/undated"])
def test_a_tile_that_the_world_does_not_have_is_empty(client: TestClient, layer: str, place: str) -> None:
    assert client.get(f"{BASE}/tiles/{layer}/{place}.png").status_code == 204


def test_the_basemap_is_loaded_once_however_many_ask_at_first(monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.imagery import basemap

    loads = []

    def slow(path: Path) -> str:
        loads.append(path)
        time.sleep(0.05)
        return "land"

    monkeypatch.setattr(basemap, "Basemap", slow)
    pixels._basemap.cache_clear()
    try:
        with ThreadPoolExecutor(8) as threads:
            assert list(threads.map(lambda _: pixels.basemap(), range(8))) == ["land"] * 8
    finally:
        pixels._basemap.cache_clear()
    assert len(loads) == 1


def test_the_score_surface_of_a_question_covers_its_tiles(client: TestClient) -> None:
    from engine.types import Query

    token = engine().remember(Query("fields", texts=("water",)))
    drawn = picture(client.get(f"{BASE}/surfaces/{token}.png").content)
    assert drawn.mode == "RGBA"
    opaque = sum(1 for *_, alpha in drawn.resize((40, 40), Image.Resampling.NEAREST).get_flattened_data() if alpha)
    assert opaque > 1200
    forgotten = client.get(f"{BASE}/surfaces/0000.png")
    assert (forgotten.status_code, forgotten.headers["cache-control"]) == (404, "no-store")


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
    assert "immutable" in reply.headers["cache-control"]


def test_a_front_end_file_without_a_version_is_asked_for_again(client: TestClient) -> None:
    """Modules import one another without a version; a changed one must be seen at once."""
    reply = client.get(f"{BASE}/components/map/map.js")
    assert reply.headers["cache-control"] == "no-cache"
    again = client.get(f"{BASE}/components/map/map.js", headers={"If-None-Match": f"W/{reply.headers['etag']}"})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(f"{BASE}/components/map/map.js", headers={"If-None-Match": '"other"'}).status_code == 200
