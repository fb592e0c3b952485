"""Pictures with a caption that says how many (RemoteCount and lists like it)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.errors import DataMissing, EvaluationInvalid
from engine.evaluation.counting import CountCaption
from engine.evaluation.datasets.captions import FILE_COLUMNS, TEXT_COLUMNS, rows_of
from engine.evaluation.datasets.pictures import Picture, PictureFinder, Skipped, fingerprint


@dataclass(frozen=True, slots=True)
class CountedPictures:
    """Pictures and their count captions, in the order of the list.

    Attributes:
        source: Name of the list.
        pictures: The pictures that are there.
        captions: One for each.
        skipped: Rows that can't be asked: missing pictures, no number, counts beyond ten.
    """

    source: str
    pictures: tuple[Picture, ...]
    captions: tuple[CountCaption, ...]
    skipped: Skipped

    @property
    def fingerprint(self) -> str:
        """Of names and captions."""
        return fingerprint(f"{p.name}|{c.template}|{c.count}" for p, c in zip(self.pictures, self.captions, strict=True))

    @classmethod
    def open(cls, listing: Path, folder: Path | None = None) -> CountedPictures:
        """Read a JSON list or a CSV with the columns file, caption and, if it is known apart, count.

        Args:
            listing: The list.
            folder: Below which the pictures lie; by default where the list lies.

        Raises:
            DataMissing: If there is no such file or none of the pictures.
            DatasetInvalid: If the list can't be understood.
            EvaluationInvalid: If no row can be asked.
        """
        rows = rows_of(listing)
        finder = PictureFinder(folder or listing.parent)
        pictures: list[Picture] = []
        captions: list[CountCaption] = []
        skipped: list[tuple[str, str]] = []
        for row in rows:
            name = next((str(row[column]) for column in FILE_COLUMNS if row.get(column)), "")
            text = next((str(row[column]) for column in TEXT_COLUMNS if row.get(column)), "")
            try:
                caption = CountCaption.of(text, _count(row.get("count")))
                picture = finder.picture(name)
                if picture is None:
                    raise DataMissing("The picture", name or "(no file named)")
            except (EvaluationInvalid, DataMissing) as problem:
                skipped.append((name or text[:40], str(problem)))
                continue
            pictures.append(picture)
            captions.append(caption)
        if not pictures:
            raise EvaluationInvalid(f"no row of {listing.name} can be asked; of the first, {skipped[0][0]}: {skipped[0][1]}")
        return cls(listing.name, tuple(pictures), tuple(captions), tuple(skipped))


def _count(cell: object) -> int | None:
    if cell is None or str(cell).strip() == "":
        return None
    try:
        return int(str(cell))
    except ValueError:
        raise EvaluationInvalid(f"“{str(cell)[:40]}” is no count.") from None
