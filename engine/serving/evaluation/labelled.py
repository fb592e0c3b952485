"""Collections whose scenes have label rasters beside them, cut into pictures that can be measured on.

A label raster lies beside its scene, or in a folder ``truth`` beside the scene's folder, on the same grid, and is named
``{scene}_truth.tif``; ``classes.json`` beside it says what its values mean. The made-up island has them. SYNTHETIC where the scenes
are.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.encoders.prompts import with_article
from engine.errors import DatasetInvalid
from engine.geometry import TileGrid, Window
from engine.imagery.reader import open_scene
from engine.imagery.tiling import TileSpec
from engine.progress import Cancel, Progress, silent, stop_if
from engine.serving.evaluation.found import Form, Found, Part
from engine.serving.evaluation.survey import class_folders, listed
from engine.types import Scene

if TYPE_CHECKING:
    from engine.imagery.reader import SceneReader

VERSION: Final = 1
"""Raised whenever other pictures are cut."""
PURE: Final = 0.6
"""Share of a picture that one class must cover for the picture to stand for the class."""
PRESENT: Final = 0.15
"""Share from which a class is told in a caption and in a label set."""
MOST_OF_A_CLASS: Final = 60
FEWEST_OF_A_CLASS: Final = 4
MOST_MIXED: Final = 240
APART: Final = 0.2
"""How far apart the middles of two classes must lie for one to be left of the other, in parts of the picture's side."""
SMALLEST_OBJECT: Final = 12
"""Pixels that a thing must have to be counted."""
COUNTED: Final = {"lake": "lakes", "parking lot": "parking lots", "storage tanks": "storage tanks"}
NOTHING: Final = frozenset({"no data", "cloud"})
MADE: Final = ".made"
LISTS: Final[tuple[Form, ...]] = ("captions", "labels", "counts")


@dataclass(frozen=True, slots=True)
class Labelled:
    """A scene with its label raster.

    Attributes:
        scene: The scene.
        raster: Path of its labels, one band of uint8.
        names: What the values mean.
    """

    scene: Scene
    raster: Path
    names: dict[int, str]


def raster_of(scene: Scene) -> Path | None:
    """The label raster of a scene, or None."""
    source = Path(scene.source)
    name = f"{source.stem}_truth.tif"
    places = (source.with_name(name), source.parent / "truth" / name, source.parent.parent / "truth" / name)
    return next((place for place in places if place.is_file() and (place.parent / "classes.json").is_file()), None)


def labelled(scenes: Sequence[Scene]) -> tuple[Labelled, ...]:
    """The scenes that have label rasters.

    Raises:
        DatasetInvalid: If a ``classes.json`` can't be read.
    """
    rasters = [(scene, raster) for scene in scenes if (raster := raster_of(scene)) is not None]
    return tuple(Labelled(scene, raster, _names(raster.parent / "classes.json")) for scene, raster in rasters)


def _names(path: Path) -> dict[int, str]:
    try:
        return {int(value): str(name) for value, name in json.loads(path.read_text(encoding="utf-8")).items()}
    except (OSError, ValueError, AttributeError) as error:
        raise DatasetInvalid(path.name, f"it should map pixel values to class names ({type(error).__name__}).") from None


@dataclass(frozen=True, slots=True)
class Piece:
    """A window that is to be cut out.

    Attributes:
        source: Index of its scene.
        window: Where it lies, pixels.
        kind: The class that it stands for, or 0 where it stands for none.
        shown: Classes that are there, the largest first.
        relation: A sentence on how the two largest lie, or nothing.
        counts: How many separate things of each counted class lie in it.
    """

    source: int
    window: Window
    kind: int
    shown: tuple[int, ...]
    relation: str
    counts: dict[int, int]


def title(name: str, *, synthetic: bool) -> str:
    """How the data of a collection are called; what is measured on made-up data says so."""
    return f"SYNTHETIC-{name}" if synthetic else name


