"""Pictures with sentences: Karpathy-style JSON, captions.json, precomp text files, CSV."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from engine.errors import DataMissing, DatasetInvalid, EvaluationInvalid
from engine.evaluation.datasets.pictures import Only, Picture, PictureFinder, Skipped, fingerprint, selected

FILE_COLUMNS: Final = ("file", "filename", "filepath", "file_name", "image", "image_name", "path")
TEXT_COLUMNS: Final = ("caption", "title", "text", "sentence", "raw")
_MOST_BYTES: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class CaptionedPicture:
    """One entry of a caption file.

    Attributes:
        name: As the file names its picture.
        captions: Its sentences, duplicates kept, as they stand.
        split: ``train``, ``val``, ``test``; empty where the file doesn't say.
    """

    name: str
    captions: tuple[str, ...]
    split: str = ""


@dataclass(frozen=True, slots=True)
class CaptionedPictures:
    """Pictures and their sentences, sorted by file name.

    Attributes:
        source: Name of the caption file.
        pictures: The pictures that are there.
        captions: For each its sentences.
        split: The part that was taken; empty where the file has no parts.
        skipped: Pictures that are missing.
    """

    source: str
    pictures: tuple[Picture, ...]
    captions: tuple[tuple[str, ...], ...]
    split: str
    skipped: Skipped

    @property
    def fingerprint(self) -> str:
        """Of the pictures' names and sentences."""
        return fingerprint(
            f"{picture.name}|{text}" for picture, texts in zip(self.pictures, self.captions, strict=True) for text in (texts or ("",))
        )

    @classmethod
    def open(cls, folder: Path, captions: Path, split: str = "test", only: Only | None = None) -> CaptionedPictures:
        """Join a caption file and a folder of pictures.

        Args:
            folder: Below which the pictures lie.
            captions: The caption file.
            split: Which part to take of a file that has parts; ``all`` takes everything.
            only: The pictures to keep: a file with their names, one a line, or the names.

        Raises:
            DataMissing: If the folder or the file isn't there, or none of the pictures.
            DatasetInvalid: If the file can't be understood.
            EvaluationInvalid: If the file has no such part.
        """
        finder = PictureFinder(folder)
        entries, part = _part(read_captions(captions), split, captions.name)
        if only is not None:
            kept = selected((entry.name for entry in entries), only)
            entries = [entry for entry in entries if entry.name in kept]
        entries.sort(key=lambda entry: entry.name)
        found = [(finder.picture(entry.name), entry) for entry in entries]
        there = [(picture, entry) for picture, entry in found if picture is not None]
        if not there:
            raise DataMissing(f"Any of the {len(entries):,} pictures that {captions.name} names (first “{entries[0].name}”)", str(folder))
        missing = tuple((entry.name, "the picture is not there.") for picture, entry in found if picture is None)
        return cls(captions.name, tuple(picture for picture, _ in there), tuple(entry.captions for _, entry in there), part, missing)


def _part(entries: Sequence[CaptionedPicture], split: str, name: str) -> tuple[list[CaptionedPicture], str]:
    sizes: dict[str, int] = {}
    for entry in entries:
        sizes[entry.split] = sizes.get(entry.split, 0) + 1
    if split == "all" or set(sizes) == {""}:
        return list(entries), ""
    if split not in sizes:
        known = ", ".join(f"{part or 'without a part'} ({size:,})" for part, size in sorted(sizes.items()))
        raise EvaluationInvalid(f"{name} has no part “{split}”. It has: {known}; all takes everything.")
    return [entry for entry in entries if entry.split == split], split


