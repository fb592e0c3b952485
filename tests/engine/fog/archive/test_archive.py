"""Scans of GOES and Himawari are found by region and time and fetched once, from a server that speaks the buckets' protocol."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest

from engine.errors import ArchiveUnreachable, Cancelled, SourceForbidden, SourceInvalid
from engine.fog.archive import fetch
from engine.fog.archive.bucket import Bucket
from engine.fog.archive.scans import Goes, Himawari
from engine.fog.instruments import instruments
from engine.fog.regions import sea_regions
from engine.settings import settings
from engine.types import Bounds

from .bucket_server import BucketServer, serving

WHEN = datetime(2024, 5, 3, 18, 0, tzinfo=UTC)


def goes(when: datetime, band: str, product: str = "RadC", number: int = 18) -> str:
    start = f"{when:%Y%j%H%M%S}7"
    return f"ABI-L1b-{product}/{when:%Y/%j/%H}/OR_ABI-L1b-{product}-M6{band}_G{number}_s{start}_e{start}_c{start}.nc"


def himawari(when: datetime, band: str, segment: int) -> str:
    return f"AHI-L1b-FLDK/{when:%Y/%m/%d/%H%M}/HS_H09_{when:%Y%m%d_%H%M}_{band}_FLDK_R20_S{segment:02d}10.DAT.bz2"


def buckets() -> dict[str, dict[str, bytes]]:
    west, east = {}, {}
    for minute in (1, 6, 28, 33, 91):
        when = WHEN + timedelta(minutes=minute, seconds=17)
        for band in ("C02", "C05", "C07", "C13", "C14", "C15"):
            west[goes(when, band)] = f"{band} {minute}".encode() * 50
            west[goes(when, band, "RadF")] = b"full"
    for segment in range(1, 11):
        for band in ("B03", "B05", "B07", "B13", "B14", "B15"):
            east[himawari(WHEN, band, segment)] = f"{band} {segment}".encode()
    return {"noaa-goes18": west, "noaa-himawari9": east}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[BucketServer]:
    monkeypatch.setenv("PHAROS_ALLOW_PRIVATE_HOSTS", "true")
    settings.cache_clear()
    with serving(buckets()) as running:
        yield running


def test_goes_scans_nearest_to_each_half_hour_come_with_the_wanted_bands(server: BucketServer, tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    got = fetch("CC", WHEN, WHEN + timedelta(hours=2), tmp_path, endpoint=server.endpoint, progress=lambda *step: seen.append(step))
    assert got.platform == "GOES-18"
    assert got.scans == tuple(WHEN + timedelta(minutes=minute, seconds=17) for minute in (1, 28, 91))
    assert got.gaps == (WHEN + timedelta(minutes=60), WHEN + timedelta(minutes=120))
    assert sorted({path.name.split("-M6")[1][:3] for path in got.files}) == ["C02", "C05", "C07", "C14", "C15"]
    assert len(got.files) == 15
    assert (tmp_path / goes(WHEN + timedelta(minutes=1, seconds=17), "C14").split("/")[-1]).read_bytes() == b"C14 1" * 50
    assert got.bytes == sum(path.stat().st_size for path in got.files)
    assert seen[-1] == ("Fetching from GOES-18", 15, 15)


def test_what_is_here_is_not_fetched_again(server: BucketServer, tmp_path: Path) -> None:
    fetch("CC", WHEN, WHEN, tmp_path, endpoint=server.endpoint)
    before = len(server.asked)
    fetch("CC", WHEN, WHEN, tmp_path, endpoint=server.endpoint)
    assert all("list-type" in path for path, _ in server.asked[before:])


def test_himawari_segments_are_those_of_the_region(server: BucketServer, tmp_path: Path) -> None:
    got = fetch("YB", WHEN, WHEN, tmp_path, elements=("BT1120",), endpoint=server.endpoint)
    assert got.platform == "Himawari-9"
    ahi = instruments()["AHI"]
    segments = [int(path.name.split("_S")[1][:2]) for path in got.files]
    assert segments == list(Himawari(ahi, ahi.platforms[1], sea_regions()["YB"].bounds).segments)
    assert len(segments) < 5  # not the whole disk


@pytest.mark.parametrize("box", [Bounds(116.2, 28.7, 129.0, 41.5), Bounds(150.0, -30.0, 160.0, -20.0), Bounds(135.0, -2.0, 145.0, 2.0)])
def test_segments_hold_the_whole_region(box: Bounds) -> None:
    """Truth from the geostationary projection itself, with its flattened Earth."""
    from pyproj import Transformer

    ahi = instruments()["AHI"]
    wanted = Himawari(ahi, ahi.platforms[1], box).segments
    to = Transformer.from_crs("EPSG:4326", "+proj=geos +h=35785863 +lon_0=140.7 +a=6378137 +rf=298.257024882273 +sweep=y", always_xy=True)
    full = 5500.0356  # half the height of the disk, km
    lines = [
        (full - to.transform(lon, lat)[1] / 1000) / (2 * full)
        for lat in (box.south, box.north)
        for lon in (box.west, (box.west + box.east) / 2, box.east)
    ]
    needed = {min(10, int(line * 10) + 1) for line in lines}
    assert needed <= set(wanted)
    assert len(wanted) <= len(range(min(needed), max(needed) + 1)) + 2


def test_the_sector_is_taken_where_it_holds_the_region() -> None:
    abi = instruments()["ABI"]
    regions = sea_regions()
    products = {
        key: Goes(abi, abi.serving(WHEN, regions[key].bounds.centre[0]), regions[key].bounds).product for key in ("CC", "GM", "NB", "GA")
    }
    assert products == {"CC": "ABI-L1b-RadC", "GM": "ABI-L1b-RadC", "NB": "ABI-L1b-RadF", "GA": "ABI-L1b-RadF"}


def test_the_satellite_of_the_day_serves() -> None:
    abi, ahi = instruments()["ABI"], instruments()["AHI"]
    assert abi.serving(datetime(2025, 4, 6, tzinfo=UTC), -70).name == "GOES-16"
    assert abi.serving(datetime(2025, 4, 8, tzinfo=UTC), -70).name == "GOES-19"
    assert abi.serving(datetime(2022, 4, 8, tzinfo=UTC), -125).name == "GOES-17"
    assert ahi.serving(datetime(2022, 12, 12, tzinfo=UTC)).name == "Himawari-8"
    with pytest.raises(SourceInvalid, match="no satellite carried it on 2001-01-01"):
        abi.serving(datetime(2001, 1, 1, tzinfo=UTC))


def test_a_busy_server_and_a_cut_line_are_tried_again(server: BucketServer, tmp_path: Path) -> None:
    with Bucket("noaa-goes18", server.endpoint) as bucket:
        server.manners = ["busy"]
        items = list(bucket.keys(f"ABI-L1b-RadC/{WHEN:%Y/%j/%H}/"))
        assert len(items) == 24  # in pages of three
        server.manners = ["cut"]
        path = bucket.fetch(items[0], tmp_path)
    assert path.read_bytes() == buckets()["noaa-goes18"][items[0].key]
    assert server.asked[-1][1] == f"bytes={items[0].size // 2}-"  # it went on where the line was cut
    assert [entry.name for entry in tmp_path.glob("OR_*")] == [items[0].name]


@pytest.mark.parametrize("manner", ["page", "doctype"])
def test_an_answer_that_is_no_listing_is_refused(server: BucketServer, manner: str) -> None:
    server.manners = [manner]
    with Bucket("noaa-goes18", server.endpoint) as bucket, pytest.raises(ArchiveUnreachable, match="no listing"):
        list(bucket.keys("a"))


def test_clear_words_for_every_way_to_get_nothing(server: BucketServer, tmp_path: Path) -> None:
    def get(region: str, when: datetime = WHEN, hours: float = 0, series: str = "") -> None:
        fetch(region, when, when + timedelta(hours=hours), tmp_path, series=series, endpoint=server.endpoint)

    with pytest.raises(ArchiveUnreachable, match="has no scan between 2024-05-04 18:00"):
        get("CC", WHEN + timedelta(days=1))
    with pytest.raises(ArchiveUnreachable, match=r"noaa-goes16.*does not have its listing"):
        get("GM")
    with pytest.raises(SourceInvalid, match="only GOES and Himawari have public archives"):
        get("NS")
    with pytest.raises(SourceInvalid, match="longer than a week"):
        get("CC", hours=200)
    with pytest.raises(SourceInvalid, match="no such series"):
        get("CC", series="Sputnik")
    stop = Event()
    stop.set()
    with pytest.raises(Cancelled, match="kept"):
        fetch("CC", WHEN, WHEN, tmp_path, endpoint=server.endpoint, cancel=stop)


def test_the_allow_list_holds_for_archives(server: BucketServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHAROS_ALLOW_PRIVATE_HOSTS", "false")
    settings.cache_clear()
    with pytest.raises(SourceForbidden, match="private"):
        fetch("CC", WHEN, WHEN, tmp_path, endpoint=server.endpoint)
    assert not server.asked


def test_nobody_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHAROS_ALLOW_PRIVATE_HOSTS", "true")
    settings.cache_clear()
    with serving({}) as gone:
        endpoint = gone.endpoint
    with pytest.raises(ArchiveUnreachable, match="does not answer"):
        fetch("CC", WHEN, WHEN, tmp_path, endpoint=endpoint)
