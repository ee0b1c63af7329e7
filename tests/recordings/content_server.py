"""A content host on a real port that behaves as badly as it is told to."""

import re
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR

BLOCK = 8192


@dataclass
class Behaviour:
    """How one request is answered. `cut` breaks the connection after so many bytes of this answer."""

    status: int = 200
    body: bytes | None = None
    media_type: str = "application/octet-stream"
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    hold: threading.Event | None = None
    hold_after: int = 0
    pace: float = 0.0
    ranges: bool = True
    honest_range: bool = True
    sized: bool = True


@dataclass
class Document:
    """A file of the host. Behaviours in `script` are used up one a request; then it is served well."""

    body: bytes
    validator: str = '"v1"'
    script: list[Behaviour] = field(default_factory=list)


class ContentHost:
    """Documents by path, and what was asked for."""

    def __init__(self) -> None:
        self.documents: dict[str, Document] = {}
        self.requests: list[tuple[str, str, str]] = []
        self.seen: dict[str, int] = defaultdict(int)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self.server.server_address[1]}"

    def put(self, path: str, body: bytes, *script: Behaviour, validator: str = '"v1"') -> str:
        """Keeps a file and returns its URL."""
        self.documents[path] = Document(body, validator, list(script))
        return self.endpoint + path

    def ranges(self, path: str) -> list[str]:
        return [asked for method, where, asked in self.requests if where == path and method == "GET"]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        host = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                host.answer(self)

            def do_DELETE(self) -> None:
                host.requests.append(("DELETE", self.path, ""))
                gone = host.documents.pop(self.path, None)
                self.send_response(200 if gone else 404)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments: object) -> None:
                pass

        return Handler

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        asked = request.headers.get("Range", "")
        self.requests.append(("GET", request.path, asked))
        document = self.documents.get(request.path)
        if document is None:
            _whole(request, Behaviour(status=404), b"")
            return
        how = document.script.pop(0) if document.script else Behaviour()
        body = document.body if how.body is None else how.body
        start = int(found[1]) if (found := re.fullmatch(r"bytes=(\d+)-", asked)) and how.ranges else 0
        condition = request.headers.get("If-Range", "")
        if how.honest_range and condition and condition != document.validator:
            start = 0
        if start and start >= len(body):
            how = Behaviour(status=416, headers={"Content-Range": f"bytes */{len(body)}"})
            _whole(request, how, b"")
            return
        headers = {"ETag": document.validator} if document.validator else {}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        if how.status == 200 and start:
            how.status = 206
        how.headers = headers | how.headers
        _whole(request, how, body[start:])

    def __enter__(self) -> "ContentHost":
        threading.Thread(target=self.server.serve_forever, args=[0.01], daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.server.shutdown()
        self.server.server_close()


def _whole(request: BaseHTTPRequestHandler, how: Behaviour, body: bytes) -> None:
    request.send_response(how.status)
    request.send_header("Content-Type", how.media_type)
    for name, value in how.headers.items():
        request.send_header(name, value)
    if how.sized:
        request.send_header("Content-Length", str(len(body)))
    request.send_header("Connection", "close")
    request.close_connection = True
    request.end_headers()
    for start, block in _blocks(body if how.cut is None else body[: how.cut]):
        if how.hold and start >= how.hold_after:
            how.hold.wait(30)
        try:
            request.wfile.write(block)
        except OSError:
            return
        time.sleep(how.pace)
    if how.cut is not None:
        request.wfile.flush()
        request.connection.shutdown(SHUT_RDWR)


def _blocks(body: bytes) -> Iterator[tuple[int, bytes]]:
    for start in range(0, len(body), BLOCK):
        yield start, body[start : start + BLOCK]


@contextmanager
def content_host() -> Iterator[ContentHost]:
    with ContentHost() as host:
        yield host
