"""Tables of ships and stations: what they say, in whatever form, and which line is wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from engine.errors import SourceInvalid
from engine.fog.grid import Grid
from engine.fog.observations import Observations
from engine.types import Bounds


def table(path: Path, text: str) -> Observations:
    (path / "t.csv").write_text(text)
    return Observations.read(path / "t.csv")


def test_m4fogs_columns_with_half_hours_and_codes(tmp_path: Path) -> None:
    made = table(
        tmp_path,
        "year month day hour lon lat VV WW label\n2020 1 31 23.5 120.5 35.25 93 45 1\n"
        "2020 2 1 0 121 36 97 2 0\n2020 2 1 0 121 36 93 63 1\n",
    )
    assert made.times == (datetime(2020, 1, 31, 23, 30, tzinfo=UTC), datetime(2020, 2, 1, tzinfo=UTC), datetime(2020, 2, 1, tzinfo=UTC))
    assert made.visibility_m.tolist() == [500, 10000, 500]
    assert made.fog.tolist() == [1, 0, 0]  # 500 m in rain is no fog
    assert made.lon.tolist() == [120.5, 121, 121]


def test_code_94_is_beyond_one_kilometre_and_no_fog(tmp_path: Path) -> None:
    assert table(tmp_path, "time,lat,lon,VV,WW\n2020-01-01T00:00Z,35,121,94,10\n").fog.tolist() == [0]


def test_metres_weather_and_label_in_that_order(tmp_path: Path) -> None:
    made = table(
        tmp_path,
        "time;latitude;longitude;visibility;ww;label;sst;air_temperature\n"
        "2020-01-01T00:00Z;35;181;999;;;10;283.15\n2020-01-01T00:00Z;35;121;;42;;;\n2020-01-01T00:00Z;35;121;;-9999;1;;\n2020-01-01T00:00Z;35;121;;;;;\n",
    )
    assert made.fog.tolist() == [1, 1, 1, -1]
    assert made.lon[0] == -179
    assert made.sst_k[0] == pytest.approx(283.15)
    assert made.air_k[0] == pytest.approx(283.15)
    assert np.isnan(made.sst_k[1])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("time,lat,lon\n2020-01-01T00:00Z,35,121\n", "neither visibility"),
        ("time,lon,vis\n2020-01-01T00:00Z,35,121\n", "no column lat"),
        ("lat,lon,vis\n35,121,400\n", "it has no time"),
        ("time,lat,lon,vis\nyesterday,35,121,400\n", "line 2: its time can't be read"),
        ("time,lat,lon,vis\n2020-01-01T00:00Z,35,121,400\n2020-01-01T00:00Z,95,121,400\n", "line 3: lat is 95, outside -90 to 90"),
        ("time,lat,lon,vis\n2020-01-01T00:00Z,35,121,thick\n", "line 2: visibility is “thick”"),
        ("time,lat,lon,vis\n2020-01-01T00:00Z,35,121\n", "line 2 has 3 columns, the first has 4"),
        ("time,lat,lon,vis\n", "holds no observation"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SourceInvalid, match=words):
        table(tmp_path, text)


def test_they_find_their_cells_across_the_antimeridian(tmp_path: Path) -> None:
    made = table(
        tmp_path,
        "time,lat,lon,vis\n"
        + "".join(f"2020-01-01T00:00Z,{lat},{lon},400\n" for lat, lon in ((53.9, 177.1), (50.1, -179.1), (50.1, -178.9))),
    )
    grid = Grid.over(Bounds(177.0, 50.0, -179.0, 54.0), 0.5)
    assert made.cells(grid).tolist() == [[0, 0], [7, 7], [-1, -1]]
    assert len(made.inside(grid)) == 2
    assert len(made.near(datetime(2020, 1, 1, 0, 31, tzinfo=UTC))) == 0
