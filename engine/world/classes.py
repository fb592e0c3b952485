"""What the ground truth of an island names."""

from __future__ import annotations

from enum import IntEnum


class LandCover(IntEnum):
    """Classes of the truth rasters; the number is the pixel value."""

    NO_DATA = 0
    SEA = 1
    LAKE = 2
    RIVER = 3
    BEACH = 4
    FOREST = 5
    FARMLAND = 6
    MEADOW = 7
    MOUNTAIN = 8
    DESERT = 9
    RESIDENTIAL = 10
    INDUSTRIAL = 11
    HARBOUR = 12
    AIRPORT = 13
    ROAD = 14
    PARKING = 15
    WETLAND = 16
    ORCHARD = 17
    STORAGE_TANKS = 18
    BARE = 19
    SNOW = 20
    CLOUD = 21
    SHRUB = 22

    @property
    def words(self) -> str:
        """How a person calls it."""
        return WORDS[self]


WORDS: dict[LandCover, str] = {
    LandCover.NO_DATA: "no data",
    LandCover.SEA: "sea",
    LandCover.LAKE: "lake",
    LandCover.RIVER: "river",
    LandCover.BEACH: "beach",
    LandCover.FOREST: "forest",
    LandCover.FARMLAND: "farmland",
    LandCover.MEADOW: "meadow",
    LandCover.MOUNTAIN: "mountain",
    LandCover.DESERT: "desert",
    LandCover.RESIDENTIAL: "residential area",
    LandCover.INDUSTRIAL: "industrial area",
    LandCover.HARBOUR: "harbour",
    LandCover.AIRPORT: "airport",
    LandCover.ROAD: "road",
    LandCover.PARKING: "parking lot",
    LandCover.WETLAND: "wetland",
    LandCover.ORCHARD: "orchard",
    LandCover.STORAGE_TANKS: "storage tanks",
    LandCover.BARE: "bare ground",
    LandCover.SNOW: "snow",
    LandCover.CLOUD: "cloud",
    LandCover.SHRUB: "shrubland",
}
