"""Whether the process is alive, and how far the model is."""

from __future__ import annotations

from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from engine.serving import engine


async def healthz(request: Request) -> Response:
    """200 as soon as pages are served; ``ready`` says whether the encoder answers."""
    state = engine().state
    return JSONResponse({"status": "ok", **asdict(state)}, headers={"Cache-Control": "no-store"})


def routes(base: str) -> list[BaseRoute]:
    """The route for load balancers and tests."""
    return [Route(f"{base}/healthz", healthz)]
