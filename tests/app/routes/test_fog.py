"""The fog by URL, on a small cube."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import timedelta

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.routes import routes
from engine.serving import engine
from engine.settings import Settings
from tests.engine.fog.seas import NIGHT, sea_cube
from tests.engine.index.colour_encoder import ColourEncoder
from tests.engine.serving.fog.ships import SHIPS, bay, tile

BASE = "/pharos"
API = f"{BASE}/api/v1/fog"
HALF = timedelta(minutes=30)
TIMES = [NIGHT, NIGHT + HALF, NIGHT + 3 * HALF]


@pytest.fixture
def client(own_data: Settings) -> Iterator[TestClient]:
    own_data.cubes_dir.mkdir(parents=True)
    fog = np.zeros((16, 16), bool)
    fog[4:12, 2:10] = True
    sea_cube(own_data.cubes_dir / "SYNTHETIC_sea.zarr", TIMES, shape=(16, 16), fog=fog)
    engine.cache_clear()
    with TestClient(Starlette(routes=routes(BASE))) as running:
        yield running
    engine().fog.close()
    engine().fog._ahead.wait(5)
    engine.cache_clear()


def test_frames_by_time_and_index_are_kept_for_good(client: TestClient) -> None:
    listed = client.get(f"{API}/SYNTHETIC_sea/frames?layer=fog&shown=0").json()
    assert [frame["gap"] for frame in listed["frames"]] == [False, False, True, False]
    assert listed["frames"][2]["url"] is None
    assert listed["synthetic"] is True
    reply = client.get(listed["frames"][0]["url"])
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "image/png"
    assert reply.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert Image.open(io.BytesIO(reply.content)).size[0] == 16
    again = client.get(listed["frames"][0]["url"], headers={"If-None-Match": reply.headers["etag"]})
    assert again.status_code == 304
    by_index = client.get(f"{BASE}/frames/SYNTHETIC_sea/fog/0.png")
    assert by_index.content == reply.content
    assert "immutable" not in by_index.headers["cache-control"]


def test_a_band_comes_as_webp_at_a_bounded_size(client: TestClient) -> None:
    url = client.get(f"{API}/SYNTHETIC_sea/frames?layer=infrared").json()["frames"][0]["url"]
    assert ".webp?" in url
    assert client.get(url).headers["content-type"] == "image/webp"
    wide = Image.open(io.BytesIO(client.get(f"{url}&width=999999").content))
    assert wide.size[0] == 2048


@pytest.mark.parametrize(
    ("path", "code", "says"),
    [
        ("frames/none/fog/0.png", 404, "no cube"),
        ("frames/SYNTHETIC_sea/mist/0.png", 404, "no layer"),
        ("frames/SYNTHETIC_sea/fog/99.png", 404, "no frame 99"),
        ("frames/SYNTHETIC_sea/fog/20210914T012900Z.png", 404, "the nearest is"),
        ("frames/SYNTHETIC_sea/fog/yesterday.png", 422, "not a time"),
        ("frames/SYNTHETIC_sea/fog/0.exe", 404, "nothing at"),
        ("frames/SYNTHETIC_sea/fog/0.png?method=magic", 422, "magic"),
        ("frames/SYNTHETIC_sea/truth/0.png", 422, "no labels"),
        ("frames/SYNTHETIC_sea", 404, ""),
        ("api/v1/fog/SYNTHETIC_sea/frames?layer=mist", 404, "no layer"),
        ("api/v1/fog/SYNTHETIC_sea/frames?from=2031-01-01", 404, "it covers"),
        ("api/v1/fog/none/area", 404, "no cube"),
        ("api/v1/fog/SYNTHETIC_sea/pixel?lon=9&lat=-20", 422, "time"),
        ("api/v1/fog/SYNTHETIC_sea/pixel?lon=9&lat=nan&time=20210914T010000Z", 422, "no number"),
        ("api/v1/fog/SYNTHETIC_sea/pixel?lon=99&lat=-20&time=20210914T010000Z", 422, "lies outside"),
        ("api/v1/fog/SYNTHETIC_sea/area?region=1,2,3", 422, "region"),
        ("api/v1/fog/SYNTHETIC_sea/area?region=60,2,63,5", 422, "no sea"),
        ("api/v1/fog/SYNTHETIC_sea/points?point=here", 422, "NAME,LON,LAT"),
        ("api/v1/fog/nothing", 404, "nothing at"),
        ("exports/fog/SYNTHETIC_sea/0.exe", 422, "tif, geojson, nc, png"),
        ("exports/fog/SYNTHETIC_sea/0.png?layer=truth", 404, "fog, probability, state"),
        ("exports/fog/SYNTHETIC_sea/animation.gif?layer=night&over=truth", 404, "fog, probability"),
        ("exports/other", 404, "nothing at"),
    ],
)
def test_what_can_not_be_shown_is_said_in_words(client: TestClient, path: str, code: int, says: str) -> None:
    reply = client.get(f"{BASE}/{path}")
    assert reply.status_code == code, reply.text
    assert says in reply.json()["error"]
    assert "Traceback" not in reply.text
    assert reply.headers["cache-control"] == "no-store"


def test_layers_and_cubes_and_regions_are_told(client: TestClient) -> None:
    (cube,) = client.get(f"{API}/cubes").json()["cubes"]
    assert (cube["name"], cube["frames"], cube["synthetic"]) == ("SYNTHETIC_sea", 3, True)
    told = client.get(f"{API}/SYNTHETIC_sea/layers").json()
    layers = {layer["id"]: layer for layer in told["layers"]}
    assert layers["fog"]["usable"]
    assert not layers["truth"]["usable"]
    assert layers["night"]["valid"] == "night"
    assert {swatch["kind"] for swatch in layers["state"]["legend"]["swatches"]} == {"colour", "hatch", "checks"}
    assert told["methods"][0]["id"] == "physics"
    regions = client.get(f"{API}/regions").json()["regions"]
    assert len(regions) == 15
    assert all(len(region["ports"]) >= 2 for region in regions)


def test_a_pixel_says_why(client: TestClient) -> None:
    record = client.get(f"{API}/SYNTHETIC_sea/pixel?lon=8.5&lat=-20.1&time=20210914T010000Z").json()
    assert record["words"] in ("fog or very low stratus", "obscured by higher cloud")
    assert {value["name"] for value in record["values"]} >= {"BT0390", "BT1120", "SST"}
    assert record["light"] == "night"
    assert record["synthetic"] is True


def test_area_by_box_and_by_polygon(client: TestClient) -> None:
    whole = client.get(f"{API}/SYNTHETIC_sea/area").json()
    part = client.get(f"{API}/SYNTHETIC_sea/area?region=4,-20,10,-14").json()
    assert part["region_km2"] == pytest.approx(whole["region_km2"] / 4, rel=0.05)
    assert whole["words"] == "fog or very low stratus"
    assert whole["frames"][2]["fog_km2"] is None
    ring = [[4, -20], [10, -20], [10, -14], [4, -14], [4, -20]]
    posted = client.post(f"{API}/SYNTHETIC_sea/area", json={"region": {"type": "Polygon", "coordinates": [ring]}}).json()
    assert posted["frames"][0]["fog_km2"] == part["frames"][0]["fog_km2"]
    foreign = client.post(f"{API}/SYNTHETIC_sea/area", json={}, headers={"Origin": "http://elsewhere.example"})
    assert foreign.status_code == 403


def test_points_are_followed(client: TestClient) -> None:
    found = client.post(f"{API}/SYNTHETIC_sea/points", json={"points": [{"name": "Rig", "lon": 8.5, "lat": -20.1}]}).json()
    (rig,) = found["points"]
    assert (rig["name"], rig["port"]) == ("Rig", False)
    assert [spell["state"] for spell in rig["spells"]][-2] == "gap"
    ports = client.get(f"{API}/SYNTHETIC_sea/points").json()["points"]
    assert [port["name"] for port in ports if port["port"]]
    assert client.post(f"{API}/SYNTHETIC_sea/points", json={"points": [1]}).status_code == 422


@pytest.mark.parametrize(
    ("form", "media"), [("tif", "image/tiff"), ("geojson", "application/geo+json"), ("nc", "application/x-netcdf"), ("png", "image/png")]
)
def test_masks_are_downloads(client: TestClient, form: str, media: str) -> None:
    reply = client.get(f"{BASE}/exports/fog/SYNTHETIC_sea/20210914T010000Z.{form}")
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"].startswith(media)
    name = f"SYNTHETIC_fog-or-very-low-stratus_sea_20210914T010000Z_physics.{form}"
    assert reply.headers["content-disposition"] == f'attachment; filename="{name}"'
    if form == "geojson":
        assert json.loads(reply.content)["pharos"]["words"] == "fog or very low stratus"


def test_animations_and_series_are_downloads(client: TestClient) -> None:
    film = client.get(f"{BASE}/exports/fog/SYNTHETIC_sea/animation.gif?width=200&rate=4")
    assert Image.open(io.BytesIO(film.content)).n_frames == 4
    assert client.get(f"{BASE}/exports/fog/SYNTHETIC_sea/series.nc").content[:4] == b"\x89HDF"
    assert client.get(f"{BASE}/exports/fog/SYNTHETIC_sea/animation.gif?rate=fast").status_code == 422


@pytest.mark.parametrize(("side", "other"), [("inside", "outside"), ("outside", "inside")])
def test_a_search_may_be_kept_to_one_side_of_the_fog(own_data: Settings, side: str, other: str) -> None:
    bay(own_data)
    engine.cache_clear()
    engine()._encoders._ready["colours"] = ColourEncoder()  # type: ignore[assignment]
    with TestClient(Starlette(routes=routes(BASE))) as running:
        fog = {"cube": "SYNTHETIC_bay", "time": "20210914T010000Z", "side": side}
        reply = running.post(f"{BASE}/api/v1/search", json={"collection": "ships", "text": "a red ship", "fog": fog})
    engine.cache_clear()
    assert reply.status_code == 200
    hits = [hit["tile_id"] for hit in reply.json()["hits"]]
    assert hits[0] == tile(SHIPS[side])
    assert tile(SHIPS[other]) not in hits
