"""One connection of a browser, which may not be silent for long."""

from __future__ import annotations

import socket
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

MOST_SECONDS = 30
"""That a connection may wait for a request, or for the rest of one."""


class Connection(H11Protocol):
    """The library's own waits for ever for what was begun, and a few such could use up all connections."""

    seconds: float = MOST_SECONDS

    def connection_made(self, transport: Any) -> None:
        """Begin to watch."""
        # The library sends head and body apart, and without this the body waits 40 ms for the head to be acknowledged.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().connection_made(transport)
        self.loop.call_later(self.seconds, self.watch, None)

    def watch(self, before: object) -> None:
        """End a connection that still waits for the same as when it was last looked at."""
        request = self.cycle
        if request is before and (request is None or request.response_complete or request.more_body):
            self.transport.abort()
        elif not self.transport.is_closing():
            self.loop.call_later(self.seconds, self.watch, request)
