"""Label rasters: GeoTIFF or PNG whose pixel values, or colours, are classes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import ImageTooLarge, ImageUnreadable, PharosError
from engine.learning.captions.boxes import Annotated, Frame
from engine.learning.captions.classes import ClassTable, ClassUnknown
from engine.learning.captions.english import Noun
from engine.learning.captions.masks import LEAST, boxes_of

MOST: Final = 1000
"""Different values up to which a band can hold classes and is no measurement."""

LARGEST: Final = 2**32


def read_rasters(files: Iterable[Path], table: ClassTable, least: int = LEAST) -> Iterator[Annotated]:
    """Label rasters as boxes; classes that the table calls the same are one class.

    Args:
        files: One raster a picture, of the same stem.
        table: What the pixel values (``3``) or the colours of three bands (``#00ff00``) are called.
        least: Pixels of the smallest piece to take.
    """
    return (_annotated(file, table, least) for file in files)


def _annotated(file: Path, table: ClassTable, least: int) -> Annotated:
    try:
        values, keys = _values(file)
    except PharosError as problem:
        return Annotated(file.stem, faults=(str(problem),))
    groups: dict[Noun, list[int]] = {}
    unknown = []
    for value, key in keys.items():
        try:
            noun = table.noun(key)
        except ClassUnknown:
            unknown.append(key)
        else:
            groups.setdefault(noun, []).append(value) if noun else None
    boxes = [box for noun, group in groups.items() for box in boxes_of(np.isin(values, group), noun, least)]
    faults = (f"the class table has no {', '.join(unknown[:5])}{' …' if len(unknown) > 5 else ''}",) if unknown else ()
    return Annotated(file.stem, tuple(boxes), Frame(values.shape[1], values.shape[0]), faults)


def _values(file: Path) -> tuple[NDArray[np.int64], dict[int, str]]:
    """Classes of the pixels, (H, W), and of each class how the table writes it; pixels without data have a class of their own.

    Raises:
        ImageUnreadable: If the file can't be read, or its values are no classes.
        ImageTooLarge: If it has more pixels than the settings allow.
    """
    from engine.imagery.raster import opened, reading
    from engine.imagery.sources import Source
    from engine.settings import settings

    source, limit = Source.allow(file), settings().max_picture_pixels
    with reading(source), opened(source) as dataset:
        if dataset.width * dataset.height > limit:
            raise ImageTooLarge(source.name, dataset.width * dataset.height, limit)
        if dataset.count >= 3 and dataset.dtypes[0] == "uint8":
            red, green, blue = dataset.read((1, 2, 3)).astype(np.int64)
            colours = red << 16 | green << 8 | blue
            return colours, {int(value): f"#{value:06x}" for value in np.unique(colours)}
        band, nodata = dataset.read(1), dataset.nodata
    known = np.isfinite(band) & (band != nodata if nodata is not None else True)
    classes = np.unique(band[known])
    if len(classes) > MOST or np.any(classes != np.round(classes)) or np.any(np.abs(classes.astype(np.float64)) > LARGEST):
        raise ImageUnreadable(source.name, "its values are no classes: they must be whole numbers, one for each class.")
    values = np.full(band.shape, -LARGEST - 1, dtype=np.int64)
    values[known] = band[known]
    return values, {int(value): str(int(value)) for value in classes}
