"""From what a person asks to one vector, and to the measure of what counts as an answer."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from engine.errors import EmptyQuery, ImageUnreadable, ModelMismatch, QueryInvalid, TileNotFound
from engine.index.vectors import FloatVectors
from engine.types import Query

if TYPE_CHECKING:
    from engine.encoders import Encoder
    from engine.index.collection import Collection

NEGATIVE_WEIGHT: Final = 0.5
"""How strongly what a person stays away from counts against what they look for."""

LIKE_FAIR: Final = 0.35
LIKE_STRONG: Final = 0.6
"""Shares of a picture's own margin over the average tile from which others count as like it."""


@dataclass(frozen=True)
class Question:
    """A query as vectors.

    Attributes:
        vector: (D,) float32, unit length: tiles are ranked by their inner product with it.
        scale: Factor from that product to the margin's scale; 1 without negatives.
        references: (weight, (D,) vector) to take off: the margin of tile v is ``scale·(v·vector) − Σ weight·(v·reference)``.
        fair: Margin from which a tile counts as relevant.
        strong: Margin from which it is a clear hit.
    """

    vector: FloatVectors
    scale: float
    references: tuple[tuple[float, FloatVectors], ...]
    fair: float
    strong: float

    @classmethod
    def of(cls, query: Query, collection: Collection, encoder: Encoder) -> Question:
        r"""Encode a query.

        With p the normalised mean of all text and like vectors and g that of the negatives, tiles are ranked by
        :math:`v \cdot q,\ q = (p - w g) / |p - w g|`. The margin is
        :math:`v \cdot (p - r) - w\, v \cdot (g - \bar n)`, where :math:`\bar n` is the mean neutral prompt and r is
        :math:`\bar n` for texts; for one text and no negatives that is the score minus the mean neutral score. Pictures lie
        much closer to pictures than texts do, so for likes r is the collection's average tile, and a tile counts as like
        them from 0.35 (fair) and 0.6 (strong) of the margin that the likes have themselves; a mixed query mixes both by
        the number of texts and likes.

        Raises:
            EmptyQuery: If there is neither a text nor a like.
            QueryTooLong: If a text is too long.
            QueryInvalid: If no hit is asked for.
            ModelMismatch: If the collection was indexed with other weights.
            TileNotFound: If a like is neither a tile of the collection nor a picture's path.
            ImageUnreadable: If a like's picture can't be read.
        """
        if query.limit < 1:
            raise QueryInvalid("Ask for at least one hit.")
        if encoder.hash != collection.model_hash:
            raise ModelMismatch(collection.name, collection.model, f"{encoder.id}@{encoder.hash}")
        texts = [encoder.query(text) for text in query.texts if text.strip()]
        likes = [_like(like, collection, encoder) for like in query.likes if like.strip()]
        if not texts and not likes:
            raise EmptyQuery
        negatives = [encoder.query(text) for text in query.negatives if text.strip()]
        return cls._composed(texts, likes, negatives, collection, encoder)

    @classmethod
    def _composed(
        cls, texts: list[FloatVectors], likes: list[FloatVectors], negatives: list[FloatVectors], collection: Collection, encoder: Encoder
    ) -> Question:
        wanted = _unit(np.mean([*texts, *likes], axis=0))
        spoken, weight = len(texts) / (len(texts) + len(likes)), NEGATIVE_WEIGHT if negatives else 0.0
        raw = wanted - weight * _unit(np.mean(negatives, axis=0)) if negatives else wanted
        references = [(spoken - weight, neutral_of(encoder))] if spoken != weight else []
        fair, strong = spoken * encoder.calibration.fair, spoken * encoder.calibration.strong
        if likes:
            average, like = collection.average, _unit(np.mean(likes, axis=0))
            own = max(1.0 - float(like @ average), 0.0)
            references.append((1.0 - spoken, average))
            fair, strong = fair + (1.0 - spoken) * LIKE_FAIR * own, strong + (1.0 - spoken) * LIKE_STRONG * own
        return cls(_unit(raw), float(np.linalg.norm(raw)) if negatives else 1.0, tuple(references), fair, strong)


def neutral_of(encoder: Encoder) -> FloatVectors:
    """Mean of the neutral prompts' vectors, not normalised: v·n̄ is a tile's mean neutral score. (D,) float32."""
    return np.asarray(np.mean(encoder.neutral, axis=0, dtype=np.float64), dtype=np.float32)


def _unit(vector: FloatVectors) -> FloatVectors:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12), dtype=np.float32)


def _like(like: str, collection: Collection, encoder: Encoder) -> FloatVectors:
    row = collection.table.row_of(like)
    if row is not None:
        return _unit(collection.store.take(np.array([row]))[0])
    if not os.path.isfile(like):  # unlike the path's own method it takes a text of any length
        raise TileNotFound(like, collection.name)
    return _picture(like, encoder)


def _picture(path: str, encoder: Encoder) -> FloatVectors:
    from engine import imagery
    from engine.geometry import Window

    found = imagery.find_scenes([path], unplaced=True)
    if not found.scenes:
        name, why = found.skipped[0] if found.skipped else (Path(path).name, "it is no picture.")
        raise ImageUnreadable(name, why)
    scene = found.scenes[0]
    with imagery.open_scene(scene) as reader:
        image = reader.view(Window(0, 0, scene.width, scene.height), min(2 * encoder.input_size, max(scene.width, scene.height)))
    return np.asarray(encoder.images([image.fill()])[0], dtype=np.float32)
