"""From what the address says of the Fog page to what can be shown: the cube, its layers, its time axis, the frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import shapely

from app.base import base_path
from app.fog_state import LAYERS, NOTHING, TIMES, FogState, Point
from engine.errors import PharosError
from engine.serving import engine
from engine.serving.fog import LEARNED, CubeCard, Strip
from engine.types import Region, utc

if TYPE_CHECKING:
    from engine.fog import Layer
    from engine.fog.moments import Moment

PICTURE, MASK = "infrared", "fog"
"""The layers that are shown first."""


@dataclass(frozen=True)
class FogScene:
    """What the page shows, found out.

    Attributes:
        state: What the address says.
        card: The cube at a glance.
        layers: Every layer by its id, and why it can't be drawn of this cube; empty if it can.
        methods: Detectors by id and title, the default first.
    """

    state: FogState
    card: CubeCard
    layers: Mapping[str, tuple[Layer, str]]
    methods: Mapping[str, str]

    @classmethod
    def of(cls, state: FogState) -> FogScene:
        """Find out what is to be shown.

        Raises:
            CubeNotFound, CubeInvalid: If the cube is gone or damaged.
        """
        layers = {layer.id: (layer, why) for layer, why in engine().fog.layers(state.cube)}
        return cls(state, engine().fog.card(state.cube), layers, engine().fog.methods())

    # --- layers ------------------------------------------------------------------------------------------------------

    def layer(self, name: str) -> Layer:
        """A layer by its id."""
        return self.layers[name][0]

    def usable(self, name: str) -> bool:
        """Whether a layer is known and can be drawn of this cube."""
        return name in self.layers and not self.layers[name][1]

    def is_mask(self, name: str) -> bool:
        """Whether a layer shows what a detector says."""
        return self.layer(name).kind == "mask"

    @property
    def pictures(self) -> tuple[str, ...]:
        """Ids of the layers that show what was measured."""
        return tuple(name for name in self.layers if not self.is_mask(name))

    @property
    def masks(self) -> tuple[str, ...]:
        """Ids of the layers that show what a detector says."""
        return tuple(name for name in self.layers if self.is_mask(name))

    @property
    def picture(self) -> str:
        """Id of the lower layer, or empty for none."""
        return self._chosen(self.state.picture, PICTURE, self.pictures)

    @property
    def mask(self) -> str:
        """Id of the upper layer, or empty for none."""
        return self._chosen(self.state.mask, MASK, self.masks)

    @property
    def other(self) -> str:
        """Id of B's layer while layers are compared, or empty."""
        if self.state.compare != LAYERS:
            return ""
        fits = (self.moment.light, "always")
        free = [name for name in self.pictures if self.usable(name) and name != self.picture]
        return self._chosen(self.state.other, next((name for name in free if self.layer(name).valid in fits), ""), tuple(free))

    def _chosen(self, name: str, first: str, others: tuple[str, ...]) -> str:
        if name == NOTHING:
            return ""
        return next((each for each in (name, first, *others) if self.usable(each)), "")

    @property
    def method(self) -> str:
        """Id of the detector."""
        return self.state.method if self.state.method in self.methods else next(iter(self.methods), "")

    @property
    def forecast(self) -> bool:
        """Whether the next three hours are shown."""
        return self.state.forecast or self.mask == "forecast"

    # --- time --------------------------------------------------------------------------------------------------------

    def strip(self, layer: str) -> Strip:
        """The frames of a layer.

        Raises:
            FrameNotFound: If there is none from the chosen day on.
        """
        return engine().fog.strip(self.card.name, layer, method=self.asked_method, start=self.start, forecast=self.forecast)

    @property
    def asked_method(self) -> str:
        """The detector where it is not the default: addresses then stay short; with its ending where the network forecasts."""
        return self._detector + (LEARNED if self.learned else "")

    @property
    def _detector(self) -> str:
        return self.state.method if self.state.method in self.methods else ""

    @cached_property
    def offer(self) -> str | None:
        """Why the network is not offered for the forecast; empty where it is, ``None`` while that is not known, or nobody looks ahead."""
        return engine().fog.offer(self.card.name, method=self._detector) if self.forecast else None

    @property
    def learned(self) -> bool:
        """Whether the network makes the forecast: it was asked to, and is offered."""
        return self.state.learned and self.offer == ""

    @property
    def start(self) -> datetime | None:
        """From when on a long series is shown."""
        try:
            start = utc(self.state.start) if self.state.start else None
        except PharosError:
            return None
        return start if start is None or self.card.last is None or start <= self.card.last else None

    @cached_property
    def axis(self) -> Strip:
        """The time axis that all layers share."""
        return self.strip(MASK)

    @property
    def moments(self) -> tuple[Moment, ...]:
        """Real frames, gaps and forecast frames in order of time."""
        return self.axis.moments

    @cached_property
    def index(self) -> int:
        """Place of the shown frame on the axis: the one nearest to the picked time."""
        return self.axis.now if (found := self.nearest(self.state.when)) is None else found

    @cached_property
    def other_index(self) -> int:
        """Place of B's frame on the axis: at first the first one."""
        found = self.nearest(self.state.other_when)
        return next((place for place, each in enumerate(self.moments) if not each.gap), 0) if found is None else found

    def nearest(self, stamp: str) -> int | None:
        """Place on the axis of the frame nearest to a stamp; a gap only when it is that very time."""
        from engine.fog.moments import unstamped

        try:
            when = unstamped(stamp)
        except PharosError:
            return None
        exact = next((place for place, each in enumerate(self.moments) if each.stamp == stamp), None)
        real = [place for place, each in enumerate(self.moments) if not each.gap]
        return exact if exact is not None or not real else min(real, key=lambda place: abs(self.moments[place].time - when))

    @property
    def moment(self) -> Moment:
        """The shown frame."""
        return self.moments[self.index]

    @property
    def compares_times(self) -> bool:
        """Whether A and B are two times."""
        return self.state.compare == TIMES

    # --- where -------------------------------------------------------------------------------------------------------

    @property
    def regions(self) -> tuple[Region, ...]:
        """The drawn regions that can be used."""
        return tuple(drawn.region for drawn in self.state.regions if not drawn.flaw)

    @property
    def points(self) -> tuple[Point, ...]:
        """The person's points that lie in the cube."""
        box = self.axis.bounds.polygon
        return tuple(each for each in self.state.points if box.intersects(shapely.Point((each.lon + 180) % 360 - 180, each.lat)))

    # --- addresses ---------------------------------------------------------------------------------------------------

    def urls(self, strip: Strip) -> tuple[str | None, ...]:
        """Address of each frame's picture; ``None`` where there is none."""
        folder = f"{base_path()}/frames/{quote(strip.cube)}/{quote(strip.layer)}/"
        return tuple(folder + file if file else None for file in strip.files)

    @property
    def asks(self) -> dict[str, Any]:
        """What every question about the masks of this series carries."""
        query: dict[str, Any] = {"method": self.asked_method} if self.asked_method else {}
        if self.start is not None or self.axis.total > len(self.moments):
            seen = [each for each in self.moments if each.index is not None]
            query |= {"from": seen[0].stamp, "to": seen[-1].stamp}
        return query | ({"forecast": 1} if self.forecast else {})

    def api(self, what: str, query: Mapping[str, Any] | None = None) -> str:
        """Address of a question about the cube."""
        asked = f"?{urlencode(query)}" if query else ""
        return f"{base_path()}/api/v1/fog/{quote(self.card.name)}/{what}{asked}"

    def file(self, name: str, query: Mapping[str, Any]) -> str:
        """Address of a file to keep."""
        asked = {key: value for key, value in query.items() if value}
        return f"{base_path()}/exports/fog/{quote(self.card.name)}/{name}" + (f"?{urlencode(asked)}" if asked else "")
