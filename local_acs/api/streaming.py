"""Sends a slice of an open file in large pieces, as slowly or as brokenly as it is told to."""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from local_acs.connections import is_connected, reset_connection

PIECE_BYTES = 512 * 1024
SLOW_PIECES_PER_SECOND = 10


@dataclass(frozen=True, slots=True)
class FileSlice:
    """`descriptor` belongs to whoever sends the slice and is closed by them."""

    descriptor: int
    offset: int
    length: int


class StreamedFile(Response):
    def __init__(
        self,
        source: FileSlice,
        *,
        status: int,
        headers: Mapping[str, str],
        bytes_per_second: int | None,
        reset_after: int | None,
    ) -> None:
        self.status_code = status
        self.background = None
        self.body = b""
        self.init_headers(headers)
        self._source = source
        self._bytes_per_second = bytes_per_second
        self._reset_after = reset_after

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        try:
            start = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
            await send(start)
            if scope["method"] == "HEAD":
                await send({"type": "http.response.body"})
                return
            await self._send_slice(scope, send)
        finally:
            os.close(self._source.descriptor)

    async def _send_slice(self, scope: Scope, send: Send) -> None:
        end = self._source.length if self._reset_after is None else self._reset_after
        sent = 0
        while sent < end and is_connected(scope):
            piece = await asyncio.to_thread(
                os.pread, self._source.descriptor, min(self._piece(), end - sent), self._source.offset + sent
            )
            if not piece:
                # The file has become shorter than announced; the answer must not look complete.
                break
            sent += len(piece)
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            if self._bytes_per_second is not None:
                await asyncio.sleep(len(piece) / self._bytes_per_second)
        if sent < self._source.length or self._reset_after is not None:
            await reset_connection(scope)
        else:
            await send({"type": "http.response.body"})

    def _piece(self) -> int:
        if self._bytes_per_second is None:
            return PIECE_BYTES
        return max(1, min(PIECE_BYTES, self._bytes_per_second // SLOW_PIECES_PER_SECOND))
