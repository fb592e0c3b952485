"""Pictures and sentences: reading, splitting and holding the pairs that a training draws from."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import DataMissing, ImageUnreadable
from engine.learning.files import written
from engine.progress import Progress, silent


@dataclass(frozen=True, slots=True)
class Captioned:
    """One picture and what is said of it.

    Attributes:
        file: Path below the data set's root, with forward slashes.
        label: Its class: the name of its folder.
        captions: Its sentences.
    """

    file: str
    label: str
    captions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Split:
    """Which pictures are learned from and which are kept for validation.

    Attributes:
        train: Indices, ascending.
        held_out: Indices, ascending; none of ``train``.
    """

    train: NDArray[np.int64]
    held_out: NDArray[np.int64]


def read_captioned(root: Path) -> tuple[Captioned, ...]:
    """The pictures of ``captions.json``, ``[{"file": "images/CLASS/NAME.jpg", "captions": ["…"]}]``, in order of their files.

    Raises:
        DataMissing: If the file isn't there or isn't of that form.
    """
    path = root / "captions.json"
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        records = [_captioned(row) for row in rows]
    except (OSError, ValueError, KeyError, TypeError, IndexError) as problem:
        raise DataMissing(f"A caption file that can be read ({type(problem).__name__})", str(path)) from None
    kept = sorted((record for record in records if record.captions), key=lambda record: record.file)
    if not kept:
        raise DataMissing("A picture with a caption", str(path))
    return tuple(kept)


def _captioned(row: dict[str, Any]) -> Captioned:
    """One entry of the caption file, its sentences freed of the blanks before full stops."""
    sentences = (" ".join(str(text).split()).replace(" .", ".").replace(" ,", ",") for text in row["captions"])
    return Captioned(str(row["file"]), str(row["file"]).split("/")[-2], tuple(text for text in sentences if text.strip(".")))


def split(records: Sequence[Captioned], share: float, seed: int) -> Split:
    """Keep a share of every class for validation.

    A picture's place depends on the seed and its own name alone, so that the part stays the same when pictures join.

    Args:
        records: Pictures.
        share: Part of each class to hold out, 0–1; at least one picture of each class with two or more, if above 0.
        seed: Another seed, another part.
    """
    by_label: dict[str, list[int]] = defaultdict(list)
    for index, record in enumerate(records):
        by_label[record.label].append(index)
    held_out: list[int] = []
    for indices in by_label.values():
        ranked = sorted(indices, key=lambda index: hashlib.sha256(f"{seed}|{records[index].file}".encode()).digest())
        count = max(1, round(share * len(indices))) if share > 0 and len(indices) > 1 else 0
        held_out += ranked[:count]
    kept = np.array(sorted(held_out), dtype=np.int64)
    return Split(np.setdiff1d(np.arange(len(records), dtype=np.int64), kept), kept)


def decoded(root: Path, records: Sequence[Captioned], size: int, cache: Path, progress: Progress = silent) -> NDArray[np.uint8]:
    """All pictures at one size; decoded once, later read from the cache.

    Args:
        root: Folder below which the files lie.
        records: Which pictures, in which order.
        size: Pixels of a side; other sizes are scaled bicubically.
        cache: Folder for the array, named by the files' names, sizes and times.
        progress: Told about each hundredth picture.

    Returns:
        (N, 3, size, size) uint8 RGB, a read-only memory map.

    Raises:
        DataMissing: If a picture isn't there.
        ImageUnreadable: If one can't be decoded.
    """
    path = cache / f"{root.name}-{size}px-{_content(root, records)}.npy"
    if not path.is_file():
        pictures = np.empty((len(records), 3, size, size), dtype=np.uint8)

        def fill(index: int) -> None:
            pictures[index] = _decode(root / records[index].file, size)

        with ThreadPoolExecutor(2) as pool:
            for done, _ in enumerate(pool.map(fill, range(len(records))), start=1):
                if done % 100 == 0 or done == len(records):
                    progress("decoding pictures", done, len(records))
        with written(path) as partial, partial.open("wb") as file:
            np.save(file, pictures)
    held: NDArray[np.uint8] = np.load(path, mmap_mode="r")
    return held


def _content(root: Path, records: Sequence[Captioned]) -> str:
    """12 hexadecimal digits that change when a file does."""
    digest = hashlib.sha256()
    for record in records:
        try:
            state = (root / record.file).stat()
        except OSError:
            raise DataMissing(f"The picture “{record.file}”", str(root)) from None
        digest.update(f"{record.file}|{state.st_size}|{state.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:12]


def _decode(path: Path, size: int) -> NDArray[np.uint8]:
    """One picture: path → (3, size, size) uint8."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as file:
            picture = file.convert("RGB")
            if picture.size != (size, size):
                picture = picture.resize((size, size), Image.Resampling.BICUBIC)
            return np.asarray(picture, dtype=np.uint8).transpose(2, 0, 1)
    except (UnidentifiedImageError, OSError, ValueError) as problem:
        raise ImageUnreadable(path.name, f"{type(problem).__name__}. Replace or remove it.") from None
