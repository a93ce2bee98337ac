"""A browser as far as the server can tell: it sends what a browser sends, and keeps the cookie."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any

from docproc.apps.local.server import LOOPBACK, Server


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def words(self) -> str:
        return self.body.decode("utf-8", "replace")

    @property
    def told(self) -> Any:
        return json.loads(self.body)


@dataclass(slots=True)
class Visitor:
    """Who asks a server; a stranger until they enter."""

    server: Server
    cookie: str = ""

    def enter(self) -> Visitor:
        """Open the address that was printed, as far as its cookie."""
        reply = self.ask("/?token=" + self.server.token)
        assert reply.status == 303
        return self

    def log_in(self, who: str, password: str, **headers: str) -> Reply:
        return self.ask("/login", "POST", json.dumps({"who": who, "password": password}).encode(), **headers)

    def ask(self, path: str = "/", method: str = "GET", body: bytes = b"", **headers: str) -> Reply:
        """Ask as the server's own page does, but for headers given; an empty one is left out."""
        sent = {"Host": self.server.names.own[0], "Cookie": self.cookie}
        if method == "POST":
            sent |= {"Origin": f"http://{self.server.names.own[0]}", "Content-Type": "application/json"}
            sent |= {"Content-Length": str(len(body))}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection(LOOPBACK, self.server.port, timeout=10)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in sent.items():
            if value:
                connection.putheader(name, value)
        connection.endheaders(body)
        reply = connection.getresponse()
        answer = Reply(reply.status, reply.headers, reply.read())
        connection.close()
        if reply.headers["Set-Cookie"]:
            self.cookie = reply.headers["Set-Cookie"].partition(";")[0]
        return answer

    def send(self, path: str, what: Any) -> Reply:
        """Send something as JSON."""
        return self.ask(path, "POST", json.dumps(what).encode())
