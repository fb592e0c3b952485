"""Bytes from http(s) addresses: ranges of public hosts, the address checked and pinned at every connection and redirect.

GDAL's own network layer is switched off (``sources.HARDENED``): it would follow a redirect or a changed name record into a private
network. Here a name is resolved once per connection, every address is checked, and the socket is opened to the one checked.
"""

from __future__ import annotations

import http.client
import io
import ipaddress
import socket
import ssl
import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from typing import Final
from urllib.parse import SplitResult, urljoin, urlsplit

from engine.errors import ImageUnreadable, PharosError, SourceForbidden
from engine.settings import Settings, settings

BLOCK: Final = 1 << 18
BLOCKS_KEPT: Final = 256
WHOLE_LIMIT: Final = 256 << 20
"""Largest file taken from a server that can't send parts, bytes."""
REDIRECTS: Final = 5
TIMEOUT_S: Final = 20.0

_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


def checked_host(url: str, config: Settings) -> SplitResult:
    """The parts of an address whose host may be asked; its numbers are checked when it is.

    Raises:
        SourceForbidden: If the scheme, the host or a password in it is not allowed.
    """
    parts = urlsplit(url)
    shown = f"{parts.scheme}://{parts.hostname or ''}"
    try:
        port = parts.port
    except ValueError:
        raise SourceForbidden(shown, "its port is no number.") from None
    if parts.scheme.lower() not in {"http", "https"} or not parts.hostname or port == 0:
        raise SourceForbidden(shown, "only http and https addresses are read.")
    if parts.username or parts.password:
        raise SourceForbidden(shown, "addresses with a user name or a password are not opened.")
    if any(character in url for character in "\r\n\t \x00"):
        raise SourceForbidden(shown, "the address holds blanks or control characters.")
    host = parts.hostname.rstrip(".").casefold()
    allowed = [name.casefold().lstrip("*").lstrip(".") for name in config.allowed_hosts]
    if allowed and not any(host == name or host.endswith(f".{name}") for name in allowed):
        raise SourceForbidden(shown, f"the host is not among the allowed ones ({', '.join(allowed)}). Set PHAROS_ALLOWED_HOSTS.")
    literal = _literal(host)
    if literal is not None and not config.allow_private_hosts and not is_public(literal):
        raise _private(shown)
    return parts


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public Internet; addresses that carry an IPv4 address are judged by it, too."""
    ip = ipaddress.ip_address(address.split("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def resolved(host: str, port: int, config: Settings) -> str:
    """One address of a host, after all of them were checked.

    Raises:
        SourceForbidden: If any is private.
        ImageUnreadable: If the name is not known.
    """
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise ImageUnreadable(host, "this host can't be found. Check the address and the network.") from None
    addresses = [str(answer[4][0]) for answer in answers]
    if not config.allow_private_hosts and not all(is_public(address) for address in addresses):
        raise _private(host)
    return addresses[0]


class _Blocks:
    """The blocks of one remote file that were fetched so far, shared by all handles on it."""

    def __init__(self, url: str, name: str) -> None:
        self.name = name
        self._lock = threading.Lock()
        self._url, self.size, first, self._whole = _first(url, name)
        self._kept = OrderedDict((n, first[n * BLOCK : (n + 1) * BLOCK]) for n in range(-(-len(first) // BLOCK)))

    def block(self, index: int) -> bytes:
        with self._lock:
            if index in self._kept:
                self._kept.move_to_end(index)
                return self._kept[index]
            last = min(self.size, (index + 1) * BLOCK) - 1
            status, _, body = _get(self._url, self.name, f"bytes={index * BLOCK}-{last}", BLOCK)
            if status != 206 or len(body) != last + 1 - index * BLOCK:
                raise ImageUnreadable(self.name, f"the server answered {status} with {len(body):,} bytes while it was read.")
            self._kept[index] = body
            if not self._whole and len(self._kept) > BLOCKS_KEPT:
                self._kept.popitem(last=False)
            return body


class RemoteFile(io.RawIOBase):
    """A file behind an http(s) address, read in blocks as they are needed; one handle a thread, made by ``again``.

    Args:
        url: Address.
        name: What to call it in messages.

    Raises:
        SourceForbidden: If a host on the way may not be asked.
        ImageUnreadable: If the server does not answer with a file.
    """

    def __init__(self, url: str, name: str) -> None:
        super().__init__()
        self._blocks = _Blocks(url, name)
        self._position = 0
        self._mute = False

    def again(self, *, mute: bool = False) -> RemoteFile:
        """Another handle on the same bytes, at its start; nothing is fetched twice.

        Args:
            mute: Whether a failure looks like the end of the file: no exception may pass through GDAL's C code.
        """
        other = RemoteFile.__new__(RemoteFile)
        other._blocks, other._position, other._mute = self._blocks, 0, mute
        return other

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """Position, bytes."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a position and return it."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._blocks.size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # any writable buffer comes in
        """Fill a buffer from the position on; 0 at the end."""
        wanted = min(len(buffer), max(0, self._blocks.size - self._position))
        done = 0
        while done < wanted:
            index, start = divmod(self._position + done, BLOCK)
            try:
                piece = self._blocks.block(index)[start : start + wanted - done]
            except PharosError:
                if not self._mute:
                    raise
                break
            buffer[done : done + len(piece)] = piece
            done += len(piece)
        self._position += done
        return done


