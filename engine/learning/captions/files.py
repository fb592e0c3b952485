"""Which files hold annotations, and which picture each speaks of."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal, get_args

from engine.errors import CaptionsInvalid, DataMissing
from engine.evaluation.datasets.pictures import SUFFIXES, PictureFinder, pictures_below

Kind = Literal["dota", "coco", "raster"]

_ROLE: Final = re.compile(r"(?<=\d)(?:_[A-Za-z]+)+$")
"""Words after the number of a picture: ``_label`` and ``_RGB`` (Potsdam), ``_instance_color_RGB`` (iSAID)."""


def kind_named(name: str) -> Kind:
    """The kind of that name.

    Raises:
        CaptionsInvalid: If there is none.
    """
    for kind in get_args(Kind):
        if kind == name.lower():
            return kind  # type: ignore[no-any-return] # get_args knows no types
    raise CaptionsInvalid(name[:40], f"there is no such kind. Known: {', '.join(get_args(Kind))}.")


def folder_of_pictures(place: Path) -> Path:
    """The folder ``images`` in or beside that of the annotations, or the same folder."""
    folder = place.parent if place.is_file() else place
    usual = (path for path in (folder / "images", folder.parent / "images") if path.is_dir())
    return next(usual, folder)


def annotation_files(place: Path, kind: Kind, pictures: Path, out: Path) -> list[Path]:
    """The file itself, or all of its kind below a folder, sorted.

    Args:
        place: A file or a folder.
        kind: Form of the annotations.
        pictures: Folder of the pictures; label rasters are not looked for in it.
        out: A file that is none of them.

    Raises:
        DataMissing: If there are none.
        CaptionsInvalid: If it can't be told which they are.
    """
    suffixes: Iterable[str] = {"dota": {".txt"}, "coco": {".json"}, "raster": SUFFIXES}[kind]
    found = [place] if place.is_file() else [path for path in place.rglob("*") if path.suffix.lower() in suffixes and path.is_file()]
    files = sorted(path for path in found if path.absolute() != out and not path.name.startswith("."))
    if not files:
        raise DataMissing(f"An annotation ({', '.join(sorted(suffixes))})", str(place))
    if kind == "coco" and len(files) > 1:
        raise CaptionsInvalid(place.name, f"it holds {len(files):,} JSON files. Name the one with the annotations.")
    folder = place.parent if place.is_file() else place
    if kind == "raster" and pictures not in folder.parents:
        files = [path for path in files if pictures not in path.parents]
    if not files:
        raise CaptionsInvalid(place.name, "labels and pictures lie in one folder. Say where the pictures are with --pictures.")
    return files


class AnnotatedPictures:
    """Finds the picture of an annotation.

    Args:
        root: Below which the pictures lie.
        roles: Whether names may differ in the words after their number: ``P0001.png`` is the picture of ``P0001_label``.

    Raises:
        DataMissing: If there is no such folder.
    """

    def __init__(self, root: Path, roles: bool = False) -> None:
        self._finder = PictureFinder(root)
        self._by_number: dict[str, list[Path]] = {}
        for path in pictures_below(root) if roles else ():
            self._by_number.setdefault(_ROLE.sub("", path.stem), []).append(path)

    def find(self, name: str) -> Path | None:
        """The picture of that path, name, stem or number; ``None`` if there is none, or several."""
        path = self._finder.find(name)
        if path is not None:
            return path if path.suffix.lower() in SUFFIXES else None
        numbered = self._by_number.get(_ROLE.sub("", name), [])
        return numbered[0] if len(numbered) == 1 else None
