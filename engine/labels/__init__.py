"""Zero-shot labels: label sets, probabilities that abstain, area shares."""

from engine.labels.collections import Labelled, label_collection
from engine.labels.sets import LabelSet, label_sets
from engine.labels.shares import Shares, shares_km2
from engine.labels.zero_shot import label_tiles

__all__ = ["LabelSet", "Labelled", "Shares", "label_collection", "label_sets", "label_tiles", "shares_km2"]
