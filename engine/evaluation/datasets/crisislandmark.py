"""CrisisLandMark: Sentinel-1 and Sentinel-2 pictures in HDF5 shards, label sets in Parquet.

``crisislandmark.h5`` links to shards that must lie beside it. One group for each key holds ``image`` (C, H, W) and
``coords`` (2, H, W), projected x and y, with the attributes ``crs`` and ``timestamp``. ``metadata.parquet`` has the
columns key, split and labels. Two channels are Sentinel-1 (VV, VH), anything else Sentinel-2.

Source: Rege Cambrin et al. 2025 (CLOSP), github.com/DarthReca/closp; the fixes of its older loader are applied here.
"""

from __future__ import annotations

import contextlib
import importlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from engine.errors import DataMissing, DatasetInvalid, ExtraMissing, ImageUnreadable
from engine.evaluation.datasets.pictures import Picture, Pixels, Skipped

ARCHIVE: Final = "crisislandmark.h5"
METADATA: Final = "metadata.parquet"
REFLECTANCE: Final = 10_000.0
BRIGHTEST: Final = 0.3
"""Reflectance that is shown white."""
RGB: Final = (3, 2, 1)
FLIPPED: Final = ("benv2s1", "sen12flood", "sen1flood")
"""Shards that store VH before VV."""
QUAKE: Final = "quakeset"
"""Its pictures begin with two channels that are not used."""
GAP_S1: Final = 1e-6

Sensor = Literal["sentinel1", "sentinel2"]


@dataclass(frozen=True, slots=True, eq=False)
class Bands:
    """One picture as the network of its sensor takes it.

    Attributes:
        values: (2, H, W) float32 as stored, VV and VH; or (13, H, W) float32 reflectance, with a zero band at index 10
            where twelve are stored. No NaN.
        sensor: Decided by the number of channels.
        lon: Of the centre, degrees; ``None`` if the file has no place.
        lat: Of the centre, degrees.
        timestamp: As the file has it.
    """

    values: NDArray[np.float32]
    sensor: Sensor
    lon: float | None
    lat: float | None
    timestamp: str

    def preview(self) -> Pixels:
        """uint8 (H, W, 3): red, green, blue of Sentinel-2; VV, VH, VV − VH of Sentinel-1, each stretched from its 2nd to its
        98th percentile.
        """
        if self.sensor == "sentinel2":
            shown = self.values[list(RGB)] / BRIGHTEST
        else:
            shown = np.stack([_stretched(band) for band in (*self.values, self.values[0] - self.values[1])])
        pixels: Pixels = np.moveaxis(np.clip(shown * 255 + 0.5, 0, 255), 0, -1).astype(np.uint8)
        return pixels


@dataclass(frozen=True, slots=True)
class LabelledScene:
    """One key of the metadata.

    Attributes:
        picture: Its preview, named by the key.
        labels: Its labels.
    """

    picture: Picture
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CrisisLandMark:
    """The archive.

    Attributes:
        root: Folder with ``crisislandmark.h5``, its shards and ``metadata.parquet``.
        scenes: In the order of their keys.
        skipped: Keys of the metadata that the archive lacks.
    """

    root: Path
    scenes: tuple[LabelledScene, ...]
    skipped: Skipped

    @classmethod
    def open(cls, root: Path, split: str = "test") -> CrisisLandMark:
        """Read the metadata and look up which keys are there.

        Raises:
            DataMissing: If the archive or its metadata isn't there, or no key of the part.
            DatasetInvalid: If they can't be understood.
            ExtraMissing: If h5py is not installed.
        """
        h5py = _h5py()
        archive = root / ARCHIVE
        if not archive.is_file():
            raise DataMissing("The archive", str(archive))
        rows = _metadata(root / METADATA, split)
        try:
            with h5py.File(archive, "r") as file:
                there = _present(file, root, [key for key, _ in rows])
        except OSError as error:
            raise DatasetInvalid(ARCHIVE, f"it can't be opened ({error}).") from None
        scenes = [LabelledScene(Picture(key, partial(_preview, archive, key)), labels) for key, labels in rows if key in there]
        if not scenes:
            raise DataMissing(f"A picture of the part “{split}” of {METADATA}", str(archive))
        lost = tuple((key, "the archive lacks it; are its shards beside it?") for key, _ in rows if key not in there)
        return cls(root, tuple(scenes), lost)

    def bands(self, key: str) -> Bands:
        """The bands of one key.

        Raises:
            ImageUnreadable: If it isn't there or damaged.
        """
        return read_bands(self.root / ARCHIVE, key)


