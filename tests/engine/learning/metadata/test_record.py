"""Records of acquisitions: any part may be unknown, nothing impossible is taken."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta, timezone

import pytest

from engine.learning.metadata import FIELDS, Metadata

FULL = Metadata(
    gsd_m=10.0,
    when=datetime(2022, 6, 18, 13, 51, tzinfo=UTC),
    lon=-31.5,
    lat=43.5,
    season="summer",
    sun_elevation_deg=66.0,
    sun_azimuth_deg=150.0,
    view_zenith_deg=4.0,
    cloud_cover=0.12,
)


def test_it_knows_what_it_knows() -> None:
    assert FULL.known == FIELDS
    assert Metadata().known == ()
    assert Metadata(lon=0.0, lat=0.0, cloud_cover=0.0).known == ("location", "cloud")


def test_only_some_fields_are_kept() -> None:
    kept = FULL.only(("time", "location"))
    assert kept.known == ("time", "location")
    assert (kept.lon, kept.lat, kept.gsd_m, kept.sun_azimuth_deg) == (-31.5, 43.5, None, None)
    assert FULL.only(()) == Metadata()


def test_longitudes_wrap_and_times_are_in_utc() -> None:
    assert Metadata(lon=190.0, lat=0.0).lon == -170.0
    assert Metadata(lon=180.0, lat=0.0) == Metadata(lon=-180.0, lat=0.0)
    assert Metadata(lon=12.0, lat=90.0) == Metadata(lon=-80.0, lat=90.0)
    here = datetime(2022, 1, 1, 1, tzinfo=timezone(timedelta(hours=2)))
    assert Metadata(when=here).when == datetime(2021, 12, 31, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    "wrong",
    [
        {"gsd_m": 0.0},
        {"gsd_m": -1.0},
        {"gsd_m": math.nan},
        {"lon": 10.0},
        {"lat": 91.0, "lon": 0.0},
        {"lat": math.inf, "lon": 0.0},
        {"cloud_cover": 12.0},
        {"sun_elevation_deg": 30.0},
        {"season": "monsoon"},
        {"view_zenith_deg": -3.0},
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"not within|is 0|missing|none of"):
        Metadata(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("record", [FULL, Metadata(), Metadata(cloud_cover=0.0)])
def test_a_record_survives_json(record: Metadata) -> None:
    assert Metadata.from_row(json.loads(json.dumps(record.row()))) == record


@pytest.mark.parametrize("row", [{"altitude": 3.0}, {"when": "yesterday"}, {"lat": 1.0}])
def test_what_is_no_record_is_refused(row: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"altitude|yesterday|missing"):
        Metadata.from_row(row)
