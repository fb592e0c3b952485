from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from engine.errors import ScoresInvalid
from engine.fog.labels import Label
from engine.fog.mask import State
from engine.fog.scores import Contingency, Pair, Said, Truth, events, scorecard

NOON = datetime(2021, 3, 20, 12, tzinfo=UTC)
F, C, H, N = int(State.FOG), int(State.CLEAR), int(State.OBSCURED), int(State.NO_DATA)


def pair(state: list[list[int]], labels: list[list[int]], **more: object) -> Pair:
    said = Said(np.array(state, np.uint8), np.array([[0.9 if code == F else 0.1 for code in row] for row in state], np.float32))
    return Pair(said, Truth(np.array(labels, np.int8)), **more)  # type: ignore[arg-type]


def test_what_counts_and_what_does_not() -> None:
    """Hit, miss, false alarm, null; obscured over open fog is a miss; no data, uncertain, unlabelled and hidden fog are left out."""
    card = scorecard([pair([[F, C, F, C, H, N, F, F, H]], [[1, 1, 0, 0, 1, 1, -1, 3, 2]])])
    assert card.total == Contingency(hits=1, misses=2, false_alarms=1, correct_nulls=1)
    assert card.by_cover["under higher cloud"] == Contingency(misses=2)
    assert card.by_cover["open"] == Contingency(1, 1, 1, 1)
    assert (card.labelled, card.judged) == (6, 5)


def test_low_stratus_is_no_fog_unless_it_is_asked_for() -> None:
    said, labels = Said(np.array([[F]], np.uint8)), np.array([[Label.LOW_STRATUS]], np.int8)
    assert scorecard([Pair(said, Truth(labels))]).total.false_alarms == 1
    assert scorecard([Pair(said, Truth(labels, stratus_counts=True))]).total.hits == 1


def test_light_splits_pixels_at_80_and_90_degrees() -> None:
    zenith = np.array([[20.0, 79.9, 80.0, 89.9, 90.0, 120.0]])
    card = scorecard([pair([[F] * 6], [[1, 0, 1, 1, 0, 0]], zenith=zenith)])
    by = card.by("light")
    assert by["day"] == Contingency(1, 0, 1, 0)
    assert by["twilight"] == Contingency(2, 0, 0, 0)
    assert by["night"] == Contingency(0, 0, 2, 0)
    record = card.record()
    assert record["by"]["night"]["far"] == 1.0
    assert "unknown" not in record["by"]
    assert sum(table.n for table in by.values()) == card.total.n


def test_regions_are_kept_apart() -> None:
    card = scorecard([pair([[F]], [[1]], region="YB"), pair([[F]], [[0]], region="BE"), pair([[C]], [[1]], region="YB")])
    assert card.by("region") == {"YB": Contingency(1, 1), "BE": Contingency(false_alarms=1)}


def test_intervals_draw_whole_events() -> None:
    """A good and a bad event of ten frames each: drawing events gives 0, ½ or 1; frames would give a narrow interval around ½."""
    frames = [pair([[F] * 4], [[1] * 4], event="good")] * 10 + [pair([[C] * 4], [[1] * 4], event="bad")] * 10
    card = scorecard(frames)
    interval = card.interval("pod")
    assert card.events == 2
    assert interval is not None
    assert (interval.low, interval.high) == (0.0, 1.0)
    assert scorecard(frames[:10]).interval("pod") is None


def test_events_end_with_pauses() -> None:
    times = [NOON + timedelta(hours=hour) for hour in (0, 1, 2, 3, 10, 11, 12, 30, 31)]
    fog = [False, True, True, False, False, True, True, False, False]
    assert events(times, fog) == [0, 0, 0, 0, 1, 1, 1, 2, 2]
    every = [NOON + timedelta(hours=hour) for hour in range(10)]
    assert events(every, [True] + [False] * 8 + [True]) == [0] * 9 + [1]
    assert events(every, [True, False] * 5) == [0] * 10


def test_probabilities_and_fractions_come_along() -> None:
    record = scorecard([pair([[F, C], [C, C]], [[1, 0], [0, 0]])]).record()
    assert record["reliability"]["brier"] == pytest.approx(0.01, abs=1e-6)
    assert record["fss"]["1"] == 1.0
    assert record["useful_window"] == 1
    assert scorecard([Pair(Said(np.array([[F]], np.uint8)), Truth(np.array([[1]], np.int8)))]).reliability is None


def test_shapes_and_emptiness_are_told() -> None:
    with pytest.raises(ScoresInvalid, match="1 × 2 cells, the truth 2 × 1"):
        pair([[F, C]], [[1], [0]])
    with pytest.raises(ScoresInvalid, match="no frame"):
        scorecard([])
    with pytest.raises(ScoresInvalid, match="no pixel"):
        scorecard([pair([[N]], [[1]])])
