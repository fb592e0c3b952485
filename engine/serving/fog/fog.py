"""Everything that the fog view asks: strips, frames, masks, forecasts, read-outs, series, spells, exports."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from engine.errors import CubeInvalid, FrameNotFound, PharosError, PointInvalid, PointOutside
from engine.progress import Cancel, Progress, silent
from engine.serving.fog.cubes import Cubes
from engine.serving.fog.exports import Exports
from engine.serving.fog.kept import Kept
from engine.serving.fog.prefetch import Prefetch
from engine.serving.fog.shelf import Shelf, fingerprint
from engine.serving.fog.strip import CubeCard, Strip
from engine.serving.fog.ways import DYNAMIC, LEARNED, detector_of
from engine.settings import Settings

if TYPE_CHECKING:
    from engine.fog import Cube, FogMask, Layer
    from engine.fog.detection import Detector
    from engine.fog.layers import Painted
    from engine.fog.look import AreaSeries, Patch, Place, PlaceSpells, Reading, Side
    from engine.fog.moments import Moment
    from engine.fog.nowcast import MaskNowcast, Method
    from engine.types import Region

log = logging.getLogger(__name__)

MOST_FRAME_BYTES: Final = 96 * 1024**2
MOST_MASK_BYTES: Final = 384 * 1024**2
"""A day of half hours of 1024 × 1024 cells."""
MOST_NOWCASTS: Final = 6
MOST_OFFERS: Final = 64
MOST_MOMENTS: Final = 336
"""A week of half hours: as much as a strip shows at once."""

MOST_PATCHES: Final = 16
TOLERANCE: Final = timedelta(minutes=3)
"""How far a frame may be from the moment of a forecast that it is laid beside."""
MOST_DYNAMIC: Final = 4


class Fog:
    """The fog cubes of a data folder, thread-safe.

    Args:
        config: Where they are.
    """

    def __init__(self, config: Settings) -> None:
        self._cubes = Cubes(config)
        self.exports = Exports(self)
        """Masks as files."""
        self._masks: Kept[tuple[object, ...], FogMask] = Kept(MOST_MASK_BYTES, _mask_bytes)
        self._frames: Kept[tuple[object, ...], bytes] = Kept(MOST_FRAME_BYTES, len)
        self._nowcasts: Kept[tuple[object, ...], MaskNowcast] = Kept(MOST_NOWCASTS)
        self._offers: Kept[tuple[object, ...], str] = Kept(MOST_OFFERS)
        self._dynamic: Kept[tuple[object, ...], Detector] = Kept(MOST_DYNAMIC)
        self._patches: Kept[tuple[object, ...], Patch] = Kept(MOST_PATCHES)
        self._shelf = Shelf(config.data_dir / "cache" / "frames")
        self._ahead = Prefetch()

    def close(self) -> None:
        """Draw nothing more ahead."""
        self._ahead.stop()

    # --- cubes -------------------------------------------------------------------------------------------------------

    def names(self) -> tuple[str, ...]:
        """Names of the fog cubes."""
        return self._cubes.names()

    def cube(self, name: str) -> Cube:
        """An opened cube; see :meth:`Cubes.get`."""
        return self._cubes.get(name)[1]

    def version(self, name: str) -> str:
        """Of a cube's pictures; see :meth:`Cubes.version`."""
        return self._cubes.version(name)

    def cards(self) -> tuple[CubeCard, ...]:
        """All cubes at a glance; one that can't be opened says why."""
        return self._cubes.cards()

    def card(self, name: str) -> CubeCard:
        """A cube at a glance.

        Raises:
            CubeNotFound: If there is none.
            CubeInvalid: If it is damaged.
        """
        return self._cubes.card(name)

    # --- layers and detectors ----------------------------------------------------------------------------------------

    def layers(self, name: str) -> tuple[tuple[Layer, str], ...]:
        """Every layer from bottom to top, and why it can't be drawn of a cube; empty if it can."""
        from engine.fog import all_layers

        cube = self.cube(name)
        return tuple((layer, _why_not(cube, layer, self.methods())) for layer in all_layers().values())

    def methods(self) -> Mapping[str, str]:
        """Detectors that can be used here: id and title, the default first."""
        from engine.fog.detection import DETECTORS, detector

        found = {}
        for name in DETECTORS:
            try:
                title = detector(name).title
            except PharosError:
                continue
            except Exception:  # one that is broken must not take the others with it
                log.exception("the detector %s can't be loaded", name)
                continue
            found[name] = title
            found[name + DYNAMIC] = f"{title}; dynamic"
        return found

    # --- time --------------------------------------------------------------------------------------------------------

    def strip(
        self,
        name: str,
        layer: str,
        *,
        method: str = "",
        start: datetime | None = None,
        end: datetime | None = None,
        forecast: bool = False,
        issued: datetime | None = None,
    ) -> Strip:
        """The frames of a layer with gaps and forecast frames, and their addresses. Nothing is drawn.

        Args:
            name: Of the cube.
            layer: Id of the layer.
            method: Detector, for layers of a mask; by default the default one.
            start: Earliest time; by default the first frame's.
            end: Latest time; by default as much as a strip shows.
            forecast: Whether the next three hours are added.
            issued: Frame from which the forecast starts; by default the last one.

        Raises:
            CubeNotFound, LayerNotFound: If there is none.
            FrameNotFound: If no frame lies in the span.
        """
        from engine.fog import layer_named
        from engine.fog.moments import stamp

        cube, recipe = self.cube(name), layer_named(layer)
        axis, from_ = self.axis(name, start, end, forecast=forecast, issued=issued)
        version = self.version(name)
        ahead = "&ahead=1" + (f"&issued={stamp(from_)}" if from_ != cube.times[-1] else "")  # which takes longer than other pictures

        def more(moment: Moment) -> str:
            asked = method if moment.forecast else detector_of(method)  # what was observed is the same by any way to forecast
            return (f"&method={asked}" if asked else "") + (ahead if moment.forecast else "") if recipe.kind == "mask" else ""

        files = tuple(
            f"{when}.{recipe.format}?v={version}{more(moment)}" if when else ""
            for moment in axis
            for when in [_pictured(cube, recipe, moment)]
        )
        return Strip(name, layer, method or self.default, version, cube.bounds, axis, files, len(cube.times), cube.synthetic)

    def axis(
        self,
        name: str,
        start: datetime | None,
        end: datetime | None,
        *,
        forecast: bool = False,
        issued: datetime | None = None,
    ) -> tuple[tuple[Moment, ...], datetime]:
        """The moments of a span and the time from which a forecast starts; later frames make way for it."""
        from engine.fog.moments import ahead, moments
        from engine.fog.nowcast import LEADS

        cube = self.cube(name)
        inside = [i for i, when in enumerate(cube.times) if (start is None or when >= start) and (end is None or when <= end)]
        if not inside:
            raise FrameNotFound(name, "in that span", f"it covers {cube.times[0]:%Y-%m-%d %H:%M} to {cube.times[-1]:%Y-%m-%d %H:%M} UTC.")
        axis = moments(cube, inside[0], inside[min(len(inside), MOST_MOMENTS) - 1])
        from_ = cube.times[cube.nearest(issued)] if issued else cube.times[-1]
        if forecast:
            axis = tuple(moment for moment in axis if moment.time <= from_) + ahead(cube, from_, LEADS)
        return axis, from_

    @property
    def default(self) -> str:
        """Id of the default detector."""
        from engine.fog.detection import DEFAULT

        return DEFAULT

    # --- pictures ----------------------------------------------------------------------------------------------------

    def frame(
        self,
        name: str,
        layer: str,
        at: int | datetime,
        *,
        method: str = "",
        other: str = "",
        issued: datetime | None = None,
        form: str = "",
        width: int | None = None,
    ) -> bytes:
        """One frame of a layer as PNG or WebP in web-Mercator rows, to be laid between the cube's bounds. Drawn once, then kept.

        Args:
            name: Of the cube.
            layer: Id of the layer.
            at: Index of the frame, or its time. A time after ``issued`` (by default the last frame) is a forecast.
            method: Detector; by default the default one.
            other: The detector to compare with, for ``disagreement``; by default another one that can be used.
            issued: Frame from which a forecast starts.
            form: ``png`` or ``webp``; by default the layer's own.
            width: Width in pixels; by default one a cell.

        Raises:
            CubeNotFound, LayerNotFound, FrameNotFound: If there is none.
            CubeInvalid: If it can't be drawn: an element is missing, or the frame is damaged.
        """
        from engine.fog import layer_named

        version, cube = self._cubes.get(name)
        recipe = layer_named(layer)
        form = form or recipe.format
        method = method or self.default
        key = (name, version, fingerprint(), layer, str(at), method, other, str(issued), form, width)

        def make() -> bytes:
            kept = self._shelf.get(key)
            if kept is None:
                painted = self._paint(name, cube, recipe, at, method=method, other=other, issued=issued, width=width)
                kept = painted.encoded("webp" if form == "webp" else "png")
                self._shelf.put(key, kept)
            return kept

        return self._frames.get(key, make)

    def prepare(self, strip: Strip, first: int = 0) -> None:
        """Draw the frames of a strip behind the page: the shown one first, then onward in playing order."""
        from engine.fog.moments import unstamped

        count = len(strip.moments)
        order = [place % count for place in range(first, first + count) if strip.files[place % count]]
        tasks: list[Callable[[], object]] = []
        for place in order:
            file, _, more = strip.files[place].partition("?")
            query = dict(pair.split("=") for pair in more.split("&"))
            issued = unstamped(query["issued"]) if "issued" in query else None
            when = unstamped(file.partition(".")[0])
            tasks.append(partial(self.frame, strip.cube, strip.layer, when, method=query.get("method", ""), issued=issued))
        self._ahead.ask(tasks)

    def _paint(
        self,
        name: str,
        cube: Cube,
        recipe: Layer,
        at: int | datetime,
        *,
        method: str,
        other: str,
        issued: datetime | None,
        width: int | None,
    ) -> Painted:
        from engine.fog import draw_frame
        from engine.fog.layers import Lattice, layer_named, paint_difference, paint_mask
        from engine.fog.layers.masks import OF_ONE_MASK

        lattice = Lattice.of(cube.bounds, cube.shape, width)
        forecast = self.forecast_at(name, at, method=method, issued=issued) if recipe.shown in OF_ONE_MASK else None
        if forecast is not None:
            return paint_mask(forecast, layer_named("forecast"), lattice)
        index = self.index(name, at)
        method = detector_of(method) or self.default
        if recipe.shown == "disagreement":
            pair = [self.mask(name, index, each) for each in (method, other or self._rival(method))]
            return paint_difference(pair[0], pair[1], lattice)
        if recipe.shown == "forecast":
            raise FrameNotFound(name, f"{cube.times[index]:%Y-%m-%d %H:%M} UTC", "it was observed; a forecast begins after it was issued.")
        return draw_frame(cube, recipe.id, index, width=width, find=lambda _, frame: self.mask(name, frame, method))

    def _rival(self, method: str) -> str:
        base = method.removesuffix(DYNAMIC)
        rivals = sorted((name for name in self.methods() if name != method), key=lambda name: name.removesuffix(DYNAMIC) == base)
        if not rivals:
            raise CubeInvalid(method, "there is no second detector to compare with.")
        return rivals[0]

    def index(self, name: str, at: int | datetime) -> int:
        """Index of the frame at a time.

        Raises:
            FrameNotFound: If there is none; the message names the nearest.
        """
        cube = self.cube(name)
        if isinstance(at, int):
            if not 0 <= at < len(cube.times):
                raise FrameNotFound(name, str(at), f"it has {len(cube.times):,}, counted from 0.")
            return at
        near = cube.nearest(at)
        if abs((cube.times[near] - at).total_seconds()) >= 1:
            raise FrameNotFound(name, f"{at:%Y-%m-%d %H:%M:%S} UTC", f"the nearest is {cube.times[near]:%Y-%m-%d %H:%M:%S} UTC.")
        return near

    # --- masks and forecasts -----------------------------------------------------------------------------------------

    def mask(self, name: str, at: int | datetime, method: str = "") -> FogMask:
        """What a detector says about a frame; worked out once, then kept.

        Raises:
            CubeNotFound, FrameNotFound: If there is none.
            DetectorUnavailable: If the method can't be used here.
            CubeInvalid: If the frame can't be judged at all.
        """
        version, cube = self._cubes.get(name)
        index, method = self.index(name, at), detector_of(method) or self.default
        return self._masks.get((name, version, method, index), partial(self._detect, name, version, cube, index, method))

    def _detect(self, name: str, version: str, cube: Cube, index: int, method: str) -> FogMask:
        from engine.fog.detection import detect
        from engine.fog.detection.dynamic import DynamicDetector

        if not method.endswith(DYNAMIC):
            return replace(detect(cube, index, method), reasons=None)  # a read-out works them out for its one pixel
        base = method.removesuffix(DYNAMIC)
        kept = self._dynamic.get((name, version, base), lambda: DynamicDetector(_Single(self, name, base)))
        return kept.detect(cube, index)

    def forecast(self, name: str, *, method: str = "", issued: datetime | None = None) -> MaskNowcast:
        """The next three hours of the mask, with their skill on the last frames; worked out once, then kept.

        Args:
            name: Of the cube.
            method: Detector, ending in :data:`LEARNED` where the network is asked.
            issued: Frame from which they start; by default the last.

        Raises:
            CubeNotFound, FrameNotFound: If there is none.
            NowcastInvalid, CubeInvalid: If nothing can be forecast from that frame.
        """
        from engine.fog.nowcast import nowcast_mask

        key, cube, start = self._start(name, method, issued)
        find = partial(self._found, name, method)
        way: Method = "network" if method.endswith(LEARNED) else "blend"
        return self._nowcasts.get(key, lambda: nowcast_mask(cube, method=way, until=start, detector=find))

    def offer(self, name: str, *, method: str = "", issued: datetime | None = None) -> str | None:
        """Why the network is not offered for a forecast; empty where it is.

        Returns:
            ``None`` while that is being found out behind the page: ask again.
        """
        learned = detector_of(method) + LEARNED
        key = self._start(name, learned, issued)[0]

        def find_out() -> str:
            try:
                return self.forecast(name, method=learned, issued=issued).nowcast.why
            except PharosError as error:  # nothing can be forecast at all
                return str(error)

        found = self._offers.peek(key)
        if found is None and not self._offers.busy(key):
            self._ahead.ask([partial(self._offers.get, key, find_out)])
        return found

    def _start(self, name: str, method: str, issued: datetime | None) -> tuple[tuple[object, ...], Cube, datetime]:
        """What a forecast is kept under, its cube, and the time of the frame that it starts from."""
        version, cube = self._cubes.get(name)
        start = cube.times[-1] if issued is None else cube.times[self.index(name, issued)]
        return (name, version, detector_of(method) or self.default, method.endswith(LEARNED), start), cube, start

    def _found(self, name: str, method: str, _: Cube, index: int) -> FogMask:
        return self.mask(name, index, method)

    def forecast_at(self, name: str, at: int | datetime, *, method: str, issued: datetime | None) -> FogMask | None:
        """The forecast of a time, or ``None`` where it was observed."""
        start = issued or self.cube(name).times[-1]
        if isinstance(at, int) or at <= start:
            return None
        masks = self.forecast(name, method=method, issued=issued).masks
        found = next((mask for mask in masks if abs((mask.time - at).total_seconds()) < 1), None)
        if found is None:
            raise FrameNotFound(name, f"{at:%Y-%m-%d %H:%M} UTC", "no forecast is made for that time.")
        return found

    # --- what a person asks of masks -----------------------------------------------------------------------------------

    def pixel(self, name: str, lon: float, lat: float, at: int | datetime, *, method: str = "", issued: datetime | None = None) -> Reading:
        """Why a pixel is what it is: values, tests, light, validity, state and probability.

        Raises:
            CubeNotFound, FrameNotFound: If there is none.
            PointOutside: If the place lies outside the cube.
        """
        from engine.fog.look import cell_at, read_pixel

        cube = self.cube(name)
        cell_at(cube, lon, lat)  # a place outside is told before anything is worked out
        forecast = self.forecast_at(name, at, method=method, issued=issued)
        if forecast is not None:
            return read_pixel(cube, forecast, lon, lat, None)
        index = self.index(name, at)
        return read_pixel(cube, self.mask(name, index, method), lon, lat, index)

    def area(
        self,
        name: str,
        region: Region | None = None,
        *,
        method: str = "",
        start: datetime | None = None,
        end: datetime | None = None,
        forecast: bool = False,
        issued: datetime | None = None,
        wait: bool = True,
        progress: Progress = silent,
        cancel: Cancel | None = None,
    ) -> AreaSeries:
        """Fog area over time in km², with what is obscured and what is judged; gaps stay gaps.

        Args:
            name: Of the cube.
            region: Where; by default the whole cube.
            method: Detector; by default the default one.
            start: Earliest time.
            end: Latest time.
            forecast: Whether the next three hours are added.
            issued: Frame from which they start; by default the last.
            wait: Whether masks that are not there yet are worked out; else they are pending, and worked out behind the page.
            progress: Told of each frame.
            cancel: Stops between two.

        Raises:
            RegionInvalid: If no sea of the cube lies in the region.
        """
        from engine.fog.look import Patch, area_series

        version, cube = self._cubes.get(name)
        axis, _ = self.axis(name, start, end, forecast=forecast, issued=issued)
        key = (name, version, None if region is None else region.geometry.wkb)
        patch = self._patches.get(key, lambda: Patch.of(cube, region))
        find = self.judge(name, method, issued) if wait else self._at_hand(name, method, issued)
        found = area_series(cube, axis, find, patch=patch, progress=progress, cancel=cancel)
        if not wait:
            judge = self.judge(name, method, issued)
            self._ahead.ask([partial(judge, each.moment) for each in found.frames if each.pending])
        return replace(found, region=region.name if region else "")

    def points(
        self,
        name: str,
        places: Sequence[Place] = (),
        *,
        method: str = "",
        start: datetime | None = None,
        end: datetime | None = None,
        forecast: bool = False,
        issued: datetime | None = None,
        progress: Progress = silent,
        cancel: Cancel | None = None,
    ) -> tuple[PlaceSpells, ...]:
        """From when to when places lie in fog or very low stratus.

        Args:
            name: Of the cube.
            places: Which; by default the ports of the cube's sea region.
            method: Detector; by default the default one.
            start: Earliest time.
            end: Latest time.
            forecast: Whether the next three hours are added.
            issued: Frame from which they start; by default the last.
            progress: Told of each frame.
            cancel: Stops between two.

        Raises:
            PointInvalid: If there are too many.
        """
        from engine.fog.look import place_spells
        from engine.fog.look.places import MOST_PLACES

        if len(places) > MOST_PLACES:
            raise PointInvalid(f"{len(places)} points")
        axis, _ = self.axis(name, start, end, forecast=forecast, issued=issued)
        find = self.judge(name, method, issued)
        return place_spells(self.cube(name), axis, find, tuple(places) or self.ports(name), progress=progress, cancel=cancel)

    def ports(self, name: str) -> tuple[Place, ...]:
        """The known ports of a cube's sea region that lie in the cube."""
        from engine.fog.look import cell_at, ports

        cube = self.cube(name)
        found = []
        for place in ports(cube.provenance.region):
            try:
                cell_at(cube, place.lon, place.lat)
            except PointOutside:
                continue
            found.append(place)
        return tuple(found)

    def region(self, name: str, at: int | datetime, side: Side = "inside", *, method: str = "", within: Sequence[Region] = ()) -> Region:
        """The fog of a frame, or where there is none, as a region to search in; see :func:`engine.fog.look.fog_region`."""
        from engine.fog.look import fog_region

        forecast = self.forecast_at(name, at, method=method, issued=None)
        return fog_region(forecast or self.mask(name, at, method), side, within)

    def judge(self, name: str, method: str, issued: datetime | None) -> Callable[[Moment], FogMask | None]:
        """Moment → mask, observed or forecast; ``None`` in gaps."""

        def find(moment: Moment) -> FogMask | None:
            if moment.index is not None:
                return self.mask(name, moment.index, method)
            return self.forecast_at(name, moment.time, method=method, issued=issued) if moment.forecast else None

        return find

    def _at_hand(self, name: str, method: str, issued: datetime | None) -> Callable[[Moment], FogMask | None]:
        version = self._cubes.get(name)[0]
        ahead = self._nowcasts.peek(self._start(name, method, issued)[0])
        method = detector_of(method) or self.default

        def find(moment: Moment) -> FogMask | None:
            if moment.index is not None:
                return self._masks.peek((name, version, method, moment.index))
            return None if ahead is None else next((mask for mask in ahead.masks if mask.time == moment.time), None)

        return find


