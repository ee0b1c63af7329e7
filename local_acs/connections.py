"""The connections of the HTTP server, so that one can be broken on purpose."""

import asyncio
import socket
import struct

from starlette.types import Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

_LINGER_NOT = struct.pack("ii", 1, 0)
"""SO_LINGER with no time: closing sends a reset instead of a polite end."""

_GRACE_SECONDS = 0.05
_open: dict[tuple[str, int], asyncio.Transport] = {}


class KnownProtocol(H11Protocol):
    """uvicorn's protocol, with its transport findable by the peer's address."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self.client is not None:
            _open[self.client] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self.client is not None:
            _open.pop(self.client, None)
        super().connection_lost(exc)


def is_connected(scope: Scope) -> bool:
    """Whether the client of a request is still there; uvicorn itself drops what is sent to one that has gone."""
    return tuple(scope["client"]) in _open


async def reset_connection(scope: Scope) -> None:
    """Reset the connection of a request, after a moment in which what was sent can arrive."""
    await asyncio.sleep(_GRACE_SECONDS)
    transport = _open.get(tuple(scope["client"]))
    if transport is None:
        return
    peer: socket.socket = transport.get_extra_info("socket")
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
    transport.abort()
