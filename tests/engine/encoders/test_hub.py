"""Weights from a hub that is real: an HTTP server on the loopback."""

from __future__ import annotations

import hashlib
import io
import re
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.encoders import Source, weights
from engine.encoders.registry import model_card
from engine.errors import Cancelled, EncoderNotReady, WeightsCorrupt, WeightsMissing
from engine.progress import Cancel
from engine.settings import Settings

from .tiny import card

CONTENT = bytes(range(256)) * 20_000  # 5.1 MB: several chunks
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Hub(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.content = CONTENT
        self.cuts: list[int] = []  # after how many bytes each coming answer breaks off
        self.ranges = True
        self.announce = ""
        self.shift = 0  # a server that sends another part than was asked for
        self.redirect = False
        self.status = 200
        self.asked: list[tuple[str, str]] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answer(BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self) -> None:
        hub, wanted = self.server, self.headers.get("Range", "")
        hub.asked.append((self.path, wanted))
        if hub.status != 200:
            self.send_error(hub.status)
        elif hub.redirect and not self.path.startswith("/store"):
            self.send_response(302)
            self.send_header("Location", f"{hub.address}/store")
            if hub.announce:
                self.send_header("X-Linked-Etag", f'"{hub.announce}"')
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self._send(int(re.findall(r"\d+", wanted)[0]) if wanted and hub.ranges else 0, bool(wanted) and hub.ranges)

    def _send(self, start: int, partial: bool) -> None:
        content = self.server.content
        start += self.server.shift if partial else 0
        if partial and start >= len(content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if partial else 200)
        if partial:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        cut = self.server.cuts.pop(0) if self.server.cuts else None
        self.wfile.write(content[start : None if cut is None else start + cut])
        self.close_connection = True

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def hub() -> Iterator[Hub]:
    server = Hub()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def pharos(own_data: Settings, hub: Hub) -> Settings:
    return own_data.model_copy(update={"hub": hub.address})


REMOTE = card(id="remote", title="Remote", source=Source("ckpt/weights.pt", repo="people/model"), sha256=DIGEST)


def test_a_whole_download(hub: Hub, pharos: Settings) -> None:
    seen: list[tuple[str, int, int]] = []
    path = weights.obtain(REMOTE, pharos, progress=lambda *step: seen.append(step))
    assert path == pharos.models_dir / "remote" / "weights.pt"
    assert path.read_bytes() == CONTENT
    assert hub.asked == [("/people/model/resolve/main/ckpt/weights.pt", "")]
    assert seen[-1] == ("Downloading Remote", len(CONTENT), len(CONTENT))
    assert [step[1] for step in seen] == sorted({step[1] for step in seen})
    assert weights.known_hash(path) == DIGEST, "recorded beside the file"
    assert not list(path.parent.glob("*.part"))

    hub.status = 500
    assert weights.obtain(REMOTE, pharos) == path, "what is here is not asked for again"


def test_a_cut_line_goes_on_by_itself(hub: Hub, pharos: Settings) -> None:
    hub.cuts = [2_000_000, 1_500_000]
    assert weights.obtain(REMOTE, pharos).read_bytes() == CONTENT
    starts = [int(wanted[6:-1] or 0) if wanted else 0 for _, wanted in hub.asked]
    assert starts[0] == 0
    assert len(starts) == 3
    assert 0 < starts[1] <= 2_000_000
    assert starts[1] < starts[2] <= 3_500_000


def test_a_later_try_goes_on_where_the_first_stopped(hub: Hub, pharos: Settings) -> None:
    hub.cuts = [2_000_000, 1, 1, 1]
    with pytest.raises(
        WeightsMissing, match=r"Remote are not here .* MB have arrived and are kept.*ckpt/weights.pt of people/model .*remote"
    ):
        weights.obtain(REMOTE, pharos)
    kept = (pharos.models_dir / "remote" / "weights.pt.part").stat().st_size
    assert 0 < kept < len(CONTENT)
    hub.cuts, hub.asked = [], []
    assert weights.obtain(REMOTE, pharos).read_bytes() == CONTENT
    assert hub.asked == [("/people/model/resolve/main/ckpt/weights.pt", f"bytes={kept}-")]


def test_a_hub_without_ranges_starts_over(hub: Hub, pharos: Settings) -> None:
    hub.ranges, hub.cuts = False, [2_000_000]
    assert weights.obtain(REMOTE, pharos).read_bytes() == CONTENT


def test_a_part_that_was_not_asked_for_is_not_glued_on(hub: Hub, pharos: Settings) -> None:
    hub.cuts, hub.shift = [2_000_000], 1000
    unknown = card(id="remote", source=Source("weights.pt", repo="people/model"))
    try:
        path = weights.obtain(unknown, pharos)
    except WeightsMissing:
        path = weights.obtain(unknown, pharos)
    assert path.read_bytes() == CONTENT


def test_everything_had_arrived_but_the_name(hub: Hub, pharos: Settings) -> None:
    part = pharos.models_dir / "remote" / "weights.pt.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT)
    assert weights.obtain(REMOTE, pharos).read_bytes() == CONTENT
    assert len(hub.asked) == 1


def test_a_leftover_that_is_too_long_is_thrown_away(hub: Hub, pharos: Settings) -> None:
    part = pharos.models_dir / "remote" / "weights.pt.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT + b"more")
    assert weights.obtain(REMOTE, pharos).read_bytes() == CONTENT


def test_a_wrong_checksum_throws_the_download_away(hub: Hub, pharos: Settings) -> None:
    hub.content = CONTENT[:-1] + b"?"
    with pytest.raises(WeightsCorrupt, match=f"not {DIGEST[:12]}.*thrown away: try again"):
        weights.obtain(REMOTE, pharos)
    assert not list((pharos.models_dir / "remote").glob("weights*"))
    hub.content = CONTENT
    assert weights.obtain(REMOTE, pharos).read_bytes() == CONTENT


def test_a_stale_half_does_not_slip_into_a_whole(hub: Hub, pharos: Settings) -> None:
    part = pharos.models_dir / "remote" / "weights.pt.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"\0" * 1_000_000)
    with pytest.raises(WeightsCorrupt):
        weights.obtain(REMOTE, pharos)
    assert weights.obtain(REMOTE, pharos).read_bytes() == CONTENT


@pytest.mark.parametrize(("announced", "good"), [(DIGEST, True), ("0" * 64, False)])
def test_the_hash_that_the_hub_announces_is_checked_when_the_card_has_none(announced: str, good: bool, hub: Hub, pharos: Settings) -> None:
    hub.redirect, hub.announce = True, announced
    unknown = card(id="remote", source=Source("weights.pt", repo="people/model"))
    if good:
        assert weights.obtain(unknown, pharos).read_bytes() == CONTENT
    else:
        with pytest.raises(WeightsCorrupt):
            weights.obtain(unknown, pharos)


@pytest.mark.parametrize(("megabytes", "good"), [(5.1, True), (605.2, False)])
def test_the_size_is_checked_when_no_hash_is_known(megabytes: float, good: bool, hub: Hub, pharos: Settings) -> None:
    unknown = card(id="remote", source=Source("weights.pt", repo="people/model"), size_mb=megabytes)
    if good:
        assert weights.obtain(unknown, pharos).read_bytes() == CONTENT
    else:
        with pytest.raises(WeightsCorrupt, match=r"it has 5.1 MB, not about 605.2 MB"):
            weights.obtain(unknown, pharos)


@pytest.mark.parametrize("status", [401, 404, 503])
def test_a_refusal_names_what_to_bring_and_where(status: int, hub: Hub, pharos: Settings) -> None:
    hub.status = status
    with pytest.raises(WeightsMissing) as caught:
        weights.obtain(REMOTE, pharos)
    words = str(caught.value)
    assert f"127.0.0.1 answered {status}" in words
    assert "Bring the file ckpt/weights.pt of people/model" in words
    assert str(pharos.models_dir / "remote") in words


def test_no_network_names_what_to_bring_and_where(own_data: Settings) -> None:
    closed = Hub()
    away = own_data.model_copy(update={"hub": closed.address})
    closed.server_close()
    with pytest.raises(WeightsMissing) as caught:
        weights.obtain(model_card("remoteclip-vit-b-32"), away)
    words = str(caught.value)
    assert "can't be reached" in words
    assert "Bring the file RemoteCLIP-ViT-B-32.pt of chendelong/RemoteCLIP" in words
    assert str(away.models_dir / "remoteclip-vit-b-32") in words


def test_a_brought_file_is_found_under_any_name(own_data: Settings) -> None:
    folder = model_card("georsclip-vit-b-32").folder(own_data)
    folder.mkdir(parents=True)
    (folder / "from-a-colleague.pt").write_bytes(b"x")
    assert weights.obtain(model_card("georsclip-vit-b-32"), own_data) == folder / "from-a-colleague.pt"
    (folder / "RS5M_ViT-B-32.pt").write_bytes(b"y")
    assert weights.obtain(model_card("georsclip-vit-b-32"), own_data) == folder / "RS5M_ViT-B-32.pt"


def test_a_download_can_be_stopped_and_goes_on(hub: Hub, pharos: Settings) -> None:
    stop = Cancel()
    with pytest.raises(Cancelled, match="kept"):
        weights.obtain(REMOTE, pharos, progress=lambda *_: stop.set(), cancel=stop)
    assert (pharos.models_dir / "remote" / "weights.pt.part").stat().st_size > 0
    assert weights.obtain(REMOTE, pharos).read_bytes() == CONTENT
    assert hub.asked[-1][1].startswith("bytes=")


def test_two_downloads_of_one_file_do_not_mix(hub: Hub, pharos: Settings) -> None:
    def second(*_: Any) -> None:
        with pytest.raises(EncoderNotReady, match="another process"):
            weights.fetch(REMOTE, pharos)

    assert weights.fetch(REMOTE, pharos, progress=second).read_bytes() == CONTENT


def test_a_full_disk_is_told(hub: Hub, pharos: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(weights.os, "fsync", full)
    with pytest.raises(WeightsMissing, match="the disk is full"):
        weights.obtain(REMOTE, pharos)


class TestZippedCheckpoint:
    """As SkyCLIP comes: a zip at its authors' own address, one wrapped checkpoint inside."""

    @staticmethod
    def zipped(*names: str) -> bytes:
        checkpoint, bundle = io.BytesIO(), io.BytesIO()
        torch.save({"state_dict": {"module.a": torch.ones(2)}}, checkpoint)
        with zipfile.ZipFile(bundle, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("SkyCLIP/params.txt", "lr 1e-9")
            archive.writestr("__MACOSX/SkyCLIP/._epoch_20.pt", "x")
            for name in names:
                archive.writestr(name, checkpoint.getvalue())
        return bundle.getvalue()

    @staticmethod
    def card_at(hub: Hub) -> Any:
        return card(id="sky", source=Source("sky.pt", url=f"{hub.address}/ckpt/sky_b32.zip"))

    def test_it_is_fetched_and_unpacked(self, hub: Hub, pharos: Settings) -> None:
        hub.content = self.zipped("SkyCLIP/epoch_20.pt")
        path = weights.obtain(self.card_at(hub), pharos)
        assert path == pharos.models_dir / "sky" / "sky.pt"
        assert torch.equal(weights.read_state(path)["a"], torch.ones(2))
        assert {file.name for file in path.parent.iterdir()} == {"sky.pt", "sky.pt.sha256.json"}

    def test_a_brought_zip_is_unpacked(self, hub: Hub, pharos: Settings) -> None:
        folder = self.card_at(hub).folder(pharos)
        folder.mkdir(parents=True)
        (folder / "sky_b32.zip").write_bytes(self.zipped("epoch_20.pt"))
        assert weights.obtain(self.card_at(hub), pharos).name == "sky.pt"
        assert not hub.asked
        assert (folder / "sky_b32.zip").is_file(), "a brought file stays"

    def test_a_damaged_zip_that_was_brought_stays(self, hub: Hub, pharos: Settings) -> None:
        archive = self.card_at(hub).folder(pharos) / "sky_b32.zip"
        archive.parent.mkdir(parents=True)
        archive.write_bytes(self.zipped("epoch_20.pt")[:-30])
        with pytest.raises(WeightsCorrupt, match="no whole zip"):
            weights.obtain(self.card_at(hub), pharos)
        assert archive.is_file()

    @pytest.mark.parametrize("names", [(), ("a.pt", "b.pt")])
    def test_not_one_checkpoint_inside(self, names: tuple[str, ...], hub: Hub, pharos: Settings) -> None:
        hub.content = self.zipped(*names)
        with pytest.raises(WeightsCorrupt, match=f"holds {len(names)} checkpoints"):
            weights.obtain(self.card_at(hub), pharos)

    def test_no_zip(self, hub: Hub, pharos: Settings) -> None:
        with pytest.raises(WeightsCorrupt, match="no whole zip"):
            weights.obtain(self.card_at(hub), pharos)
        assert not [file for file in Path(pharos.models_dir / "sky").iterdir() if file.suffix != ".part"]
