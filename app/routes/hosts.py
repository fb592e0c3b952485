"""Which names this server answers to: a page of another site that rebinds its own name to loopback must not read our replies."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from app.routes.replies import refused

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
EVERYWHERE: Final = frozenset({"0.0.0.0", "::"})
MISDIRECTED: Final = 421


class KnownHosts:
    """ASGI middleware that refuses requests and web sockets under a name which is not ours.

    Allowed are loopback, the address that the server is bound to, and the names that a deployment sets. A server that is bound
    to all addresses is also known by each of them, since only names can be rebound.

    Args:
        app: What answers.
        bound: The address that the server is bound to.
        hosts: Gives the further names; ``*`` is any, ``*.example.org`` any below it. Asked with each request.
    """

    def __init__(self, app: ASGIApp, bound: str = "", hosts: Callable[[], Iterable[str]] = tuple) -> None:
        self._app, self._bound, self._hosts = app, bound.casefold().strip("[]"), hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or refuse."""
        if scope["type"] not in ("http", "websocket") or self.knows(name_of(Headers(scope=scope).get("host", ""))):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            reply = refused("This server is not known by that name. Whoever runs it can allow the name with PHAROS_HOSTS.", MISDIRECTED)
            await reply(scope, receive, send)

    def knows(self, name: str) -> bool:
        """Whether a host, without its port, is one of ours."""
        hosts = [host.casefold() for host in self._hosts()]
        if "*" in hosts:
            return True
        if not name:
            return False
        if name in LOOPBACK or name == self._bound or any(matches(name, host) for host in hosts):
            return True
        address = address_of(name)
        return address is not None and (address.is_loopback or self._bound in EVERYWHERE)


def name_of(host: str) -> str:
    """The name or address in a Host header, without its port."""
    host = host.strip().casefold()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].removesuffix(".")


def matches(name: str, pattern: str) -> bool:
    """Whether a name is the pattern, or below it where that begins with ``*.``."""
    return name.endswith(pattern[1:]) and len(name) > len(pattern) - 1 if pattern.startswith("*.") else name == pattern


def address_of(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The numeric address that a host is, or None for a name."""
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None
