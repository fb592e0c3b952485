"""What a page shows, as one value that the address bar carries: exact both ways, so a link restores the page."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Final, Self

LONGEST: Final = 60_000
"""Characters of one value that is read; a drawn region of 500 corners needs half of it."""
NUMBERS: Final = (0, 1_000_000)


@dataclass(frozen=True, slots=True)
class PageState:
    """The base of what a page shows: a frozen dataclass whose fields are texts, whole numbers, switches or tuples of texts.

    Attributes:
        RANGES: Least and greatest value of whole numbers, by field.
        CHOICES: Texts that a field may hold, by field; any where it is not named.
        LONGEST: Characters of one value that an address may carry.
    """

    RANGES: ClassVar[Mapping[str, tuple[int, int]]] = {}
    CHOICES: ClassVar[Mapping[str, Collection[str]]] = {}
    LONGEST: ClassVar[int] = LONGEST

    @classmethod
    def from_query(cls, query: Mapping[str, Sequence[str]]) -> Self:
        """Read an address's query; what is not understood is left at its default.

        Args:
            query: Values of each key, in order.
        """
        state = cls()
        for item in fields(cls):
            values = [value for value in query.get(item.name, ()) if isinstance(value, str) and len(value) <= cls.LONGEST]
            if values:
                try:
                    state = replace(state, **{item.name: cls.read(item.name, getattr(state, item.name), values)})
                except ValueError:
                    continue
        return state

    def to_query(self) -> dict[str, list[str]]:
        """The address's query: only what differs from the default."""
        blank = type(self)()
        changed = {item.name: getattr(self, item.name) for item in fields(self) if getattr(self, item.name) != getattr(blank, item.name)}
        return {name: self.write(value) for name, value in changed.items()}

    @classmethod
    def read(cls, name: str, default: Any, values: list[str]) -> Any:  # noqa: ANN401 - a field's value
        """A field's value from the address.

        Args:
            name: Of the field.
            default: Its value where the address says nothing; its type decides how the text is read.
            values: What the address says, one text or more.

        Raises:
            ValueError: If the field can't hold it.
        """
        last = values[-1]
        if isinstance(default, tuple):
            return tuple(dict.fromkeys(values))
        if isinstance(default, bool):
            return {"1": True, "0": False}[last] if last in ("0", "1") else default
        if isinstance(default, int):
            low, high = cls.RANGES.get(name, NUMBERS)
            number = int(last)
            if not low <= number <= high:
                raise ValueError(name)
            return number
        if last not in cls.CHOICES.get(name, (last,)):
            raise ValueError(last)
        return last

    @classmethod
    def write(cls, value: Any) -> list[str]:  # noqa: ANN401 - a field's value
        """A field's value as the address carries it."""
        if isinstance(value, tuple):
            return [each if isinstance(each, str) else each.text() for each in value]
        return [str(int(value)) if isinstance(value, bool) else str(value)]
