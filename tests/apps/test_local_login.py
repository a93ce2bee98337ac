"""A server that others may use: who gets in, under which names it goes, and how often one may guess."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from docproc.apps.local.guard import Names
from docproc.apps.local.pages import build
from docproc.apps.local.passwords import (
    MOST_GUESSES,
    MOST_GUESSES_OF_ALL,
    WINDOW_SECONDS,
    Guesses,
    Passwords,
    read_passwords,
)
from docproc.apps.local.server import Place, Server, choose_place, name_server, serve
from docproc.apps.local.sessions import MOST_SECONDS, MOST_SESSIONS, Sessions
from docproc.errors import UsageError
from tests.apps.visitor import Visitor

WORD = "correct horse"


def echo(request: Request) -> Response:
    return PlainTextResponse(request.state.who)


def end(request: Request) -> Response:
    request.state.close()
    return PlainTextResponse("")


APP = build([Route("/", echo), Route("/deep/1", echo), Route("/end", end, methods=["POST"])])


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    path = tmp_path / "passwords.txt"
    path.write_text(f"Ada:{WORD}\nBob:pass:word:é\n", encoding="utf-8")
    path.chmod(0o600)
    return path


@pytest.fixture
def server(password_file: Path) -> Iterator[Server]:
    with serve(APP, choose_place(0, names=("forms.example.org",), password_file=password_file)) as running:
        yield running


def log_in(server: Server, who: str = "Ada", password: str = WORD) -> Visitor:
    visitor = Visitor(server)
    assert visitor.log_in(who, password).status == 200
    return visitor


def test_who_knows_the_password_is_let_in_under_their_name(server: Server) -> None:
    assert log_in(server).ask().words == "Ada"
    assert log_in(server, "Bob", "pass:word:é").ask("/deep/1").words == "Bob"
    assert log_in(server, " Bob ", "pass:word:e\u0301").ask().words == "Bob"


@pytest.mark.parametrize(
    ("who", "password", "status"),
    [
        ("Ada", "", 403),
        ("Ada", WORD + " ", 403),
        ("Ada", WORD[:-1], 403),
        ("Ada", "pass:word:é", 403),
        ("Eve", WORD, 403),
        ("Eve", "\0" * 32, 403),
        ("ada", WORD, 403),
        ("", WORD, 400),
        ("A" * 65, WORD, 400),
        ("A\nda", WORD, 400),
    ],
)
def test_who_does_not_is_not(server: Server, who: str, password: str, status: int) -> None:
    visitor = Visitor(server)
    reply = visitor.log_in(who, password)
    assert reply.status == status
    assert reply.told["failure"]
    assert visitor.cookie == ""
    assert visitor.ask("/deep/1").status == 401


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"who": 1, "password": 2}', b"\xff", b"[" * 100_000, b"null"])
def test_what_is_no_login_is_refused(server: Server, body: bytes) -> None:
    assert Visitor(server).ask("/login", "POST", body).status == 400


def test_strangers_see_the_login_page_wherever_they_come(server: Server) -> None:
    for path in ("/", "/deep/1", "/nothing"):
        reply = Visitor(server).ask(path, Accept="text/html,*/*")
        assert reply.status == 401
        assert 'id="password"' in reply.words
        assert reply.headers["Content-Security-Policy"].startswith("default-src 'none'")
    for path in ("/login/login.js", "/login/login.css"):
        assert Visitor(server).ask(path).status == 200
    for path in ("/login/login.py", "/login/../passwords.py", "/login/", "/login"):
        reply = Visitor(server).ask(path)
        assert (reply.status, reply.words) == (401, "log in first: reload the page\n")


def test_no_token_opens_what_has_passwords(server: Server) -> None:
    assert server.token == ""
    assert server.address == f"http://127.0.0.1:{server.port}/"
    for path in ("/?token=", "/?token=x"):
        assert Visitor(server).ask(path).status == 401


def test_a_login_from_another_page_is_refused(server: Server) -> None:
    visitor = Visitor(server)
    assert visitor.log_in("Ada", WORD, Origin="http://evil.example").status == 403
    assert visitor.log_in("Ada", WORD, Origin="").status == 403
    assert visitor.log_in("Ada", WORD, Content_Type="application/x-www-form-urlencoded").status == 415
    assert visitor.log_in("Ada", WORD, Host="evil.example").status == 403
    assert visitor.cookie == ""


def test_logging_out_ends_the_session(server: Server) -> None:
    visitor = log_in(server)
    cookie = visitor.cookie
    assert visitor.ask("/logout", "POST", Origin="http://evil.example").status == 403
    assert visitor.ask().status == 200
    assert visitor.ask("/logout", "POST").status == 200
    assert Visitor(server, cookie).ask().status == 401


def test_one_of_many_does_not_end_the_server(server: Server) -> None:
    assert log_in(server).ask("/end", "POST").status == 200
    assert not server.closed.is_set()


def test_guessing_is_slowed_down(server: Server) -> None:
    inside = log_in(server)
    for number in range(MOST_GUESSES):
        assert Visitor(server).log_in("Ada", f"guess {number}").status == 403
    reply = Visitor(server).log_in("Ada", WORD)
    assert reply.status == 429
    assert reply.headers["Retry-After"] == "60"
    assert inside.ask().words == "Ada", "who is in stays in"


def test_guesses_are_counted_by_address_and_in_all() -> None:
    clock = [0.0]
    guesses = Guesses(lambda: clock[0])
    for _ in range(MOST_GUESSES):
        assert not guesses.must_wait("a")
        guesses.note("a")
    assert guesses.must_wait("a")
    assert not guesses.must_wait("b")
    for number in range(MOST_GUESSES_OF_ALL - MOST_GUESSES):
        guesses.note(f"address {number}")
    assert guesses.must_wait("b")
    clock[0] = WINDOW_SECONDS
    assert not guesses.must_wait("a")


def test_cookie_behind_a_proxy_with_tls_is_kept_to_it(server: Server) -> None:
    host = "forms.example.org"
    visitor = Visitor(server)
    reply = visitor.log_in("Ada", WORD, Host=host, Origin=f"https://{host}")
    assert reply.status == 200
    assert "; Secure" in reply.headers["Set-Cookie"]
    assert visitor.ask(Host=host).words == "Ada"
    assert "; Secure" not in Visitor(server).log_in("Ada", WORD).headers["Set-Cookie"]
    own = server.names.own[0]
    assert Visitor(server).log_in("Ada", WORD, Host=own, Origin=f"https://{own}").status == 403


def test_sessions_end_and_are_bounded() -> None:
    clock = [0.0]
    sessions = Sessions(8000, lambda: clock[0])
    keys = [opened(sessions, f"{number}") for number in range(MOST_SESSIONS + 1)]
    assert sessions.find(keys[0]) is None
    assert [sessions.find(key).who for key in keys[1:3]] == ["1", "2"]  # type: ignore[union-attr]
    clock[0] = MOST_SECONDS
    assert sessions.find(keys[1]) is None
    opened(sessions, "last")
    assert len(sessions.known) == 1


def opened(sessions: Sessions, who: str) -> Headers:
    answer = Response()
    sessions.open(who, answer)
    return Headers({"cookie": answer.headers["set-cookie"].partition(";")[0]})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the file is empty; write a password"),
        ("\n \n", "the file is empty; write a password"),
        ("short", "line 1 has a password of unfit length; take 8"),
        ("Ada:short", "line 1 has a password of unfit length"),
        ("x" * 1025, "line 1 has a password of unfit length"),
        ("Ada:long enough\nlong enough", "line 2 has no name; write name:password"),
        (":long enough", "line 1 has a name that is none"),
        ("A\tda:long enough", "line 1 has a name that is none"),
        ("Ada:long enough\nAda:long enough", "line 2 names Ada again; give each name one line"),
        ("x" * 65_537, "has more than 65536 bytes; shorten it"),
    ],
)
def test_a_password_file_that_is_none_is_told(password_file: Path, text: str, words: str) -> None:
    password_file.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=f"--password-file {password_file}: .*{words}") as told:
        read_passwords(password_file)
    assert "long enough" not in str(told.value)


def test_a_password_file_of_others_is_refused(password_file: Path) -> None:
    for mode in (0o640, 0o604, 0o660):
        password_file.chmod(mode)
        with pytest.raises(UsageError, match=f"others may read it; run chmod 600 {password_file}"):
            read_passwords(password_file)


def test_what_is_no_password_file_is_refused(tmp_path: Path, password_file: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    for path in (tmp_path / "none", tmp_path, pipe):
        with pytest.raises(UsageError, match="name a text file"):
            read_passwords(path)
    password_file.write_bytes(b"\xff\xfe123456789")
    with pytest.raises(UsageError, match="no UTF-8; save it as UTF-8"):
        read_passwords(password_file)


def test_one_password_goes_with_every_name(password_file: Path) -> None:
    password_file.write_text(f"\n{WORD}\r\n", encoding="utf-8")
    passwords = read_passwords(password_file)
    assert passwords.match("Ada", WORD)
    assert passwords.match("anybody", WORD)
    assert not passwords.match("Ada", WORD + "\r")
    assert WORD not in repr(passwords)


def test_nobody_is_let_in_by_a_name_that_is_not_known() -> None:
    passwords = Passwords({}, bytes(32))
    assert not any(passwords.match("Eve", guess) for guess in ("", "\0" * 32, "Eve"))


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "forms.example.org"])
def test_others_come_in_with_a_password_only(host: str) -> None:
    with pytest.raises(UsageError, match=f"--host {host} lets other computers in; add --password-file"):
        choose_place(0, host)
    with pytest.raises(UsageError, match="--name is for others who come in; add --password-file"):
        choose_place(0, names=("forms.example.org",))


@pytest.mark.parametrize("name", ["", "a b", "a/b", "https://a", "a:b", "a:", "é.example", "a@b", "*"])
def test_names_that_are_none_are_told(password_file: Path, name: str) -> None:
    with pytest.raises(UsageError, match="this is no name of a computer; write one such as"):
        choose_place(0, names=(name,), password_file=password_file)


def test_names_of_persons_are_bounded() -> None:
    assert choose_place(0, who=" Ada Lovelace ").who == "Ada Lovelace"
    assert choose_place(0).who == ""
    for who in ("A" * 65, "A\x1b[31mda"):
        with pytest.raises(UsageError, match="--who: a name is at most 64 printable characters"):
            choose_place(0, who=who)


def test_a_server_knows_its_names() -> None:
    here = name_server(Place(), 8000)
    assert here == Names(("127.0.0.1:8000", "localhost:8000"))
    lan = name_server(Place(host="192.0.2.1", names=("forms.example.org", "b.example:81")), 8000)
    assert lan.own == ("192.0.2.1:8000",)
    assert lan.given == ("forms.example.org", "forms.example.org:8000", "b.example:81")
    assert name_server(Place(host="::1"), 8000).own[0] == "[::1]:8000"


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("192.0.2.7:8000", True),
        ("[2001:db8::1]:8000", True),
        ("127.0.0.1:8000", True),
        ("localhost:8000", True),
        ("192.0.2.7:8001", False),
        ("192.0.2.7", False),
        ("evil.example:8000", False),
        ("192.0.2.7.evil.example:8000", False),
        ("[evil.example]:8000", False),
        ("", False),
        (":8000", False),
    ],
)
def test_a_server_at_every_address_goes_by_addresses_and_no_made_up_name(host: str, known: bool) -> None:
    names = name_server(Place(host="0.0.0.0"), 8000)
    assert names.own[0] == f"{socket.gethostname().lower()}:8000"
    assert names.know(host) == known


def test_a_server_at_every_address_is_served(password_file: Path) -> None:
    with serve(APP, choose_place(0, "0.0.0.0", (), password_file)) as server:
        host = f"127.0.0.2:{server.port}"
        visitor = Visitor(server)
        assert visitor.log_in("Ada", WORD, Host=host, Origin=f"http://{host}").status == 200
        assert visitor.ask(Host=host).words == "Ada"
        assert visitor.ask(Host=f"evil.example:{server.port}").status == 403


@pytest.mark.parametrize("host", ["192.0.2.1", "forms..example"])
def test_an_address_of_another_computer_is_told(password_file: Path, host: str) -> None:
    with (
        pytest.raises(UsageError, match=f"--host {host}.*; "),
        serve(APP, choose_place(0, host, (), password_file)),
    ):
        pass
