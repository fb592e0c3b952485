"""What a person asks of fog masks: how much, where, since when, and why here."""

from engine.fog.look.area import AreaSeries, FrameArea, Patch, area_series
from engine.fog.look.places import Place, PlaceSpells, Spell, place_spells, ports
from engine.fog.look.readout import Reading, cell_at, read_pixel
from engine.fog.look.sides import Side, fog_region

__all__ = [
    "AreaSeries",
    "FrameArea",
    "Patch",
    "Place",
    "PlaceSpells",
    "Reading",
    "Side",
    "Spell",
    "area_series",
    "cell_at",
    "fog_region",
    "place_spells",
    "ports",
    "read_pixel",
]
