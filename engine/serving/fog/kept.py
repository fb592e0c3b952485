"""Results that are dear to make: each is made once however many ask for it at a time, and kept while there is room."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Kept(Generic[Key, Value]):
    """The results asked for last, thread-safe.

    Args:
        most: How much may be kept, in the unit of ``weigh``.
        weigh: What a result counts, for example its bytes; by default 1.
    """

    def __init__(self, most: int, weigh: Callable[[Value], int] = lambda _: 1) -> None:
        self._most, self._weigh, self._weight = most, weigh, 0
        self._table: OrderedDict[Key, tuple[Value, int]] = OrderedDict()
        self._flights: dict[Key, Future[Value]] = {}
        self._lock = threading.Lock()

    def get(self, key: Key, make: Callable[[], Value]) -> Value:
        """The result of a key; who asks while another thread makes it waits for that one. What fails is tried again at the next call."""
        with self._lock:
            if key in self._table:
                self._table.move_to_end(key)
                return self._table[key][0]
            flight, mine = self._flights.get(key), key not in self._flights
            if flight is None:
                flight = self._flights[key] = Future()
        if not mine:
            return flight.result()
        try:
            value = make()
        except BaseException as error:
            with self._lock:
                self._flights.pop(key)
            flight.set_exception(error)
            raise
        with self._lock:
            self._put(key, value)
            self._flights.pop(key)
        flight.set_result(value)
        return value

    def peek(self, key: Key) -> Value | None:
        """The result if it is kept."""
        with self._lock:
            return self._table[key][0] if key in self._table else None

    def busy(self, key: Key) -> bool:
        """Whether it is kept or being made."""
        with self._lock:
            return key in self._table or key in self._flights

    @property
    def weight(self) -> int:
        """What is kept, in the unit of ``weigh``."""
        return self._weight

    def _put(self, key: Key, value: Value) -> None:
        weight = self._weigh(value)
        self._table[key] = (value, weight)
        self._weight += weight
        while self._weight > self._most and len(self._table) > 1:
            _, (_, gone) = self._table.popitem(last=False)
            self._weight -= gone
