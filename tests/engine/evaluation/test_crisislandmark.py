from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.errors import DataMissing, DatasetInvalid, ExtraMissing, ImageUnreadable
from engine.evaluation.datasets.crisislandmark import CrisisLandMark
from engine.evaluation.datasets.multilabel import MultiLabel

SIDE = 8


def write_group(shard: Any, key: str, image: np.ndarray, timestamp: str = "2020-05-01T10:00:00") -> None:
    group = shard.create_group(key)
    group["image"] = image
    # UTM zone 32 N: the centre pixel lies on the central meridian, 9° E.
    x, y = np.meshgrid(500_000 + 10.0 * (np.arange(SIDE) - SIDE // 2), 5_400_000 - 10.0 * (np.arange(SIDE) - SIDE // 2))
    group["coords"] = np.stack([x, y])
    group.attrs["crs"] = "EPSG:32632"
    group.attrs["timestamp"] = timestamp


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """The published layout in small: shards, an archive that links to them, metadata. SYNTHETIC."""
    h5py = pytest.importorskip("h5py", reason="h5py is an optional extra")
    optical = np.arange(12, dtype=np.float32)[:, None, None] * 100 + np.zeros((1, SIDE, SIDE), np.float32)
    optical[3, 0, 0] = np.nan
    radar = np.stack([np.full((SIDE, SIDE), -10.0), np.full((SIDE, SIDE), -17.0)]).astype(np.float32)
    radar[0, 0, 0] = np.nan
    shards: dict[str, dict[str, np.ndarray]] = {
        "benv2s2_part1": {"s2_a": optical},
        "benv2s1_part1": {"s1_a": radar},
        "mmflood": {"s1_b": radar},
        "quakeset": {"q": np.concatenate([np.full((2, SIDE, SIDE), 9.0, np.float32), radar])},
        "cabuar": {"odd": np.ones((5, SIDE, SIDE), np.float32)},
    }
    with h5py.File(tmp_path / "crisislandmark.h5", "w") as whole:
        for name, groups in shards.items():
            with h5py.File(tmp_path / f"{name}.h5", "w") as shard:
                for key, image in groups.items():
                    write_group(shard, key, image)
                    whole[key] = h5py.ExternalLink(f"{name}.h5", key)
    rows = [
        {"key": "s2_a", "split": "test", "labels": ["Water", "Built"]},
        {"key": "s1_a", "split": "test", "labels": ["Water"]},
        {"key": "s1_b", "split": "train", "labels": ["Flooded Area", "Water"]},
        {"key": "q", "split": "test", "labels": ["Earthquake Damage"]},
        {"key": "lost", "split": "test", "labels": ["Trees"]},
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "metadata.parquet")
    return tmp_path


def test_test_part_in_the_order_of_its_keys(archive: Path) -> None:
    data = CrisisLandMark.open(archive)
    assert [scene.picture.name for scene in data.scenes] == ["q", "s1_a", "s2_a"]
    assert data.scenes[2].labels == ("Water", "Built")
    assert [name for name, _ in data.skipped] == ["lost"]
    assert len(CrisisLandMark.open(archive, "train").scenes) == 1
    with pytest.raises(DatasetInvalid, match=r"no part “val”\. It has: test, train"):
        CrisisLandMark.open(archive, "val")


def test_optical_bands_get_a_zero_band_and_reflectance(archive: Path) -> None:
    bands = CrisisLandMark.open(archive).bands("s2_a")
    assert bands.sensor == "sentinel2"
    assert bands.values.shape == (13, SIDE, SIDE)
    assert bands.values[:, 1, 1] == pytest.approx([*(np.arange(10) / 100), 0, 0.10, 0.11])
    assert bands.values[3, 0, 0] == 0  # was NaN
    assert (bands.lon, bands.lat) == (pytest.approx(9.0), pytest.approx(48.75, abs=0.01))
    assert bands.preview()[1, 1] == pytest.approx([25.5, 17, 8.5], abs=0.6)  # of 255 at 30 % reflectance


@pytest.mark.parametrize(("key", "first", "second"), [("s1_a", -17, -10), ("s1_b", -10, -17), ("q", -10, -17)])
def test_radar_channels_are_put_in_order(archive: Path, key: str, first: float, second: float) -> None:
    """BigEarthNet's shards store VH first; quakeset's first two channels are no radar."""
    bands = CrisisLandMark.open(archive, "all").bands(key)
    assert bands.sensor == "sentinel1"
    assert bands.values[:, 1, 1].tolist() == [first, second]
    assert np.isfinite(bands.values).all()
    assert (bands.values == np.float32(1e-6)).sum() == 1
    assert bands.preview().shape == (SIDE, SIDE, 3)


def test_unknown_shapes_and_lost_shards_are_named(archive: Path) -> None:
    data = CrisisLandMark.open(archive)
    with pytest.raises(ImageUnreadable, match="2, 12 or 13"):
        data.bands("odd")
    (archive / "quakeset.h5").unlink()
    with pytest.raises(ImageUnreadable, match="q"):
        data.bands("q")
    assert [name for name, _ in CrisisLandMark.open(archive).skipped] == ["lost", "q"]


def test_label_sets_for_graded_retrieval(archive: Path) -> None:
    data = MultiLabel.open(archive)
    assert data.names == ("built", "earthquake damage", "water")
    assert data.different == (("built", "water"), ("earthquake damage",), ("water",))
    assert data.pictures[0].read().dtype == np.uint8


def test_missing_parts_are_named(archive: Path) -> None:
    (archive / "crisislandmark.h5").write_bytes(b"no archive")
    with pytest.raises(DatasetInvalid, match=r"crisislandmark\.h5"):
        CrisisLandMark.open(archive)
    (archive / "crisislandmark.h5").unlink()
    with pytest.raises(DataMissing, match="archive"):
        CrisisLandMark.open(archive)


def test_without_h5py_the_message_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ExtraMissing, match="pip install h5py"):
        CrisisLandMark.open(tmp_path)
