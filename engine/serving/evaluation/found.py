"""What lies in a folder that can be measured on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

Form = Literal["classes", "captions", "pairs", "counts", "labels", "embeddings"]
FORMS: Final[dict[Form, str]] = {
    "classes": "one folder for each class",
    "captions": "captions (Karpathy-style JSON, captions.json, CSV, or a precomp .txt pair)",
    "pairs": "a list with the columns file, caption, swapped",
    "counts": "a list with the columns file, caption, count",
    "labels": "label sets (a list with the columns file, labels; metadata.parquet; or one folder for each class)",
    "embeddings": "an .npz archive in the layout of RS-TransCLIP",
}
"""Forms of data, as a message asks for them."""
FORM_TITLES: Final[dict[Form, str]] = {
    "classes": "Class folders",
    "captions": "Captions",
    "pairs": "Swapped captions",
    "counts": "Counts",
    "labels": "Label sets",
    "embeddings": "Embeddings",
}
"""Forms of data in two words."""


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that can be measured on.

    Attributes:
        form: What it is.
        path: Folder of class folders, the list, or the archive.
        pictures: Folder below which its pictures lie.
        words: What was found, for a person: “7 classes, 2,800 pictures”.
        name: Path below the data's folder; names it among the parts of one form.
        count: Pictures; 0 if that is not known before it is read.
        names: Class names, in the order of the sorted folders.
        splits: Parts that a list divides itself into, largest first.
        doubt: What may be wrong with it, in words.
        recipes: Recipes that train on these data and keep a part back to measure on.
    """

    form: Form
    path: Path
    pictures: Path
    words: str
    name: str = ""
    count: int = 0
    names: tuple[str, ...] = ()
    splits: tuple[str, ...] = ()
    doubt: str = ""
    recipes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """Everything that was found in one place.

    Attributes:
        name: Of the data, for a person.
        parts: What can be measured on.
        notes: What could not be used, in words.
        synthetic: Whether the data are made up.
    """

    name: str
    parts: tuple[Part, ...] = ()
    notes: tuple[str, ...] = ()
    synthetic: bool = False

    def of(self, *forms: Form) -> tuple[Part, ...]:
        """The parts of some forms, in the order in which the forms are named."""
        return tuple(part for form in forms for part in self.parts if part.form == form)

    def chosen(self, forms: tuple[Form, ...], name: str = "") -> Part | None:
        """The part of that name, else the first of these forms, else None."""
        fitting = self.of(*forms)
        named = [part for part in fitting if name and part.name == name]
        return next(iter((*named, *fitting)), None)
