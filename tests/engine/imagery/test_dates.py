"""Times are read from where they are trustworthy, and numbers that are no time are left alone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from engine.imagery.dates import acquired


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("stem", "when"),
    [
        ("m_4709963_se_14_1_20090818", "2009-08-18"),
        ("m_3809932_ne_14_060_20200831_20201102", "2020-08-31"),
        ("lake 2014-07-20 morning", "2014-07-20"),
        ("lake_2014_07_20", "2014-07-20"),
        ("x.20140720T103021.y", "2014-07-20T10:30:21"),
        ("20140720_1030", "2014-07-20T10:30"),
        ("20140720103021", "2014-07-20T10:30:21"),
        ("2014-07-20T10-30-21Z", "2014-07-20T10:30:21"),
        ("S1A__IW___A_20150309T173017_VV_grd", "2015-03-09T17:30:17"),
        ("S2A_MSIL1C_20170105T013442_N0204_R031_T53NMJ_20170105T013443", "2017-01-05T01:34:42"),
        ("LC08_L1TP_016037_20170813_20170814_01_RT_B4", "2017-08-13"),
        ("LT50160371985123XXX03_B3", "1985-05-03"),
        ("2014-07", "2014-07-01"),
        ("1985", "1985-01-01"),
        ("pucallpa_1985", "1985-01-01"),
    ],
)
def test_time_in_a_name(stem: str, when: str) -> None:
    assert acquired({}, stem) == day(when)


@pytest.mark.parametrize(
    "stem", ["scene", "Spain_7370579_S2Hand", "m_4709963_se_14_1", "tile_2000_1500_2000", "a1985", "20141399", "x19000230x0", "3000"]
)
def test_no_time_in_a_name(stem: str) -> None:
    assert acquired({}, stem) is None


def test_acquisition_tags_come_first_and_keep_their_zone() -> None:
    tags = {"acquisition_datetime": "2014-07-20T12:30:00+02:00", "TIFFTAG_DATETIME": "2020:01:01 00:00:00"}
    assert acquired(tags, "scene_19990101") == day("2014-07-20T10:30")


def test_the_writing_time_counts_only_where_the_name_is_silent() -> None:
    tags = {"TIFFTAG_DATETIME": "2020:02:03 04:05:06"}
    assert acquired(tags, "scene_20140720") == day("2014-07-20")
    assert acquired(tags, "scene") == day("2020-02-03T04:05:06")
    assert acquired(tags, "scene_1985") == day("2020-02-03T04:05:06")


def test_an_unreadable_tag_is_passed_over() -> None:
    assert acquired({"DATETIME": "yesterday", "DATE_ACQUIRED": "2013-05-06"}, "scene") == day("2013-05-06")
