"""What every request must pass before a page of docproc's own sees it, and what every answer tells the browser.

That a name from elsewhere is made to mean this computer (DNS rebinding) is refused by `Host`; that a page from
elsewhere sends requests here by `Origin`, by what the browser says of the sender, and by the type of the body.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import ip_address

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BYTES = 4 << 20
"""Of the body of a request."""
JSON = "application/json"
READS = ("GET", "HEAD")
BUG = "docproc failed; what it says in its window is a bug, please report it\n"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class RefusalError(Exception):
    """A request that is not answered, and why; the connection ends with it."""

    def __init__(self, status: HTTPStatus, words: str) -> None:
        super().__init__(words)
        self.status = status


@dataclass(frozen=True, slots=True)
class Names:
    """What browsers may call a server: names of its own, each with its port, and those a proxy gives it.

    With `any_address` every address is its own name too, for a server that listens at all of them: an address cannot
    be made to mean another computer, as a name can.
    """

    own: tuple[str, ...]
    given: tuple[str, ...] = ()
    any_address: bool = False

    def know(self, host: str) -> bool:
        """Whether a browser may call the server so."""
        named = add_port(host)
        return named in self.own or host in self.given or (self.any_address and self.is_address(named))

    def is_address(self, host: str) -> bool:
        """Whether a name is an address with the port of the server."""
        address, _, port = host.rpartition(":")
        try:
            ip_address(address.removeprefix("[").removesuffix("]"))
        except ValueError:
            return False
        return port == self.own[0].rpartition(":")[2]

    def origins(self, host: str) -> tuple[str, ...]:
        """What a browser names as the origin of the server's own pages; a proxy may speak TLS for it."""
        return (f"http://{host}", f"https://{host}") if host in self.given else (f"http://{host}",)


def add_port(host: str) -> str:
    """A name with its port, which browsers leave out where it is the usual one."""
    return host if host.rpartition(":")[2].isdigit() else f"{host}:80"


class Guard:
    """Stands before an application; `close` is what ends the server, left to it as `request.state.close`."""

    def __init__(self, app: ASGIApp, names: Names, close: Callable[[], None]) -> None:
        self.app = app
        self.names = names
        self.close = close

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check, answer, and tell bugs in the terminal."""
        started = False

        async def send_strictly(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        answer = None
        try:
            headers = Headers(scope=scope)
            check_sender(scope["method"], headers, self.names, check_host(headers, self.names))
            body = await read_body(scope["method"], headers, receive)
            scope.setdefault("state", {})["close"] = self.close
            await self.app(scope, hand_over(body, receive), send_strictly)
        except RefusalError as error:
            # the rest of what was sent is left unread
            answer = PlainTextResponse(f"{error}\n", error.status, {"Connection": "close"})
        except Exception:
            if not started:  # else the application has told of it, see `pages.build`
                traceback.print_exc()
            answer = PlainTextResponse(BUG, HTTPStatus.INTERNAL_SERVER_ERROR, {"Connection": "close"})
        if answer is not None and not started:
            await answer(scope, receive, send_strictly)


def check_host(headers: Headers, names: Names) -> str:
    """The name that the browser knows this server by; raises RefusalError for one that somebody made up."""
    hosts = [host.lower() for host in headers.getlist("host")]
    if len(hosts) != 1 or not names.know(hosts[0]):
        raise RefusalError(HTTPStatus.FORBIDDEN, f"this is http://{names.own[0]} and does not go by the name you used")
    return hosts[0]


def check_sender(method: str, headers: Headers, names: Names, host: str) -> None:
    """Raise RefusalError where another page sent the request; browsers name the sender of every write."""
    writes = method not in READS
    origins = headers.getlist("origin")
    foreign = any(origin.lower() not in names.origins(host) for origin in origins) or (writes and not origins)
    site = headers.get("sec-fetch-site", "same-origin")
    if site not in ("same-origin", "none"):
        # A link on another page may lead here; what that page has shown in itself, or sends, may not.
        kind = headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")
        foreign = foreign or writes or kind != ("navigate", "document")
    if foreign:
        raise RefusalError(HTTPStatus.FORBIDDEN, "only docproc's own page may ask this")
    if writes and headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
        raise RefusalError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"a request is {JSON}")


async def read_body(method: str, headers: Headers, receive: Receive) -> bytes:
    """What was sent with the request; raises RefusalError where that is too much, or of unknown length."""
    length = headers.get("content-length", "0" if method in READS else "")
    if "transfer-encoding" in headers or not (length.isascii() and length.isdigit()):
        raise RefusalError(HTTPStatus.LENGTH_REQUIRED, "a request says how long it is")
    if len(length) > len(str(MOST_BYTES)) or int(length) > MOST_BYTES:
        raise RefusalError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a request has {MOST_BYTES} bytes at most")
    body = b""
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise RefusalError(HTTPStatus.BAD_REQUEST, "the request was cut off")
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def hand_over(body: bytes, receive: Receive) -> Receive:
    """A way to receive a body that was read already, and then whatever comes."""
    rest: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return rest.pop() if rest else await receive()

    return receive_again
