"""A real Chromium and a real server on loopback."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

ROOT = Path(__file__).resolve().parent.parent.parent
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def chromium() -> str:
    """The system's Chromium; Playwright's own download is not used."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("Chromium is absent, and CI must test in a real browser")
        pytest.skip("Chromium is absent: install the package chromium to run the browser tests")
    return found


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    launched = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
    yield launched
    launched.close()


@dataclass
class Visit:
    """A page with what it asked the network for and complained about."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def foreign(self, address: str) -> list[str]:
        """Requests that left for another host than the server's."""
        return [url for url in self.requests if not url.startswith((address, address.replace("http", "ws", 1), "data:", "blob:"))]


@contextlib.contextmanager
def visit(browser: Browser, *, width: int = 1440, height: int = 900, dark: bool = False) -> Iterator[Visit]:
    """A fresh browser profile with one page."""
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light")
    page = context.new_page()
    visited = Visit(page)
    page.on("request", lambda request: visited.requests.append(request.url))
    page.on("websocket", lambda ws: visited.requests.append(ws.url))
    page.on("pageerror", lambda error: visited.complaints.append(str(error)))
    yield visited
    context.close()


@dataclass
class Server:
    """A running Pharos."""

    address: str
    data: Path
    process: subprocess.Popen[bytes]
    log: Path

    def health(self) -> dict[str, object]:
        """What /healthz says."""
        with urllib.request.urlopen(f"{self.address}/healthz", timeout=5) as reply:
            found: dict[str, object] = json.load(reply)
        return found

    def wait_until_ready(self, seconds: float = 240) -> None:
        """Until the encoder answers and the demo is made."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                health = self.health()
                assert not health["failed"], health["failed"]
                if health["ready"] and not health["stage"]:
                    return
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.3)
        raise AssertionError(f"not ready after {seconds} s: {self.log.read_text()[-2000:]}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextlib.contextmanager
def serve(data: Path, *options: str) -> Iterator[Server]:
    """Start the server as ``make run`` does, on a free port."""
    port = free_port()
    log = data / "server.log"
    data.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "PHAROS_DATA_DIR": str(data)}
    command = [sys.executable, "-m", "streamlit", "run", "app/server.py", "--server.port", str(port), "--server.headless", "true", *options]
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT)
    try:
        yield Server(f"http://127.0.0.1:{port}", data, process, log)
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=15)
        process.kill()


@pytest.fixture(scope="session")
def demo_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on a fresh machine: it has made its demo by itself."""
    with serve(tmp_path_factory.mktemp("demo")) as server:
        server.wait_until_ready()
        yield server
