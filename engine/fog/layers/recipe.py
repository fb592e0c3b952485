"""What a layer shows and how it is drawn, from a YAML file."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal, Self, get_args

from engine.errors import LayerNotFound, RecipeInvalid
from engine.fog.elements import Element
from engine.settings import ASSETS

When = Literal["always", "day", "night"]
Kind = Literal["grey", "rgb", "ramp", "mask"]
Shown = Literal["fog", "probability", "state", "forecast", "disagreement", "truth"]
Pattern = Literal["colour", "hatch", "checks", "dashed"]
Format = Literal["png", "webp"]

FOLDER: Final = ASSETS / "fog" / "layers"
_COLOUR: Final = re.compile(r"#[0-9a-f]{6}([0-9a-f]{2})?\Z")
_KEYS: Final = {"id", "title", "order", "valid", "format", "paint", "legend", "note", "source"}


@dataclass(frozen=True, slots=True)
class Band:
    """A sum of elements, stretched to 0–1.

    Attributes:
        terms: Element and its factor.
        range: Values that become 0 and 1, in the elements' unit; the first may be the larger.
        gamma: The stretched value is raised to 1/gamma.
    """

    terms: tuple[tuple[str, float], ...]
    range: tuple[float, float] = (0.0, 1.0)
    gamma: float = 1.0


@dataclass(frozen=True, slots=True)
class Swatch:
    """One line of a legend: what a colour or pattern stands for."""

    label: str
    kind: Pattern
    colour: str


@dataclass(frozen=True, slots=True)
class Legend:
    """What a layer's colours mean.

    Attributes:
        title: Name of the layer.
        unit: Unit of the stops.
        ramp: Value, colour ``#rrggbb`` and opacity 0–1, in rising order; empty where there is no ramp.
        ticks: Values that are written under the ramp.
        swatches: Single colours and patterns.
        note: What a reader must know.
    """

    title: str
    unit: str = ""
    ramp: tuple[tuple[float, str, float], ...] = ()
    ticks: tuple[float, ...] = ()
    swatches: tuple[Swatch, ...] = ()
    note: str = ""

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "title": self.title,
            "unit": self.unit,
            "ramp": [{"value": value, "colour": colour, "opacity": opacity} for value, colour, opacity in self.ramp],
            "ticks": list(self.ticks),
            "swatches": [{"label": each.label, "kind": each.kind, "colour": each.colour} for each in self.swatches],
            "note": self.note,
        }


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer's recipe.

    Attributes:
        id: Short name, as in addresses.
        title: What a person calls it.
        order: Place from bottom to top.
        valid: When it means something: ``day`` and ``night`` layers are transparent at other times.
        format: What its frames are encoded as.
        kind: How it is drawn.
        variants: For bands: one (grey, ramp) or three (rgb) bands each; the first whose elements a cube holds is taken.
        shown: For masks: what of it.
        legend: What its colours mean.
        source: Where the recipe is from.
    """

    id: str
    title: str
    order: int
    valid: When
    format: Format
    kind: Kind
    variants: tuple[tuple[Band, ...], ...]
    shown: Shown | None
    legend: Legend
    source: str

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a recipe.

        Raises:
            RecipeInvalid: If it is no recipe; the message names the key.
        """
        import yaml

        try:
            record = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise RecipeInvalid(path.name, f"it is no readable YAML ({type(error).__name__}).") from None
        return cls._from(_Reader(path.name), record)

    @classmethod
    def _from(cls, reader: _Reader, record: object) -> Self:
        found = reader.mapping(record, "the file")
        unknown = sorted(set(found) - _KEYS)
        if unknown:
            raise reader.wrong(f"it knows no key “{unknown[0]}”. Known: {', '.join(sorted(_KEYS))}.")
        kind, variants, shown = reader.paint(found.get("paint"))
        title, note = reader.text(found, "title"), str(found.get("note") or "")
        name = reader.text(found, "id")
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,30}", name):
            raise reader.wrong(f"“{name}” can't be an id; take lower-case letters, digits and underscores.")
        legend = reader.legend(found.get("legend") or {}, title, note)
        if kind == "ramp" and len(legend.ramp) < 2:
            raise reader.wrong("a ramp layer needs at least two stops in “legend: ramp”.")
        return cls(
            id=name,
            title=title,
            order=int(reader.number(found.get("order", 0), "order")),
            valid=reader.choice(found.get("valid", "always"), get_args(When), "valid"),
            format=reader.choice(found.get("format", "png"), get_args(Format), "format"),
            kind=kind,
            variants=variants,
            shown=shown,
            legend=legend,
            source=reader.text(found, "source"),
        )

    @property
    def needs(self) -> tuple[str, ...]:
        """Elements of the preferred variant; empty for masks, whose detector says what it needs."""
        return _elements(self.variants[0]) if self.variants else ()

    def variant(self, elements: Collection[str]) -> tuple[Band, ...] | None:
        """The bands to draw of a cube with such elements; ``None`` if it lacks some for every variant, or nothing is drawn of bands."""
        return next((bands for bands in self.variants if set(_elements(bands)) <= set(elements)), None)

    def lacks(self, elements: Collection[str]) -> tuple[str, ...]:
        """Elements that are missing for the variant that lacks fewest; empty if it can be drawn."""
        missing = [tuple(name for name in _elements(bands) if name not in elements) for bands in self.variants]
        return min(missing, key=len, default=())

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "id": self.id,
            "title": self.title,
            "order": self.order,
            "valid": self.valid,
            "kind": self.kind,
            "shows": self.shown,
            "needs": list(self.needs),
            "format": self.format,
            "source": self.source,
            "legend": self.legend.record(),
        }


def _elements(bands: tuple[Band, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for band in bands for name, _ in band.terms))


@dataclass(frozen=True, slots=True)
class _Reader:
    """Takes a recipe's keys apart, and says which one is wrong."""

    name: str

    def wrong(self, why: str) -> RecipeInvalid:
        return RecipeInvalid(self.name, why)

    def mapping(self, value: object, what: str) -> Mapping[str, Any]:
        if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
            raise self.wrong(f"{what} must hold keys and values.")
        return value

    def text(self, record: Mapping[str, Any], key: str) -> str:
        value = record.get(key)
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(f"it lacks a text under “{key}”.")
        return value.strip()

    def number(self, value: object, what: str) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e9:
            raise self.wrong(f"“{what}” must be a number, not “{value}”.")
        return float(value)

    def choice(self, value: object, known: tuple[Any, ...], what: str) -> Any:  # noqa: ANN401 - one of `known`
        if value not in known:
            raise self.wrong(f"“{what}” is “{value}”; known are {', '.join(known)}.")
        return value

    def paint(self, value: object) -> tuple[Kind, tuple[tuple[Band, ...], ...], Shown | None]:
        record = self.mapping(value, "“paint”")
        if len(record) != 1:
            raise self.wrong(f"“paint” must be one of {', '.join(get_args(Kind))}.")
        ((kind, body),) = record.items()
        chosen: Kind = self.choice(kind, get_args(Kind), "paint")
        if chosen == "mask":
            return chosen, (), self.choice(body, get_args(Shown), "mask")
        bodies = body if isinstance(body, list) else [body]
        if not bodies:
            raise self.wrong(f"“{kind}” holds no band.")
        return chosen, tuple(self.bands(chosen, each) for each in bodies), None

    def bands(self, kind: Kind, value: object) -> tuple[Band, ...]:
        record = self.mapping(value, f"“{kind}”")
        if kind != "rgb":
            return (self.band(record, kind),)
        if set(record) != {"red", "green", "blue"}:
            raise self.wrong("“rgb” needs red, green and blue.")
        return tuple(self.band(self.mapping(record[colour], f"“{colour}”"), colour) for colour in ("red", "green", "blue"))

    def band(self, record: Mapping[str, Any], what: str) -> Band:
        unknown = sorted(set(record) - {"of", "range", "gamma"})
        if unknown:
            raise self.wrong(f"“{what}” knows no key “{unknown[0]}”.")
        terms = self.mapping(record.get("of"), f"“of” of {what}")
        strange = [name for name in terms if Element.find(name) is None]
        if strange or not terms:
            raise self.wrong(f"“{strange[0] if strange else what}” is no element. Bands are named as R0064, BT0390 or BT1120.")
        low, high = self.pair(record.get("range", [0, 1]), f"range of {what}")
        gamma = self.number(record.get("gamma", 1), "gamma")
        if low == high or gamma <= 0:
            raise self.wrong(f"the range of {what} is empty, or its gamma is not above 0.")
        return Band(tuple((name, self.number(factor, name)) for name, factor in terms.items()), (low, high), gamma)

    def pair(self, value: object, what: str) -> tuple[float, float]:
        if not isinstance(value, list) or len(value) != 2:
            raise self.wrong(f"the {what} must be two numbers.")
        return self.number(value[0], what), self.number(value[1], what)

    def legend(self, value: object, title: str, note: str) -> Legend:
        record = self.mapping(value, "“legend”")
        ramp = tuple(self.stop(each) for each in record.get("ramp") or ())
        if [value for value, _, _ in ramp] != sorted({value for value, _, _ in ramp}):
            raise self.wrong("the stops of the ramp must rise.")
        swatches = tuple(self.swatch(each) for each in record.get("swatches") or ())
        if not ramp and not swatches:
            raise self.wrong("a layer needs a legend: a ramp or swatches.")
        ticks = tuple(self.number(tick, "ticks") for tick in record.get("ticks") or ())
        return Legend(title, str(record.get("unit") or ""), ramp, ticks, swatches, note)

    def stop(self, value: object) -> tuple[float, str, float]:
        if not isinstance(value, list) or len(value) != 3:
            raise self.wrong("a stop of the ramp is [value, colour, opacity].")
        return self.number(value[0], "ramp"), self.colour(value[1]), min(max(self.number(value[2], "opacity"), 0.0), 1.0)

    def swatch(self, value: object) -> Swatch:
        if not isinstance(value, list) or len(value) != 3 or not isinstance(value[0], str):
            raise self.wrong("a swatch is [words, colour or pattern, colour].")
        return Swatch(value[0], self.choice(value[1], get_args(Pattern), "swatches"), self.colour(value[2]))

    def colour(self, value: object) -> str:
        if not isinstance(value, str) or not _COLOUR.match(value):
            raise self.wrong(f"“{value}” is no colour; write #rrggbb in lower case, in quotes.")
        return value


@lru_cache(maxsize=4)
def all_layers(folder: Path = FOLDER) -> Mapping[str, Layer]:
    """All layers by id, from bottom to top.

    Raises:
        RecipeInvalid: If a file is no recipe, or an id stands twice.
    """
    found: dict[str, Layer] = {}
    for path in sorted(folder.glob("*.yaml")):
        layer = Layer.read(path)
        if layer.id in found:
            raise RecipeInvalid(path.name, f"the layer “{layer.id}” stands twice.")
        found[layer.id] = layer
    return dict(sorted(found.items(), key=lambda pair: pair[1].order))


def layer_named(name: str) -> Layer:
    """A layer by its id.

    Raises:
        LayerNotFound: If there is none.
    """
    known = all_layers()
    if name not in known:
        raise LayerNotFound(name, known)
    return known[name]
