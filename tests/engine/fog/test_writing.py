"""A series becomes a cube without loss, and what is wrong with it is said."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import numpy as np
import pytest
import xarray as xr

from engine.errors import Cancelled, CubeInvalid, SourceInvalid
from engine.fog import Cube
from engine.fog.grid import Grid
from engine.fog.labels import Label
from engine.fog.observations import Observations
from engine.fog.provenance import Provenance
from engine.fog.quality import Quality, stray_light
from engine.fog.series import Frame, Series
from engine.fog.stack import Stack
from engine.fog.sun import solar_zenith
from engine.fog.view import satellite_zenith
from engine.fog.writing import write_cube
from engine.types import Bounds

NOON = datetime(2021, 3, 20, 12, tzinfo=UTC)


class Made(Series):
    """Frames that a test gives."""

    def __init__(self, frames: list[Frame], times: list[datetime], grid: Grid, **about: object) -> None:
        self.name, self.grid, self.times = "made", grid, tuple(times)
        self._frames = frames
        self.elements = tuple(dict.fromkeys(name for frame in frames for name in frame.fields))
        self.labelled = any(frame.label is not None for frame in frames)
        self.provenance = Provenance(**{"synthetic": True, "title": "made", **about})  # type: ignore[arg-type]

    def frame(self, index: int) -> Frame:
        return self._frames[index]


def grid(rows: int = 6, columns: int = 8) -> Grid:
    return Grid.of_shape(Bounds(-10.0, 40.0, -2.0, 46.0), (rows, columns))


def hours(count: int) -> list[datetime]:
    return [NOON + timedelta(minutes=30 * step) for step in range(count)]


def fields(where: Grid, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        "BT1120": rng.uniform(270, 290, where.shape).astype(np.float32),
        "BT0390": rng.uniform(270, 290, where.shape).astype(np.float32),
        "R0064": rng.uniform(2, 60, where.shape).astype(np.float32),
    }


def series(count: int = 2, where: Grid | None = None, **about: object) -> Made:
    where = where or grid()
    return Made([Frame(fields(where, step)) for step in range(count)], hours(count), where, **about)


def test_a_cube_gives_back_what_was_written(tmp_path: Path) -> None:
    source = series(3, satellite_longitude=0.0, region="NS", units_detected={"R0064": "fraction 0–1"}, notes=("one", "two"))
    seen: list[tuple[str, int, int]] = []
    written = write_cube(tmp_path / "a.zarr", source, progress=lambda *step: seen.append(step))
    cube = Cube.open(written.path)
    assert cube.times == source.times
    assert cube.grid == source.grid
    for name in source.elements:
        np.testing.assert_allclose(cube.element(name, 2), source.frame(2).fields[name], atol=0.0051)
    assert cube.provenance.units_detected == {"R0064": "fraction 0–1"}
    assert cube.provenance.notes[:2] == ("one", "two")
    assert cube.provenance.region == "NS"
    assert cube.title == "SYNTHETIC made"
    assert seen[0][1:] == (0, 3)
    assert seen[-1][1:] == (3, 3)


def test_the_store_is_cf_with_int16_counts_in_tile_chunks(tmp_path: Path) -> None:
    where = Grid.of_shape(Bounds(-10.0, 40.0, -2.0, 46.0), (300, 260))
    written = write_cube(
        tmp_path / "a.zarr", Made([Frame({"BT1120": np.full(where.shape, 280, np.float32)})], [NOON], where), geometry=False
    )
    meta = json.loads((written.path / "BT1120" / ".zarray").read_text())
    assert (meta["dtype"], meta["chunks"], meta["fill_value"]) == ("<i2", [1, 256, 256], -32768)
    with xr.open_dataset(written.path, engine="zarr", chunks=None) as data:  # decoded by xarray alone
        assert data["BT1120"].dims == ("time", "lat", "lon")
        assert float(data["BT1120"][0, 0, 0]) == pytest.approx(280)
        assert data["BT1120"].attrs["units"] == "K"
        assert data["BT1120"].attrs["standard_name"] == "toa_brightness_temperature"
        assert data["BT1120"].attrs["wavelength_um"] == pytest.approx(11.2)
        assert data["crs"].attrs["grid_mapping_name"] == "latitude_longitude"
        assert data.attrs["Conventions"] == "CF-1.11"
        assert data.attrs["synthetic"] == 1
        assert data["time"].values[0] == np.datetime64("2021-03-20T12:00")


def test_angles_are_stored_and_agree_with_the_formulas(tmp_path: Path) -> None:
    written = write_cube(tmp_path / "a.zarr", series(1, satellite_longitude=0.0))
    where = grid()
    with xr.open_dataset(written.path, engine="zarr", chunks=None) as data:
        expected = np.cos(np.deg2rad(solar_zenith(NOON, where.lat[:, None], where.lon[None, :])))
        np.testing.assert_allclose(data["cos_sza"][0], expected, atol=1e-4)
        np.testing.assert_allclose(data["sat_zenith"], satellite_zenith(where.lat[:, None], where.lon[None, :], 0.0), atol=0.01)
        # near noon and 0° E sun and satellite both stand in the south
        assert float(data["rel_azimuth"].max()) < 30


def test_labels_and_gaps_of_labels(tmp_path: Path) -> None:
    where = grid()
    label = np.full(where.shape, Label.FOG, dtype=np.int8)
    source = Made([Frame(fields(where), label), Frame(fields(where, 1))], hours(2), where)
    cube = Cube.open(write_cube(tmp_path / "a.zarr", source).path)
    first, second = cube.label(0), cube.label(1)
    assert first is not None
    assert second is not None
    assert (first == Label.FOG).all()
    assert (second == Label.UNLABELLED).all()


def test_a_label_of_another_shape_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    where = grid()
    source = Made([Frame(fields(where), np.zeros((3, 3), np.int8))], [NOON], where)
    with pytest.raises(SourceInvalid, match=r"label of 2021-03-20 12:00 UTC has \(3, 3\) cells, the picture \(6, 8\)"):
        write_cube(tmp_path / "a.zarr", source)
    assert not [path for path in tmp_path.iterdir() if "zarr" in path.name]


def test_an_empty_frame_is_named_and_its_cells_are_missing(tmp_path: Path) -> None:
    where = grid()
    empty = {name: np.full(where.shape, np.nan, np.float32) for name in fields(where)}
    written = write_cube(tmp_path / "a.zarr", Made([Frame(fields(where)), Frame(empty)], hours(2), where))
    assert written.empty == (hours(2)[1],)
    cube = Cube.open(written.path)
    assert ((cube.quality(1) & Quality.MISSING) > 0).all()
    assert ((cube.quality(0) & Quality.MISSING) == 0).all()
    assert any("1 frames without any value: 2021-03-20 12:30" in note for note in cube.provenance.notes)
    with pytest.raises(SourceInvalid, match="none of its frames holds a value"):
        write_cube(tmp_path / "b.zarr", Made([Frame(empty)], [NOON], where))


def test_a_band_that_a_frame_lacks_is_missing_there(tmp_path: Path) -> None:
    where = grid()
    less = {name: values for name, values in fields(where).items() if name != "BT0390"}
    cube = Cube.open(write_cube(tmp_path / "a.zarr", Made([Frame(fields(where)), Frame(less)], hours(2), where)).path)
    assert np.isnan(cube.element("BT0390", 1)).all()
    assert ((cube.quality(1) & Quality.MISSING) > 0).all()


@pytest.mark.parametrize(("order", "words"), [([0, 2, 1], "Sort the frames"), ([0, 1, 1], "stands twice")])
def test_times_out_of_order_or_doubled_are_refused(tmp_path: Path, order: list[int], words: str) -> None:
    where = grid()
    times = [hours(3)[index] for index in order]
    with pytest.raises(SourceInvalid, match=words):
        write_cube(tmp_path / "a.zarr", Made([Frame(fields(where))] * 3, times, where))


@pytest.mark.parametrize(
    ("name", "value", "words"), [("BT1120", 30.0, "no brightness temperature in kelvin"), ("R0064", 285.0, "no reflectance in %")]
)
def test_values_of_another_unit_are_refused(tmp_path: Path, name: str, value: float, words: str) -> None:
    where = grid()
    wrong = {**fields(where), name: np.full(where.shape, value, np.float32)}
    with pytest.raises(SourceInvalid, match=words):
        write_cube(tmp_path / "a.zarr", Made([Frame(wrong)], [NOON], where))


def test_a_lone_cell_makes_the_whole_way(tmp_path: Path) -> None:
    where = Grid.of_shape(Bounds(4.0, 50.0, 4.0125, 50.0125), (1, 1))
    cube = Cube.open(write_cube(tmp_path / "a.zarr", series(2, where, satellite_longitude=0.0)).path)
    assert cube.shape == (1, 1)
    assert cube.bounds == Bounds(4.0, 50.0, 4.0125, 50.0125)
    assert cube.element("BT1120", 1).shape == (1, 1)


def test_a_grid_across_the_antimeridian_keeps_its_cells(tmp_path: Path) -> None:
    box = Bounds(177.0, 50.0, -179.0, 54.0)
    where = Grid.over(box, 0.5)
    assert where.lon[0] == pytest.approx(177.25)
    assert where.lon[-1] == pytest.approx(180.75)
    cube = Cube.open(write_cube(tmp_path / "a.zarr", series(1, where, satellite_longitude=140.7)).path)
    assert cube.bounds == box
    view = cube.view_zenith
    assert view is not None
    np.testing.assert_allclose(view[:, -1], satellite_zenith(cube.lat, np.array(-179.25), 140.7), atol=1e-3)


def test_cells_seen_too_flat_are_marked_and_unseen_ones_refused(tmp_path: Path) -> None:
    cube = Cube.open(write_cube(tmp_path / "a.zarr", series(1, satellite_longitude=62.0)).path)
    view = cube.view_zenith
    assert view is not None
    np.testing.assert_array_equal((cube.quality(0) & Quality.SLANT) > 0, view > 65)
    assert (view > 65).any()
    assert any("seen from beyond 65°" in note for note in cube.provenance.notes)
    with pytest.raises(SourceInvalid, match="does not see"):
        write_cube(tmp_path / "b.zarr", series(1, satellite_longitude=140.7))


def test_a_lost_chunk_is_an_error_and_no_silent_gap(tmp_path: Path) -> None:
    path = write_cube(tmp_path / "a.zarr", series(2)).path
    (path / "BT0390" / "1.0.0").unlink()
    cube = Cube.open(path)
    assert np.isfinite(cube.element("BT0390", 0)).all()
    with pytest.raises(CubeInvalid, match="1 of 1 chunks of BT0390 at frame 1 are missing"):
        cube.element("BT0390", 1)


def test_a_cube_must_say_whether_it_is_made_up(tmp_path: Path) -> None:
    path = write_cube(tmp_path / "a.zarr", series(1)).path
    for name in (".zattrs", ".zmetadata"):
        text = json.loads((path / name).read_text())
        (text if name == ".zattrs" else text["metadata"][".zattrs"]).pop("synthetic")
        (path / name).write_text(json.dumps(text))
    with pytest.raises(CubeInvalid, match="whether its data are made up"):
        Cube.open(path)


def test_ten_thousand_frames_are_written_and_opened_one_by_one(tmp_path: Path) -> None:
    """The series makes frames on demand; none is held."""
    where, asked = grid(1, 1), []

    class Long(Made):
        def frame(self, index: int) -> Frame:
            asked.append(index)
            if len(asked) > 3:
                raise Cancelled("enough", "")
            return Frame({"BT1120": np.full(where.shape, 280, np.float32)})

    source = Long([Frame({"BT1120": np.zeros((1, 1), np.float32)})], hours(10_000), where)
    with pytest.raises(Cancelled):
        write_cube(tmp_path / "a.zarr", source)
    assert asked == [0, 1, 2, 3]


def test_a_cube_of_ten_thousand_frames_opens_without_reading_them(tmp_path: Path) -> None:
    where = grid(2, 2)
    path = write_cube(tmp_path / "a.zarr", series(1, where), geometry=False).path
    count = 10_000
    for folder in path.iterdir():  # as if so many had been written: the chunks of all but the first are absent
        meta = folder / ".zarray"
        if meta.is_file():
            text = json.loads(meta.read_text())
            if json.loads((folder / ".zattrs").read_text())["_ARRAY_DIMENSIONS"][:1] == ["time"]:
                text["shape"][0] = count
                meta.write_text(json.dumps(text))
    (path / ".zmetadata").unlink()
    import zarr

    zarr.open_array(str(path / "time"), mode="r+")[:] = np.arange(count) * 1800
    cube = Cube.open(path)
    assert len(cube.times) == count
    assert cube.nearest(cube.times[9_000]) == 9_000
    assert np.isfinite(cube.element("BT1120", 0)).all()
    with pytest.raises(CubeInvalid, match="missing"):
        cube.element("BT1120", 9_999)


def test_a_stop_leaves_nothing_and_keeps_the_old_cube(tmp_path: Path) -> None:
    path = write_cube(tmp_path / "a.zarr", series(1)).path
    stop = Event()
    stop.set()
    with pytest.raises(Cancelled):
        write_cube(path, series(2), cancel=stop)
    assert len(Cube.open(path).times) == 1
    assert [entry.name for entry in tmp_path.glob("*a.zarr*")] == ["a.zarr"]


def test_the_stack_is_a_view_and_an_export(tmp_path: Path) -> None:
    source = series(3)
    cube = Cube.open(write_cube(tmp_path / "a.zarr", source).path)
    stack = cube.stack()
    whole = np.stack([np.stack([source.frame(t).fields[name] for t in range(3)], axis=-1) for name in cube.elements])
    assert stack.shape == whole.shape == (3, 6, 8, 3)
    for key in [(0,), (slice(None), slice(1, 3)), (1, 2, 3, 1), (slice(0, 2), slice(None), -1, 2), (slice(None), 0, 0, slice(0, 2))]:
        np.testing.assert_allclose(stack[key], whole[key], atol=0.0051)
    np.testing.assert_allclose(np.asarray(stack), whole, atol=0.0051)
    path = stack.save(tmp_path / "SYNTHETIC_stack")
    np.testing.assert_allclose(np.load(path), whole, atol=0.0051)
    with pytest.raises(CubeInvalid, match="lacks BT0730"):
        Stack(cube, ("BT0730",))


def test_observations_in_the_box_and_time_go_along(tmp_path: Path) -> None:
    table = tmp_path / "ships.csv"
    table.write_text(
        "time,lat,lon,vis_m,ww\n2021-03-20T12:10Z,43,-5,400,45\n2021-03-20T12:10Z,60,-5,400,45\n2021-03-21T12:10Z,43,-5,400,45\n"
    )
    cube = Cube.open(write_cube(tmp_path / "a.zarr", series(1), observations=Observations.read(table)).path)
    found = cube.observations
    assert found is not None
    assert len(found) == 1
    assert found.fog.tolist() == [1]
    assert found.cells(cube.grid).tolist() == [[3, 5]]
    assert any("1 of 3 observations" in note for note in cube.provenance.notes)


def test_stray_light_comes_near_the_equinox_at_the_satellites_midnight() -> None:
    assert stray_light(datetime(2021, 3, 20, 0, 5, tzinfo=UTC), 0.0)
    assert not stray_light(datetime(2021, 3, 20, 12, 5, tzinfo=UTC), 0.0)
    assert not stray_light(datetime(2021, 6, 21, 0, 5, tzinfo=UTC), 0.0)
    assert stray_light(datetime(2021, 9, 22, 9, 5, tzinfo=UTC), -137.0)


def test_quality_marks_twilight_cold_tops_and_coast(tmp_path: Path) -> None:
    where = Grid.of_shape(Bounds(0.0, -0.5, 10.0, 0.5), (4, 20))
    cold = {name: values.copy() for name, values in fields(where).items()}
    cold["BT1120"][0] = 220
    source = Made([Frame(cold)], [datetime(2021, 3, 20, 17, 45, tzinfo=UTC)], where)
    source.land = np.zeros(where.shape, bool)
    source.land[:, :10] = True
    cube = Cube.open(write_cube(tmp_path / "a.zarr", source).path)
    bits, zenith = cube.quality(0), cube.solar_zenith(0)
    assert zenith is not None
    np.testing.assert_array_equal((bits & Quality.TWILIGHT) > 0, (zenith >= 80) & (zenith < 90))
    assert ((bits[0] & Quality.COLD_TOP) > 0).all()
    assert ((bits[1:] & Quality.COLD_TOP) == 0).all()
    np.testing.assert_array_equal(np.flatnonzero((bits[2] & Quality.COAST) > 0), [8, 9, 10, 11])
