"""The server of docproc's own pages, asked as a browser would, and as nobody should."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator

import pytest

from docproc.apps.local.server import LOOPBACK, MOST_BYTES, Answer, Request, Server, serve
from docproc.errors import UsageError


def echo(request: Request) -> Answer:
    return Answer(f"{request.rest}|".encode() + request.body)


def fail(request: Request) -> Answer:
    raise LookupError("a bug")


ROUTES = {
    ("GET", ""): echo,
    ("GET", "echo"): echo,
    ("POST", "echo"): echo,
    ("GET", "fail"): fail,
    ("POST", "close"): lambda request: Answer(b"bye", closes=True),
}


@pytest.fixture
def server() -> Iterator[Server]:
    with serve(ROUTES) as running:
        yield running


def ask(server: Server, path: str = "", method: str = "GET", body: bytes = b"", **headers: str) -> tuple[int, str]:
    """Ask for something behind the token; `Origin=""` leaves a header out."""
    usual = {"Host": server.hosts[0]}
    if method == "POST":
        usual |= {"Origin": f"http://{server.hosts[0]}", "Content-Type": "application/json"}
        usual |= {"Content-Length": str(len(body))}
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return ask_for(server, f"/{server.token}/{path}", method, usual | names, body)


def ask_for(server: Server, path: str, method: str, headers: dict[str, str], body: bytes = b"") -> tuple[int, str]:
    connection = http.client.HTTPConnection(LOOPBACK, server.server_port, timeout=10)
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    for name, value in headers.items():
        if value:
            connection.putheader(name, value)
    connection.endheaders(body)
    reply = connection.getresponse()
    answer = reply.status, reply.read().decode()
    connection.close()
    return answer


def test_routes_are_answered(server: Server) -> None:
    assert ask(server) == (200, "|")
    assert ask(server, "echo/1/2.png") == (200, "1/2.png|")
    assert ask(server, "echo", "POST", b"body") == (200, "|body")
    assert ask(server, "echo", "POST", Host=server.hosts[1], Origin=f"http://{server.hosts[1]}")[0] == 200


@pytest.mark.parametrize("path", ["/", "/echo", "/wrong/echo", "//echo", "/../echo", "/%s", "*"])
def test_without_the_token_nothing_is_answered(server: Server, path: str) -> None:
    wrong = path.replace("%s", server.token[:-1])
    assert ask_for(server, wrong, "GET", {"Host": server.hosts[0]})[0] == 403


def test_a_token_of_other_letters_is_refused(server: Server) -> None:
    connection = socket.create_connection((LOOPBACK, server.server_port), timeout=10)
    with connection, connection.makefile("rb") as reply:
        connection.sendall(f"GET /tökén/ HTTP/1.1\r\nHost: {server.hosts[0]}\r\n\r\n".encode())
        assert b" 403 " in reply.readline()


@pytest.mark.parametrize("host", ["", "evil.example", "evil.example:%d", "127.0.0.1", "127.0.0.1:1", "0.0.0.0:%d"])
def test_other_names_for_this_computer_are_refused(server: Server, host: str) -> None:
    assert ask(server, Host=host.replace("%d", str(server.server_port)))[0] == 403


@pytest.mark.parametrize("origin", ["", "null", "http://evil.example", "https://127.0.0.1:%d", "http://127.0.0.1"])
def test_other_pages_change_nothing(server: Server, origin: str) -> None:
    sender = origin.replace("%d", str(server.server_port))
    assert ask(server, "close", "POST", Origin=sender)[0] == 403
    assert not server.closed.is_set()


def test_other_pages_read_nothing(server: Server) -> None:
    assert ask(server, "echo", Origin="http://evil.example")[0] == 403


def test_a_form_of_another_page_is_refused(server: Server) -> None:
    assert ask(server, "echo", "POST", Content_Type="text/plain")[0] == 415


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content_Length": str(MOST_BYTES + 1)}, 413),
        ({"Content_Length": "9" * 5000}, 413),
        ({"Content_Length": "-1"}, 411),
        ({"Content_Length": "\xb2"}, 411),
        ({"Content_Length": ""}, 411),
        ({"Transfer_Encoding": "chunked"}, 411),
    ],
)
def test_size_of_a_request_is_bounded(server: Server, headers: dict[str, str], status: int) -> None:
    assert ask(server, "echo", "POST", **headers)[0] == status


@pytest.mark.parametrize(("path", "method"), [("nothing", "GET"), ("close", "GET"), ("fail", "POST")])
def test_what_is_no_route_is_not_found(server: Server, path: str, method: str) -> None:
    assert ask(server, path, method)[0] == 404


def test_a_bug_is_told_in_the_terminal_only(server: Server, capfd: pytest.CaptureFixture[str]) -> None:
    status, words = ask(server, "fail")
    assert status == 500
    assert "LookupError" not in words
    assert "LookupError: a bug" in capfd.readouterr().err
    assert ask(server)[0] == 200


def test_every_answer_keeps_the_browser_strict(server: Server) -> None:
    connection = http.client.HTTPConnection(LOOPBACK, server.server_port, timeout=10)
    for path in (f"/{server.token}/", "/"):
        connection.request("GET", path)
        reply = connection.getresponse()
        reply.read()
        assert reply.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self';")
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["Referrer-Policy"] == "no-referrer"
        assert reply.headers["Cache-Control"] == "no-store"
        assert "Access-Control-Allow-Origin" not in reply.headers
    connection.close()


def test_only_this_computer_is_listened_to(server: Server) -> None:
    assert server.server_address[0] == "127.0.0.1"
    assert len(server.token) >= 32


def test_the_last_answer_arrives(server: Server) -> None:
    assert ask(server, "close", "POST") == (200, "bye")
    assert server.closed.wait(10)


def test_a_port_that_is_taken_is_named(server: Server) -> None:
    with (
        pytest.raises(UsageError, match=f"--port {server.server_port}: .*choose another"),
        serve({}, server.server_port),
    ):
        pass
