"""GeoTIFF, COG and JPEG 2000: what a file says about itself, and its windows as 8-bit pictures.

Any CRS, rotation, bit depth, band count; nodata, alpha, internal masks, NaN, palettes and ground control points.
"""

from __future__ import annotations

import threading
import uuid
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from shapely.geometry import Polygon

from engine.errors import ImageEmpty, ImageTooLarge, ImageUnreadable, ImageWithoutPlace, RegionInvalid, SourceForbidden
from engine.geometry import Window
from engine.imagery import outline
from engine.imagery.dates import acquired
from engine.imagery.preview import Mask, Stretch, TileImage, fitted, with_infrared
from engine.imagery.sensor import UNKNOWN, Composite, guess_sensor, sensor, sensors
from engine.imagery.sources import Source, hardened, quietly
from engine.imagery.tiling import TileSpec
from engine.settings import settings
from engine.types import Bounds, Scene, Tile

Data = NDArray[np.generic]

SAMPLE_PX: Final = 768
"""Longer side of the decimated read that the stretch and the test for valid pixels are made of."""

WHOLE_PX: Final = 40_000_000
"""Rasters without overviews beyond this many pixels are sampled by windows before they are read as a whole."""

BLOCKS_CHECKED: Final = 20_000
TILES_AT_ONCE: Final = 4_000_000
OPAQUE_SHARE: Final = 0.9


@dataclass(frozen=True, slots=True)
class Look:
    """How a raster is turned into colours.

    Attributes:
        indexes: Bands to show, counted from 1: three, or one.
        alpha: Band that says where data are; 0 without.
        masked: Whether the file carries a mask besides nodata.
        nodata: Value of invalid pixels, one a shown band; ``None`` without.
        palette: (256, 3) uint8 colours of an indexed picture; ``None`` otherwise.
        infrared: Near infrared band beside natural colours, for encoders; 0 without.
    """

    indexes: tuple[int, ...]
    alpha: int = 0
    masked: bool = False
    nodata: tuple[float | None, ...] = ()
    palette: NDArray[np.uint8] | None = None
    infrared: int = 0


def scene_from_raster(source: Source, *, place: Bounds | None = None, unplaced: bool = False, sensor_id: str = "") -> Scene:
    """What a raster file says about itself, after a check that its pixels can be read.

    Args:
        source: An allowed file or address.
        place: Where it lies, if it does not say so itself.
        unplaced: Whether a file without a place is welcome; its footprint is then an empty polygon, to be laid out.
        sensor_id: Key of ``assets/sensors``; by default it is guessed.

    Raises:
        ImageUnreadable: If it is no raster, cut short or of complex numbers.
        ImageWithoutPlace: If it has no CRS and neither ``place`` nor ``unplaced`` is given.
        ImageEmpty: If all pixels are nodata.
        ImageTooLarge: If it can only be decoded whole and is too large for that.
        SensorNotFound: If ``sensor_id`` is not known.
    """
    if sensor_id:
        sensor(sensor_id)
    with reading(source), opened(source) as dataset:
        _check_size(source, dataset)
        _check_blocks(source, dataset)
        crs, transform = _place(source, dataset, place, unplaced)
        guessed = sensor_id or _sensor_of(source, dataset)
        _check_valid(source, dataset, look_of(dataset, guessed))
        tags = _tags(dataset)
        whole = Window(0, 0, dataset.width, dataset.height)
        try:
            footprint = outline.outline(whole, transform, crs) if crs else Polygon()
            gsd = outline.pixel_metres(dataset.width, dataset.height, transform, crs) if crs else None
        except RegionInvalid:
            raise ImageWithoutPlace(source.name, "its coordinate reference system has no tie to the Earth") from None
        known = sensors().get(guessed)
        return Scene(
            id=source.stem,
            source=source.text,
            sensor=guessed,
            datetime=acquired(tags, source.stem),
            gsd_m=gsd,
            width=dataset.width,
            height=dataset.height,
            footprint=footprint,
            georeferenced=bool(crs),
            synthetic=tags.get("PHAROS_SYNTHETIC", "") in {"1", "true", "True", "yes"} or (known is not None and known.synthetic),
            crs=crs,
            transform=transform if crs else (),
        )