def cut(home: Path, called: str, scenes: Sequence[Labelled], *, progress: Progress = silent, cancel: Cancel | None = None) -> Found:
    """Cut pictures from scenes, once; an interrupted try is started again, and other scenes make it anew.

    Args:
        home: Folder of its own.
        called: Name of the data, as :func:`title` makes it.
        scenes: What to cut from.
        progress: Told of each scene.
        cancel: Stops between scenes.

    Raises:
        DatasetInvalid: If a label raster does not fit its scene, or too little can be cut.
        ImageUnreadable: If a scene is gone.
        Cancelled: If the person asked for it.
    """
    mark = _mark(scenes)
    if _read(home / MADE) != mark:
        part = home.with_name(f".{home.name}.{os.getpid()}.part")
        try:
            _write(part, called, scenes, progress, cancel)
            (part / MADE).write_text(mark, encoding="utf-8")
            shutil.rmtree(home, ignore_errors=True)
            part.rename(home)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return made(home, called)


def made(home: Path, called: str) -> Found:
    """What was cut, or what will be."""
    classes = home / f"{called}-classes"
    lists = {form: home / f"{called}-{form}.json" for form in LISTS}
    synthetic = called.startswith("SYNTHETIC")
    if not (home / MADE).is_file():
        words = "made from scenes and their label rasters when it is first measured"
        parts = [Part("classes", classes, classes, words), *(Part(form, path, home, words, path.name) for form, path in lists.items())]
        return Found(called, tuple(parts), synthetic=synthetic)
    found = [class_folders(classes), *(listed(path, home) for path in lists.values() if path.is_file())]
    return Found(called, tuple(part for part in found if part is not None), synthetic=synthetic)


def made_at(home: Path) -> int:
    """When it was cut, nanoseconds; 0 if it was not."""
    try:
        return (home / MADE).stat().st_mtime_ns
    except OSError:
        return 0


def _mark(scenes: Sequence[Labelled]) -> str:
    """Names what would be cut."""
    lines = [f"{each.scene.source} {each.raster} {each.raster.stat().st_mtime_ns}" for each in scenes]
    return "\n".join([f"version {VERSION}", *lines])


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


def _write(home: Path, called: str, scenes: Sequence[Labelled], progress: Progress, cancel: Cancel | None) -> None:
    pieces = [piece for index, each in enumerate(scenes) for piece in _pieces(index, each)]
    pure, mixed = _drawn(pieces)
    if len({piece.kind for piece in pure}) < 2:
        raise DatasetInvalid(called, "fewer than two classes cover enough of a picture to stand for it.")
    names = {value: name for each in scenes for value, name in each.names.items()}
    shutil.rmtree(home, ignore_errors=True)
    rows: dict[str, list[dict[str, Any]]] = {form: [] for form in LISTS}
    for index, each in enumerate(scenes):
        stop_if(cancel, "Making the pictures")
        progress("making pictures from scenes and labels", index, len(scenes))
        with open_scene(each.scene) as reader:
            for piece in (piece for piece in pure if piece.source == index):
                path = home / f"{called}-classes" / names[piece.kind] / _name(each, piece)
                _save(reader, piece.window, path)
                rows["labels"].append({"file": path.relative_to(home).as_posix(), "labels": [names[kind] for kind in piece.shown]})
            for piece in (piece for piece in mixed if piece.source == index):
                path = home / "pictures" / _name(each, piece)
                _save(reader, piece.window, path)
                _tell(rows, path.relative_to(home).as_posix(), piece, names)
    for form, told in rows.items():
        if told:
            (home / f"{called}-{form}.json").write_text(json.dumps(told, indent=1), encoding="utf-8")
    progress("making pictures from scenes and labels", len(scenes), len(scenes))


def _name(each: Labelled, piece: Piece) -> str:
    return f"{each.scene.id}-{piece.window.column}-{piece.window.row}.png".replace("/", "-")


