"""Front-end files: libraries from vendor/, our components' scripts and styles."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from app.routes.replies import lasting, missing
from components.frontend import asset_path, vendor_path


def reply(request: Request, path: Path | None) -> Response:
    """A file, or a JSON 404."""
    if path is None:
        return JSONResponse({"error": f"There is nothing at {request.url.path}."}, 404)
    return FileResponse(path, headers={"Cache-Control": lasting(request), "X-Content-Type-Options": "nosniff"})


async def vendor(request: Request) -> Response:
    """A front-end library."""
    return reply(request, vendor_path(request.path_params["path"]))


async def component(request: Request) -> Response:
    """A script or style of one of our components."""
    return reply(request, asset_path(request.path_params["name"], request.path_params["file"]))


def routes(base: str) -> list[BaseRoute]:
    """The routes; each group ends with a JSON 404."""
    return [
        Route(f"{base}/vendor/{{path:path}}", vendor),
        missing(f"{base}/vendor"),
        Route(f"{base}/components/{{name}}/{{file}}", component),
        missing(f"{base}/components"),
    ]