Answer = tuple[int, dict[str, str], bytes]


def _first(url: str, name: str) -> tuple[str, int, bytes, bool]:
    """The first bytes: final address, size, bytes and whether they are all."""
    for _ in range(REDIRECTS + 1):
        status, headers, body = _get(url, name, f"bytes=0-{BLOCK - 1}", WHOLE_LIMIT)
        if status in {301, 302, 303, 307, 308} and headers.get("location"):
            url = urljoin(url, headers["location"])
        elif status == 206:
            total = headers.get("content-range", "").rpartition("/")[2]
            if not total.isdigit():
                raise ImageUnreadable(name, "the server does not say how long the file is.")
            return url, int(total), body, int(total) == len(body)
        elif status in {200, 416}:
            return url, len(body) if status == 200 else 0, body if status == 200 else b"", True
        else:
            raise ImageUnreadable(name, f"the server answered {status}.")
    raise ImageUnreadable(name, "the server sends from one address to the next without end.")


def _get(url: str, name: str, span: str, limit: int) -> Answer:
    """One request to one checked address; redirects are handed back, not followed."""
    config = settings()
    parts = checked_host(url, config)
    host, secure = str(parts.hostname), parts.scheme.lower() == "https"
    port = parts.port or (443 if secure else 80)
    address = resolved(host, port, config)
    connection = _connection(host, port, address, secure)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("GET", path, headers={"Range": span, "User-Agent": "Pharos", "Accept-Encoding": "identity"})
        answer = connection.getresponse()
        headers = {key.lower(): value for key, value in answer.getheaders()}
        body = answer.read(limit + 1) if answer.status in {200, 206} else b""
        if len(body) > limit:
            raise ImageUnreadable(name, "it is too large for a server that can't send parts. Download it first.")
        return answer.status, headers, body
    except (OSError, http.client.HTTPException) as error:
        raise ImageUnreadable(name, f"the server does not answer ({type(error).__name__}). Try again, or download it first.") from None
    finally:
        connection.close()


def _connection(host: str, port: int, address: str, secure: bool) -> http.client.HTTPConnection:
    """A connection to a checked address that still asks, and checks the certificate, for the host's name."""
    if secure:
        context = _tls()
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(host, port, timeout=TIMEOUT_S, context=context)
        dial: Callable[[], socket.socket] = lambda: context.wrap_socket(  # noqa: E731 - one line a scheme
            socket.create_connection((address, port), TIMEOUT_S), server_hostname=host
        )
    else:
        connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
        dial = lambda: socket.create_connection((address, port), TIMEOUT_S)  # noqa: E731
    connection.connect = lambda: setattr(connection, "sock", dial())  # type: ignore[method-assign]  # the address was checked, the name was not
    return connection


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _literal(host: str) -> str | None:
    try:
        return str(ipaddress.ip_address(host.split("%")[0]))
    except ValueError:
        return None


def _private(shown: str) -> SourceForbidden:
    return SourceForbidden(shown, "its address is private. Set PHAROS_ALLOW_PRIVATE_HOSTS=true if you trust it.")
