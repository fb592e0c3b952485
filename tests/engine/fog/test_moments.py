from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.errors import TimeInvalid
from engine.fog.moments import ahead, moments, spacing, stamp, unstamped

from .seas import NIGHT, open_sea

HALF = timedelta(minutes=30)


def test_missing_half_hours_are_gaps(tmp_path: Path) -> None:
    times = [NIGHT, NIGHT + HALF, NIGHT + 4 * HALF, NIGHT + 5 * HALF, NIGHT + 6 * HALF]
    cube = open_sea(tmp_path / "a.zarr", times, shape=(4, 4))
    axis = moments(cube)
    assert [moment.time for moment in axis] == [NIGHT + step * HALF for step in range(7)]
    assert [moment.index for moment in axis] == [0, 1, None, None, 2, 3, 4]
    assert [moment.gap for moment in axis] == [False, False, True, True, False, False, False]


def test_frames_a_few_minutes_late_leave_no_gap(tmp_path: Path) -> None:
    times = [NIGHT, NIGHT + HALF, NIGHT + 2 * HALF + timedelta(minutes=9), NIGHT + 3 * HALF]
    assert not any(moment.gap for moment in moments(open_sea(tmp_path / "a.zarr", times, shape=(4, 4))))


def test_a_gap_of_days_is_one_moment(tmp_path: Path) -> None:
    times = [NIGHT, NIGHT + HALF, NIGHT + 2 * HALF, NIGHT + timedelta(days=300)]
    axis = moments(open_sea(tmp_path / "a.zarr", times, shape=(4, 4)))
    assert len(axis) == 5
    assert axis[3].missing == 300 * 48 - 3


def test_light_follows_the_sun(tmp_path: Path) -> None:
    """Walvis Bay in mid September: midnight and noon UTC; the sun rises near 5:15 UTC."""
    start = datetime(2021, 9, 14, tzinfo=UTC)
    times = [start, start + timedelta(hours=5, minutes=40), start + timedelta(hours=12)]
    cube = open_sea(tmp_path / "a.zarr", times, shape=(4, 4))
    assert [moment.light for moment in moments(cube) if not moment.gap] == ["night", "twilight", "day"]
    nominal = open_sea(tmp_path / "b.zarr", times, shape=(4, 4), attrs={"time_known": 0})
    assert {moment.light for moment in moments(nominal)} == {"unknown"}


def test_forecast_moments_are_marked(tmp_path: Path) -> None:
    cube = open_sea(tmp_path / "a.zarr", shape=(4, 4))
    found = ahead(cube, cube.times[-1], (30, 180))
    assert [(moment.time - NIGHT, moment.lead, moment.forecast, moment.gap) for moment in found] == [
        (HALF, 30, True, False),
        (6 * HALF, 180, True, False),
    ]


def test_stamps_come_back() -> None:
    when = datetime(2021, 9, 14, 1, 2, 3, tzinfo=UTC)
    assert unstamped(stamp(when)) == when
    assert stamp(when) == "20210914T010203Z"
    for text in ("", "2021-09-14T01:02:03Z", "20211314T010203Z", "20210914T010203Z; rm", "2021091٤T010203Z"):
        with pytest.raises(TimeInvalid):
            unstamped(text)


def test_the_spacing_is_the_usual_one() -> None:
    assert spacing([NIGHT]) == HALF
    assert spacing([NIGHT, NIGHT + timedelta(minutes=10), NIGHT + timedelta(minutes=20), NIGHT + timedelta(days=3)]).total_seconds() == 600
