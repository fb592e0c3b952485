"""Files over HTTP come in parts, every hop is checked, and a server's bad manners become clear errors."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.errors import ImageUnreadable, SourceForbidden
from engine.imagery import TileSpec, find_scenes, open_scene
from engine.imagery.remote import BLOCK, RemoteFile
from engine.settings import settings

from .rasters import save, scenery


class Server(ThreadingHTTPServer):
    """Serves a folder with ranges, or in some bad manner that the path names."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        manner, _, name = self.path.lstrip("/").partition("/")
        self.server.asked.append(self.headers.get("Range", ""))
        if manner == "moved":
            return self.move(f"/plain/{name}")
        if manner == "loop":
            return self.move(f"/loop/{name}")
        if manner == "inside":
            return self.move("http://10.0.0.1/secret.tif")
        if manner == "scheme":
            return self.move("file:///etc/passwd")
        path = self.server.folder / name
        if not path.is_file():
            return self.send_error(404)
        return self.send(path.read_bytes(), ranges=manner != "whole", short=manner == "short")

    def move(self, to: str) -> None:
        self.send_response(302)
        self.send_header("Location", to)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def send(self, body: bytes, *, ranges: bool, short: bool) -> None:
        total, status = len(body), 200
        match = re.match(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        start = 0
        if ranges and match:
            start, status = int(match[1]), 206
            body = body[start : int(match[2]) + 1]
        if short and start:
            body = b""
        self.send_response(status)
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{start + len(body) - 1}/{total}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing on standard error."""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("PHAROS_ALLOW_PRIVATE_HOSTS", "true")
    settings.cache_clear()
    (tmp_path / "www").mkdir()
    running = Server(tmp_path / "www")
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    yield running
    running.shutdown()
    running.server_close()
    thread.join()


def big(server: Server) -> np.ndarray:
    data = np.random.default_rng(0).integers(1, 255, (3, 900, 900), dtype=np.uint8)
    save(server.folder / "scene_20140720.tif", data, tiled=True, blockxsize=128, blockysize=128)
    return data


def test_a_raster_over_http_reads_like_a_local_one(server: Server) -> None:
    data = big(server)
    (scene,) = find_scenes([f"{server.url}/plain/scene_20140720.tif"]).scenes
    assert (scene.id, scene.crs, scene.source) == ("scene_20140720", "EPSG:32631", f"{server.url}/plain/scene_20140720.tif")
    with open_scene(scene) as reader:
        tile = reader.tiles(TileSpec(128))[9]
        window = tile.window
        expected = data[:, window.row : window.row + 128, window.column : window.column + 128]
        np.testing.assert_array_equal(reader.read(window).rgb, np.moveaxis(expected, 0, -1))
    assert all(re.fullmatch(r"bytes=\d+-\d+", asked) for asked in server.asked)


def test_only_the_needed_parts_are_fetched(server: Server) -> None:
    (server.folder / "a.bin").write_bytes(bytes(range(256)) * 8192)  # 2 MiB
    with RemoteFile(f"{server.url}/plain/a.bin", "a.bin") as remote:
        assert remote.seek(0, 2) == 2 << 20
        remote.seek(BLOCK * 5 - 3)
        assert remote.read(6) == bytes([253, 254, 255, 0, 1, 2])
        assert remote.seek(-2, 2) == (2 << 20) - 2
        assert remote.read() == bytes([254, 255])
        assert remote.read(5) == b""
        remote.seek(0)
        assert remote.read() == bytes(range(256)) * 8192
    assert len(server.asked) == 8


def test_a_server_without_parts_is_taken_whole(server: Server) -> None:
    big(server)
    assert find_scenes([f"{server.url}/whole/scene_20140720.tif"]).scenes[0].width == 900


def test_a_picture_over_http(server: Server) -> None:
    Image.fromarray(np.ascontiguousarray(np.moveaxis(scenery(), 0, -1))).save(server.folder / "a.png")
    (scene,) = find_scenes([f"{server.url}/plain/a.png"]).scenes
    with open_scene(scene) as reader:
        (tile,) = reader.tiles(TileSpec())
        np.testing.assert_array_equal(reader.read(tile.window).rgb, np.moveaxis(scenery(), 0, -1))


def test_a_redirect_is_followed_and_checked_again(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    big(server)
    assert find_scenes([f"{server.url}/moved/scene_20140720.tif"]).scenes[0].width == 900
    with pytest.raises(ImageUnreadable, match="without end"):
        find_scenes([f"{server.url}/loop/a.tif"])
    with pytest.raises(SourceForbidden, match="only http"):
        find_scenes([f"{server.url}/scheme/a.tif"])
    monkeypatch.setenv("PHAROS_ALLOWED_HOSTS", '["127.0.0.1"]')
    settings.cache_clear()
    with pytest.raises(SourceForbidden, match="not among the allowed"):
        find_scenes([f"{server.url}/inside/a.tif"])


def test_this_machine_is_private_by_default(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    big(server)
    url = f"{server.url}/plain/scene_20140720.tif"
    (scene,) = find_scenes([url]).scenes
    monkeypatch.setenv("PHAROS_ALLOW_PRIVATE_HOSTS", "false")
    settings.cache_clear()
    asked = len(server.asked)
    for attempt in (lambda: find_scenes([url]), lambda: open_scene(scene), lambda: find_scenes([url.replace("127.0.0.1", "localhost")])):
        with pytest.raises(SourceForbidden, match="private"):
            attempt()
    assert len(server.asked) == asked


def test_bad_answers(server: Server) -> None:
    with pytest.raises(ImageUnreadable, match="answered 404"):
        find_scenes([f"{server.url}/plain/gone.tif"])
    big(server)
    with pytest.raises(ImageUnreadable):
        find_scenes([f"{server.url}/short/scene_20140720.tif"])
    (server.folder / "page.tif").write_text("<html>not found, politely</html>")
    with pytest.raises(ImageUnreadable, match="no image"):
        find_scenes([f"{server.url}/plain/page.tif"])


def test_nobody_answers(server: Server) -> None:
    url = server.url
    server.shutdown()
    server.server_close()
    with pytest.raises(ImageUnreadable, match="does not answer"):
        find_scenes([f"{url}/plain/a.tif"])
