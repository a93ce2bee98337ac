"""The server of docproc's own pages, asked as a browser would, and as nobody should."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from docproc.apps.local.connection import Connection
from docproc.apps.local.guard import MOST_BYTES, Names
from docproc.apps.local.pages import build, take
from docproc.apps.local.server import LOOPBACK, Place, Server, serve
from docproc.errors import UsageError
from tests.apps.visitor import Visitor


def echo(request: Request) -> Response:
    return PlainTextResponse(f"{request.state.who}|{request.url.path}|{request.url.query}")


def fail(request: Request) -> Response:
    raise LookupError("a bug")


def close(request: Request) -> Response:
    return PlainTextResponse("bye", background=BackgroundTask(request.state.close))


MOST_HEADERS = 1 << 14
"""Bytes of a request's head that the server waits for."""
APP = build(
    [
        Route("/", echo),
        Route("/deep/{name}", echo),
        Route("/echo", take(PlainTextResponse), methods=["POST"]),
        Route("/fail", fail),
        Route("/close", close, methods=["POST"]),
    ]
)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serve(APP, Place(who="Ada")) as running:
        yield running


@pytest.fixture
def visitor(server: Server) -> Visitor:
    return Visitor(server).enter()


def speak(server: Server, sent: bytes) -> bytes:
    """What comes back on a connection that sends these bytes and no more."""
    with socket.create_connection((LOOPBACK, server.port), timeout=10) as connection:
        connection.sendall(sent)
        return b"".join(iter(lambda: connection.recv(1 << 16), b""))


def test_routes_are_answered(visitor: Visitor) -> None:
    assert visitor.ask().words == "Ada|/|"
    assert visitor.ask("/deep/1?a=b").words == "Ada|/deep/1|a=b"
    assert visitor.ask("/echo", "POST", b"body").words == "body"
    other = visitor.server.names.own[1]
    assert other.startswith("localhost:")
    assert visitor.ask("/echo", "POST", Host=other, Origin=f"http://{other}").status == 200


def test_token_becomes_a_cookie_and_leaves_the_address(server: Server) -> None:
    reply = Visitor(server).ask(f"/deep/1?token={server.token}&a=b%26c")
    assert (reply.status, reply.headers["Location"]) == (303, "/deep/1?a=b%26c")
    cookie, *kept = reply.headers["Set-Cookie"].split("; ")
    assert {word.lower() for word in kept} == {"httponly", "path=/", "samesite=strict"}
    assert cookie.startswith(f"docproc-{server.port}=")
    assert server.token not in cookie


@pytest.mark.parametrize("path", ["//evil.example", "/\\evil.example", "/%5c%5Cevil.example", "/%2f/evil.example"])
def test_token_leads_to_no_other_computer(server: Server, path: str) -> None:
    place = Visitor(server).ask(f"{path}?token={server.token}").headers["Location"]
    assert place.startswith("/")
    assert place[1:2] not in ("/", "\\")


@pytest.mark.parametrize(
    "path", ["/", "/echo", "//echo", "/../deep/1", "/?token=", "/?token=SHORT", "/?token=t%C3%B6k"]
)
def test_without_the_token_nothing_is_answered(server: Server, path: str) -> None:
    reply = Visitor(server).ask(path.replace("SHORT", server.token[:-1]))
    assert reply.status == 403
    assert "open the address that docproc printed" in reply.words
    assert reply.headers["Set-Cookie"] is None


@pytest.mark.parametrize("cookie", ["", "docproc-%d=", "docproc-%d=x", "docproc-1=%s", "other=%s", "docproc-%d"])
def test_a_cookie_that_was_made_up_is_refused(visitor: Visitor, cookie: str) -> None:
    key = visitor.cookie.partition("=")[2]
    made = cookie.replace("%d", str(visitor.server.port)).replace("%s", key)
    assert visitor.ask(Cookie=made).status == 403