def _h5py() -> ModuleType:
    try:
        module = importlib.import_module("h5py")
    except ImportError:
        raise ExtraMissing("Reading CrisisLandMark", "h5py") from None
    with contextlib.suppress(ImportError):
        importlib.import_module("hdf5plugin")  # registers the compressions of the published shards
    return module


def _metadata(path: Path, split: str) -> list[tuple[str, tuple[str, ...]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        raise DataMissing("The metadata", str(path))
    try:
        columns = pq.read_table(path, columns=["key", "split", "labels"]).to_pydict()
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        raise DatasetInvalid(path.name, f"it should have the columns key, split and labels ({type(error).__name__}).") from None
    rows = zip(columns["key"], columns["split"], columns["labels"], strict=True)
    kept = [(str(key), tuple(str(label) for label in labels or ())) for key, part, labels in rows if split in ("all", part)]
    if not kept:
        raise DatasetInvalid(path.name, f"it has no part “{split}”. It has: {', '.join(sorted(set(columns['split'])))}.")
    return sorted(kept)


def _present(file: Any, root: Path, keys: list[str]) -> set[str]:  # noqa: ANN401 - h5py has no types
    """Keys whose shard lies beside the archive; the shards themselves are not opened, there are hundreds of thousands of keys."""
    shards: dict[str, bool] = {}
    found = set()
    for key in keys:
        link = file.get(key, getlink=True) if key in file else None
        if link is None:
            continue
        shard = str(getattr(link, "filename", ""))
        if shard not in shards:
            shards[shard] = not shard or (root / shard).is_file()
        if shards[shard]:
            found.add(key)
    return found


def read_bands(archive: Path, key: str) -> Bands:
    """The bands of one key, with the fixes that the data need.

    Raises:
        ImageUnreadable: If it isn't there or damaged.
    """
    h5py = _h5py()
    try:
        with h5py.File(archive, "r") as file:
            link = file.get(key, getlink=True)
            shard = Path(getattr(link, "filename", "") or "").stem or key
            group = file[key]
            values = np.asarray(group["image"][()], dtype=np.float32)
            lon, lat = _centre(group)
            timestamp = str(group.attrs.get("timestamp", ""))
    except (OSError, KeyError, ValueError, AttributeError, TypeError) as error:
        raise ImageUnreadable(key, f"the archive does not give it ({type(error).__name__}).") from None
    if shard.startswith(QUAKE):
        values = values[2:]
    if values.ndim != 3 or len(values) not in (2, 12, 13):
        raise ImageUnreadable(key, f"its shape is {values.shape}; 2, 12 or 13 channels are known.")
    if len(values) == 2:
        ordered = values[::-1] if shard.startswith(FLIPPED) else values
        return Bands(np.ascontiguousarray(np.where(np.isfinite(ordered), ordered, GAP_S1)), "sentinel1", lon, lat, timestamp)
    reflectance = np.where(np.isfinite(values), values, 0).astype(np.float32) / np.float32(REFLECTANCE)
    if len(reflectance) == 12:
        reflectance = np.insert(reflectance, 10, 0, axis=0)
    return Bands(reflectance, "sentinel2", lon, lat, timestamp)


def _centre(group: Any) -> tuple[float | None, float | None]:  # noqa: ANN401 - h5py has no types
    """Longitude and latitude of the centre pixel, in this order."""
    if "coords" not in group or "crs" not in group.attrs:
        return None, None
    from pyproj import Transformer

    coords = group["coords"]
    row, column = coords.shape[1] // 2, coords.shape[2] // 2
    transformer = Transformer.from_crs(str(group.attrs["crs"]), "EPSG:4326", always_xy=True)
    lon, lat = transformer.transform(float(coords[0, row, column]), float(coords[1, row, column]))
    return float(lon), float(lat)


def _preview(archive: Path, key: str) -> Pixels:
    return read_bands(archive, key).preview()


def _stretched(band: NDArray[np.float32]) -> NDArray[np.float32]:
    low, high = np.percentile(band, [2, 98])
    return np.asarray((band - low) / max(float(high - low), 1e-6), dtype=np.float32)
