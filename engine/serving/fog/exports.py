"""Masks as files to keep and to hand on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from engine.errors import CubeInvalid, ExportInvalid
from engine.progress import Cancel, Progress, silent
from engine.serving.fog.ways import detector_of

if TYPE_CHECKING:
    from engine.fog.mask import FogMask
    from engine.serving.fog.fog import Fog

MOST_WIDTH: Final = 1280
MEDIA: Final = {
    "tif": "image/tiff; application=geotiff; profile=cloud-optimized",
    "geojson": "application/geo+json",
    "nc": "application/x-netcdf",
    "png": "image/png",
    "gif": "image/gif",
    "mp4": "video/mp4",
}


@dataclass(frozen=True, slots=True)
class Kit:
    """A file to keep.

    Attributes:
        name: What it is called; made-up data say so.
        media: Media type.
        body: Its content.
    """

    name: str
    media: str
    body: bytes


class Exports:
    """What can be taken away of the cubes of a data folder.

    Args:
        fog: Whose masks.
    """

    def __init__(self, fog: Fog) -> None:
        self._fog = fog

    def mask(
        self, name: str, at: int | datetime, form: str, *, method: str = "", issued: datetime | None = None, layer: str = "fog"
    ) -> Kit:
        """A mask as a file: ``tif``, ``geojson``, ``nc`` or ``png``.

        Raises:
            CubeNotFound, FrameNotFound: If there is none.
            ExportInvalid: If the form is not known.
        """
        from engine.fog import draw_frame
        from engine.fog.export import FORMS, file_name, mask_geojson, mask_geotiff, mask_picture, masks_netcdf
        from engine.fog.export.plate import WIDTH
        from engine.fog.moments import stamp

        if form not in FORMS:
            raise ExportInvalid(f"“{form[:20]}” is no form of a mask; take {', '.join(FORMS)}.")
        cube = self._fog.cube(name)
        forecast = self._fog.forecast_at(name, at, method=method, issued=issued)
        mask = forecast or self._fog.mask(name, at, method)
        if form == "tif":
            body = mask_geotiff(mask)
        elif form == "geojson":
            body = json.dumps(mask_geojson(mask), ensure_ascii=False).encode()
        elif form == "nc":
            body = masks_netcdf(cube, [mask])
        else:
            below = "" if forecast or "BT1120" not in cube.elements else "infrared"
            under = draw_frame(cube, below, self._fog.index(name, at), width=WIDTH) if below else None
            body = mask_picture(mask, under, "forecast" if forecast else layer, backdrop=below)
        how = (method or self._fog.default) + ("-forecast" if forecast else "")
        return Kit(file_name(name, stamp(mask.time), how, form, synthetic=mask.synthetic), MEDIA[form], body)

    def series(
        self, name: str, *, method: str = "", start: datetime | None = None, end: datetime | None = None, progress: Progress = silent
    ) -> Kit:
        """The masks of a span as one NetCDF file; frames that can't be judged are left out.

        Raises:
            ExportInvalid: If no frame can be judged.
        """
        from engine.fog.export import file_name, masks_netcdf

        axis, _ = self._fog.axis(name, start, end)
        frames = [moment.index for moment in axis if moment.index is not None]

        def judged() -> Iterator[FogMask]:
            for done, index in enumerate(frames):
                progress("detecting fog", done, len(frames))
                with suppress(CubeInvalid):  # an empty frame is no mask
                    yield self._fog.mask(name, index, method)

        cube = self._fog.cube(name)
        span = f"{axis[0].stamp}-{axis[-1].stamp}"
        title = file_name(name, span, method or self._fog.default, "nc", synthetic=cube.synthetic)
        return Kit(title, MEDIA["nc"], masks_netcdf(cube, judged()))

    def animation(
        self,
        name: str,
        form: str = "gif",
        *,
        layer: str = "infrared",
        over: str = "fog",
        method: str = "",
        start: datetime | None = None,
        end: datetime | None = None,
        forecast: bool = False,
        issued: datetime | None = None,
        rate: float = 8.0,
        width: int = 640,
        progress: Progress = silent,
        cancel: Cancel | None = None,
    ) -> Kit:
        """A span as GIF or MP4: a layer with the mask over it; gaps are shown as gaps.

        Raises:
            LayerNotFound, CubeInvalid: If a layer can't be drawn of this cube.
            ExportInvalid: If the form is not known.
            Cancelled: If it was stopped.
        """
        from engine.fog.export import file_name, reel, write_animation

        cube = self._fog.cube(name)
        axis, _ = self._fog.axis(name, start, end, forecast=forecast, issued=issued)
        title = self._fog.methods().get(detector_of(method) or self._fog.default, method)
        find = self._fog.judge(name, method, issued)
        shots = reel(cube, axis, find, layer=layer, over=over, method=title, width=min(max(width, 160), MOST_WIDTH))
        body = write_animation(shots, form, rate=rate, count=len(axis), progress=progress, cancel=cancel)
        span = f"{axis[0].stamp}-{axis[-1].stamp}"
        return Kit(file_name(name, span, method or self._fog.default, form, synthetic=cube.synthetic), MEDIA[form], body)