def read_captions(path: Path) -> tuple[CaptionedPicture, ...]:
    """The entries of a caption file, one a picture, in the order of the file; sentences of one name are joined.

    Known forms: Karpathy-style ``{"images": [{"filename", "split", "sentences": [{"raw"}]}]}`` (RSICD, RSITMD, UCM, Sydney),
    ``[{"file", "captions"}]``, the pair ``X_caps.txt`` and ``X_filename.txt`` of the precomp archives (either may be
    given), and CSV or TSV with a file and a caption column.

    Raises:
        DataMissing: If there is no such file.
        DatasetInvalid: If it is none of these forms.
    """
    if not path.is_file():
        raise DataMissing("The caption file", str(path))
    if path.stat().st_size > _MOST_BYTES:
        raise DatasetInvalid(path.name, "it is larger than a gigabyte.")
    try:
        read = {".json": _json, ".txt": _precomp, ".csv": _table, ".tsv": _table}.get(path.suffix.lower())
        if read is None:
            raise DatasetInvalid(path.name, "captions come as .json, .csv, .tsv or as the .txt pair of a precomp archive.")
        entries = _joined(read(path))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, csv.Error) as error:
        raise DatasetInvalid(path.name, f"its form is not that of a caption file ({type(error).__name__}: {error}).") from None
    if not any(entry.captions for entry in entries):
        raise DatasetInvalid(path.name, "it holds no caption.")
    return entries


def _joined(entries: Iterable[CaptionedPicture]) -> tuple[CaptionedPicture, ...]:
    by_name: dict[tuple[str, str], list[str]] = {}
    for entry in entries:
        by_name.setdefault((entry.name, entry.split), []).extend(text for text in entry.captions if text.strip())
    return tuple(CaptionedPicture(name, tuple(texts), split) for (name, split), texts in by_name.items())


def _json(path: Path) -> Iterable[CaptionedPicture]:
    content = json.loads(path.read_text(encoding="utf-8"))
    rows = content["images"] if isinstance(content, Mapping) else content
    return [_entry(row) for row in rows]


def _entry(row: Mapping[str, Any]) -> CaptionedPicture:
    name = str(_first(row, FILE_COLUMNS))
    folder = str(row.get("filepath", "")) if "filename" in row else ""
    sentences = row["captions"] if "captions" in row else row["sentences"]
    texts = tuple(str(each["raw"]) if isinstance(each, Mapping) else str(each) for each in sentences)
    return CaptionedPicture(f"{folder}/{name}" if folder else name, texts, str(row.get("split", "")))


def _first(row: Mapping[str, Any], columns: Sequence[str]) -> Any:  # noqa: ANN401 - a cell of someone's table
    for column in columns:
        if row.get(column):
            return row[column]
    raise KeyError(f"none of {', '.join(columns)}")


def _precomp(path: Path) -> Iterable[CaptionedPicture]:
    stem = re.sub(r"_(?:caps|filename|filenames)$", "", path.stem)
    texts = path.with_name(f"{stem}_caps.txt").read_text(encoding="utf-8").splitlines()
    names = path.with_name(f"{stem}_filename.txt").read_text(encoding="utf-8").splitlines()
    names = [name.strip() for name in names if name.strip()]
    each, left = divmod(len(texts), max(1, len(names)))
    if not names or left or not each:
        raise DatasetInvalid(path.name, f"{len(texts)} captions can't be shared out to {len(names)} file names.")
    return [CaptionedPicture(names[place // each], (text,)) for place, text in enumerate(texts)]


def _table(path: Path) -> Iterable[CaptionedPicture]:
    return [
        CaptionedPicture(str(_first(row, FILE_COLUMNS)), (str(_first(row, TEXT_COLUMNS)),), str(row.get("split") or ""))
        for row in rows_of(path)
    ]


def rows_of(path: Path) -> list[dict[str, Any]]:
    """Rows of a CSV, TSV or JSON list, keys in lower case.

    Raises:
        DataMissing: If there is no such file.
        DatasetInvalid: If it can't be understood or holds no row.
    """
    if not path.is_file():
        raise DataMissing("The list", str(path))
    try:
        if path.suffix.lower() == ".json":
            rows = [{str(key).lower(): value for key, value in row.items()} for row in json.loads(path.read_text(encoding="utf-8"))]
        else:
            with path.open(encoding="utf-8-sig", newline="") as file:
                reader = csv.DictReader(file, delimiter="\t" if path.suffix.lower() == ".tsv" else ",", strict=True)
                rows = [{str(key).strip().lower(): value for key, value in row.items() if key} for row in reader]
    except (OSError, ValueError, TypeError, AttributeError, RecursionError, csv.Error) as error:
        raise DatasetInvalid(path.name, f"it is no list of rows ({type(error).__name__}: {error}).") from None
    if not rows:
        raise DatasetInvalid(path.name, "it holds no row.")
    return rows
