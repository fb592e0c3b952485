"""Replies that all routes share: work on bounded executors, errors as JSON, cache headers."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar
from weakref import WeakKeyDictionary

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.messages import status, words
from app.routes.refusals import Gone, Overloaded, Refusal
from engine.errors import PharosError

Result = TypeVar("Result")
Handler = Callable[[Request], Awaitable[Response]]

FRESH: Final = "no-store"
FOREVER: Final = "public, max-age=31536000, immutable"
A_WHILE: Final = "public, max-age=300"
ASK_AGAIN: Final = "no-cache"


class Lane:
    """Threads for one kind of work, with a bounded queue: beyond it a browser is told to come back, which keeps the page alive.

    Args:
        name: Of its threads.
        workers: How many work at once.
        waiting: How many may wait for one.
    """

    def __init__(self, name: str, workers: int, waiting: int) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix=f"pharos-{name}")
        self._workers, self._most, self._inside = workers, workers + waiting, 0
        self._gates: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()

    async def work(self, request: Request, task: Callable[[], Result]) -> Result:
        """Run blocking work beside the event loop, unless nobody waits for it any more when its turn comes.

        Raises:
            Overloaded: If too much waits already.
            Gone: If the browser has left meanwhile, as it does when a map is moved on.
        """
        if self._inside >= self._most:
            raise Overloaded("The server is busy drawing other tiles. Wait a second and try again.")
        loop = asyncio.get_running_loop()
        gate = self._gates.setdefault(loop, asyncio.Semaphore(self._workers))
        self._inside += 1
        try:
            async with gate:
                if await request.is_disconnected():
                    raise Gone("The browser has left.")
                return await loop.run_in_executor(self._pool, task)
        finally:
            self._inside -= 1


TILES: Final = Lane("tile", 4, 128)
ANSWERS: Final = Lane("answer", 2, 32)
"""Searches and their surfaces take long: apart, tiles never wait for them."""


def refused(message: str, code: int, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """An error as JSON, which no cache keeps."""
    return JSONResponse({"error": message}, code, {"Cache-Control": FRESH, **(headers or {})})


def guarded(handler: Handler) -> Handler:
    """Turn errors into JSON with their status, and say how long the server took."""

    async def guard(request: Request) -> Response:
        start = time.perf_counter()
        try:
            response = await handler(request)
        except Refusal as refusal:
            response = refused(str(refusal), refusal.status, refusal.headers)
        except PharosError as error:
            response = refused(words(error), status(error))
        except ClientDisconnect:
            response = refused("The browser has left.", Gone.status)
        except Exception as error:
            response = refused(words(error), 500)
        response.headers["Server-Timing"] = f"total;dur={(time.perf_counter() - start) * 1000:.1f}"
        return response

    return guard


def missing(prefix: str) -> Route:
    """The end of a group of routes: a JSON 404 instead of Streamlit's page."""

    async def nothing(request: Request) -> Response:
        return refused(f"There is nothing at {request.url.path}.", 404)

    return Route(f"{prefix}/{{rest:path}}", nothing, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])


def lasting(request: Request, otherwise: str = A_WHILE) -> str:
    """Cache-Control: for good when the address carries a version (``v``), else for five minutes or as said."""
    return FOREVER if "v" in request.query_params else otherwise


def known(request: Request, tag: str) -> bool:
    """Whether the browser holds this very content; on the way a compressing proxy may have made its tag a weak one."""
    return any(held.strip().removeprefix("W/") == tag for held in request.headers.get("if-none-match", "").split(","))


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
    if known(request, tag):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=media, headers=headers)


def number(request: Request, name: str, default: int, low: int, high: int) -> int:
    """A whole number from the query, kept within its limits."""
    try:
        return min(max(int(request.query_params.get(name, default)), low), high)
    except ValueError:
        return default
