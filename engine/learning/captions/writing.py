"""From annotations and pictures to ``captions.json``."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from engine.errors import CaptionsInvalid, PharosError
from engine.evaluation.datasets.pictures import PictureFinder, pictures_below, read_picture
from engine.learning.captions.boxes import Annotated, Frame
from engine.learning.captions.classes import ClassTable
from engine.learning.captions.coco import read_coco
from engine.learning.captions.dota import read_dota
from engine.learning.captions.duplicates import BITS, DISTANCE, Seen, perceptual_hash
from engine.learning.captions.files import AnnotatedPictures, Kind, annotation_files, folder_of_pictures
from engine.learning.captions.masks import LEAST
from engine.learning.captions.raster import read_rasters
from engine.learning.captions.sentences import CENTRAL, captions
from engine.progress import Cancel, Progress, silent, stop_if


@dataclass(frozen=True, slots=True)
class Rules:
    """What decides the sentences.

    Attributes:
        central: Part of each side that is the middle of a picture, 0–1.
        seed: Another seed, other choices of classes and vague words.
        difficult: Whether to speak of what DOTA flags as difficult.
        least: Pixels of the smallest piece of a label raster that is spoken of.
        duplicates: Whether near copies stay.
        distance: Bits of the perceptual hash up to which two pictures are near copies, 0–63.
    """

    central: float = CENTRAL
    seed: int = 0
    difficult: bool = True
    least: int = LEAST
    duplicates: bool = False
    distance: int = DISTANCE

    def __post_init__(self) -> None:
        """Refuse what can't be.

        Raises:
            CaptionsInvalid: If the middle is no part of the picture, or pictures can't differ by so many bits.
        """
        if not 0 <= self.central <= 1:
            raise CaptionsInvalid("central", f"{self.central:g} is no part of a side. Give a number from 0 to 1.")
        if not 0 <= self.distance < BITS:
            raise CaptionsInvalid("distance", f"{self.distance} bits can't differ. Give a number from 0 to {BITS - 1}.")


@dataclass(slots=True)
class CaptionReport:
    """What was written and what was not.

    Attributes:
        path: The caption file.
        captions: Sentences by the file of their picture, as the caption file names it.
        boxes: Objects in these pictures.
        dropped: Objects that were left out.
        duplicates: Pictures that were left out as near copies.
        faults: Names of annotations with objects that were left out, and why.
        skipped: Names of pictures and annotations that were left out, and why.
        seconds: How long it took.
    """

    path: Path
    captions: dict[str, tuple[str, ...]] = field(default_factory=dict)
    boxes: int = 0
    dropped: int = 0
    duplicates: int = 0
    faults: list[tuple[str, str]] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def sentences(self) -> int:
        """How many there are."""
        return sum(map(len, self.captions.values()))

    def drop(self, name: str, reasons: Iterable[str]) -> None:
        """Note objects of a picture that were left out, each with its reason."""
        counts = Counter(reasons)
        if counts:
            self.dropped += counts.total()
            self.faults.append((name, "; ".join(why if count == 1 else f"{why} ({count} times)" for why, count in counts.items()) + "."))

    def write(self, kind: Kind) -> None:
        """Write the caption file, whole or not at all: ``[{"file", "captions", "made_from"}]``, sorted.

        Raises:
            CaptionsInvalid: If it can't be written.
        """
        rows = [{"file": file, "captions": told, "made_from": kind} for file, told in sorted(self.captions.items())]
        partial = self.path.with_suffix(".partial")
        try:
            partial.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
            partial.replace(self.path)
        except OSError as problem:
            raise CaptionsInvalid(self.path.name, f"it can't be written ({problem.strerror}).") from None


class _LeftOut(Exception):
    """Why a picture has no captions."""


@dataclass(slots=True)
class _Writer:
    pictures: AnnotatedPictures
    seen: Seen
    rules: Rules
    report: CaptionReport
    taken: set[Path] = field(default_factory=set)

    def take(self, annotated: Annotated) -> None:
        """Tell of one picture, or say why not."""
        self.report.drop(annotated.name, annotated.faults)
        try:
            path = self._picture(annotated)
            pixels = read_picture(path)
            frame = annotated.frame or Frame(pixels.shape[1], pixels.shape[0])
            boxes = [inside for box in annotated.boxes if (inside := box.within(frame)) is not None]
            self.report.drop(annotated.name, ["a box lies outside of the picture"] * (len(annotated.boxes) - len(boxes)))
            if not boxes:
                raise _LeftOut("there is no object to speak of.")
            self._refuse_copy(perceptual_hash(pixels), path.name)
        except (_LeftOut, PharosError) as problem:
            self.report.skipped.append((annotated.name, str(problem)))
            return
        random = Random(f"{self.rules.seed}|{annotated.name}")  # its sentences depend on no other picture
        self.taken.add(path)
        self.report.boxes += len(boxes)
        self.report.captions[_file(path, self.report.path.parent)] = captions(boxes, frame, random, self.rules.central)

    def _picture(self, annotated: Annotated) -> Path:
        path = self.pictures.find(annotated.name)
        if path is None:
            raise _LeftOut("its picture is not there, or several files have its name.")
        if path in self.taken:
            raise _LeftOut("its picture has captions from another annotation.")
        return path

    def _refuse_copy(self, code: int, name: str) -> None:
        near = self.seen.near(code)
        if near is not None:
            self.report.duplicates += 1
            raise _LeftOut(f"it is nearly the same picture as {near}.")
        if not self.rules.duplicates:
            self.seen.add(code, name)


def write_captions(
    place: Path,
    out: Path,
    kind: Kind,
    *,
    classes: Path | None = None,
    pictures: Path | None = None,
    against: Sequence[Path] = (),
    rules: Rules | None = None,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> CaptionReport:
    """Make captions for annotated pictures, leave near copies out, and write what a training and the evaluation read.

    Args:
        place: Label files, their folder, or a COCO file.
        out: The caption file, or the folder for ``captions.json``. Files are named relative to its folder where they lie in
            folders below it, otherwise by their whole path.
        kind: Form of the annotations.
        classes: The class table; a label raster needs one.
        pictures: Below which the pictures lie; by default the folder ``images`` in or beside that of the annotations, or that folder.
        against: Folders of pictures that must have no near copy here, such as a test set.
        rules: What decides the sentences.
        progress: Told about each picture.
        cancel: Stops before the next picture; nothing is written then.

    Raises:
        DataMissing: If annotations, class table or pictures are not there.
        CaptionsInvalid: If they can't be used, or no caption could be made, or the file to write holds others.
        Cancelled: If it was stopped.
    """
    started = time.perf_counter()
    rules = rules or Rules()
    report = CaptionReport(_writable(out))
    if kind == "raster" and classes is None:
        raise CaptionsInvalid(place.name, "a label raster says only numbers. Name them with --classes TABLE.yaml.")
    table = ClassTable.read(classes) if classes else ClassTable({})
    root = pictures or folder_of_pictures(place)
    files = annotation_files(place, kind, root, report.path)
    found = AnnotatedPictures(root, roles=kind == "raster")
    writer = _Writer(found, _seen(against, Seen(rules.distance), report, progress, cancel), rules, report)
    annotations = _annotations(files, kind, table, rules)
    total = len(annotations) if isinstance(annotations, list) else len(files)
    for done, annotated in enumerate(annotations, start=1):
        stop_if(cancel, "Captioning")
        writer.take(annotated)
        progress("captions", done, total)
    if not report.captions:
        name, why = report.skipped[0] if report.skipped else (place.name, "it names no picture.")
        raise CaptionsInvalid(place.name, f"none of {total:,} pictures got one; of the first, {name}: {why}")
    report.write(kind)
    report.seconds = time.perf_counter() - started
    return report


def _annotations(files: Sequence[Path], kind: Kind, table: ClassTable, rules: Rules) -> Iterable[Annotated]:
    """Each in its turn."""
    if kind == "coco":
        return read_coco(files[0], table)
    return read_dota(files, table, rules.difficult) if kind == "dota" else read_rasters(files, table, rules.least)


def _seen(folders: Sequence[Path], seen: Seen, report: CaptionReport, progress: Progress, cancel: Cancel | None) -> Seen:
    """With the pictures of which no near copy may be told of."""
    paths = [path for folder in folders for path in pictures_below(PictureFinder(folder).root)]
    for done, path in enumerate(paths, start=1):
        stop_if(cancel, "Captioning")
        try:
            seen.add(perceptual_hash(read_picture(path)), str(path))
        except PharosError as problem:
            report.skipped.append((path.name, str(problem)))
        progress("pictures to stay apart from", done, len(paths))
    return seen


def _writable(out: Path) -> Path:
    """The caption file to write; what people wrote is not overwritten.

    Raises:
        CaptionsInvalid: If the file holds captions that were not made here, or its folder can't be made.
    """
    path = (out if out.suffix.lower() == ".json" else out / "captions.json").absolute()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        old: Any = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
        made_here = all("made_from" in row for row in old)
    except (OSError, ValueError, TypeError):
        made_here = False
    if not made_here:
        raise CaptionsInvalid(str(out), "something else stands there. Choose another file or folder for the captions.")
    return path


def _file(path: Path, folder: Path) -> str:
    """How the caption file names a picture; a training reads a class from the folder, so there must be one."""
    whole = path.absolute()
    below = whole.relative_to(folder) if folder in whole.parents else whole
    return (below if len(below.parts) > 1 else whole).as_posix()