def _save(reader: SceneReader, window: Window, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(reader.read(window).encode("png"))


def _tell(rows: dict[str, list[dict[str, Any]]], file: str, piece: Piece, names: dict[int, str]) -> None:
    """Put a picture into the lists that it fits."""
    shown = [with_article(names[kind]) for kind in piece.shown]
    rows["labels"].append({"file": file, "labels": [names[kind] for kind in piece.shown]})
    if len(shown) > 1:
        sentence = f"{', '.join(shown[:-1])} and {shown[-1]}."
        rows["captions"].append({"file": file, "captions": [sentence, *([piece.relation] if piece.relation else [])]})
    for kind, count in piece.counts.items():
        rows["counts"].append({"file": file, "caption": f"there are {{}} {COUNTED[names[kind]]}.", "count": count})


def _pieces(index: int, each: Labelled) -> list[Piece]:
    """Every window of a scene, with what its labels say."""
    import rasterio

    scene = each.scene
    try:
        with rasterio.open(each.raster) as file:
            labels: NDArray[np.uint8] = file.read(1)
    except rasterio.errors.RasterioError as error:
        raise DatasetInvalid(each.raster.name, f"it can't be read ({type(error).__name__}).") from None
    if labels.dtype != np.uint8 or labels.shape != (scene.height, scene.width):
        raise DatasetInvalid(each.raster.name, f"its {labels.dtype} {labels.shape} does not fit the scene's {(scene.height, scene.width)}.")
    side = TileSpec().pixels(scene.gsd_m)[0]
    return [_piece(index, window, labels, each.names) for window in TileGrid(scene.width, scene.height, side)]


def _piece(index: int, window: Window, labels: NDArray[np.uint8], names: dict[int, str]) -> Piece:
    part = labels[window.row : window.row + window.height, window.column : window.column + window.width]
    shares = np.bincount(part.ravel(), minlength=256) / part.size
    hidden = any(shares[value] >= PRESENT / 3 for value, name in names.items() if name in NOTHING)
    shown = () if hidden else tuple(int(kind) for kind in np.argsort(-shares) if shares[kind] >= PRESENT and int(kind) in names)
    kind = shown[0] if shown and shares[shown[0]] >= PURE else 0
    counts = {} if hidden else {value: count for value, name in names.items() if name in COUNTED and (count := _count(part == value))}
    return Piece(index, window, kind, shown, _relation(part, shown, names), counts)


def _count(mask: NDArray[np.bool_]) -> int:
    """Separate things of some size; more than ten can't be asked for."""
    from scipy import ndimage

    if not mask.any():
        return 0
    groups, _ = ndimage.label(mask)
    count = int((np.bincount(groups.ravel())[1:] >= SMALLEST_OBJECT).sum())
    return count if count <= 10 else 0


def _relation(part: NDArray[np.uint8], shown: tuple[int, ...], names: dict[int, str]) -> str:
    """How the two largest classes lie to one another, where that is clear; north is up."""
    if len(shown) < 2:
        return ""
    middles = [np.argwhere(part == kind).mean(axis=0) / part.shape for kind in shown[:2]]
    down, right = (middles[1] - middles[0]).tolist()
    if max(abs(down), abs(right)) < APART:
        return ""
    one, other = (names[kind] for kind in shown[:2])  # without articles: the words alone change places in a test of word order
    if abs(right) >= abs(down):
        return f"{one} to the {'left' if right > 0 else 'right'} of {other}."
    return f"{one} {'above' if down > 0 else 'below'} {other}."


def _drawn(pieces: Sequence[Piece]) -> tuple[list[Piece], list[Piece]]:
    """Pictures that stand for a class, and pictures with several things or with things to count: the same draw each time."""
    order = np.random.default_rng(VERSION).permutation(len(pieces))
    shuffled = [pieces[place] for place in order]
    sizes = Counter(piece.kind for piece in shuffled)
    taken: Counter[int] = Counter()
    pure: list[Piece] = []
    mixed: list[Piece] = []
    for piece in shuffled:
        if piece.kind and sizes[piece.kind] >= FEWEST_OF_A_CLASS and taken[piece.kind] < MOST_OF_A_CLASS:
            taken[piece.kind] += 1
            pure.append(piece)
        elif len(mixed) < MOST_MIXED and (len(piece.shown) > 1 or piece.counts):
            mixed.append(piece)
    return pure, mixed
