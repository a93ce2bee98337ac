"""A page for one person at this computer: a web server that only the browser of whoever started it can use.

It listens on the loopback address alone, and every request must carry the token that stands in the address. That a
page from elsewhere sends requests here is refused by `Origin`, that a name from elsewhere is made to mean this
computer by `Host`. Nothing is served but what `Routes` name.
"""

from __future__ import annotations

import os
import secrets
import sys
import threading
import traceback
import webbrowser
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hmac import compare_digest
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any

from docproc.errors import UsageError
from docproc.flow.signals import catch_stops

LOOPBACK = "127.0.0.1"
MOST_BYTES = 4 << 20
"""Of the body of a request."""
MOST_SECONDS = 30
"""That a connection may be silent."""
POLL_SECONDS = 0.1
JSON = "application/json"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked: `rest` is what follows the name of the route in the address."""

    rest: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back; after one that `closes` the server ends."""

    body: bytes
    kind: str = JSON
    status: int = HTTPStatus.OK
    closes: bool = False


Routes = Mapping[tuple[str, str], Callable[[Request], Answer]]
"""Who answers: by method and the first part of the address behind the token, such as ("GET", "page.js")."""


class RequestError(Exception):
    """A request that is not answered; the connection ends with it."""

    def __init__(self, status: HTTPStatus, words: str) -> None:
        super().__init__(words)
        self.status = status


class Server(ThreadingHTTPServer):
    """Listens on the loopback address; `closed` is set once an answer that closes was sent."""

    daemon_threads = True
    allow_reuse_address = os.name != "nt"  # there it would let others take the port over

    def __init__(self, routes: Routes, port: int) -> None:
        self.routes = routes
        self.token = secrets.token_urlsafe(24)
        self.closed = threading.Event()
        super().__init__((LOOPBACK, port), Handler)

    def server_bind(self) -> None:
        """Bind without asking any name server for the name of this computer."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = LOOPBACK, self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Browsers drop connections as they like; all else is a bug, and told."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            traceback.print_exc()

    @property
    def hosts(self) -> tuple[str, str]:
        """What a browser may have called this server."""
        return f"{LOOPBACK}:{self.server_port}", f"localhost:{self.server_port}"

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"http://{self.hosts[0]}/{self.token}/"


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "docproc", ""
    timeout = MOST_SECONDS

    def do_GET(self) -> None:
        """Answer what changes nothing."""
        self.respond()

    def do_POST(self) -> None:
        """Answer what may change something."""
        self.respond()

    def respond(self) -> None:
        """Check, answer, send."""
        try:
            answer = self.find_answer()
        except RequestError as error:
            self.close_connection = True  # its body was not read
            answer = Answer(f"{error}\n".encode(), "text/plain; charset=utf-8", error.status)
        self.send(answer)
        if answer.closes:
            self.server.closed.set()

    def find_answer(self) -> Answer:
        """The answer of the route; raises RequestError."""
        host = self.check_host()
        _, token, name, *rest = (*self.path.split("/", 3), "", "")[:4]
        if not compare_digest(token.encode(), self.server.token.encode()):
            raise RequestError(HTTPStatus.FORBIDDEN, "open the address that docproc printed, all of it")
        self.check_origin(host)
        handle = self.server.routes.get((self.command, name))
        if handle is None:
            raise RequestError(HTTPStatus.NOT_FOUND, "there is no such page")
        request = Request("".join(rest), self.read_body())
        try:
            return handle(request)
        except Exception:
            traceback.print_exc()
            words = "docproc failed; what it says in its window is a bug, please report it\n"
            return Answer(words.encode(), "text/plain; charset=utf-8", HTTPStatus.INTERNAL_SERVER_ERROR)

    def check_host(self) -> str:
        """The name that the browser knows this server by; raises RequestError for one that somebody made up."""
        hosts = self.headers.get_all("Host", [])
        if len(hosts) != 1 or hosts[0].lower() not in self.server.hosts:
            raise RequestError(HTTPStatus.FORBIDDEN, f"this is http://{self.server.hosts[0]} and goes by no other name")
        return str(hosts[0].lower())

    def check_origin(self, host: str) -> None:
        """Raise RequestError where another page sent the request; browsers name the sender of every POST."""
        origins = self.headers.get_all("Origin", [])
        if any(origin.lower() != f"http://{host}" for origin in origins) or (self.command == "POST" and not origins):
            raise RequestError(HTTPStatus.FORBIDDEN, "only docproc's own page may ask this")
        if self.command == "POST" and self.headers.get_content_type() != JSON:
            raise RequestError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"a request is {JSON}")

    def read_body(self) -> bytes:
        """What was sent with the request; raises RequestError where that is too much, or of unknown length."""
        length = self.headers.get("Content-Length", "" if self.command == "POST" else "0")
        if "Transfer-Encoding" in self.headers or not (length.isascii() and length.isdigit()):
            raise RequestError(HTTPStatus.LENGTH_REQUIRED, "a request says how long it is")
        if len(length) > len(str(MOST_BYTES)) or int(length) > MOST_BYTES:
            raise RequestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a request has {MOST_BYTES} bytes at most")
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise RequestError(HTTPStatus.BAD_REQUEST, "the request was cut off")
        return body

    def send(self, answer: Answer) -> None:
        """Send an answer with all that keeps a browser strict."""
        self.send_response(answer.status)
        length = {"Content-Type": answer.kind, "Content-Length": str(len(answer.body))}
        ends = {"Connection": "close"} if self.close_connection or answer.closes else {}
        for name, value in (HEADERS | length | ends).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Keep addresses, which hold the token, out of the terminal."""


@contextmanager
def serve(routes: Routes, port: int = 0) -> Iterator[Server]:
    """A server at a port, or at any free one; raises UsageError where it is taken."""
    try:
        server = Server(routes, port)
    except OSError as error:
        raise UsageError(f"--port {port}: {error.strerror}; choose another port, or leave it out") from error
    thread = threading.Thread(target=server.serve_forever, args=(POLL_SECONDS,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def show(routes: Routes, port: int, browse: bool, what: str) -> None:
    """Serve `what` until its page or Ctrl-C ends it; main thread only."""
    with catch_stops() as stopping, serve(routes, port) as server:
        print(f"{what}: {server.address}\nend with Ctrl-C, or in the page", flush=True)
        if browse:
            # A browser that works in the terminal would hold this thread until it is left.
            threading.Thread(target=webbrowser.open, args=(server.address,), daemon=True).start()
        while not stopping() and not server.closed.wait(POLL_SECONDS):
            pass
