"""Published embeddings in the layout of RS-TransCLIP: pictures' and sentences' vectors in one .npz."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from engine.errors import DataMissing, DatasetInvalid
from engine.evaluation.vectors import Floats, Integers, indices, unit

NEEDED: Final = ("image_features", "labels", "class_names", "text_features", "prompts")
TEMPLATE: Final = "a satellite image of a"
_MOST_BYTES: Final = 4_000_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Embeddings:
    """Vectors of pictures and of class sentences.

    Attributes:
        source: Name of the file.
        images: (N, D) float32, unit length.
        truth: (N,) int64 classes.
        names: C class names.
        sentences: (P, C, D) float32, unit length: template × class.
        templates: P templates, the beginning of the sentence.
    """

    source: str
    images: Floats
    truth: Integers
    names: tuple[str, ...]
    sentences: Floats
    templates: tuple[str, ...]

    @classmethod
    def open(cls, path: Path) -> Embeddings:
        """Read and check an archive; nothing in it is unpickled.

        Raises:
            DataMissing: If there is no such file.
            DatasetInvalid: If it is no such archive.
            FeaturesInvalid: If vectors hold NaN, are zero or don't fit one another.
        """
        arrays = _arrays(path)
        images, sentences = arrays["image_features"], arrays["text_features"]
        names, templates = tuple(map(str, arrays["class_names"])), tuple(map(str, arrays["prompts"]))
        if images.ndim != 2 or sentences.shape != (len(templates), len(names), images.shape[1]) or not sentences.size:
            shapes = f"image_features {images.shape} and text_features {sentences.shape}"
            raise DatasetInvalid(path.name, f"{shapes} don't fit {len(templates)} prompts, {len(names)} classes.")
        pictures = unit(images, "image_features")
        flat = unit(sentences.reshape(-1, sentences.shape[-1]), "text_features")
        return cls(
            path.stem, pictures, indices(arrays["labels"], len(names), len(pictures)), names, flat.reshape(sentences.shape), templates
        )

    def template_at(self, template: str = "") -> int:
        """Index of a template; by default “a satellite image of a”, or the first where that one is missing.

        Raises:
            DatasetInvalid: If there is no such template.
        """
        wanted = template.strip() or TEMPLATE
        if wanted in self.templates:
            return self.templates.index(wanted)
        if template.strip():
            raise DatasetInvalid(self.source, f"it has no template “{wanted[:80]}”. The first is “{self.templates[0]}”.")
        return 0


def _arrays(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise DataMissing("The file of embeddings", str(path))
    if path.stat().st_size > _MOST_BYTES:
        raise DatasetInvalid(path.name, "it is larger than four gigabytes.")
    try:
        archive = np.load(path, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise DatasetInvalid(path.name, "it holds a single array; an .npz archive is needed.")
        with archive:
            missing = [name for name in NEEDED if name not in archive.files]
            if missing:
                raise DatasetInvalid(path.name, f"it lacks {', '.join(missing)}. An archive holds {', '.join(NEEDED)}.")
            return {name: archive[name] for name in NEEDED}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DatasetInvalid(path.name, f"it is no .npz archive that can be read ({type(error).__name__}).") from None
