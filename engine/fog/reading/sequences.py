"""M4Fog's track C: many short sequences of three-band pictures in one ``.npy`` file, without time or place."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import SourceInvalid
from engine.fog.grid import Grid
from engine.fog.instruments import instruments
from engine.fog.labels import Label
from engine.fog.provenance import Provenance, fingerprint, marked_synthetic
from engine.fog.reading.m4fog import opened
from engine.fog.reading.options import Options
from engine.fog.regions import sea_regions
from engine.fog.series import Frame, Series

STEP: Final = timedelta(minutes=30)
NOMINAL: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Where the time axis begins when the source tells no time."""

BGR: Final = {"AHI": ("G0047", "G0051", "G0064"), "AGRI": ("G0047", "G0064", "G0086"), "SEVIRI": ("G0064", "G0086", "G0160")}
"""Blue, green and red, in the order of the file: three visible bands, or Meteosat's natural colour."""
LETTERS: Final = {"E": "NS", "DW": "MW", "DE": "MC", "B": "ME", "FN": "BE", "FS": "AG"}
"""Meteosat's file names: letter → sea region."""


class SequenceSeries(Series):
    """One sequence of a track C file: (N, 8 or 16, 3, n, m) uint8, blue, green, red.

    Grey levels stay grey levels: neither night nor temperature can be told. Of sequences with sixteen steps the last eight are masks.
    """

    def __init__(self, path: Path, options: Options) -> None:
        self.name = f"{path.stem} {options.sample}"
        self._array = _sequences(path)
        self._sample = options.sample
        count, steps, _, rows, columns = self._array.shape
        if not 0 <= self._sample < count:
            raise SourceInvalid(path.name, f"it has {count} sequences; there is no sequence {self._sample}. Count from 0.")
        self.labelled = steps == 16
        self._frames = 8 if steps == 16 else steps
        imager, how = _imager(path, options.instrument)
        self._bgr = BGR[imager]
        region = options.region_id or _region(path)
        box = options.box or sea_regions()[region or "YB"].bounds
        self.grid = Grid.of_shape(box, (rows, columns))
        start = options.start or NOMINAL
        self.times = tuple(start + step * STEP for step in range(self._frames))
        self.elements = options.chosen(self.name, self._bgr)
        files, digest = fingerprint([path])
        placed = bool(options.region or region)
        self.provenance = Provenance(
            synthetic=options.synthetic if options.synthetic is not None else marked_synthetic(path.absolute()),
            title=f"M4Fog sequence {self._sample} of {path.stem}",
            source="M4Fog track C",
            layout="m4fog-c",
            instrument=instruments()[imager].name,
            region=region,
            units_detected=dict.fromkeys(self.elements, "grey level 0–255"),
            files=files,
            files_sha256=digest,
            time_known=options.start is not None,
            place_known=placed,
            label_provenance="M4Fog: the sequence's own masks" if self.labelled else "",
            notes=(
                f"sequence {self._sample} of {count}",
                f"bands: {how}",
                "grey levels of stretched pictures: texture and motion only" + ("" if options.start else "; the times are nominal"),
                *(() if placed else ("the place is not known; the box is nominal",)),
            ),
        )

    def frame(self, index: int) -> Frame:
        """One picture; its mask where the file has masks."""
        picture = np.asarray(self._array[self._sample, index])
        fields = {name: picture[place].astype(np.float32) for place, name in enumerate(self._bgr) if name in self.elements}
        label = None
        if self.labelled:
            mask = np.asarray(self._array[self._sample, index + 8]).max(axis=0)
            label = np.where(mask >= (1 if mask.max() == 1 else 128), Label.FOG, Label.NOT_FOG).astype(np.int8)
        return Frame(fields, label)


def is_sequences(path: Path) -> bool:
    """Whether a file looks like track C."""
    try:
        _sequences(path)
    except SourceInvalid:
        return False
    return True


def _sequences(path: Path) -> NDArray[Any]:
    if not path.is_file():
        raise SourceInvalid(path.name, "track C is one .npy file, such as H8_1w/test_area1.npy.")
    array = opened(path)
    if array.ndim != 5 or array.shape[2] != 3 or array.shape[1] not in {8, 16}:
        raise SourceInvalid(path.name, f"track C has the axes (N, 8 or 16, 3, rows, columns); this file has {array.shape}.")
    if array.dtype != np.uint8:
        raise SourceInvalid(path.name, f"track C holds grey levels as uint8; this file holds {array.dtype}.")
    return array


def _imager(path: Path, wanted: str) -> tuple[str, str]:
    if wanted:
        if wanted not in BGR:
            raise SourceInvalid(wanted, f"track C was made of {', '.join(BGR)}.")
        return wanted, f"{wanted}, said by the person who converted it"
    words = "/".join(path.parts[-3:]).casefold()
    for mark, imager in (("h8", "AHI"), ("h9", "AHI"), ("fy4", "AGRI"), ("fy-4", "AGRI"), ("meteo", "SEVIRI"), ("msg", "SEVIRI")):
        if mark in words:
            return imager, f"{imager}, by the file's name; blue, green and red in rising wavelength"
    return "AHI", "Himawari AHI assumed, for the name does not tell the imager"


def _region(path: Path) -> str:
    """By the letters in Meteosat's file names, as in ``train_E_20-21``."""
    letters = re.search(r"(?:^|[_-])(E|DW|DE|B|FN|FS)(?=[_-]|$)", path.stem)
    meteosat = any(mark in "/".join(path.parts[-3:]).casefold() for mark in ("meteo", "msg"))
    return LETTERS[letters[1]] if letters and meteosat else ""
