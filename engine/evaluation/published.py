"""Figures of papers, shown beside ours only where the protocol is the same."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import yaml

from engine.settings import ASSETS

TABLES: Final = ASSETS / "evaluation" / "published.yaml"


@dataclass(frozen=True, slots=True)
class Table:
    """Figures of one table of one paper under one protocol.

    Attributes:
        suite: ``zeroshot``, ``retrieval``, ``embeddings``.
        where: What must be equal in our run; ``data`` must occur in the name of its data.
        source: Paper and table.
        note: What the paper leaves open; may be empty.
        figures: One entry a model: ``model`` and fractions from 0 to 1.
    """

    suite: str
    where: Mapping[str, Any]
    source: str
    note: str
    figures: tuple[Mapping[str, Any], ...]

    def fits(self, suite: str, data: str, protocol: Mapping[str, Any]) -> bool:
        """Whether our run followed the same protocol on the same data."""
        conditions = {key: value for key, value in self.where.items() if key != "data"}
        named = str(self.where["data"]) in re.sub(r"[^a-z0-9]", "", data.lower())
        return self.suite == suite and named and all(_same(protocol.get(key), value) for key, value in conditions.items())

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {"source": self.source, "note": self.note, "figures": [dict(entry) for entry in self.figures]}


def _same(ours: object, theirs: object) -> bool:
    return list(ours) == list(theirs) if isinstance(ours, list | tuple) and isinstance(theirs, list) else ours == theirs


@lru_cache(maxsize=1)
def tables() -> tuple[Table, ...]:
    """All tables of ``assets/evaluation/published.yaml``."""
    entries = yaml.safe_load(TABLES.read_text(encoding="utf-8"))
    return tuple(Table(each["suite"], each["where"], each["source"], each.get("note", ""), tuple(each["figures"])) for each in entries)


def published(suite: str, data: str, protocol: Mapping[str, Any]) -> tuple[Table, ...]:
    """Tables under the same protocol.

    Args:
        suite: As in :class:`Table`.
        data: Names of folder and files that were measured on.
        protocol: What our run did: ``n``, ``classes``, ``prompts``, ``protocol``, ``n_images``, …
    """
    return tuple(table for table in tables() if table.fits(suite, data, protocol))
