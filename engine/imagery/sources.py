"""Who may be opened: the allow-list between a name that a person gives and GDAL, Pillow or the network.

Local regular files and folders, and http(s) addresses of public hosts. Everything that GDAL would take as an instruction
rather than a file (``/vsicurl/…``, ``NETCDF:…``, ``<VRTDataset>``, ``s3://…``, ``.vrt``) is refused.
"""

from __future__ import annotations

import os
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, cast
from urllib.parse import unquote, urlsplit

from engine.errors import ImageUnreadable, SourceForbidden
from engine.settings import Settings, settings

SourceLike = str | Path

_filters: Final = threading.Lock()

_INSTRUCTION: Final = re.compile(r"^\s*<|^[A-Za-z0-9_+.\-]+://|^[A-Z][A-Z0-9_]+:|^[a-z][a-z0-9+.\-]{2,}:[^\\/ ]")

HARDENED: Final = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "TRUE",  # sidecars are looked up by name, folders are not listed
    "CPL_VSIL_CURL_ALLOWED_FILENAME": "none",  # GDAL never talks to the network: remote bytes come through RemoteFile
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".none",
    "GDAL_HTTP_MAX_RETRY": "0",
    "GDAL_NUM_THREADS": "1",  # threads are ours, one handle each
}
"""GDAL options under which every raster is opened and read."""

MAGIC: Final[tuple[tuple[bytes, str], ...]] = (
    (b"II*\x00", "GTiff"),
    (b"MM\x00*", "GTiff"),
    (b"II+\x00", "GTiff"),
    (b"MM\x00+", "GTiff"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "JP2OpenJPEG"),
    (b"\xff\x4f\xff\x51", "JP2OpenJPEG"),
)


def hardened() -> AbstractContextManager[Any]:
    """A GDAL environment in which only the opened file itself can be read."""
    import rasterio

    return cast("AbstractContextManager[Any]", rasterio.Env(**HARDENED))


@contextmanager
def quietly(category: type[Warning]) -> Iterator[None]:
    """Keep one kind of warning of a library's to ourselves; one thread at a time, for Python's filters are global."""
    with _filters, warnings.catch_warnings():
        warnings.simplefilter("ignore", category)
        yield


@dataclass(frozen=True, slots=True)
class Source:
    """A file, folder or address that may be opened.

    Attributes:
        text: Absolute path or http(s) address.
        path: The path; ``None`` for an address.
    """

    text: str
    path: Path | None

    @classmethod
    def allow(cls, like: SourceLike, config: Settings | None = None) -> Source:
        """What a person gave, if it may be opened.

        Hosts are checked here by name and once more by address when a connection is made.

        Raises:
            SourceForbidden: If it is neither a local file or folder nor an allowed http(s) address.
            ImageUnreadable: If there is no such file.
        """
        text = os.fspath(like)
        if isinstance(like, str) and re.match(r"(?i)^https?://", text):
            from engine.imagery.remote import checked_host

            checked_host(text, config or settings())
            return cls(text, None)
        refuse_instruction(text)
        path = Path(os.path.abspath(os.path.expanduser(text)))
        if os.path.isdir(path):  # unlike the path's own methods it takes a name of any length
            return cls(str(path), path)
        if not os.path.exists(path):
            raise ImageUnreadable(path.name[:80], "there is no such file or folder.")
        if not os.path.isfile(path):
            raise SourceForbidden(path.name, "it is a device or a pipe, not a file.")
        if path.suffix.lower() == ".vrt":
            raise SourceForbidden(path.name, "a VRT only points to other files. Give those files themselves.")
        return cls(str(path), path)

    @property
    def name(self) -> str:
        """Last part of the path or address, for messages."""
        if self.path is not None:
            return self.path.name
        parts = urlsplit(self.text)
        return unquote(parts.path.rstrip("/").rsplit("/", 1)[-1]) or parts.netloc

    @property
    def stem(self) -> str:
        """The name without its last suffix."""
        return Path(self.name).stem

    @property
    def near(self) -> str:
        """Name of the folder and of the file without suffix, ``folder/stem``: what sensor patterns look at."""
        if self.path is not None:
            return f"{self.path.parent.name}/{self.stem}"
        return f"{Path(unquote(urlsplit(self.text).path)).parent.name}/{self.stem}"

    def open(self) -> BinaryIO:
        """The bytes, seekable.

        Raises:
            ImageUnreadable: If the file is gone or the server does not answer.
            SourceForbidden: If the host has a private address.
        """
        if self.path is None:
            from engine.imagery.remote import RemoteFile

            return cast("BinaryIO", RemoteFile(self.text, self.name))
        try:
            return self.path.open("rb")
        except OSError as error:
            raise ImageUnreadable(self.name, f"{_reason(error)}.") from None

    def stamp(self) -> tuple[str, int, int]:
        """Identity of the content, for caches: changes when the file does."""
        if self.path is None:
            return (self.text, 0, 0)
        try:
            status = self.path.stat()
        except OSError as error:
            raise ImageUnreadable(self.name, f"{_reason(error)}.") from None
        return (self.text, status.st_mtime_ns, status.st_size)

    def driver(self) -> str:
        """The format by its first bytes, never by its name: ``GTiff``, ``PNG``, ``JPEG``, ``JP2OpenJPEG`` or ``WEBP``.

        Raises:
            ImageUnreadable: If it is empty or none of these.
        """
        with self.open() as stream:
            head = stream.read(16)
        if not head:
            raise ImageUnreadable(self.name, "the file is empty (0 bytes).")
        if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
            return "WEBP"
        for magic, driver in MAGIC:
            if head.startswith(magic):
                return driver
        raise ImageUnreadable(self.name, "it is no image. GeoTIFF, JPEG 2000, PNG, JPEG and WebP are read.")


def refuse_instruction(text: str) -> None:
    """Stop at a name that GDAL would read as a command, an archive, a driver prefix or a cloud address.

    Raises:
        SourceForbidden: If it is one.
    """
    slashed = text.replace("\\", "/")
    if "\x00" in text or not text.strip():
        raise SourceForbidden(text.replace("\x00", "")[:80], "it is no file name.")
    if slashed.lower().lstrip("/").startswith("vsi") and slashed.startswith("/"):
        raise SourceForbidden(text[:80], "GDAL's virtual paths are not read. Give a local file or an http(s) address.")
    if _INSTRUCTION.search(text):
        raise SourceForbidden(text[:80], "only local files and http(s) addresses are read.")


def _reason(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()
