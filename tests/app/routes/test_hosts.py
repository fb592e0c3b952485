"""A page that rebinds its own name to loopback reads nothing."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from app.routes.hosts import KnownHosts


def client(bound: str, *hosts: str) -> TestClient:
    async def page(request: Request) -> PlainTextResponse:
        return PlainTextResponse("page")

    async def talk(socket: WebSocket) -> None:
        await socket.accept()
        await socket.close()

    known = Middleware(KnownHosts, bound=bound, hosts=lambda: hosts)
    return TestClient(Starlette(routes=[Route("/", page), WebSocketRoute("/ws", talk)], middleware=[known]))


@pytest.mark.parametrize(
    ("bound", "hosts", "host", "allowed"),
    [
        ("127.0.0.1", (), "127.0.0.1:8501", True),
        ("127.0.0.1", (), "localhost:9", True),
        ("127.0.0.1", (), "LOCALHOST.", True),
        ("127.0.0.1", (), "[::1]:8501", True),
        ("127.0.0.1", (), "127.8.0.1", True),
        ("127.0.0.1", (), "evil.example:8501", False),
        ("127.0.0.1", (), "localhost.evil.example", False),
        ("127.0.0.1", (), "127.0.0.1.evil.example", False),
        ("127.0.0.1", (), "192.168.0.7:8501", False),
        ("127.0.0.1", (), "", False),
        ("maps.local", (), "maps.local:80", True),
        ("192.168.0.7", (), "192.168.0.7", True),
        ("0.0.0.0", (), "192.168.0.7:8501", True),
        ("0.0.0.0", (), "evil.example", False),
        ("127.0.0.1", ("example.org", "*.example.com"), "Example.org:443", True),
        ("127.0.0.1", ("example.org", "*.example.com"), "a.example.com", True),
        ("127.0.0.1", ("example.org", "*.example.com"), "badexample.com", False),
        ("127.0.0.1", ("example.org", "*.example.com"), "a.example.org", False),
        ("127.0.0.1", ("*",), "anything.example", True),
    ],
)
def test_only_names_of_ours_are_answered(bound: str, hosts: tuple[str, ...], host: str, allowed: bool) -> None:
    asked = client(bound, *hosts)
    reply = asked.get("/", headers={"Host": host})
    assert reply.status_code == (200 if allowed else 421)
    assert reply.text == "page" if allowed else "PHAROS_HOSTS" in reply.json()["error"]


def test_a_web_socket_under_a_foreign_name_is_not_opened() -> None:
    asked = client("127.0.0.1")
    with asked.websocket_connect("/ws", headers={"Host": "localhost"}):
        pass
    with pytest.raises(WebSocketDisconnect), asked.websocket_connect("/ws", headers={"Host": "evil.example"}):
        pass
