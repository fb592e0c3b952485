"""``python -m engine fog export``: a cube as an array, its masks as files, a span as an animation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.terminal import Json, ProgressLine, answer, quietly

if TYPE_CHECKING:
    from engine.fog.cube import Cube

CubePath = Annotated[Path, typer.Argument(help="A cube, CUBE.zarr, or the name of one in the data folder.")]
Method = Annotated[str, typer.Option(help="Detector: physics, or network (experimental).")]
Start = Annotated[str, typer.Option("--from", help="Earliest time, ISO 8601.")]
End = Annotated[str, typer.Option("--to", help="Latest time, ISO 8601.")]


def export(
    cube: CubePath,
    out: Annotated[
        Path,
        typer.Option(
            help="What to write, by its ending: .npy is the cube as an array with a description beside it; .tif, .geojson, .nc and .png "
            "are the mask of a time; .gif and .mp4 play a span. Masks of made-up data get SYNTHETIC in front."
        ),
    ],
    element: Annotated[list[str] | None, typer.Option(help="For .npy: only this element; may be given more than once.")] = None,
    when: Annotated[str, typer.Option("--time", help="The frame nearest to this time, ISO 8601; by default the last.")] = "",
    method: Method = "physics",
    layer: Annotated[str, typer.Option(help="For .png, .gif and .mp4: what lies under the mask.")] = "infrared",
    over: Annotated[str, typer.Option(help="How the mask is drawn: fog, probability or state.")] = "fog",
    start: Start = "",
    end: End = "",
    rate: Annotated[float, typer.Option(min=1, max=30, help="Frames a second of an animation.")] = 8.0,
    width: Annotated[int, typer.Option(min=160, max=1280, help="Of pictures, pixels.")] = 640,
    as_json: Json = False,
) -> None:
    """Write a cube as one array, the mask of a frame, or an animation; each says its time and method and “fog or very low stratus”."""
    with quietly():
        from engine.errors import ExportInvalid
        from engine.fog.export import ANIMATIONS, FORMS
        from engine.fog.nowcast.command import opened

        with opened(cube) as source:
            form = out.suffix.lower().removeprefix(".") or "npy"
            if form not in ("npy", *FORMS, *ANIMATIONS):
                raise ExportInvalid(f"“{out.name}” has no ending that is known; take .npy, .{', .'.join((*FORMS, *ANIMATIONS))}.")
            if form == "npy":
                record = _array(source, out, tuple(element or ()))
            elif form in FORMS:
                record = _mask(source, out, form, when, method, layer=layer, over=over, width=width)
            else:
                record = _film(source, out, form, method, (start, end), layer=layer, over=over, width=width, rate=rate)
    answer(record, as_json, lambda: f"{record.get('array') or record['out']}: {record['words']}")


def _array(cube: Cube, out: Path, elements: tuple[str, ...]) -> dict[str, Any]:
    stack = cube.stack(elements)
    path = stack.save(out)
    return {
        "array": str(path),
        "description": str(path.with_suffix(".yaml")),
        "elements": list(stack.elements),
        "shape": list(stack.shape),
        "synthetic": cube.synthetic,
        "words": f"{', '.join(stack.elements)}, {' × '.join(map(str, stack.shape))}",
    }


def _mask(cube: Cube, out: Path, form: str, when: str, method: str, *, layer: str, over: str, width: int) -> dict[str, Any]:
    import json

    from engine.fog.detection import detect
    from engine.fog.export import About, mask_geojson, mask_geotiff, mask_picture, masks_netcdf
    from engine.fog.rendering import draw_frame
    from engine.types import utc

    index = cube.nearest(utc(when)) if when else len(cube.times) - 1
    mask = detect(cube, index, method)
    if form == "png":
        under = draw_frame(cube, layer, index, width=width) if layer else None
        body = mask_picture(mask, under, over, width=width, backdrop=layer)
    elif form == "geojson":
        body = json.dumps(mask_geojson(mask), ensure_ascii=False).encode()
    else:
        body = mask_geotiff(mask) if form == "tif" else masks_netcdf(cube, [mask])
    about = About.of(mask)
    shares = {"fog_fraction": round(mask.fog_fraction, 6), "obscured_fraction": round(mask.obscured_fraction, 6)}
    return {"out": str(kept(out, body, synthetic=cube.synthetic)), **about.record(), **shares, "bytes": len(body), "words": about.title}


def _film(
    cube: Cube, out: Path, form: str, method: str, span: tuple[str, str], *, layer: str, over: str, width: int, rate: float
) -> dict[str, Any]:
    from engine.fog.detection import detector
    from engine.fog.export import reel, write_animation
    from engine.fog.look.command import axis_of
    from engine.fog.look.judge import judge

    axis = axis_of(cube, *span)
    title = detector(method).title
    shots = reel(cube, axis, judge(cube, method), layer=layer, over=over, method=title, width=width)
    body = write_animation(shots, form, rate=rate, count=len(axis), progress=ProgressLine())
    return {
        "out": str(kept(out, body, synthetic=cube.synthetic)),
        "frames": len(axis),
        "gaps": [moment.time.isoformat() for moment in axis if moment.gap],
        "method": title,
        "synthetic": cube.synthetic,
        "bytes": len(body),
        "words": f"{len(axis)} frames, {axis[0].time:%Y-%m-%d %H:%M} to {axis[-1].time:%Y-%m-%d %H:%M} UTC, by {title}",
    }


def kept(path: Path, body: bytes, *, synthetic: bool) -> Path:
    """Write a file; names of made-up data say so.

    Raises:
        ExportInvalid: If it can't be written.
    """
    from engine.errors import ExportInvalid
    from engine.fog.nowcast.store import marked

    path = marked(path, synthetic)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    except OSError as error:
        raise ExportInvalid(f"“{path.name}” can't be written ({error.strerror}). Choose another place for --out.") from None
    return path
