"""A server on this machine that speaks as much of the S3 protocol as a public bucket: ListObjectsV2 in pages, GET with ranges."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

PAGE = 3
"""Keys a page; the real protocol has 1000."""


class BucketServer(ThreadingHTTPServer):
    """Buckets of objects; ``manners`` are bad ones, each used up once: ``busy``, ``cut``, ``page``, ``doctype``, ``endless``."""

    def __init__(self, buckets: dict[str, dict[str, bytes]]) -> None:
        self.buckets = buckets
        self.asked: list[tuple[str, str]] = []
        self.manners: list[str] = []
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{{bucket}}"


class Handler(BaseHTTPRequestHandler):
    server: BucketServer

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        _, bucket, *rest = unquote(parts.path).split("/", 2)
        key = rest[0] if rest else ""
        self.server.asked.append((self.path, self.headers.get("Range", "")))
        manner = self.server.manners.pop(0) if self.server.manners else ""
        if manner == "busy":
            return self.answer(503, b"<Error><Code>SlowDown</Code></Error>")
        if bucket not in self.server.buckets:
            return self.answer(404, b"<Error><Code>NoSuchBucket</Code></Error>")
        objects = self.server.buckets[bucket]
        if not key:
            return self.listing(objects, {name: values[0] for name, values in parse_qs(parts.query).items()}, manner)
        if key not in objects:
            return self.answer(403, b"<Error><Code>AccessDenied</Code></Error>")
        return self.object(objects[key], cut=manner == "cut")

    def listing(self, objects: dict[str, bytes], ask: dict[str, str], manner: str) -> None:
        if manner == "page":
            return self.answer(200, b"<html><body>sign in")
        if manner == "doctype":
            return self.answer(200, b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><ListBucketResult>&b;</ListBucketResult>')
        assert ask["list-type"] == "2"
        keys = sorted(key for key in objects if key.startswith(ask.get("prefix", "")) and key > ask.get("continuation-token", ""))
        shown, more = keys[:PAGE], len(keys) > PAGE
        entries = "".join(f"<Contents><Key>{escape(key)}</Key><Size>{len(objects[key])}</Size></Contents>" for key in shown)
        token = f"<NextContinuationToken>{escape(shown[-1])}</NextContinuationToken>" if more else ""
        body = (
            '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<KeyCount>{len(shown)}</KeyCount><IsTruncated>{str(more).lower()}</IsTruncated>{entries}{token}</ListBucketResult>"
        )
        return self.answer(200, body.encode())

    def object(self, body: bytes, *, cut: bool) -> None:
        match = re.match(r"bytes=(\d+)-$", self.headers.get("Range", ""))
        start = int(match[1]) if match else 0
        part = body[start:]
        self.send_response(206 if match else 200)
        if match:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        self.wfile.write(part[: len(part) // 2] if cut else part)
        if cut:
            self.close_connection = True

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing on standard error."""


@contextmanager
def serving(buckets: dict[str, dict[str, bytes]]) -> Iterator[BucketServer]:
    server = BucketServer(buckets)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
