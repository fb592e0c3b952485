"""Class folders: one folder a class, pictures inside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engine.encoders.prompts import words
from engine.errors import DataMissing, EvaluationInvalid
from engine.evaluation.datasets.pictures import Only, Picture, Skipped, fingerprint, pictures_below, selected

LEARNING: Final = frozenset({"train", "training"})
MEASURING: Final = frozenset({"test", "testing", "val", "valid", "validation"})


@dataclass(frozen=True, slots=True)
class ClassFolders:
    """Pictures by class.

    Attributes:
        root: The folder that holds the class folders.
        names: Class names in words.
        pictures: All pictures, sorted by class and file.
        classes: For each picture the index of its class.
        learning: For each picture whether it lies below a train folder; ``None`` where the data come without a division.
        skipped: Empty class folders.
    """

    root: Path
    names: tuple[str, ...]
    pictures: tuple[Picture, ...]
    classes: tuple[int, ...]
    learning: tuple[bool, ...] | None
    skipped: Skipped

    @property
    def fingerprint(self) -> str:
        """Of the pictures' names."""
        return fingerprint(picture.name for picture in self.pictures)

    @classmethod
    def open(cls, root: Path, labels: Sequence[str] = (), only: Only | None = None) -> ClassFolders:
        """Read the names in a folder; pictures are read later.

        A lone ``images`` folder is stepped into; ``train`` and ``test`` (or ``val``) folders make a division.

        Args:
            root: Holds the class folders.
            labels: Names to use, in the order of the sorted folder names, with or without the empty folders; by default the
                folder names in words: ``DenseResidential`` and ``dense_residential`` become “dense residential”.
            only: The pictures to keep: a file with their names, one a line, or the names.

        Raises:
            DataMissing: If there is no such folder, or no class folder with a picture.
            EvaluationInvalid: If there are more or fewer labels than folders, or two are equal.
            DatasetInvalid: If the list keeps no picture.
        """
        if not root.is_dir():
            raise DataMissing("The folder of class folders", str(root))
        top = _stepped_in(root)
        divided = {folder.name.lower(): folder for folder in _folders(top)}
        if divided and set(divided) <= LEARNING | MEASURING:
            places = [(folder, name in LEARNING) for name, folder in sorted(divided.items())]
        else:
            places = [(top, False)]
        files: dict[str, list[tuple[Path, bool]]] = {}
        for place, learning in places:
            for folder in _folders(place):
                files.setdefault(folder.name, []).extend((path, learning) for path in pictures_below(folder))
        kept = None
        if only is not None:
            kept = selected((path.relative_to(top).as_posix() for each in files.values() for path, _ in each), only)
        return cls._of(top, files, labels, kept, divided=len(places) > 1)

    @classmethod
    def _of(
        cls, top: Path, files: dict[str, list[tuple[Path, bool]]], labels: Sequence[str], kept: set[str] | None, *, divided: bool
    ) -> ClassFolders:
        ordered = sorted(files)
        filled = [name for name in ordered if files[name]]
        if not filled:
            raise DataMissing("A class folder with a picture (JPEG, PNG, WebP or TIFF)", str(top))
        names = _named(ordered, filled, labels)
        pictures: list[Picture] = []
        classes: list[int] = []
        learning: list[bool] = []
        for index, name in enumerate(filled):
            for path, learns in files[name]:
                picture = Picture.at(path, top)
                if kept is None or picture.name in kept:
                    pictures.append(picture)
                    classes.append(index)
                    learning.append(learns)
        empty = tuple((name, "it holds no picture.") for name in ordered if not files[name])
        return cls(top, names, tuple(pictures), tuple(classes), tuple(learning) if divided else None, empty)


def _named(ordered: list[str], filled: list[str], labels: Sequence[str]) -> tuple[str, ...]:
    """Names of the classes with a picture."""
    given = [" ".join(label.split()) for label in labels]
    if not given:
        given, ordered = [words(name) for name in filled], filled
    elif len(given) == len(filled):
        ordered = filled
    elif len(given) != len(ordered):
        raise EvaluationInvalid(
            f"{len(given)} labels were given for {len(ordered)} class folders: {', '.join(ordered[:40])}. Give one for each, in this order."
        )
    by_folder = dict(zip(ordered, given, strict=True))
    names = [by_folder[name] for name in filled]
    twice = sorted({name for name in names if [each.casefold() for each in names].count(name.casefold()) > 1})
    if twice:
        raise EvaluationInvalid(f"the label “{twice[0]}” stands for two classes. Give each class its own name with --labels.")
    return tuple(names)


def _folders(place: Path) -> list[Path]:
    return sorted(path for path in place.iterdir() if path.is_dir() and not path.name.startswith((".", "__")))


def _stepped_in(root: Path) -> Path:
    inside = _folders(root)
    if len(inside) == 1 and inside[0].name.lower() in ("images", "image", "data") and _folders(inside[0]):
        return inside[0]
    return root
