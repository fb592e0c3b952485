"""Front-end files: libraries from vendor/, our components' scripts and styles."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

from app.routes.refusals import Nothing
from app.routes.replies import ASK_AGAIN, guarded, known, lasting, missing
from components.frontend import asset_path, vendor_path


def reply(request: Request, path: Path | None) -> Response:
    """A file, or a JSON 404. Modules import one another without a version, so that those are asked for again each time."""
    if path is None:
        raise Nothing(f"There is nothing at {request.url.path}.")
    headers = {"Cache-Control": lasting(request, ASK_AGAIN), "X-Content-Type-Options": "nosniff"}
    file = FileResponse(path, headers=headers, stat_result=path.stat())
    tag = file.headers["etag"]
    return Response(status_code=304, headers={**headers, "ETag": tag}) if known(request, tag) else file


async def vendor(request: Request) -> Response:
    """A front-end library."""
    return reply(request, vendor_path(request.path_params["path"]))


async def component(request: Request) -> Response:
    """A script or style of one of our components."""
    return reply(request, asset_path(request.path_params["name"], request.path_params["file"]))


def routes(base: str) -> list[BaseRoute]:
    """The routes; each group ends with a JSON 404."""
    return [
        Route(f"{base}/vendor/{{path:path}}", guarded(vendor)),
        missing(f"{base}/vendor"),
        Route(f"{base}/components/{{name}}/{{file}}", guarded(component)),
        missing(f"{base}/components"),
    ]
