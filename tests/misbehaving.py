"""A server that answers as a script says: late, never, cut off, with pages instead of documents, or with a redirect."""

import contextlib
import json
import queue
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One scripted answer. `length` is what Content-Length claims when it is not the truth (None leaves it out).

    `wait` seconds pass before it, `drip` seconds between its bytes; with `hang_up` the connection is closed instead of
    an answer, with `reset` it is reset after the body. `before` runs in the server's thread first, so that something
    else can happen meanwhile.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = -1
    wait: float = 0.0
    drip: float = 0.0
    hang_up: bool = False
    reset: bool = False
    before: Callable[[], None] | None = None


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A request as it came; `path` includes the query, header names are lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


def document(content: object, *, status: int = 200, **headers: str) -> Reply:
    """A JSON answer."""
    return Reply(
        status=status, body=json.dumps(content).encode(), headers={"Content-Type": "application/json", **headers}
    )


def refusal(status: int, code: str, message: str = "No.") -> Reply:
    """An error as the service writes it today."""
    return document({"error": {"code": code, "message": message}}, status=status)


class Misbehaving:
    """Answers each request with the next reply of the script, and with the last one once the script is through."""

    def __init__(self, *script: Reply) -> None:
        self.seen: list[Seen] = []
        self.connections: list[socket.socket] = []
        self._script: queue.SimpleQueue[Reply] = queue.SimpleQueue()
        self._last = Reply(status=500)
        self._closing = threading.Event()
        self.then(*script)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = False  # closing joins them, so no thread outlives its test
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def then(self, *replies: Reply) -> None:
        """Adds to the script."""
        for reply in replies:
            self._script.put(reply)

    @property
    def methods(self) -> list[str]:
        """Method and last part of the path of each request, e.g. `POST abc:pause`."""
        return [f"{seen.method} {seen.path.partition('?')[0].rpartition('/')[2]}" for seen in self.seen]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        for connection in self.connections:  # clients keep theirs open for a next request
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._server.server_close()

    def next_reply(self, seen: Seen) -> Reply:
        self.seen.append(seen)
        with contextlib.suppress(queue.Empty):
            self._last = self._script.get_nowait()
        return self._last

    def pause(self, seconds: float) -> None:
        self._closing.wait(seconds)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                server.connections.append(self.connection)

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                reply = server.next_reply(Seen(method=self.command, path=self.path, headers=headers, body=body))
                with contextlib.suppress(ConnectionError):
                    _play(self, server, reply)

            do_GET = do_POST = do_DELETE = do_PUT = do_OPTIONS = answer  # noqa: N815 - the base class's names

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                pass

        return Handler


def _play(handler: BaseHTTPRequestHandler, server: Misbehaving, reply: Reply) -> None:
    if reply.before is not None:
        reply.before()
    server.pause(reply.wait)
    if not reply.hang_up:
        handler.send_response(reply.status)
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        length = len(reply.body) if reply.length == -1 else reply.length
        if length is not None and reply.status != 204:
            handler.send_header("Content-Length", str(length))
        handler.end_headers()
        for piece in [bytes([byte]) for byte in reply.body] if reply.drip else [reply.body]:
            server.pause(reply.drip)
            handler.wfile.write(piece)
            handler.wfile.flush()
    if reply.reset:
        server.pause(0.05)  # the bytes sent so far should arrive
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if reply.hang_up or reply.reset or reply.length != -1:
        handler.close_connection = True
