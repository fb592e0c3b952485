"""Everything that people built on an island, and when."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.world.airport import Airport
from engine.world.canvas import Canvas, Frame
from engine.world.classes import LandCover
from engine.world.cover import Cover
from engine.world.harbour import Harbour
from engine.world.lots import Lots, blocks
from engine.world.noise import stream
from engine.world.palette import Palette
from engine.world.roads import Network, Road
from engine.world.season import Season
from engine.world.terrain import Terrain
from engine.world.town import Town
from engine.world.works import Works, sun_reach


@dataclass(frozen=True, slots=True)
class Settlement:
    """The built island.

    Attributes:
        airport: The airfield, where one fits.
        harbours: The port and the marina.
        works: Industrial estates.
        towns: The capital first, then the town and villages.
        roads: The network.
        farms: (n, 3) lonely houses: x, y, direction.
    """

    airport: Airport | None
    harbours: tuple[Harbour, ...]
    works: tuple[Works, ...]
    towns: tuple[Town, ...]
    roads: tuple[Road, ...]
    farms: NDArray[np.float64]

    @classmethod
    def founded(cls, terrain: Terrain, cover: Cover) -> Settlement:
        """Settle a terrain: the airport and the harbours choose first, roads link what is there, towns fill in."""
        plan = terrain.plan
        rng = stream(plan.seed, "settlement")
        lots = Lots(terrain, cover)
        airport = Airport.placed(terrain, lots, rng)
        harbours = [Harbour.placed(terrain, lots, name, marina, rng) for name, marina in (("capital", False), ("marina", True))]
        closed = ~lots.free & terrain.land & (terrain.slope < 0.3) & (terrain.lake + terrain.river < 0.3)
        hamlets = _hamlets(terrain, cover, lots, rng)
        roads = _roads(terrain, closed, airport, hamlets)
        for road in roads:
            lots.take_line(road.points, max(2, round(road.width + 1)))
        ragged = cover.mottle * 0.7 + cover.drift * 0.5
        works = []
        for name in ("works", "works_inland"):
            site = plan.sites[name]
            frame = Frame(site.x, site.y, site.angle)
            works.append(Works(blocks(lots, frame, site.radius, (23.0, 16.0), ragged, rng, 0.72)))
        towns = []
        for name, grown in (("capital", 0.74), ("town", 0.70)):
            site = plan.sites[name]
            frame = Frame(site.x, site.y, site.angle)
            towns.append(Town(blocks(lots, frame, site.radius, (12.0, 8.0), ragged, rng, grown), dense=True))
        for x, y in hamlets:
            frame = Frame(float(x), float(y), float(rng.uniform(0, np.pi)))
            towns.append(Town(blocks(lots, frame, float(rng.uniform(20, 36)) * plan.unit, (13.0, 9.0), ragged, rng, 0.78), dense=False))
        return cls(airport, tuple(h for h in harbours if h), tuple(works), tuple(towns), roads, _farms(cover, lots, rng))

    def draw(self, canvas: Canvas, palette: Palette, season: Season) -> None:
        """Draw all of it as it stands on a date."""
        for road in self.roads:
            road.draw(canvas, palette, season)
        for harbour in self.harbours:
            harbour.draw(canvas, palette, season)
        if self.airport is not None:
            self.airport.draw(canvas, palette, season)
        places: tuple[Works | Town, ...] = (*self.works, *self.towns)
        for place in places:
            place.draw(canvas, palette, season)
        sun = sun_reach(season)
        for number, (x, y, angle) in enumerate(self.farms):
            names = palette.house_roofs
            frame = Frame(x, y, angle)
            canvas.building((frame, 0, 0, 2.2, 1.2), palette.roofs[names[number % len(names)]], palette["shadow"], sun, 0.6)
            canvas.building((frame, 0.4, 2.0, 1.2, 1.1), palette.roofs[names[number % 2]], palette["shadow"], sun, 0.6)


def _hamlets(terrain: Terrain, cover: Cover, lots: Lots, rng: np.random.Generator) -> list[tuple[float, float]]:
    """Spots for villages: free farmland or meadow, apart from one another and from the towns."""
    plan = terrain.plan
    rows, columns = np.nonzero(
        lots.free & np.isin(cover.kind, [LandCover.FARMLAND, LandCover.MEADOW, LandCover.ORCHARD]) & (terrain.height < 260)
    )
    kept = [(plan.sites[name].x, plan.sites[name].y) for name in ("capital", "town", "airport", "works", "works_inland")]
    fixed = len(kept)
    for index in rng.permutation(rows.size)[:4000]:
        x, y = float(columns[index]), float(rows[index])
        if all(np.hypot(x - a, y - b) > 165 * plan.unit for a, b in kept):
            kept.append((x, y))
        if len(kept) - fixed >= 7:
            break
    return kept[fixed:]


def _roads(terrain: Terrain, closed: NDArray[np.bool_], airport: Airport | None, hamlets: list[tuple[float, float]]) -> tuple[Road, ...]:
    plan = terrain.plan
    places = {
        name: (plan.sites[name].x, plan.sites[name].y)
        for name in ("capital", "town", "works", "works_inland", "marina", "orchard", "pivots")
    }
    if airport is not None:
        (gate,) = airport.frame.points([(0, -44 * airport.scale)])
        places["airport"] = (float(gate[0]), float(gate[1]))
    network = Network(terrain, closed)
    roads = []
    wanted = [("capital", "airport", True), ("capital", "town", False), ("town", "works_inland", False), ("works", "airport", False)]
    wanted += [("works", "capital", False), ("town", "pivots", False), ("pivots", "marina", False), ("capital", "orchard", False)]
    for start, end, motorway in wanted:
        if start in places and end in places:
            points = network.way(places[start], places[end])
            if points is not None:
                roads.append(Road(points, 2.7 if motorway else 1.3, motorway, 0.3 if motorway else -1.0))
    for spot in hamlets:
        near = min((p for p in [*places.values(), *hamlets] if p != spot), key=lambda p: np.hypot(p[0] - spot[0], p[1] - spot[1]))
        points = network.way(spot, near)
        if points is not None:
            roads.append(Road(points, 1.0, False, -1.0))
    return tuple(roads)


def _farms(cover: Cover, lots: Lots, rng: np.random.Generator) -> NDArray[np.float64]:
    track = (cover.kind == LandCover.FARMLAND) & (cover.fields.track < 4) & (cover.fields.track > 2) & lots.free
    rows, columns = np.nonzero(track)
    take = rng.permutation(rows.size)[: max(8, rows.size // 160)]
    return np.column_stack([columns[take], rows[take], rng.uniform(0, np.pi, take.size)]).astype(float)
