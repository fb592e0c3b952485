"""Replies that all routes share: work on a bounded executor, errors as JSON, cache headers."""

from __future__ import annotations

import asyncio
import hashlib
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.messages import status, words
from engine.errors import PharosError

Result = TypeVar("Result")
Handler = Callable[[Request], Awaitable[Response]]

WORKERS: Final = 4
MOST_WAITING: Final = 128
"""Tiles that may wait for a worker; beyond it a browser is told to come back, which keeps the page alive."""

_pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="pharos-route")
_waiting = threading.BoundedSemaphore(WORKERS + MOST_WAITING)


class Overloaded(PharosError):
    """More is asked for than can be rendered."""


async def work(task: Callable[[], Result]) -> Result:
    """Run blocking work beside the event loop, on threads of our own.

    Raises:
        Overloaded: If too much waits already.
    """
    if not _waiting.acquire(blocking=False):
        raise Overloaded("The server is busy drawing other tiles. Wait a second and try again.")
    future = asyncio.get_running_loop().run_in_executor(_pool, task)
    future.add_done_callback(lambda _: _waiting.release())
    return await future


def guarded(handler: Handler) -> Handler:
    """Turn errors into JSON with their status, and say how long the server took."""

    async def guard(request: Request) -> Response:
        start = time.perf_counter()
        try:
            response = await handler(request)
        except Overloaded as error:
            response = JSONResponse({"error": str(error)}, 503, {"Retry-After": "1"})
        except PharosError as error:
            response = JSONResponse({"error": words(error)}, status(error))
        except Exception as error:
            response = JSONResponse({"error": words(error)}, 500)
        response.headers["Server-Timing"] = f"total;dur={(time.perf_counter() - start) * 1000:.1f}"
        return response

    return guard


def missing(prefix: str) -> Route:
    """The end of a group of routes: a JSON 404 instead of Streamlit's page."""

    async def nothing(request: Request) -> Response:
        return JSONResponse({"error": f"There is nothing at {request.url.path}."}, 404)

    return Route(f"{prefix}/{{rest:path}}", nothing, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])


def lasting(request: Request) -> str:
    """Cache-Control: for good when the address carries a version (``v``), else for five minutes."""
    return "public, max-age=31536000, immutable" if "v" in request.query_params else "public, max-age=300"


def picture(request: Request, body: bytes | None, media: str) -> Response:
    """A picture that the browser may keep.

    Args:
        request: Carries ``v`` when the address is versioned, and If-None-Match.
        body: Encoded picture; None is an empty reply, which a map shows as nothing.
        media: Media type.
    """
    if body is None:
        return Response(status_code=204, headers={"Cache-Control": lasting(request)})
    tag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    headers = {"Cache-Control": lasting(request), "ETag": tag, "X-Content-Type-Options": "nosniff"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=media, headers=headers)


def number(request: Request, name: str, default: int, low: int, high: int) -> int:
    """A whole number from the query, kept within its limits."""
    try:
        return min(max(int(request.query_params.get(name, default)), low), high)
    except ValueError:
        return default
