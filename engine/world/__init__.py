"""A made-up island and fog cubes with known truth: the demo that needs no network."""

from engine.world.acquisition import Acquisition
from engine.world.classes import WORDS, LandCover
from engine.world.fogbank import make_fog_cube
from engine.world.island import DATES, Island, View
from engine.world.radar import POLARISATIONS
from engine.world.spectra import BANDS
from engine.world.truth import tile_shares
from engine.world.world import World, make_world

__all__ = [
    "BANDS",
    "DATES",
    "POLARISATIONS",
    "WORDS",
    "Acquisition",
    "Island",
    "LandCover",
    "View",
    "World",
    "make_fog_cube",
    "make_world",
    "tile_shares",
]
