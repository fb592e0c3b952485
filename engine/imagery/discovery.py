"""From what a person gives (files, folders, addresses) to scenes; what is left out is named with its reason."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Final

from engine.errors import NothingToIndex, PharosError
from engine.imagery.pictures import lay_out, scene_from_picture
from engine.imagery.raster import scene_from_raster
from engine.imagery.reader import PICTURE_DRIVERS
from engine.imagery.sources import Source, SourceLike
from engine.progress import Progress, silent
from engine.types import Bounds, Scene

IMAGES: Final = frozenset({".tif", ".tiff", ".gtiff", ".geotiff", ".cog", ".jp2", ".j2k", ".png", ".jpg", ".jpeg", ".webp"})
SIDECARS: Final = (".aux.xml", ".ovr", ".msk", ".tfw", ".tifw", ".pgw", ".pngw", ".jgw", ".jpgw", ".wld", ".prj", ".sha256", ".md5")
"""Files that belong to a raster and are read with it, or say nothing about pixels: passed over in silence."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a search for scenes brought.

    Attributes:
        scenes: In the order of the paths given, folders sorted by name; ids are unique.
        skipped: Name and reason of every file that was left out.
    """

    scenes: tuple[Scene, ...]
    skipped: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A file to look at and the name under which a person knows it, relative to the folder that they gave."""

    source: Source
    relative: str


def find_scenes(
    paths: Sequence[SourceLike],
    *,
    place: Bounds | None = None,
    unplaced: bool = False,
    sensor: str = "",
    progress: Progress | None = None,
) -> Found:
    """All scenes in files, folders (with their subfolders) and http(s) addresses.

    Rasters become scenes with a place; PNG, JPEG and WebP files become plain pictures on a grid. A file that can't be used is
    skipped with its reason and costs the others nothing.

    Args:
        paths: What a person gave.
        place: Corners for every file that carries no place itself.
        unplaced: Whether rasters without a place are put on the plain grid, too.
        sensor: Key of ``assets/sensors`` for all rasters; by default each is guessed.
        progress: Called as ("looking at files", done, total).

    Raises:
        NothingToIndex: If nothing of several files can be used; of a single one its own error is raised.
        SourceForbidden: If a path is not on the allow-list.
        SensorNotFound: If ``sensor`` is not known.
    """
    if sensor:
        from engine.imagery.sensor import sensor as known

        known(sensor)
    tell = progress or silent
    candidates, skipped, errors = _candidates(paths)
    scenes: list[Scene] = []
    names: list[str] = []
    for done, candidate in enumerate(candidates):
        tell("looking at files", done, len(candidates))
        try:
            scenes.append(_scene(candidate, place=place, unplaced=unplaced, sensor=sensor))
            names.append(candidate.relative)
        except PharosError as error:
            skipped.append((candidate.relative, str(error)))
            errors.append(error)
    tell("looking at files", len(candidates), len(candidates))
    if not scenes:
        _nothing(paths, skipped, errors)
    return Found(lay_out(_distinct(scenes, names)), tuple(skipped))


def _scene(candidate: _Candidate, *, place: Bounds | None, unplaced: bool, sensor: str) -> Scene:
    source = candidate.source
    if source.driver() in PICTURE_DRIVERS and place is None and not _says_where(source):
        return scene_from_picture(source, candidate.relative)
    return scene_from_raster(source, place=place, unplaced=unplaced, sensor_id=sensor)


def _says_where(source: Source) -> bool:
    """Whether a picture comes with GDAL's description of its place beside it."""
    return source.path is not None and source.path.with_name(source.path.name + ".aux.xml").is_file()


def _candidates(paths: Sequence[SourceLike]) -> tuple[list[_Candidate], list[tuple[str, str]], list[PharosError]]:
    """Every file once, with what was passed over or refused on the way."""
    found: list[_Candidate] = []
    skipped: list[tuple[str, str]] = []
    errors: list[PharosError] = []
    seen: set[str] = set()
    for like in paths:
        try:
            source = Source.allow(like)
        except PharosError as error:
            skipped.append((os.fspath(like)[:80], str(error)))
            errors.append(error)
            continue
        inside = _inside(source.path) if source.path is not None and source.path.is_dir() else iter([(source, source.name)])
        for one, relative in inside:
            key = one.text if one.path is None else os.path.realpath(one.path)
            if key in seen:
                continue
            seen.add(key)
            if isinstance(one, Source) and (one is source or PurePosixPath(relative).suffix.lower() in IMAGES):
                found.append(_Candidate(one, relative))
            else:
                skipped.append((relative, "it is no image file."))
    return found, skipped, errors


def _inside(folder: Path) -> Iterator[tuple[Source, str]]:
    """The files below a folder, sorted; hidden ones and sidecars are passed over, links to folders are not followed."""
    for where, below, files in os.walk(folder):
        below[:] = sorted(name for name in below if not name.startswith("."))
        for name in sorted(files):
            path = Path(where, name)
            if name.startswith(".") or name.lower().endswith(SIDECARS) or not path.is_file():
                continue
            yield Source(str(path), path), path.relative_to(folder).as_posix()


def _distinct(scenes: Sequence[Scene], names: Sequence[str]) -> list[Scene]:
    """Unique ids: the first of a name keeps it, the next are called by their relative path, else counted."""
    taken: set[str] = set()
    out = []
    for scene, name in zip(scenes, names, strict=True):
        chosen = scene.id
        if chosen in taken:
            chosen = str(PurePosixPath(name).with_suffix(""))
        count = 2
        while chosen in taken:
            chosen = f"{scene.id}-{count}"
            count += 1
        taken.add(chosen)
        out.append(scene if chosen == scene.id else replace(scene, id=chosen))
    return out


def _nothing(paths: Sequence[SourceLike], skipped: Sequence[tuple[str, str]], errors: Sequence[PharosError]) -> None:
    """Say why there is no scene at all: in the file's own words if there was just one."""
    if len(errors) == 1:
        raise errors[0]
    if not paths:
        raise NothingToIndex("no file or folder was given.")
    if not errors:
        raise NothingToIndex("there is no image in the folder. GeoTIFF, JPEG 2000, PNG, JPEG and WebP are read.")
    raise NothingToIndex(f"none of {len(skipped)} files can be used. The first: {errors[0]}")
