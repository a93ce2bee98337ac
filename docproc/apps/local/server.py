"""Pages of docproc's own: who may ask for them, and the server that runs until its page or Ctrl-C ends it.

Usually that is the browser of whoever started it, at this computer. To others a server opens with passwords only.
"""

from __future__ import annotations

import socket
import threading
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from getpass import getuser
from ipaddress import ip_address
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from docproc.apps.local.connection import Connection
from docproc.apps.local.guard import Guard, Names
from docproc.apps.local.link import TOKEN, Link
from docproc.apps.local.login import Login
from docproc.apps.local.passwords import Guesses, Passwords, read_passwords
from docproc.apps.local.sessions import Sessions, is_name
from docproc.errors import UsageError
from docproc.flow.signals import catch_stops

LOOPBACK = "127.0.0.1"
MOST_CONNECTIONS = 200
SHUTDOWN_SECONDS = 5
POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page is served, and to whom: with passwords to all who have one, else to this computer as `who`.

    With no `who` the page may ask for a name. `names` are further names that browsers know it by, such as that of a
    proxy before it.
    """

    port: int = 0
    host: str = LOOPBACK
    names: tuple[str, ...] = ()
    passwords: Passwords | None = None
    who: str = ""


HERE = Place()


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs; `closed` is set once its page has ended it, `token` is empty where one logs in."""

    host: str
    port: int
    names: Names
    token: str
    closed: threading.Event

    @property
    def address(self) -> str:
        """Where the page is, with what lets its reader in."""
        return f"http://{self.names.own[0]}/" + (f"?{TOKEN}={self.token}" if self.token else "")


def choose_place(
    port: int, host: str = LOOPBACK, names: tuple[str, ...] = (), password_file: Path | None = None, who: str = ""
) -> Place:
    """A place by what the command line says; raises UsageError where others could come in without a password."""
    if password_file is None:
        if not is_loopback(host):
            raise UsageError(f"--host {host} lets other computers in; add --password-file, or leave --host out")
        if names:
            raise UsageError("--name is for others who come in; add --password-file, or leave --name out")
    bad = [name for name in names if not is_host(name)]
    if bad:
        raise UsageError(f"--name {bad[0]}: this is no name of a computer; write one such as forms.example.org")
    who = who.strip()
    if who and not is_name(who):
        raise UsageError("--who: a name is at most 64 printable characters; choose another")
    passwords = read_passwords(password_file) if password_file else None
    return Place(port, host, tuple(name.lower() for name in names), passwords, who)


@contextmanager
def serve(app: ASGIApp, place: Place = HERE) -> Iterator[Server]:
    """A server of an application; raises UsageError where it cannot listen."""
    listener = listen(place)
    port = int(listener.getsockname()[1])
    names = name_server(place, port)
    sessions = Sessions(port)
    closed = threading.Event()
    link = Link(app, sessions, place.who)
    door = Login(app, sessions, place.passwords, Guesses()) if place.passwords else link
    runner = uvicorn.Server(
        uvicorn.Config(
            Guard(door, names, closed.set),
            loop="asyncio",
            http=Connection,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",  # what went wrong the guard tells, and addresses with tokens nobody
            access_log=False,
            proxy_headers=False,
            server_header=False,
            limit_concurrency=MOST_CONNECTIONS,
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        )
    )
    thread = threading.Thread(target=runner.run, args=([listener],), daemon=True)
    thread.start()
    try:
        yield Server(place.host, port, names, "" if place.passwords else link.token, closed)
    finally:
        runner.should_exit = True
        thread.join()


def show(app: ASGIApp, place: Place, browse: bool, what: str) -> None:
    """Serve `what` until its page or Ctrl-C ends it; main thread only."""
    with catch_stops() as stopping, serve(app, place) as server:
        print(f"{what}: {server.address}")
        if place.passwords is None:
            print("end with Ctrl-C, or in the page", flush=True)
        else:
            print("Whoever reaches this address and has a password can open the page. What it sends is not encrypted:")
            print("let others come through a proxy with TLS or an ssh tunnel, unless you trust all of the network.")
            print("end with Ctrl-C", flush=True)
        if browse:
            # A browser that works in the terminal would hold this thread until it is left.
            threading.Thread(target=webbrowser.open, args=(server.address,), daemon=True).start()
        while not stopping() and not server.closed.wait(POLL_SECONDS):
            pass


def listen(place: Place) -> socket.socket:
    """A socket at the address of a place; raises UsageError where there is none, or it is taken."""
    try:
        family, _, _, _, address = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        raise UsageError(f"--host {place.host}: no such address is known; name one of this computer's own") from error
    try:
        return socket.create_server((str(address[0]), place.port), family=family)
    except OSError as error:
        asked = f"--port {place.port}" if is_loopback(place.host) else f"--host {place.host} --port {place.port}"
        raise UsageError(f"{asked}: {error.strerror}; choose another port, or leave it out") from error


def name_server(place: Place, port: int) -> Names:
    """What browsers may call a server at a place."""
    own = [f"[{place.host}]:{port}" if ":" in place.host else f"{place.host.lower()}:{port}"]
    here = [f"{LOOPBACK}:{port}", f"localhost:{port}"]
    given = [name for known in place.names for name in ((known,) if ":" in known else (known, f"{known}:{port}"))]
    everywhere = place.host in ("0.0.0.0", "::")
    if everywhere:
        own = [f"{socket.gethostname().lower()}:{port}"]
    own += here if everywhere or is_loopback(place.host) else []
    return Names(tuple(dict.fromkeys(own)), tuple(given), everywhere)


def is_loopback(host: str) -> bool:
    """Whether an address is one that only this computer can reach."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_host(name: str) -> bool:
    """Whether a name could stand in an address, with a port or without."""
    host, colon, port = name.partition(":")
    known = set("abcdefghijklmnopqrstuvwxyz0123456789.-")
    return bool(host) and set(host.lower()) <= known and (not colon or (port.isascii() and port.isdigit()))


def find_user() -> str:
    """What the system calls whoever started docproc; "" where it has no name for them."""
    try:
        return getuser()
    except (OSError, KeyError):
        return ""
