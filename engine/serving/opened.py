"""Opened collections: the few that were asked last, each opened once and taken up again when it has grown."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from engine.errors import CollectionNotFound
from engine.index.collection import folder_of
from engine.index.lock import is_written
from engine.settings import Settings

if TYPE_CHECKING:
    from engine.index import Collection

MOST_OPEN: Final = 4
RELOAD_SECONDS: Final = 5.0
"""While a collection is being indexed it is opened again no oftener."""


class _Place:
    """Where one collection is kept."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.collection: Collection | None = None
        self.loaded = 0.0


class OpenedCollections:
    """Collections by name, thread-safe; opening one keeps nobody waiting who asks for another.

    Args:
        config: Where they are.
    """

    def __init__(self, config: Settings) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._places: OrderedDict[str, _Place] = OrderedDict()

    def get(self, name: str) -> Collection:
        """An opened collection, with what was indexed since; while it grows, at most a few seconds old.

        Raises:
            CollectionNotFound: If there is none.
            CollectionDamaged: If it can't be read.
        """
        place = self._place(name)
        opened = place.collection
        if opened is None:
            with place.lock:
                return place.collection or self._open(name, place)
        if not opened.is_stale() or self._is_too_soon(name, place):
            return opened
        if not place.lock.acquire(blocking=False):
            return opened  # somebody is at it
        try:
            return self._open(name, place)
        finally:
            place.lock.release()

    def _place(self, name: str) -> _Place:
        with self._lock:
            place = self._places.setdefault(name, _Place())
            self._places.move_to_end(name)
            while len(self._places) > MOST_OPEN:
                self._places.popitem(last=False)
            return place

    def _is_too_soon(self, name: str, place: _Place) -> bool:
        return time.monotonic() - place.loaded < RELOAD_SECONDS and is_written(folder_of(name, self._config))

    def _open(self, name: str, place: _Place) -> Collection:
        from engine.index import Collection

        try:
            place.collection = Collection.open(name, self._config)
        except CollectionNotFound:
            with self._lock:
                self._places.pop(name, None)
            raise
        place.loaded = time.monotonic()
        return place.collection
