"""``python -m engine fog nowcast``: the next hours of a cube, with their skill."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.terminal import Json, ProgressLine, answer, quietly

if TYPE_CHECKING:
    from engine.fog.cube import Cube
    from engine.fog.nowcast.forecast import Nowcast
    from engine.fog.nowcast.history import Quantity
    from engine.fog.scores.images import Event

MASK = "mask"


def nowcast(
    cube: Annotated[Path, typer.Argument(help="A cube, CUBE.zarr, or the name of one in the data folder.")],
    leads: Annotated[str, typer.Option(help="Minutes, 1 to 180, as 30,60,90.")] = "30,60,90",
    method: Annotated[str, typer.Option(help="persistence, flow, blend, or network where it did better of late.")] = "blend",
    element: Annotated[
        str, typer.Option(help="A band, or “mask”; by default the mask, or the first band where the cube has no 3.9 and 11 µm.")
    ] = "",
    when: Annotated[str, typer.Option("--time", help="Start from the newest frame up to this time, ISO 8601; by default the last.")] = "",
    threshold: Annotated[float | None, typer.Option(help="What CSI counts in a band: from this value up, in kelvin from it down.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the forecast as a Zarr store.")] = None,
    as_json: Json = False,
) -> None:
    """Forecast a cube's mask or a band, and measure the method on the cube's last frames."""
    with quietly():
        from engine.fog import nowcast as forecasts
        from engine.fog.nowcast.store import write_nowcast
        from engine.types import utc

        minutes, way = forecasts.leads_named(leads), forecasts.method_named(method)
        until = utc(when) if when else None
        began = time.monotonic()
        with opened(cube) as source:
            name = element or (MASK if {"BT0390", "BT1120"} <= set(source.elements) else first_band(source))
            found: forecasts.Nowcast | forecasts.MaskNowcast
            if name == MASK:
                found = forecasts.nowcast_mask(source, minutes, way, until=until, progress=ProgressLine())
                plain = found.nowcast
            else:
                history = forecasts.History.of_cube(source, name, until=until, event=event_at(name, threshold))
                found = plain = forecasts.nowcast(history, minutes, way, progress=ProgressLine())
            record = {**found.record(), "out": str(write_nowcast(out, source, found)) if out else None}
    record["seconds"] = round(time.monotonic() - began, 3)
    answer(record, as_json, lambda: _words(plain, plain.quantity))


def opened(cube: Path) -> Cube:
    """A cube by its path, or by its name in the data folder.

    Raises:
        CubeNotFound: If there is none.
        CubeInvalid: If it is damaged.
    """
    from engine.fog import Cube, cubes, open_cube

    return open_cube(cube.name) if not cube.exists() and cube.name in cubes() else Cube.open(cube)


def first_band(cube: Cube) -> str:
    """The band that is forecast where none is named: infrared first, since it has a value by night.

    Raises:
        NowcastInvalid: If the cube has no band.
    """
    from engine.errors import NowcastInvalid
    from engine.fog.elements import Element

    bands = [found for name in cube.elements if (found := Element.find(name)) is not None and found.wavelength is not None]
    if not bands:
        raise NowcastInvalid(f"“{cube.name}” has no band. It holds {', '.join(cube.elements) or 'nothing'}.")
    return min(bands, key=lambda band: (not band.is_infrared, abs((band.wavelength or 0) - 11))).name


def event_at(element: str, threshold: float | None) -> Event | None:
    """What CSI counts, if a threshold is given."""
    from engine.fog.elements import Element
    from engine.fog.scores.images import Event

    return None if threshold is None else Event(threshold, above=not Element.named(element).is_infrared)


def _words(found: Nowcast, quantity: Quantity) -> str:
    lines = [f"{quantity.name} from {found.issued:%Y-%m-%d %H:%M} UTC by {found.method}; CSI counts {quantity.words}"]
    lines += [step.words(quantity) for step in found.steps]
    lines += list(found.notes)
    return "\n".join([*lines, "SYNTHETIC data"] if found.synthetic else lines)