class _Single:
    """A detector whose masks are kept, to be wrapped by one that looks at several.

    Args:
        fog: Keeps them.
        cube: Name of the cube.
        name: Of the detector.
    """

    def __init__(self, fog: Fog, cube: str, name: str) -> None:
        from engine.fog.detection import detector

        self._fog, self._cube = fog, cube
        self.name = name
        self.title, self.experimental = detector(name).title, detector(name).experimental

    def detect(self, cube: Cube, frame: int) -> FogMask:
        return self._fog.mask(self._cube, frame, self.name)


def _mask_bytes(mask: FogMask) -> int:
    arrays = (mask.probability, mask.state, mask.validity, mask.reasons)
    return sum(each.nbytes for each in arrays if each is not None)


def _pictured(cube: Cube, layer: Layer, moment: Moment) -> str:
    """The stamp of the picture that a layer shows at a moment; empty where it has none.

    At a forecast moment that has become past, bands show what was really seen then.
    """
    from engine.fog.layers.masks import OF_ONE_MASK
    from engine.fog.moments import stamp

    if moment.forecast and layer.kind == "mask":
        return moment.stamp if layer.shown in OF_ONE_MASK else ""
    if moment.forecast:
        near = cube.times[cube.nearest(moment.time)]
        return stamp(near) if abs(near - moment.time) <= TOLERANCE else ""
    return moment.stamp if moment.index is not None and layer.shown != "forecast" else ""


def _why_not(cube: Cube, layer: Layer, methods: Mapping[str, str]) -> str:
    lacking = layer.lacks(cube.elements)
    if lacking:
        return f"needs {', '.join(lacking)}, which the cube lacks"
    if layer.shown == "truth" and not cube.labelled:
        return "the cube has no labels"
    if layer.shown == "disagreement" and len(methods) < 2:
        return "there is a single detector"
    return ""
