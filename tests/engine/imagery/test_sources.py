"""Nothing is opened that is not on the allow-list."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from engine.errors import ImageUnreadable, SourceForbidden
from engine.imagery.remote import checked_host, is_public, resolved
from engine.imagery.sources import Source
from engine.settings import Settings

from .conftest import Write


@pytest.mark.parametrize(
    "text",
    [
        "/vsicurl/http://example.com/a.tif",
        "/vsizip/a.zip/a.tif",
        "/vsimem/a.tif",
        "//vsicurl/http://x",
        "/VSICURL/http://x",
        "\\vsicurl\\x",
        "NETCDF:a.nc:x",
        'HDF5:"a.h5"://x',
        "GTIFF_DIR:1:a.tif",
        "ZARR:/tmp/a",
        "vrt:///etc/passwd",
        "<VRTDataset rasterXSize='1'/>",
        " <GDAL_WMS/>",
        "s3://bucket/a.tif",
        "gs://bucket/a.tif",
        "az://x/a",
        "ftp://example.com/a.tif",
        "file:///etc/passwd",
        "zip://a.zip!a.tif",
        "zip+https://x/a.zip",
        "data:image/png;base64,xxxx",
        "javascript:alert(1)",
        "",
        "  ",
        "a\x00b.tif",
    ],
)
def test_instructions_to_gdal_and_other_schemes_are_refused(text: str) -> None:
    with pytest.raises((SourceForbidden, ImageUnreadable)) as caught:
        Source.allow(text)
    assert isinstance(caught.value, SourceForbidden), text


def test_vrt_pipes_and_missing_files(tmp_path: Path) -> None:
    (tmp_path / "a.VRT").write_text("<VRTDataset/>")
    with pytest.raises(SourceForbidden, match="VRT"):
        Source.allow(tmp_path / "a.VRT")
    os.mkfifo(tmp_path / "pipe.tif")
    with pytest.raises(SourceForbidden, match="pipe"):
        Source.allow(tmp_path / "pipe.tif")
    with pytest.raises(ImageUnreadable, match="no such file"):
        Source.allow(tmp_path / "gone.tif")


def test_a_vrt_under_another_name_is_no_image(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_text("<VRTDataset rasterXSize='1' rasterYSize='1'/>")
    with pytest.raises(ImageUnreadable, match="no image"):
        Source.allow(path).driver()


def test_files_and_folders_are_allowed_by_any_name(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write("odd name, ünïcode & 100%!.tif")
    assert Source.allow(path) == Source.allow(str(path))
    assert Source.allow(path).driver() == "GTiff"
    assert Source.allow(tmp_path).path == tmp_path
    monkeypatch.chdir(tmp_path)
    assert Source.allow(path.name).text == str(path)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("255.255.255.255", False),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("::1", False),
        ("::", False),
        ("fe80::1", False),
        ("fc00::1", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:93.184.216.34", True),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
        ("fe80::1%eth0", False),
    ],
)
def test_public_addresses(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/a.tif",
        "http://[::1]/a.tif",
        "http://169.254.169.254/latest",
        "https://user:secret@example.com/a.tif",
        "http:///a.tif",
        "http://example.com:0/a",
        "http://example.com:99999/a",
        "http://example.com/a b.tif",
    ],
)
def test_addresses_that_are_refused_by_sight(url: str) -> None:
    with pytest.raises(SourceForbidden) as caught:
        Source.allow(url, Settings())
    assert "secret" not in str(caught.value)


def test_hosts_can_be_narrowed_down() -> None:
    config = Settings(allowed_hosts=("example.com", "*.data.org"))
    assert checked_host("https://example.com/a.tif", config).hostname == "example.com"
    checked_host("https://cog.example.com./a.tif", config)
    checked_host("https://EU.data.org/a.tif", config)
    for url in ("https://example.com.evil.net/a", "https://badexample.com/a", "https://elsewhere.net/a"):
        with pytest.raises(SourceForbidden, match="PHAROS_ALLOWED_HOSTS"):
            checked_host(url, config)


def test_a_name_that_leads_into_a_private_network_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(*addresses: str) -> Any:
        return lambda *_, **__: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", answer("93.184.216.34"))
    assert resolved("example.com", 80, Settings()) == "93.184.216.34"
    monkeypatch.setattr(socket, "getaddrinfo", answer("93.184.216.34", "10.0.0.1"))
    with pytest.raises(SourceForbidden, match="private"):
        resolved("example.com", 80, Settings())
    assert resolved("example.com", 80, Settings(allow_private_hosts=True)) == "93.184.216.34"


def test_an_unknown_host_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(ImageUnreadable, match="can't be found"):
        resolved("nowhere.example", 80, Settings())


def test_names_for_messages_and_patterns() -> None:
    source = Source("https://example.com/naip/m%20x.tif?key=1", None)
    assert (source.name, source.stem, source.near) == ("m x.tif", "m x", "naip/m x")
