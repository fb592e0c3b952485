"""Pictures with several labels each: CrisisLandMark, lists with labels, class folders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.errors import DataMissing, DatasetInvalid
from engine.evaluation.datasets.captions import FILE_COLUMNS, rows_of
from engine.evaluation.datasets.folders import ClassFolders
from engine.evaluation.datasets.pictures import Picture, PictureFinder, Skipped, fingerprint


@dataclass(frozen=True, slots=True)
class MultiLabel:
    """Pictures and their label sets.

    Attributes:
        source: Name of the data.
        names: All labels, sorted.
        pictures: In a fixed order.
        labels: For each picture its labels, sorted.
        skipped: What could not be used.
    """

    source: str
    names: tuple[str, ...]
    pictures: tuple[Picture, ...]
    labels: tuple[tuple[str, ...], ...]
    skipped: Skipped

    @property
    def fingerprint(self) -> str:
        """Of names and labels."""
        return fingerprint(f"{p.name}|{'.'.join(labels)}" for p, labels in zip(self.pictures, self.labels, strict=True))

    @classmethod
    def of(cls, source: str, pairs: Sequence[tuple[Picture, Sequence[str]]], skipped: Skipped = ()) -> MultiLabel:
        """From pictures and labels; labels are lower-cased, sorted and freed of repetitions.

        Raises:
            DatasetInvalid: If there is no picture with a label.
        """
        sets = [tuple(sorted({" ".join(str(label).lower().split()) for label in labels} - {""})) for _, labels in pairs]
        names = tuple(sorted({label for labels in sets for label in labels}))
        if not names:
            raise DatasetInvalid(source, "no picture has a label.")
        return cls(source, names, tuple(picture for picture, _ in pairs), tuple(sets), skipped)

    @classmethod
    def open(cls, place: Path, split: str = "test") -> MultiLabel:
        """Whatever lies there: a folder with ``metadata.parquet``, a JSON list ``[{"file", "labels"}]``, or class folders.

        Args:
            place: Folder or list.
            split: Part to take where the data have parts; ``all`` takes everything.

        Raises:
            DataMissing: If nothing is there.
            DatasetInvalid: If it can't be understood.
            ExtraMissing: If h5py is needed and not installed.
        """
        if place.is_file():
            return cls._of_list(place)
        if (place / "metadata.parquet").is_file():
            from engine.evaluation.datasets.crisislandmark import CrisisLandMark

            archive = CrisisLandMark.open(place, split)
            return cls.of(place.name, [(each.picture, each.labels) for each in archive.scenes], archive.skipped)
        folders = ClassFolders.open(place)
        pairs = [(picture, (folders.names[index],)) for picture, index in zip(folders.pictures, folders.classes, strict=True)]
        return cls.of(place.name, pairs, folders.skipped)

    @classmethod
    def _of_list(cls, listing: Path) -> MultiLabel:
        finder = PictureFinder(listing.parent)
        pairs: list[tuple[Picture, Sequence[str]]] = []
        skipped: list[tuple[str, str]] = []
        for row in rows_of(listing):
            name = next((str(row[column]) for column in FILE_COLUMNS if row.get(column)), "")
            labels = row.get("labels")
            picture = finder.picture(name)
            if picture is None or labels is None:
                skipped.append((name or "a row", "the picture is not there." if picture is None else "it has no labels."))
                continue
            pairs.append((picture, labels.split(";") if isinstance(labels, str) else list(labels)))
        if not pairs:
            raise DataMissing(f"Any of the pictures that {listing.name} names", str(listing.parent))
        return cls.of(listing.name, pairs, tuple(skipped))

    @property
    def matrix(self) -> NDArray[np.bool_]:
        """(N, C) whether a picture has a label."""
        return self.rows(self.labels)

    def rows(self, sets: Sequence[Sequence[str]]) -> NDArray[np.bool_]:
        """Label sets as (Q, C) bool; unknown labels count for nothing."""
        place = {name: index for index, name in enumerate(self.names)}
        made = np.zeros((len(sets), len(self.names)), dtype=bool)
        for row, labels in enumerate(sets):
            made[row, [place[label] for label in labels if label in place]] = True
        return made

    @property
    def different(self) -> tuple[tuple[str, ...], ...]:
        """The different label sets that occur, sorted: CLOSP asks with these."""
        return tuple(sorted({labels for labels in self.labels if labels}))
