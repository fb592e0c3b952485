"""Labels of a whole collection, or of a region of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.errors import ModelMismatch
from engine.labels.sets import LabelSet
from engine.labels.shares import Shares, shares_km2
from engine.labels.zero_shot import label_tiles
from engine.types import LabelScores, Region, TimeSpan

if TYPE_CHECKING:
    from engine.encoders import Encoder
    from engine.index import Collection


@dataclass(frozen=True)
class Labelled:
    """Labels of many tiles, with what makes the numbers comparable.

    Attributes:
        tiles: Labels of each tile, ordered by tile id.
        shares: Ground that each label takes.
        label_set: Name of the label set.
        templates: Name and version of the template set around the labels.
        model: Id and hash of the encoder.
    """

    tiles: tuple[LabelScores, ...]
    shares: Shares
    label_set: str
    templates: str
    model: str

    @property
    def shares_km2(self) -> dict[str, float]:
        """Ground that each label takes, km²; tiles that abstained are not in it."""
        return self.shares.labels

    @property
    def abstained(self) -> int:
        """Tiles that abstained."""
        return sum(tile.abstained for tile in self.tiles)

    def record(self) -> dict[str, Any]:
        """As JSON (design.md, command-line contract)."""
        return {
            "tiles": [
                {"tile_id": tile.tile_id, "label": tile.label, "probability": round(tile.probability, 6), "abstained": tile.abstained}
                for tile in self.tiles
            ],
            "shares_km2": {label: round(area, 6) for label, area in self.shares.labels.items()},
            "abstained": self.abstained,
            "abstained_km2": round(self.shares.abstained, 6),
            "label_set": self.label_set,
            "templates": self.templates,
            "model": self.model,
        }


def label_collection(
    collection: Collection, label_set: LabelSet, encoder: Encoder, *, regions: Sequence[Region] = (), span: TimeSpan | None = None
) -> Labelled:
    """Label the tiles of a collection inside regions and time.

    Args:
        collection: An open collection.
        label_set: Names to choose from.
        encoder: The encoder that the collection was indexed with.
        regions: Where; empty means everywhere. Areas are clipped to them.
        span: When; by default at any time.

    Raises:
        ModelMismatch: If the encoder has other weights.
        RegionOutsideCollection, NothingThen: If region or time leave nothing.
    """
    from engine.encoders.prompts import TemplateSet
    from engine.index import Filter

    if encoder.hash != collection.model_hash:
        raise ModelMismatch(collection.name, collection.model, f"{encoder.id}@{encoder.hash}")
    index = collection.select(Filter(tuple(regions), span or TimeSpan())).rows.index
    scores = label_tiles(collection.store.take(index), collection.table.ids_of(index), label_set, encoder)
    shares = shares_km2(scores, list(collection.table.footprints(index)), regions)
    ordered = tuple(sorted(scores, key=lambda score: score.tile_id))
    templates = TemplateSet.from_like(label_set.templates).id
    return Labelled(ordered, shares, label_set.name, templates, collection.model)
