"""Browsers that were let in: each has a cookie with a random key, and the name of who sits there."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.responses import Response

MOST_SESSIONS = 1000
"""At once; the oldest makes room."""
MOST_SECONDS = 12 * 3600
"""That a session lasts: a working day, then one logs in anew."""
LONGEST_NAME = 64


@dataclass(frozen=True, slots=True)
class Session:
    """Who was let in, and when that ends."""

    who: str
    ends: float


class Sessions:
    """All open sessions of a server; they end with it.

    `cookie` names the cookie. It holds the port, since a browser keeps one jar for all servers of a computer.
    """

    def __init__(self, port: int, now: Callable[[], float] = time.monotonic) -> None:
        self.cookie = f"docproc-{port}"
        self.now = now
        self.known: dict[str, Session] = {}

    def find(self, headers: Headers) -> Session | None:
        """The session that a request belongs to."""
        session = self.known.get(self.key_of(headers))
        return session if session is not None and self.now() < session.ends else None

    def open(self, who: str, answer: Response, secure: bool = False) -> None:
        """Let a browser in with an answer; `secure` keeps the cookie to connections with TLS."""
        key = secrets.token_urlsafe(32)
        now = self.now()
        self.known = {key: session for key, session in self.known.items() if now < session.ends}
        while len(self.known) >= MOST_SESSIONS:
            del self.known[next(iter(self.known))]
        self.known[key] = Session(who, now + MOST_SECONDS)
        answer.set_cookie(self.cookie, key, path="/", secure=secure, httponly=True, samesite="strict")

    def rename(self, headers: Headers, who: str) -> bool:
        """Call whoever sits at a browser so from now on; whether it has a session."""
        session = self.find(headers)
        if session is not None:
            self.known[self.key_of(headers)] = Session(who, session.ends)
        return session is not None

    def close(self, headers: Headers, answer: Response) -> None:
        """Forget a session, here and in its browser."""
        self.known.pop(self.key_of(headers), None)
        answer.delete_cookie(self.cookie, path="/", httponly=True, samesite="strict")

    def key_of(self, headers: Headers) -> str:
        """The key that a request brings; of several, which another server may have planted, the one that is known."""
        pairs = (pair.strip().partition("=") for line in headers.getlist("cookie") for pair in line.split(";"))
        return next((key for name, _, key in pairs if name == self.cookie and key in self.known), "")


def is_name(text: str) -> bool:
    """Whether a text can be the name of a person: printable, and not too long."""
    return 0 < len(text) <= LONGEST_NAME and text.isprintable() and text == text.strip()