def test_a_cookie_that_another_server_planted_does_not_hide_the_own(visitor: Visitor) -> None:
    name = visitor.cookie.partition("=")[0]
    assert visitor.ask(Cookie=f"{name}=planted; a=b; {visitor.cookie}; {name}=planted").status == 200


def test_the_cookie_of_one_server_opens_no_other(visitor: Visitor) -> None:
    with serve(APP) as other:
        key = visitor.cookie.partition("=")[2]
        assert Visitor(other, f"docproc-{other.port}={key}").ask().status == 403


@pytest.mark.parametrize("host", ["", "evil.example", "evil.example:%d", "127.0.0.1", "127.0.0.1:1", "0.0.0.0:%d"])
def test_other_names_for_this_computer_are_refused(visitor: Visitor, host: str) -> None:
    reply = visitor.ask(Host=host.replace("%d", str(visitor.server.port)))
    assert reply.status in (400, 403)
    assert "Ada" not in reply.words


def test_two_names_at_once_are_refused(visitor: Visitor) -> None:
    host = visitor.server.names.own[0]
    sent = f"GET / HTTP/1.1\r\nHost: {host}\r\nHost: evil.example\r\nCookie: {visitor.cookie}\r\n\r\n"
    assert speak(visitor.server, sent.encode()).startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 403 "))


@pytest.mark.parametrize("origin", ["", "null", "http://evil.example", "https://127.0.0.1:%d", "http://127.0.0.1"])
def test_other_pages_change_nothing(visitor: Visitor, origin: str) -> None:
    sender = origin.replace("%d", str(visitor.server.port))
    assert visitor.ask("/close", "POST", Origin=sender).status == 403
    assert not visitor.server.closed.is_set()


def test_other_pages_read_nothing(visitor: Visitor) -> None:
    assert visitor.ask(Origin="http://evil.example").status == 403


@pytest.mark.parametrize(
    ("site", "mode", "dest", "status"),
    [
        ("none", "navigate", "document", 200),
        ("same-origin", "no-cors", "image", 200),
        ("cross-site", "navigate", "document", 200),  # a link; the strict cookie is then left out by the browser
        ("cross-site", "no-cors", "image", 403),
        ("same-site", "no-cors", "image", 403),  # another port of this computer
        ("cross-site", "navigate", "iframe", 403),
    ],
)
def test_what_other_pages_show_in_themselves_is_refused(
    visitor: Visitor, site: str, mode: str, dest: str, status: int
) -> None:
    assert visitor.ask(Sec_Fetch_Site=site, Sec_Fetch_Mode=mode, Sec_Fetch_Dest=dest).status == status


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_write_of_another_site_is_refused_whatever_its_origin(visitor: Visitor, site: str) -> None:
    reply = visitor.ask("/close", "POST", Sec_Fetch_Site=site, Sec_Fetch_Mode="navigate", Sec_Fetch_Dest="document")
    assert reply.status == 403
    assert not visitor.server.closed.is_set()


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; a=b"])
def test_a_form_of_another_page_is_refused(visitor: Visitor, kind: str) -> None:
    assert visitor.ask("/echo", "POST", Content_Type=kind).status == 415


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content_Length": str(MOST_BYTES + 1)}, 413),
        ({"Content_Length": "9" * 5000}, 400),
        ({"Content_Length": "-1"}, 400),
        ({"Content_Length": "\xb2"}, 400),
        ({"Content_Length": ""}, 411),
        ({"Content_Length": "", "Transfer_Encoding": "chunked"}, 411),
    ],
)
def test_size_of_a_request_is_bounded(visitor: Visitor, headers: dict[str, str], status: int) -> None:
    assert visitor.ask("/echo", "POST", **headers).status == status


def test_largest_request_is_answered(visitor: Visitor) -> None:
    body = bytes(MOST_BYTES)
    assert visitor.ask("/echo", "POST", body).body == body