class RasterReader:
    """Windows of one raster scene; safe to share between threads (each has its own handle).

    Args:
        scene: A scene made by ``scene_from_raster``.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._source = Source.allow(scene.source)
        self._own = threading.local()
        self._handles: list[Any] = []
        self._lock = threading.Lock()
        self._closed = False
        with reading(self._source):
            dataset = self._handle()
            if (dataset.width, dataset.height) != (scene.width, scene.height):
                raise ImageUnreadable(self._source.name, "it has changed since it was indexed. Index it again.")
            self.look = look_of(dataset, scene.sensor)
            self.stretch = _stretch(self._source, dataset, self.look, scene.sensor)

    def tiles(self, spec: TileSpec) -> list[Tile]:
        """All tiles, row by row; windows off the Earth (a full disk's corners) are left out.

        Raises:
            TileSpecInvalid: If the size is not possible for this scene.
            ImageUnreadable: If it would give more tiles than can be held.
        """
        scene = self.scene
        if not scene.georeferenced:
            return cell_tiles(scene, spec)
        grid = spec.grid(scene.width, scene.height, scene.gsd_m)
        if len(grid) > TILES_AT_ONCE:
            raise ImageUnreadable(
                self._source.name, f"it would give {len(grid):,} tiles; {TILES_AT_ONCE:,} are possible. Choose a larger tile size."
            )
        windows = list(grid)
        shapes = outline.outlines(windows, scene.transform, scene.crs)
        return [
            Tile(f"{scene.id}/{window.column}-{window.row}", scene.id, window, shape)
            for window, shape in zip(windows, shapes, strict=True)
            if shape is not None
        ]

    def read(self, window: Window, size: int | None = None) -> TileImage:
        """A window as a picture, the scene's own stretch applied; north is up also for rasters stored south-up.

        Args:
            window: Pixels; what lies outside the scene is invalid.
            size: Longer side of the result in pixels; by default that of the window.

        Raises:
            ImageUnreadable: If the file can't be read any more.
        """
        return self._picture(window, size, infrared=False)

    def view(self, window: Window, size: int | None = None) -> TileImage:
        """A window as an encoder sees it: where the scene has near infrared, it is mixed into the colours.

        Args:
            window: See :meth:`read`.
            size: See :meth:`read`.

        Raises:
            ImageUnreadable: If the file can't be read any more.
        """
        return self._picture(window, size, infrared=bool(self.look.infrared))

    def _picture(self, window: Window, size: int | None, *, infrared: bool) -> TileImage:
        width, height = (window.width, window.height) if size is None else fitted(window.width, window.height, size)
        inner = _within(window, self.scene.width, self.scene.height)
        if inner is None:
            return TileImage(np.zeros((height, width, 3), np.uint8), np.zeros((height, width), bool))
        with reading(self._source):
            data, valid = _pixels(self._handle(), self.look, inner, (2 * width, 2 * height))
            near = _band(self._handle(), self.look.infrared, inner, data.shape[1:]) if infrared else None
        rgb = self.look.palette[data[0].astype(np.intp)] if self.look.palette is not None else self.stretch.apply(data)
        if near is not None:
            rgb = with_infrared(rgb, self.stretch.of_one(0).apply(near[None])[..., 0])
        image = TileImage(rgb, valid)
        if inner != window:
            image = _padded(image, inner, window)
        image = image.resized(width, height)
        return TileImage(np.ascontiguousarray(image.rgb[::-1]), np.ascontiguousarray(image.valid[::-1])) if self._mirrored else image

    def close(self) -> None:
        """Close all handles; reading afterwards is an error."""
        with self._lock:
            self._closed = True
            for handle in self._handles:
                handle.close()
            self._handles.clear()

    def __enter__(self) -> RasterReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def _mirrored(self) -> bool:
        return mirrored(self.scene)

    def _handle(self) -> Any:  # noqa: ANN401 - rasterio has no types
        if self._closed:
            raise ImageUnreadable(self._source.name, "its reader was closed.")
        handle = getattr(self._own, "handle", None)
        if handle is None:
            handle = _Handle(self._source)
            self._own.handle = handle
            with self._lock:
                self._handles.append(handle)
        return handle.dataset


class _Handle:
    """An open raster with an affine grid: the file itself, or a straightened view of one that has control points only.

    The driver is chosen by the first bytes, so that no other driver of GDAL's ever sees the file.
    """

    def __init__(self, source: Source) -> None:
        import rasterio
        from rasterio.errors import NotGeoreferencedWarning
        from rasterio.vrt import WarpedVRT

        driver = source.driver()
        what, options = (source.path, {}) if source.path is not None else _through_python(source)
        with quietly(NotGeoreferencedWarning):  # said in our own words where it matters
            file = rasterio.open(what, driver=driver, sharing=False, **options)
        self._open = [file]
        self.dataset: Any = file
        if file.tags(ns="OVERVIEWS"):
            self.close()
            raise SourceForbidden(source.name, "it sends the reader to another file for its overviews.")
        points, crs = file.gcps
        if file.crs is None and crs is not None and len(points) >= 3:
            self.dataset = WarpedVRT(file, src_crs=crs, crs=crs, add_alpha=file.nodata is None)
            self._open.append(self.dataset)

    def close(self) -> None:
        with hardened():
            while self._open:
                self._open.pop().close()


def _through_python(source: Source) -> tuple[str, dict[str, Any]]:
    """A name that exists for GDAL only, and the opener behind it: remote bytes reach GDAL through our own checked connection."""
    from engine.imagery.remote import RemoteFile

    remote = RemoteFile(source.text, source.name)
    name = f"/{uuid.uuid4().hex}"

    def opener(path: str, mode: str = "rb") -> RemoteFile:
        if path != name:  # sidecars: there are none
            raise FileNotFoundError(path)
        return remote.again(mute=True)

    return name, {"opener": opener}


def mirrored(scene: Scene) -> bool:
    """Whether rows run from south to north, so that the stored picture is a mirror image."""
    if len(scene.transform) < 6:
        return False
    a, b, _, d, e, _ = scene.transform[:6]
    return a * e - b * d > 0


@contextmanager
def opened(source: Source) -> Iterator[Any]:
    """The raster of a source, for as long as the block lasts; use it inside ``reading``."""
    handle = _Handle(source)
    try:
        yield handle.dataset
    finally:
        handle.close()


@contextmanager
def reading(source: Source) -> Iterator[None]:
    """Everything that rasterio may say while opening or reading, as ``ImageUnreadable``; GDAL stays hardened."""
    import rasterio
    from rasterio.errors import RasterioError

    try:
        with hardened():
            yield
    except (RasterioError, rasterio._err.CPLE_BaseError, OSError) as error:
        raise ImageUnreadable(source.name, _why(source, error)) from None


def look_of(dataset: Any, sensor_id: str) -> Look:  # noqa: ANN401 - rasterio has no types
    """Which bands of an open dataset are shown, and where its valid pixels are written down.

    A fourth band that a writer marked as alpha by default, though it is near infrared, is known by its values or by the
    sensor and is not taken for a mask.
    """
    from rasterio.enums import ColorInterp, MaskFlags

    kinds = dataset.colorinterp
    alpha = kinds.index(ColorInterp.alpha) + 1 if ColorInterp.alpha in kinds else 0
    alpha = alpha if alpha and _is_alpha(dataset, alpha, sensor_id) else 0
    count = dataset.count - (1 if alpha else 0)
    if kinds[0] == ColorInterp.palette:
        table = dataset.colormap(1)
        palette = np.array([table.get(value, (0, 0, 0, 0))[:3] for value in range(256)], np.uint8)
        return Look((1,), alpha, False, (dataset.nodatavals[0],), palette)
    indexes = sensor(sensor_id).shown(count, dataset.descriptions)
    tagged = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
    if sensor_id in {"rgb", "rgbn", UNKNOWN} and all(kind in kinds for kind in tagged):
        indexes = tuple(kinds.index(kind) + 1 for kind in tagged)
    flags = dataset.mask_flag_enums[indexes[0] - 1]
    masked = MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags
    infrared = sensor(sensor_id).infrared(count, dataset.descriptions) or 0
    return Look(indexes, alpha, masked, tuple(dataset.nodatavals[index - 1] for index in indexes), infrared=infrared)


def cell_tiles(scene: Scene, spec: TileSpec) -> list[Tile]:
    """Tiles of a scene without a place: the whole picture, or windows of its cell if a size in pixels is asked for."""
    whole = Window(0, 0, scene.width, scene.height)
    if spec.size is None or spec.unit == "m":
        return [Tile(scene.id, scene.id, whole, scene.footprint)]
    grid = spec.grid(scene.width, scene.height, None)
    if len(grid) == 1:
        return [Tile(scene.id, scene.id, whole, scene.footprint)]
    west, south, east, north = scene.footprint.bounds
    transform = ((east - west) / scene.width, 0.0, west, 0.0, (south - north) / scene.height, north)
    shapes = outline.outlines(list(grid), transform, "EPSG:4326")
    return [Tile(f"{scene.id}/{w.column}-{w.row}", scene.id, w, shape) for w, shape in zip(grid, shapes, strict=True) if shape is not None]


def _place(source: Source, dataset: Any, place: Bounds | None, unplaced: bool) -> tuple[str, tuple[float, ...]]:  # noqa: ANN401
    """CRS and transform: the file's own, else the given place, else none."""
    why = "it carries no coordinate reference system"
    if dataset.crs is not None:
        if not dataset.transform.is_identity:
            code = dataset.crs.to_epsg()
            return (f"EPSG:{code}" if code else dataset.crs.to_wkt()), tuple(dataset.transform[:6])
        why = "it names a coordinate reference system but not where its pixels lie in it"
    if place is not None:
        width, height = place.width / dataset.width, (place.north - place.south) / dataset.height
        return "EPSG:4326", (width, 0.0, place.west, 0.0, -height, place.north)
    if unplaced:
        return "", ()
    raise ImageWithoutPlace(source.name, why)


def _sensor_of(source: Source, dataset: Any) -> str:  # noqa: ANN401
    from rasterio.enums import ColorInterp

    count = dataset.count
    if dataset.colorinterp[-1] == ColorInterp.alpha and count in {2, 4} and _is_alpha(dataset, count, ""):
        count -= 1
    return guess_sensor(_tags(dataset), dataset.descriptions, source.near, count)


def _tags(dataset: Any) -> dict[str, str]:  # noqa: ANN401
    tags = dict(dataset.tags())
    tags.update(dataset.tags(ns="IMAGERY"))
    return tags


def _is_alpha(dataset: Any, band: int, sensor_id: str) -> bool:  # noqa: ANN401
    """Whether a band that is marked as alpha is one: nearly all its values are the lowest or the highest there is."""
    known = sensors().get(sensor_id)
    if known is not None and band <= len(known.bands):
        return False
    description = dataset.descriptions[band - 1]
    if description and any(one.named(description) for each in sensors().values() for one in each.bands):
        return False
    width, height = fitted(dataset.width, dataset.height, min(256, max(dataset.width, dataset.height)))
    values = dataset.read(band, out_shape=(height, width))
    top = np.iinfo(values.dtype).max if values.dtype.kind in "iu" else 1.0
    return bool(np.isin(values, [0, 1, 255, top]).mean() >= OPAQUE_SHARE)


def _pixels(dataset: Any, look: Look, window: Window, most: tuple[int, int]) -> tuple[Data, Mask]:  # noqa: ANN401
    """Stored values (C, H, W) and validity (H, W) of a window, at most ``most`` (width, height) pixels.

    Nearest neighbour on purpose: averaging would mix nodata into the values; the reduction is done afterwards, under the mask.
    """
    part = _part(window)
    shape = (min(window.height, most[1]), min(window.width, most[0]))
    data = dataset.read(list(look.indexes), window=part, out_shape=(len(look.indexes), *shape))
    valid = np.ones(shape, bool)
    if look.alpha:
        valid &= dataset.read(look.alpha, window=part, out_shape=shape) > 0
    elif look.masked:
        valid &= dataset.read_masks(look.indexes[0], window=part, out_shape=shape) > 0
    present = [_differs(band, value) for band, value in zip(data, look.nodata, strict=False) if value is not None]
    if len(present) == len(data):
        valid &= np.logical_or.reduce(present)
    if data.dtype.kind == "f":
        valid &= np.isfinite(data).all(axis=0)
    return data, valid


def _band(dataset: Any, index: int, window: Window, shape: tuple[int, ...]) -> Data:  # noqa: ANN401
    """Stored values of one band, the pixels that :func:`_pixels` takes for this shape."""
    values: Data = dataset.read(index, window=_part(window), out_shape=shape)
    return values


def _part(window: Window) -> Any:  # noqa: ANN401
    """A window as rasterio reads it."""
    from rasterio.windows import Window as RasterWindow

    return RasterWindow(window.column, window.row, window.width, window.height)


def _differs(band: Data, nodata: float) -> Mask:
    if np.isnan(nodata):
        return ~np.isnan(band.astype(np.float64))
    if band.dtype.kind == "f":
        return ~np.isclose(band, np.asarray(nodata, band.dtype), rtol=1e-6, atol=0)
    return np.asarray(band != nodata)


def _sample(dataset: Any, look: Look) -> tuple[Data, Mask]:  # noqa: ANN401
    """Pixels from all over the raster: a decimated read, or scattered windows where that would mean reading everything."""
    width, height = dataset.width, dataset.height
    whole = Window(0, 0, width, height)
    small = fitted(width, height, min(SAMPLE_PX, max(width, height)))
    if width * height <= WHOLE_PX or dataset.overviews(look.indexes[0]):
        return _pixels(dataset, look, whole, small)
    side = 128
    parts = []
    for row in np.linspace(0, max(0, height - side), 8).astype(int):
        for column in np.linspace(0, max(0, width - side), 8).astype(int):
            window = Window(int(column), int(row), min(side, width), min(side, height))
            parts.append(_pixels(dataset, look, window, (side, side)))
    data = np.concatenate([part.reshape(len(part), -1) for part, _ in parts], axis=1)[:, None]
    valid = np.concatenate([mask.ravel() for _, mask in parts])[None]
    return (data, valid) if valid.any() else _pixels(dataset, look, whole, small)


def _check_valid(source: Source, dataset: Any, look: Look) -> None:  # noqa: ANN401
    data, valid = _sample(dataset, look)
    if valid.any():
        _remember(source, look, (data, valid))
        return
    for _, window in dataset.block_windows(look.indexes[0]):  # the sample may have missed the only pixels
        piece = Window(int(window.col_off), int(window.row_off), int(window.width), int(window.height))
        if _pixels(dataset, look, piece, (piece.width, piece.height))[1].any():
            return
    raise ImageEmpty(source.name)


def _stretch(source: Source, dataset: Any, look: Look, sensor_id: str) -> Stretch:  # noqa: ANN401
    if look.palette is not None:
        return Stretch.identity(1)
    data, valid = _recall(source, look) or _sample(dataset, look)
    composite: Composite = sensor(sensor_id).composite
    if composite.ranges is not None and data.dtype.kind == "f":
        chosen = composite.ranges[: len(look.indexes)]
        return Stretch(tuple(low for low, _ in chosen), tuple(high for _, high in chosen))
    least = composite.least_span if data.dtype.kind in "iu" and data.dtype.itemsize > 1 else 0.0
    return Stretch.over(data, valid, joint=composite.natural or len(look.indexes) == 1, least=least)


def _check_size(source: Source, dataset: Any) -> None:  # noqa: ANN401
    if dataset.dtypes[0].startswith("complex"):
        raise ImageUnreadable(source.name, "it holds complex numbers. Convert it to amplitude or dB first.")
    limit = settings().max_picture_pixels
    block = dataset.block_shapes[0]
    decoded = dataset.width * dataset.height if dataset.driver in {"PNG", "JPEG", "WEBP"} else int(block[0]) * int(block[1])
    if decoded > limit:
        raise ImageTooLarge(source.name, decoded, limit)


def _check_blocks(source: Source, dataset: Any) -> None:  # noqa: ANN401
    """A GeoTIFF whose blocks reach beyond the end of the file was cut short; looked up in its table, not decoded."""
    if dataset.driver != "GTiff":
        return
    with source.open() as stream:
        end = stream.seek(0, 2)
    height, width = dataset.block_shapes[0]
    across, down = -(-dataset.width // width), -(-dataset.height // height)
    step = max(1, across * down // BLOCKS_CHECKED)
    for bidx in {1, dataset.count}:
        for block in [*range(0, across * down, step), across * down - 1]:
            where = f"{block % across}_{block // across}"
            offset = dataset.get_tag_item(f"BLOCK_OFFSET_{where}", "TIFF", bidx=bidx)
            length = dataset.get_tag_item(f"BLOCK_SIZE_{where}", "TIFF", bidx=bidx)
            if offset and length and int(offset) + int(length) > end:
                raise ImageUnreadable(source.name, "it is cut short: pixels are missing at its end. Copy or download it again.")


def _why(source: Source, error: Exception) -> str:
    """GDAL's words about its own library say little to a person; the file's state says more."""
    if source.path is None:
        return "its server stopped answering, or it is damaged. Try again, or download it first."
    text = str(error).casefold()
    if "decompress" in text or ("codec" in text and "not configured" in text):
        return "its compression is not supported here. Save it with DEFLATE or LZW."
    if isinstance(error, FileNotFoundError) or "no such file" in text:
        return "the file is gone."
    return "it is damaged or cut short. Copy or download it again."


def _within(window: Window, width: int, height: int) -> Window | None:
    left, top = max(0, window.column), max(0, window.row)
    right, bottom = min(width, window.column + window.width), min(height, window.row + window.height)
    return Window(left, top, right - left, bottom - top) if right > left and bottom > top else None


def _padded(image: TileImage, inner: Window, outer: Window) -> TileImage:
    """A picture of the inner window, laid into the outer one; the rest is invalid."""
    across, down = image.rgb.shape[1] / inner.width, image.rgb.shape[0] / inner.height
    width, height = max(1, round(outer.width * across)), max(1, round(outer.height * down))
    left, top = round((inner.column - outer.column) * across), round((inner.row - outer.row) * down)
    rgb, valid = np.zeros((height, width, 3), np.uint8), np.zeros((height, width), bool)
    part = rgb[top : top + image.rgb.shape[0], left : left + image.rgb.shape[1]]
    part[:] = image.rgb[: part.shape[0], : part.shape[1]]
    valid[top : top + part.shape[0], left : left + part.shape[1]] = image.valid[: part.shape[0], : part.shape[1]]
    return TileImage(rgb, valid)


_samples: OrderedDict[tuple[object, ...], tuple[Data, Mask]] = OrderedDict()
_samples_lock = threading.Lock()


def _remember(source: Source, look: Look, sample: tuple[Data, Mask]) -> None:
    """Keep the last samples: a scene is described, then opened, and its stretch needs the same pixels."""
    with _samples_lock:
        _samples[(source.stamp(), look.indexes)] = sample
        while len(_samples) > 4:
            _samples.popitem(last=False)


def _recall(source: Source, look: Look) -> tuple[Data, Mask] | None:
    with _samples_lock:
        return _samples.get((source.stamp(), look.indexes))
