"""The Fog page's script, run by Streamlit without a browser. SYNTHETIC."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from engine.serving import engine
from engine.settings import ROOT, Settings
from tests.engine.index.colour_encoder import ColourEncoder
from tests.engine.serving.fog.ships import SHIPS, bay, tile
from tests.nights import write_night

GAP = 5


@pytest.fixture(scope="module")
def cubes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home") / "cubes"
    folder.mkdir()
    write_night(folder, size=24, frames=12, gaps=(GAP,))
    return folder.parent


def script() -> None:
    from app.views.fog import fog

    fog()


@pytest.fixture
def page(cubes: Path, own_data: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    engine.cache_clear()
    monkeypatch.setattr(own_data, "data_dir", cubes)
    monkeypatch.setattr(own_data, "demo", False)
    yield AppTest.from_function(script, default_timeout=60)
    engine().close()
    engine.cache_clear()


def told(page: AppTest, module: str) -> dict[str, Any]:
    """What a component on the page was told."""
    found = [json.loads(each.proto.json) for each in page.get("bidi_component")]
    return next(data for data in found if f"/components/{module}/" in data["module"])


def words(page: AppTest) -> str:
    return " ".join(str(element.proto) for element in page.main)


def test_the_first_cube_opens_at_its_last_frame_with_two_layers(page: AppTest) -> None:
    page.run()
    assert not page.exception
    map_, strip = told(page, "map"), told(page, "timeline")
    films = {layer["id"]: layer for layer in map_["layers"] if layer["kind"] == "frames"}
    assert list(films) == ["picture", "mask"]
    assert map_["badge"] == "SYNTHETIC"
    assert strip["index"] == len(strip["frames"]) - 1 == 11
    assert [place for place, frame in enumerate(strip["frames"]) if frame["gap"]] == [GAP]
    assert films["mask"]["urls"][GAP] is None
    assert all(url.startswith("/frames/SYNTHETIC_fog_BE/fog/20250914T") for place, url in enumerate(films["mask"]["urls"]) if place != GAP)
    assert strip["frames"][0]["kind"] == "night"
    assert strip["frames"][-1]["kind"] == "day"
    assert {mark["label"] for mark in map_["marks"]} >= {"Walvis Bay"}


def test_an_address_restores_the_page_and_stays_as_it_is(page: AppTest) -> None:
    query = {
        "when": "20250914T033000Z",
        "picture": "difference",
        "mask": "probability",
        "compare": "times",
        "other_when": "20250914T023000Z",
        "divider": "30",
        "at": "12.00000,-22.00000",
        "points": "My%20platform|11.50000|-21.00000",
    }
    for key, value in query.items():
        page.query_params[key] = value
    page.run()
    assert not page.exception
    map_ = told(page, "map")
    assert told(page, "timeline")["index"] == 2
    assert [layer["side"] for layer in map_["layers"]] == ["", "left", "left", "right", "right"]
    assert map_["swipe"]["at"] == 0.3
    assert map_["swipe"]["right"] == "2025-09-14 02:30 UTC"
    assert "/difference/20250914T023000Z" in map_["layers"][3]["url"]
    assert told(page, "readout")["at"] == [12, -22]
    assert told(page, "places")["own"] == [{"name": "My platform", "lon": 11.5, "lat": -21}]
    kept = {key: value[0] if isinstance(value, list) else value for key, value in page.query_params.items()}
    assert kept == {"cube": "SYNTHETIC_fog_BE", **query}


def test_b_shows_another_layer_at_the_same_time(page: AppTest) -> None:
    page.query_params["compare"] = "layers"
    page.query_params["other"] = "night"
    page.run()
    layers = {layer["id"]: layer for layer in told(page, "map")["layers"]}
    assert (layers["other"]["side"], layers["other"]["kind"], layers["other"]["pinned"]) == ("right", "frames", False)
    assert (layers["picture"]["side"], layers["mask"]["side"]) == ("left", "left")


def test_the_forecast_follows_the_last_frame_and_has_only_a_mask(page: AppTest) -> None:
    page.query_params["forecast"] = "1"
    page.run()
    assert not page.exception
    strip = told(page, "timeline")
    ahead = [place for place, frame in enumerate(strip["frames"]) if frame["forecast"]]
    assert ahead == list(range(12, len(strip["frames"])))
    assert len(ahead) >= 3
    assert strip["index"] == 11
    films = {layer["id"]: layer for layer in told(page, "map")["layers"] if layer["kind"] == "frames"}
    assert all(films["mask"]["urls"][place] for place in ahead)
    assert not any(films["picture"]["urls"][place] for place in ahead)
    assert "/api/v1/fog/SYNTHETIC_fog_BE/forecast" in told(page, "skill")["url"]


def test_where_the_strip_came_to_rest_and_what_was_clicked_stand_in_the_address(page: AppTest) -> None:
    page.run()
    page.session_state["fog-times"] = {"index": {"revision": 9, "index": 3}}
    page.run()
    assert page.query_params["when"] in ("20250914T040000Z", ["20250914T040000Z"])
    page.session_state["fog-map"] = {"clicked": {"lon": 11.25, "lat": -20.5}, "divider": 0.25}
    page.run()
    assert page.query_params["at"] in ("11.25000,-20.50000", ["11.25000,-20.50000"])


def test_a_question_without_imagery_here_says_what_is_missing(page: AppTest) -> None:
    page.query_params["text"] = "a ship"
    page.run()
    assert not page.exception
    assert "nothing to rank inside its fog" in page.info[0].value
    assert "Data page" in page.info[0].value


def test_files_to_keep_stand_in_links(page: AppTest) -> None:
    page.run()
    said = words(page)
    for form in ("tif", "geojson", "nc", "png"):
        assert f"/exports/fog/SYNTHETIC_fog_BE/20250914T080000Z.{form}" in said
    for form in ("gif", "mp4"):
        assert f"/exports/fog/SYNTHETIC_fog_BE/animation.{form}?layer=infrared" in said


def test_a_cube_that_is_gone_gives_way_to_the_first(page: AppTest) -> None:
    page.query_params["cube"] = "no_such"
    page.query_params["when"] = "not a time"
    page.run()
    assert not page.exception
    assert told(page, "timeline")["index"] == 11


def test_without_a_cube_the_page_says_how_to_bring_one(page: AppTest, own_data: Settings, tmp_path: Path) -> None:
    engine.cache_clear()
    own_data.data_dir = tmp_path
    page.run()
    assert not page.exception
    assert "No fog series yet" in words(page)
    assert ROOT.name not in words(page)


@pytest.mark.parametrize(("side", "other"), [("inside", "outside"), ("outside", "inside")])
def test_a_question_shows_the_tiles_of_its_side(own_data: Settings, monkeypatch: pytest.MonkeyPatch, side: str, other: str) -> None:
    bay(own_data)
    monkeypatch.setattr(own_data, "demo", False)
    engine.cache_clear()
    engine()._encoders._ready["colours"] = ColourEncoder()  # type: ignore[assignment]
    page = AppTest.from_function(script, default_timeout=60)
    page.query_params["text"] = "a red ship"
    page.query_params["side"] = side
    page.run()
    said, cards = words(page), [card["tile_id"] for card in told(page, "gallery")["cards"]]
    engine().close()
    engine.cache_clear()
    assert not page.exception
    assert f"tiles of ships lie {side} the fog of" in said
    assert tile(SHIPS[side]) in cards
    assert tile(SHIPS[other]) not in cards


@pytest.mark.parametrize(("offer", "shown"), [("", True), ("it was no better", False)])
def test_the_network_can_be_chosen_only_where_it_is_offered(
    page: AppTest, monkeypatch: pytest.MonkeyPatch, offer: str, shown: bool
) -> None:
    monkeypatch.setattr("engine.serving.fog.fog.Fog.offer", lambda *_, **__: offer)
    page.query_params["forecast"] = "1"
    page.query_params["learned"] = "1"
    page.run()
    assert not page.exception
    toggles = {toggle.label: toggle.value for toggle in page.toggle}
    assert toggles.get("By the network (experimental)") is (True if shown else None)
    assert ("method=-learned" in told(page, "skill")["url"]) is shown
    mask = next(layer for layer in told(page, "map")["layers"] if layer["id"] == "mask")
    assert ("method=-learned" in mask["urls"][-1]) is shown
    assert "learned" not in mask["urls"][0]