def test_a_request_with_endless_headers_is_refused(server: Server) -> None:
    # One byte too many: of more, some may lie unread when the server closes, which resets the connection.
    sent = b"GET / HTTP/1.1\r\n".ljust(MOST_HEADERS + 1, b"a")
    assert speak(server, sent).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "sent", ["", "GET / HTTP/1.1\r\nHost: ", "POST / HTTP/1.1\r\n%\r\nContent-Length: 9\r\n\r\nabc"]
)
def test_a_silent_connection_is_ended(server: Server, monkeypatch: pytest.MonkeyPatch, sent: str) -> None:
    monkeypatch.setattr(Connection, "seconds", 0.05)
    host = server.names.own[0]
    heads = f"Host: {host}\r\nOrigin: http://{host}\r\nContent-Type: application/json"
    with socket.create_connection((LOOPBACK, server.port), timeout=10) as connection:
        connection.sendall(sent.replace("%", heads).encode())
        with suppress(ConnectionResetError):
            assert connection.recv(1) == b""


@pytest.mark.parametrize(
    ("path", "method"), [("/nothing", "GET"), ("/close", "GET"), ("/fail", "POST"), ("/deep/1/", "GET"), ("/", "POST")]
)
def test_what_is_no_route_is_not_found(visitor: Visitor, path: str, method: str) -> None:
    reply = visitor.ask(path, method)
    assert (reply.status, reply.words) == (404, "there is no such page\n")


def test_no_upgrade_is_made(visitor: Visitor) -> None:
    assert visitor.ask(Connection="Upgrade", Upgrade="websocket").words == "Ada|/|"


def test_a_bug_is_told_in_the_terminal_only(visitor: Visitor, capfd: pytest.CaptureFixture[str]) -> None:
    reply = visitor.ask("/fail")
    assert reply.status == 500
    assert "LookupError" not in reply.words
    assert "please report it" in reply.words
    told = capfd.readouterr().err
    assert told.count("LookupError: a bug") == 1
    assert visitor.server.token not in told
    assert visitor.ask().status == 200


def test_nothing_is_written_of_requests(visitor: Visitor, capfd: pytest.CaptureFixture[str]) -> None:
    visitor.ask("/nothing")
    visitor.ask(Host="evil.example")
    speak(visitor.server, b"no request\r\n\r\n")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("path", ["/", "/nothing", "/fail"])
def test_every_answer_keeps_the_browser_strict(visitor: Visitor, path: str, capfd: pytest.CaptureFixture[str]) -> None:
    for who in (visitor, Visitor(visitor.server)):
        headers = who.ask(path).headers
        assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"
        assert headers["Cross-Origin-Opener-Policy"] == headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["Access-Control-Allow-Origin"] is None
        assert headers["Server"] is None


def test_only_this_computer_is_listened_to(server: Server) -> None:
    assert server.address.startswith("http://127.0.0.1:")
    assert len(server.token) >= 32
    # All of 127.0.0.0/8 is this computer; who listens at every address would answer here too.
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.2", server.port), timeout=10)


def test_the_last_answer_arrives() -> None:
    with serve(APP) as server:
        assert Visitor(server).enter().ask("/close", "POST").words == "bye"
        assert server.closed.wait(10)


def test_a_port_that_is_taken_is_named(server: Server) -> None:
    with pytest.raises(UsageError, match=f"--port {server.port}: .*choose another"), serve(APP, Place(server.port)):
        pass


def test_browsers_leave_the_usual_port_out() -> None:
    names = Names(("127.0.0.1:80", "[::1]:80"), any_address=True)
    assert all(names.know(host) for host in ("127.0.0.1", "127.0.0.1:80", "[::1]", "192.0.2.7"))
    assert not any(names.know(host) for host in ("example.org", "127.0.0.1:8000", ""))
    assert not Names(("127.0.0.1:8000",), any_address=True).know("127.0.0.1")
