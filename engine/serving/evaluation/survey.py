"""Looking into a folder that a person names: what there can be measured on, found by its layout, told in words."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.errors import DataMissing, DatasetInvalid, PharosError, SourceForbidden
from engine.serving.evaluation.found import FORMS, Form, Found, Part
from engine.settings import ASSETS, Settings, settings

if TYPE_CHECKING:
    from engine.evaluation.datasets.folders import ClassFolders

MOST_ENTRIES: Final = 300_000
MOST_SECONDS: Final = 5.0
DEEPEST: Final = 8
LISTS: Final = frozenset({".json", ".csv", ".tsv"})
MOST_LISTS: Final = 40
MOST_LIST_BYTES: Final = 200_000_000
PRECOMP: Final = "_caps.txt"
METADATA: Final = "metadata.parquet"
DIVISIONS: Final = frozenset({"train", "training", "test", "testing", "val", "valid", "validation"})


def survey(text: str, config: Settings | None = None) -> Found:
    """What lies at a place.

    Args:
        text: Path of a folder, a list or an archive, as a person typed it.
        config: Says which folders may be looked into.

    Raises:
        SourceForbidden: If the place may not be looked into.
        DataMissing: If there is nothing.
        DatasetInvalid: If it is too large to be one data set.
    """
    place = allowed(text, config or settings())
    root = place if place.is_dir() else place.parent
    files = _files(place) if place.is_dir() else [place]
    parts: list[Part] = []
    notes: list[str] = []
    if place.is_dir():
        _try(parts, notes, partial(class_folders, place))
    lists = [path for path in files if _is_list(path)]
    for path in lists[:MOST_LISTS]:
        _try(parts, notes, partial(listed, path, root))
    if len(lists) > MOST_LISTS:
        notes.append(f"{len(lists) - MOST_LISTS} more lists were not looked at.")
    known = recipes_on(root)
    parts = [replace(part, recipes=known) if part.form in ("classes", "captions") else part for part in parts]
    return Found(root.name or str(root), tuple(parts), tuple(notes), synthetic="synthetic" in place.name.lower())


def allowed(text: str, config: Settings) -> Path:
    """The place that a person typed, if it may be looked into.

    Raises:
        SourceForbidden: If it is no plain path, or outside the folders that the settings name.
        DataMissing: If there is nothing.
    """
    from engine.imagery.sources import refuse_instruction

    typed = text.strip().strip('"')
    if not typed or "\0" in typed:
        raise DataMissing("A folder of data", "an empty path")
    refuse_instruction(typed)
    place = Path(os.path.abspath(os.path.expanduser(typed)))
    roots = [Path(os.path.realpath(root)) for root in config.dataset_dirs]
    if roots and not any(Path(os.path.realpath(place)).is_relative_to(root) for root in roots):
        raise SourceForbidden(typed[:200], "whoever runs this server has not released that folder (PHAROS_DATASET_DIRS).")
    if not os.path.exists(place):  # unlike the path's own methods it takes a name of any length
        raise DataMissing("A folder of data", typed[:200])
    return place


def recipes_on(root: Path) -> tuple[str, ...]:
    """Names of the recipes that train on a data set, known to them by its folder's name, and keep a part of it back."""
    import yaml

    found = []
    for path in sorted((ASSETS / "recipes").glob("*.yaml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        parts = content.get("data", ()) if isinstance(content, Mapping) else ()
        if any(part.get("held_out") and Path(str(part.get("root", ""))).name == root.name for part in parts):
            found.append(path.stem)
    return tuple(found)


def wanting(found: Found, *forms: Form) -> str:
    """What a suite would need that was not found, in words."""
    needs = ", or ".join(FORMS[form] for form in forms)
    return f"“{found.name}” has nothing for this suite. It needs {needs}."


def _try(parts: list[Part], notes: list[str], find: Callable[[], Part | None]) -> None:
    """Add what is found; what can't be used costs the rest nothing."""
    try:
        part = find()
    except PharosError as error:
        notes.append(str(error))
    else:
        parts += [part] if part is not None else []


def _files(root: Path) -> list[Path]:
    """All files that might be lists, after a walk that ends in time.

    Raises:
        DatasetInvalid: If there is more than can be looked through.
    """
    found: list[Path] = []
    seen, end = 0, time.monotonic() + MOST_SECONDS
    waiting: list[tuple[Path, int]] = [(root, 0)]
    while waiting:
        folder, depth = waiting.pop()
        for entry in _entries(folder):
            seen += 1
            if seen > MOST_ENTRIES or time.monotonic() > end:
                raise DatasetInvalid(root.name or str(root), "it holds too much to be looked through. Name the folder of one data set.")
            if entry.is_dir(follow_symlinks=False):
                if depth < DEEPEST and not entry.name.startswith((".", "__")):
                    waiting.append((Path(entry.path), depth + 1))
            elif depth <= 2 and not entry.name.startswith("."):
                found.append(Path(entry.path))
    return sorted(found)


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except OSError:
        return


def _is_list(path: Path) -> bool:
    return path.suffix.lower() in LISTS | {".npz"} or path.name.endswith(PRECOMP) or path.name == METADATA


def class_folders(root: Path) -> Part | None:
    """Class folders, or None where no folder holds pictures."""
    from engine.evaluation.datasets.folders import ClassFolders

    try:
        folders = ClassFolders.open(root)
    except DataMissing:
        return None
    sizes = Counter(folders.classes)
    if len(folders.names) < 2:
        return None
    small = [name for index, name in enumerate(folders.names) if sizes[index] == 1]
    nested = _nested(folders)
    words = f"{len(folders.names)} classes, {len(folders.pictures):,} pictures"
    words += f", {sum(folders.learning):,} of them for learning" if folders.learning else ""
    doubts = (
        f"Is {nested[0]} a data set of its own? Its pictures lie deeper than a class's; name its folder instead." if nested else "",
        f"{len(small)} of the classes have a single picture." if small else "",
        f"Empty: {', '.join(name for name, _ in folders.skipped[:5])}." if folders.skipped else "",
    )
    return Part("classes", root, root, words, "", len(folders.pictures), folders.names, doubt=" ".join(filter(None, doubts)))


def _nested(folders: ClassFolders) -> list[str]:
    """Classes whose pictures all lie in further folders: a folder of data sets looks like that."""
    depth = 1 if folders.learning is None else 2
    direct = {index for picture, index in zip(folders.pictures, folders.classes, strict=True) if picture.name.count("/") <= depth}
    return [name for index, name in enumerate(folders.names) if index not in direct]


def listed(path: Path, root: Path) -> Part | None:
    """What a list or an archive is, or None where it is nothing that can be measured on."""
    if path.suffix.lower() == ".npz":
        return _archive(path, root)
    if path.name == METADATA:
        return _landmark(path, root)
    if path.stat().st_size > MOST_LIST_BYTES:
        raise DatasetInvalid(path.name, f"it is larger than {MOST_LIST_BYTES // 1_000_000} MB.")
    form = "captions" if path.name.endswith(PRECOMP) else _form(path)
    if form == "captions":
        return _captions(path, root)
    if form is None:
        return None
    from engine.evaluation.datasets.captions import rows_of

    rows = rows_of(path)
    nouns = {"pairs": "pairs of sentences", "counts": "counted pictures", "labels": "pictures with label sets"}
    return Part(form, path, path.parent, f"{len(rows):,} {nouns[form]}", _below(path, root), len(rows))


def _form(path: Path) -> Form | None:
    """What kind of list it is, by the keys of its first row."""
    keys = _keys(path)
    if keys is None or not keys & {"images", "file", "filename", "filepath", "file_name", "image", "image_name", "path"}:
        return None
    if "swapped" in keys:
        return "pairs"
    if "labels" in keys:
        return "labels"
    if "count" in keys:
        return "counts"
    return "captions" if keys & {"images", "captions", "sentences", "caption", "title", "text", "sentence", "raw"} else None


def _keys(path: Path) -> set[str] | None:
    """Keys of the first row, lower case; of a mapping its own; None where it is no list."""
    try:
        if path.suffix.lower() == ".json":
            content = json.loads(path.read_text(encoding="utf-8"))
            first = content if isinstance(content, Mapping) else content[0]
            return {str(key).lower() for key in first} if isinstance(first, Mapping) else None
        with path.open(encoding="utf-8-sig") as file:
            head = file.readline(10_000)
        return {cell.strip().strip('"').lower() for cell in head.split("\t" if path.suffix.lower() == ".tsv" else ",")}
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None


def _captions(path: Path, root: Path) -> Part:
    """A caption file whose pictures lie beside it or below the folder that was named."""
    from engine.evaluation.datasets.captions import read_captions
    from engine.evaluation.datasets.pictures import PictureFinder

    entries = read_captions(path)
    finder = PictureFinder(root)
    there = sum(finder.find(entry.name) is not None for entry in entries)
    if not there:
        raise DatasetInvalid(path.name, f"none of the {len(entries):,} pictures that it names lies below {root.name}.")
    splits = Counter(entry.split for entry in entries if entry.split)
    captions = sum(len(entry.captions) for entry in entries)
    words = f"{there:,} pictures, {captions:,} captions"
    words += f" in {', '.join(f'{name} ({size:,})' for name, size in splits.most_common())}" if splits else ""
    doubt = "" if there == len(entries) else f"{len(entries) - there:,} of the pictures that it names are not there."
    return Part(
        "captions", path, root, words, _below(path, root), there, splits=tuple(name for name, _ in splits.most_common()), doubt=doubt
    )


def _archive(path: Path, root: Path) -> Part | None:
    from engine.evaluation.datasets.transclip import Embeddings

    data = Embeddings.open(path)
    words = f"{len(data.truth):,} vectors, {len(data.names)} classes, {len(data.templates)} templates"
    return Part("embeddings", path, root, words, _below(path, root), len(data.truth), data.names)


def _landmark(path: Path, root: Path) -> Part:
    """CrisisLandMark's metadata; its pictures are read from the archive beside it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        splits = Counter(pq.read_table(path, columns=["split"]).column("split").to_pylist())
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        raise DatasetInvalid(path.name, f"it should have the columns key, split and labels ({type(error).__name__}).") from None
    words = f"{sum(splits.values()):,} scenes with label sets in {', '.join(f'{name} ({size:,})' for name, size in splits.most_common())}"
    names = tuple(str(name) for name, _ in splits.most_common())
    return Part("labels", path.parent, path.parent, words, _below(path, root), sum(splits.values()), splits=names)


def _below(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()
