"""Search against a brute force written here, on made-up vectors."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from PIL import Image

from engine.errors import (
    EmptyQuery,
    ModelMismatch,
    NothingOfSensor,
    NothingThen,
    QueryInvalid,
    RegionOutsideCollection,
    TileNotFound,
)
from engine.index import Collection, search
from engine.types import Hit, Query, Ranking, Region, TimeSpan
from tests.engine.index.colour_encoder import COLOURS, ColourEncoder
from tests.engine.index.scenes import scene

Make = Callable[..., Collection]


def mixtures(count: int, seed: int = 0) -> np.ndarray:
    """Tiles of mixed colours, unit length."""
    drawn = np.random.default_rng(seed).dirichlet(np.full(8, 0.3), count).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def squares(count: int, step: float = 0.01) -> list[Any]:
    side = int(np.ceil(np.sqrt(count)))
    return [
        shapely.box(5 + (n % side) * step, 45 + (n // side) * step, 5 + (n % side + 1) * step, 45 + (n // side + 1) * step)
        for n in range(count)
    ]


def ask(collection: Collection, *texts: str, **wishes: Any) -> Ranking:
    return search(collection, Query("made", texts=texts, **wishes), ColourEncoder())


def number(hit: Hit) -> int:
    return int(hit.tile_id[1:])


@pytest.fixture
def mixed(make_collection: Make) -> Collection:
    return make_collection(mixtures(900), squares(900))


def stored(count: int = 900) -> np.ndarray:
    return mixtures(count).astype(np.float16).astype(np.float64)


def test_scores_ranks_percentiles_and_margins_are_those_of_brute_force(mixed: Collection) -> None:
    scores = stored() @ ColourEncoder().query("red").astype(np.float64)
    neutral = (stored() @ ColourEncoder().neutral.T.astype(np.float64)).mean(axis=1)
    expected = sorted(range(900), key=lambda n: (-scores[n], n))[:25]
    ranking = ask(mixed, "red", limit=25)
    assert [number(hit) for hit in ranking.hits] == expected
    assert [hit.rank for hit in ranking.hits] == list(range(1, 26))
    np.testing.assert_allclose([hit.score for hit in ranking.hits], scores[expected], atol=1e-6)
    np.testing.assert_allclose([hit.margin for hit in ranking.hits], (scores - neutral)[expected], atol=1e-6)
    np.testing.assert_allclose([hit.percentile for hit in ranking.hits], [(scores < scores[n] - 1e-7).mean() for n in expected], atol=1e-9)
    assert ranking.relevant == np.count_nonzero(scores - neutral >= 0.2)
    assert (ranking.searched, ranking.total, ranking.model) == (900, 900, "colours@c0105c0105c0")
    assert set(ranking.timings_ms) == {"encode", "select", "search", "read", "total"}


def test_verdicts_follow_the_calibration_and_weak_hits_are_shown(mixed: Collection) -> None:
    ranking = ask(mixed, "red", limit=900)
    expected = ["strong" if hit.margin >= 0.4 else "fair" if hit.margin >= 0.2 else "weak" for hit in ranking.hits]
    assert [hit.verdict for hit in ranking.hits] == expected
    assert set(expected) == {"strong", "fair", "weak"}
    assert ranking.relevant == sum(verdict != "weak" for verdict in expected)


def test_nothing_relevant_is_an_answer(make_collection: Make) -> None:
    blue = make_collection(np.tile(ColourEncoder().query("blue"), (5, 1)), squares(5))
    ranking = ask(blue, "red")
    assert ranking.relevant == 0
    assert [hit.verdict for hit in ranking.hits] == ["weak"] * 5


@pytest.mark.parametrize("merge", [True, False])
@pytest.mark.parametrize("limit", [900, 5000])
def test_a_limit_as_large_as_the_collection_returns_every_tile_once(mixed: Collection, merge: bool, limit: int) -> None:
    hits = ask(mixed, "red", limit=limit, merge=merge).hits
    assert sorted(number(hit) for hit in hits) == list(range(900))
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_a_region_is_applied_before_the_best_are_taken(mixed: Collection) -> None:
    """Ten tiles that are far from the best must all come, whatever lies outside."""
    scores = stored() @ ColourEncoder().query("red").astype(np.float64)
    region = Region.from_like("5.001,45.001,5.099,45.009", "strip")
    ranking = ask(mixed, "red", regions=(region,), limit=10)
    assert [number(hit) for hit in ranking.hits] == sorted(range(10), key=lambda n: (-scores[n], n))
    assert ranking.searched == 10
    whole = {number(hit): hit.percentile for hit in ask(mixed, "red", limit=900).hits}
    assert all(hit.percentile == whole[number(hit)] for hit in ranking.hits)  # of the whole collection, not of the region


def test_two_regions_are_their_union(mixed: Collection) -> None:
    left, right = Region.from_like("5.001,45.001,5.009,45.009"), Region.from_like("5.201,45.201,5.209,45.209")
    assert {number(hit) for hit in ask(mixed, "red", regions=(left, right)).hits} == {0, 20 * 30 + 20}


def test_ties_are_ordered_by_tile_id(make_collection: Make) -> None:
    same = make_collection(np.tile(ColourEncoder().query("red"), (700, 1)), squares(700))
    assert [number(hit) for hit in ask(same, "red", limit=30).hits] == list(range(30))
    assert {hit.percentile for hit in ask(same, "red", limit=30).hits} == {0.0}


def test_texts_are_averaged_and_negatives_pushed_away(make_collection: Make) -> None:
    encoder = ColourEncoder()
    names = ["red", "green", "red green", "red blue", "blue"]
    collection = make_collection(np.stack([encoder.query(name) for name in names]), squares(5))
    assert names[number(ask(collection, "red", "green").hits[0])] == "red green"
    without = ask(collection, "red", negatives=("blue",)).hits
    assert [names[number(hit)] for hit in without][:2] == ["red", "red green"]
    assert names[number(without[-1])] == "blue"
    red, blue, mixed_ = encoder.query("red"), encoder.query("blue"), encoder.query("red blue")
    wanted = red - 0.5 * blue
    shown = next(hit for hit in without if names[number(hit)] == "red blue")
    assert shown.score == pytest.approx(float(mixed_ @ wanted / np.linalg.norm(wanted)), abs=1e-3)
    neutral = encoder.neutral.mean(axis=0)
    assert shown.margin == pytest.approx(float(mixed_ @ (red - neutral) - 0.5 * mixed_ @ (blue - neutral)), abs=1e-3)


def test_tiles_like_a_tile(mixed: Collection) -> None:
    ranking = ask(mixed, likes=("t000123",), limit=900)
    assert number(ranking.hits[0]) == 123
    assert ranking.hits[0].score == pytest.approx(1, abs=1e-3)
    scores = stored() @ stored()[123]
    assert [number(hit) for hit in ranking.hits[:10]] == sorted(range(900), key=lambda n: (-scores[n], n))[:10]
    average = stored().mean(axis=0)
    assert ranking.hits[0].margin == pytest.approx(1 - average @ stored()[123], abs=1e-3)
    assert ranking.hits[0].verdict == "strong"
    assert 0 < ranking.relevant < 450  # like it is the exception, not the rule


def test_tiles_like_a_picture(mixed: Collection, tmp_path: Path) -> None:
    Image.new("RGB", (40, 40), COLOURS["yellow"]).save(tmp_path / "yellow.png")
    by_picture = ask(mixed, likes=(str(tmp_path / "yellow.png"),))
    assert [hit.tile_id for hit in by_picture.hits] == [hit.tile_id for hit in ask(mixed, "yellow").hits]


def test_questions_that_can_not_be_asked(mixed: Collection) -> None:
    for empty in [(), ("",), ("  ", "\n")]:
        with pytest.raises(EmptyQuery):
            ask(mixed, *empty)
    with pytest.raises(EmptyQuery):
        ask(mixed, negatives=("red",))
    with pytest.raises(QueryInvalid):
        ask(mixed, "red", limit=0)
    with pytest.raises(TileNotFound, match="t999999"):
        ask(mixed, likes=("t999999",))
    with pytest.raises(ModelMismatch, match="colours@ffffff"):
        search(mixed, Query("made", texts=("red",)), ColourEncoder(hash_="ffffff"))


def test_a_region_elsewhere_is_told_what_is_covered(mixed: Collection) -> None:
    with pytest.raises(
        RegionOutsideCollection, match=r"“my lake” lies outside “made”, which covers 5\.00° E to 5\.30° E, 45\.00° N to 45\.30° N"
    ):
        ask(mixed, "red", regions=(Region.from_like("50,10,51,11", "my lake"),))


def dated(make_collection: Make) -> Collection:
    """Three dates of one footprint, one scene of unknown time, one of another sensor beside them."""
    days = ["2009-08-18", "2014-07-20", "2020-08-31", None]
    scenes = [scene(f"s{n}", day) for n, day in enumerate(days)] + [scene("radar", "2014-07-20", sensor="s1")]
    outlines = [*squares(4)] * 4 + [shapely.box(6, 45, 6.1, 45.1)]
    return make_collection(mixtures(17), outlines, scenes=scenes, scene_of=[0] * 4 + [1] * 4 + [2] * 4 + [3] * 4 + [4])


def test_a_span_of_time_selects_scenes(make_collection: Make) -> None:
    collection = dated(make_collection)
    assert [f"{when:%Y}" for when in collection.times] == ["2009", "2014", "2020"]
    then = ask(collection, "red", span=TimeSpan.from_like("2014-07-20", "2014-07-20"), limit=50)
    assert {hit.scene for hit in then.hits} == {"s1", "radar"}
    assert {hit.datetime for hit in then.hits} == {datetime(2014, 7, 20, tzinfo=UTC)}
    since = ask(collection, "red", span=TimeSpan.from_like("2014-07-21", None), limit=50)
    assert {hit.scene for hit in since.hits} == {"s2"}
    assert ask(collection, "red", limit=50).searched == 17  # without a span, scenes of unknown time count too
    assert [s.id for s in collection.scenes_at(None)] == ["s3"]


def test_a_sensor_selects_scenes(make_collection: Make) -> None:
    collection = dated(make_collection)
    assert {hit.scene for hit in ask(collection, "red", sensor="s1").hits} == {"radar"}
    with pytest.raises(NothingOfSensor, match="It has rgb, s1"):
        ask(collection, "red", sensor="s2")


def test_a_time_without_a_scene_is_told_the_real_ones(make_collection: Make) -> None:
    collection = dated(make_collection)
    with pytest.raises(NothingThen, match="2009-08-18, 2014-07-20 and 2020-08-31"):
        ask(collection, "red", span=TimeSpan.from_like("2011-01-01", "2012-01-01"))
    beside = Region.from_like("6.01,45.01,6.05,45.05", "bay")
    with pytest.raises(NothingThen, match=r"in “bay”\. It has 2014-07-20"):
        ask(collection, "red", regions=(beside,), span=TimeSpan.from_like("2020-01-01", None))
    with pytest.raises(NothingOfSensor, match="It has s1"):
        ask(collection, "red", regions=(beside,), sensor="rgb")


def test_of_many_times_the_nearest_two_are_named(make_collection: Make) -> None:
    scenes = [scene(f"s{year}", f"{year}-06-01") for year in range(2000, 2020, 2)]
    collection = make_collection(mixtures(10), squares(10), scenes=scenes, scene_of=range(10))
    with pytest.raises(NothingThen, match="It has 2006-06-01 before that and 2008-06-01 after, out of 10 times"):
        ask(collection, "red", span=TimeSpan.from_like("2007-01-01", "2007-12-31"))


def test_overlapping_hits_of_one_scene_merge_into_the_best(make_collection: Make) -> None:
    encoder = ColourEncoder()
    weights = [1.0, 0.9, 0.8, 0.7, 0.6]
    vectors = np.stack([w * encoder.query("red") + np.sqrt(1 - w * w) * encoder.query("blue") for w in weights])
    windows = [[0, 0, 100, 100], [50, 0, 100, 100], [80, 0, 100, 100], [0, 0, 100, 100], [90, 90, 100, 100]]
    collection = make_collection(
        vectors, squares(5), scenes=[scene("a"), scene("b")], scene_of=[0, 0, 0, 1, 0], windows=np.array(windows, np.int32)
    )
    hits = ask(collection, "red").hits
    # 1 shares half with 0; 2 shares a fifth with 0 (IoU 0.11) but is looked at after 1 was merged; 3 is another scene; 4 touches a corner
    assert [(number(hit), hit.merged) for hit in hits] == [(0, ("t000001",)), (2, ()), (3, ()), (4, ())]
    assert [hit.rank for hit in hits] == [1, 2, 3, 4]
    assert len(ask(collection, "red", merge=False).hits) == 5
    assert [number(hit) for hit in ask(collection, "red", limit=2).hits] == [0, 2]


def test_merging_goes_as_deep_as_it_takes(make_collection: Make) -> None:
    """A hundred copies of the best tile do not crowd out the second."""
    encoder = ColourEncoder()
    vectors = np.concatenate([np.tile(encoder.query("red"), (400, 1)), mixtures(5)])
    windows = [[n % 3, 0, 50, 50] for n in range(400)] + [[1000 + 60 * n, 0, 50, 50] for n in range(5)]
    hits = ask(make_collection(vectors, squares(405), windows=np.array(windows, np.int32)), "red", limit=3).hits
    assert number(hits[0]) == 0
    assert len(hits[0].merged) == 399
    assert all(number(hit) >= 400 for hit in hits[1:])


def test_percentiles_of_a_large_collection_are_estimated(make_collection: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    collection = make_collection(mixtures(6000), squares(6000))
    exact = {hit.tile_id: hit.percentile for hit in ask(collection, "red", limit=6000, merge=False).hits}
    monkeypatch.setattr("engine.index.ranking.EXACT_UP_TO", 1000)
    estimated = {hit.tile_id: hit.percentile for hit in ask(collection, "red", limit=6000, merge=False).hits}
    errors = np.array([estimated[tile] - exact[tile] for tile in exact])
    assert 0 < np.abs(errors).max() < 4 * np.sqrt(0.25 / 2048)


def test_a_selection_is_remembered(mixed: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    region = Region.from_like("5.001,45.001,5.099,45.009")
    first = ask(mixed, "red", regions=(region,))

    def fail(shapes: Any) -> Any:
        raise AssertionError("selected again")

    monkeypatch.setattr("engine.index.table.TileTable.meeting", lambda self, shapes: fail(shapes))
    assert ask(mixed, "red", regions=(Region(region.geometry, "other name"),)).hits == first.hits
    with pytest.raises(AssertionError):
        ask(mixed, "red", regions=(Region.from_like("5.001,45.001,5.099,45.019"),))


def test_bounds_across_the_antimeridian(make_collection: Make) -> None:
    collection = make_collection(mixtures(3), [shapely.box(179, 0, 180, 1), shapely.box(-180, 0, -179.5, 1), shapely.box(178, 0, 179, 1)])
    assert list(collection.bounds.array) == [178, 0, -179.5, 1]


def test_many_threads_get_the_same_answers(mixed: Collection) -> None:
    from concurrent.futures import ThreadPoolExecutor

    colours = list(COLOURS) * 8
    alone = [ask(mixed, colour).hits for colour in colours]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda colour: ask(mixed, colour).hits, colours)) == alone
