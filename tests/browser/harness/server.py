"""A small app that mounts the components alone, with pictures of one colour each, for the browser tests."""

from __future__ import annotations

import asyncio
import io
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2]))

import streamlit as st  # noqa: E402 - after the path is set
from PIL import Image  # noqa: E402
from starlette.requests import Request  # noqa: E402
from starlette.responses import FileResponse, Response  # noqa: E402
from starlette.routing import Route  # noqa: E402

from components import frontend  # noqa: E402


def file(request: Request, path: Path | None) -> Response:
    caching = "public, max-age=31536000, immutable" if "v" in request.query_params else "no-cache"
    return FileResponse(path, headers={"Cache-Control": caching}) if path else Response("{}", 404, media_type="application/json")


async def component(request: Request) -> Response:
    return file(request, frontend.asset_path(request.path_params["name"], request.path_params["file"]))


async def vendor(request: Request) -> Response:
    return file(request, frontend.vendor_path(request.path_params["path"]))


def picture(size: int, *colour: int) -> Response:
    packed = io.BytesIO()
    Image.new("RGB", (size, size), colour).save(packed, "PNG")
    return Response(packed.getvalue(), media_type="image/png")


async def tile(request: Request) -> Response:
    """Grey by version, and slow, so that a blank would be seen."""
    await asyncio.sleep(0.15)
    return picture(256, *[60 + 40 * request.path_params["version"]] * 3)


async def frame(request: Request) -> Response:
    """Red by index."""
    return picture(64, 10 * request.path_params["index"], 40, 200)


app = st.App(
    HERE / "page.py",
    routes=[
        Route("/components/{name}/{file}", component),
        Route("/vendor/{path:path}", vendor),
        Route("/tile/{version:int}/{z:int}/{x:int}/{y:int}.png", tile),
        Route("/frame/{index:int}.png", frame),
    ],
)
