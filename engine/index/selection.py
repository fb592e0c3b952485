"""What region, time and sensor leave of a collection, remembered so that the next query finds it ready."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from engine.index.rows import Rows
from engine.index.vectors import FloatVectors, VectorStore
from engine.types import Region, TimeSpan

KEPT: Final = 16


@dataclass(frozen=True)
class Filter:
    """What tiles a question is about.

    Attributes:
        regions: A tile belongs when it touches any of them; empty means everywhere.
        span: When its scene was taken.
        sensor: Sensor of its scene; empty means any.
    """

    regions: tuple[Region, ...] = ()
    span: TimeSpan = field(default_factory=TimeSpan)
    sensor: str = ""

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for filters that select the same tiles."""
        return (tuple(region.geometry.wkb for region in self.regions), self.span, self.sensor)


class Selection:
    """Selected rows, and what was once computed for them.

    Attributes:
        rows: The rows.
    """

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self._bias: dict[bytes, FloatVectors] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def bias(self, reference: FloatVectors, store: VectorStore) -> FloatVectors:
        """How much each selected tile looks like a reference that does not change from query to query.

        Scanned at the first question about a selection, remembered for the next ones.

        Args:
            reference: (D,) float32, for example the mean neutral prompt.
            store: The vectors.

        Returns:
            (n,) float32 inner products.
        """
        key = reference.tobytes()
        known = self._bias.get(key)
        if known is None:
            known = self._bias[key] = store.scores(reference, self.rows)
        return known


class Selections:
    """The last few selections of a collection, by filter."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[object, ...], Selection] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, wanted: Filter, make: Callable[[Filter], Selection]) -> Selection:
        """The selection of a filter; what ``make`` raises is not remembered."""
        key = wanted.key
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = make(wanted)
        with self._lock:
            made = self._kept.setdefault(key, made)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return made
