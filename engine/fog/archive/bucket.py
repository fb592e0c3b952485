"""A public bucket: its keys are listed and its objects fetched over HTTPS by the S3 protocol, without an account."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote
from xml.etree import ElementTree

from engine.errors import ArchiveUnreachable
from engine.progress import Cancel, stop_if
from engine.settings import settings

if TYPE_CHECKING:
    import httpx

ENDPOINT: Final = "https://{bucket}.s3.amazonaws.com"
ATTEMPTS: Final = 3
CHUNK: Final = 1 << 20
LARGEST_LISTING: Final = 16 << 20
LARGEST_OBJECT: Final = 4 << 30
MOST_PAGES: Final = 1000


@dataclass(frozen=True, slots=True)
class Object:
    """One object of a bucket.

    Attributes:
        key: Its name.
        size: Bytes.
    """

    key: str
    size: int

    @property
    def name(self) -> str:
        """The last part of its key."""
        return self.key.rsplit("/", 1)[-1]


class Bucket:
    """A public bucket; :meth:`close` lets go of its connection.

    Args:
        name: Its name, for example noaa-goes19.
        endpoint: Address of the server, with ``{bucket}`` where the name belongs.
    """

    def __init__(self, name: str, endpoint: str = ENDPOINT) -> None:
        import httpx

        from engine.imagery.remote import checked_host

        self.name = name
        self._address = endpoint.format(bucket=name).rstrip("/")
        checked_host(self._address, settings())  # the allow-list holds for archives, too
        self._client = httpx.Client(timeout=httpx.Timeout(60, connect=15), follow_redirects=False, headers={"User-Agent": "Pharos"})

    def __enter__(self) -> Bucket:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    def keys(self, prefix: str) -> Iterator[Object]:
        """All objects whose key begins so, in order.

        Raises:
            ArchiveUnreachable: If the server does not answer, or not with a listing.
        """
        token = ""
        for _ in range(MOST_PAGES):
            ask = {"list-type": "2", "prefix": prefix, **({"continuation-token": token} if token else {})}
            root = self._listing(ask)
            space = root.tag.partition("}")[0] + "}" if root.tag.startswith("{") else ""
            for entry in root.iter(f"{space}Contents"):
                key, size = entry.findtext(f"{space}Key"), entry.findtext(f"{space}Size")
                if key and size and size.isdigit():
                    yield Object(key, int(size))
            token = root.findtext(f"{space}NextContinuationToken") or ""
            if not token or root.findtext(f"{space}IsTruncated") != "true":
                return
        raise ArchiveUnreachable(self.name, "its listing does not end. Ask for a shorter time.")

    def fetch(self, item: Object, folder: Path, cancel: Cancel | None = None) -> Path:
        """Bring an object into a folder; what is there in full is not fetched again, what was cut is continued.

        Raises:
            ArchiveUnreachable: If it can't be fetched; what has arrived is kept for the next try.
            Cancelled: If the person stopped it.
        """
        import httpx

        path = folder / item.name
        if path.is_file() and path.stat().st_size == item.size:
            return path
        if item.size > LARGEST_OBJECT:
            raise ArchiveUnreachable(
                self.name, f"{item.name} has {item.size / 1e9:.1f} GB; at most {LARGEST_OBJECT / 1e9:.1f} GB are fetched."
            )
        folder.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.part")
        for attempt in range(ATTEMPTS):
            try:
                self._append(item, part, cancel)
                os.replace(part, path)
                return path
            except httpx.HTTPError as error:
                if attempt == ATTEMPTS - 1:
                    raise self._silent(error) from None
            except OSError as error:
                raise ArchiveUnreachable(self.name, f"{item.name} can't be written ({error.strerror or type(error).__name__}).") from None
        raise AssertionError("unreachable")

    def _append(self, item: Object, part: Path, cancel: Cancel | None) -> None:
        import httpx

        have = part.stat().st_size if part.is_file() else 0
        if have > item.size:
            part.unlink()
            have = 0
        if have == item.size and item.size:
            return
        ask = {"Range": f"bytes={have}-"} if have else {}
        with self._client.stream("GET", f"{self._address}/{quote(item.key)}", headers=ask) as response:
            self._check(response, item.name)
            if have and response.status_code != httpx.codes.PARTIAL_CONTENT:
                have = 0
            with part.open("ab" if have else "wb") as file:
                for chunk in response.iter_raw():  # as they come, so that a cut line loses nothing
                    stop_if(cancel, f"Fetching {item.name}", "What has arrived is kept.")
                    file.write(chunk)
                    have += len(chunk)
                    if have > item.size:
                        raise httpx.RemoteProtocolError("more was sent than was listed")
        if have != item.size:
            raise httpx.RemoteProtocolError("the connection was cut")

    def _listing(self, ask: dict[str, str]) -> ElementTree.Element:
        import httpx

        for attempt in range(ATTEMPTS):
            try:
                with self._client.stream("GET", f"{self._address}/", params=ask) as response:
                    self._check(response, "its listing")
                    body = self._limited(response)
                break
            except httpx.HTTPError as error:
                if attempt == ATTEMPTS - 1:
                    raise self._silent(error) from None
        if b"<!DOCTYPE" in body[:2000] or b"<!ENTITY" in body[:2000]:  # no listing has these; they can blow up a parser
            raise ArchiveUnreachable(self.name, "it answered with something that is no listing.")
        try:
            return ElementTree.fromstring(body)
        except ElementTree.ParseError:
            raise ArchiveUnreachable(self.name, "it answered with something that is no listing.") from None

    def _limited(self, response: httpx.Response) -> bytes:
        parts, total = [], 0
        for chunk in response.iter_bytes(CHUNK):
            parts.append(chunk)
            total += len(chunk)
            if total > LARGEST_LISTING:
                raise ArchiveUnreachable(self.name, "its listing is too long.")
        return b"".join(parts)

    def _check(self, response: httpx.Response, what: str) -> None:
        if response.status_code >= 500:
            response.raise_for_status()  # worth another try
        if response.status_code not in {200, 206}:
            why = {403: "it refuses", 404: "it does not have"}.get(response.status_code, f"it answered {response.status_code} for")
            raise ArchiveUnreachable(self.name, f"{why} {what}.")

    def _silent(self, error: Exception) -> ArchiveUnreachable:
        return ArchiveUnreachable(
            self.name, f"it does not answer ({type(error).__name__}). Check the network and try again; what has arrived is kept."
        )
