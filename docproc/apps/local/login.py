"""The way in for those who sit at other computers: a page that asks for name and password."""

from __future__ import annotations

import json
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from docproc.apps.local.guard import READS
from docproc.apps.local.pages import Json, read_part
from docproc.apps.local.passwords import WINDOW_SECONDS, Guesses, Passwords
from docproc.apps.local.sessions import LONGEST_NAME, Sessions, is_name

LOGIN, LOGOUT = "/login", "/logout"
PARTS = {"/login/login.css": "login.css", "/login/login.js": "login.js"}
"""What the page needs; it stands at whatever address was asked for, so that login leads there."""
PACKAGE = "docproc.apps.local"


class Login:
    """Lets in who knows a password, under the name that goes with it."""

    def __init__(self, app: ASGIApp, sessions: Sessions, passwords: Passwords, guesses: Guesses) -> None:
        self.app = app
        self.sessions = sessions
        self.passwords = passwords
        self.guesses = guesses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Log in or out, ask to log in, or hand the request on."""
        request = Request(scope, receive)
        asked = scope["path"] if scope["method"] == "POST" else ""
        session = self.sessions.find(request.headers)
        answer: Response
        if asked == LOGIN:
            answer = self.log_in(request, await request.body())
        elif asked == LOGOUT:
            answer = Json({})
            self.sessions.close(request.headers, answer)
        elif session is None:
            answer = ask_to_log_in(request)
        else:
            scope["state"] |= {"who": session.who, "rename": refuse, "close": do_nothing}
            await self.app(scope, receive, send)
            return
        await answer(scope, receive, send)

    def log_in(self, request: Request, body: bytes) -> Response:
        """The answer to a name and a password."""
        address = request.client.host if request.client else ""
        if self.guesses.must_wait(address):
            words = f"there were too many wrong passwords; wait {WINDOW_SECONDS:.0f} seconds and try again"
            wait = {"Retry-After": f"{WINDOW_SECONDS:.0f}"}
            return Json({"failure": words}, HTTPStatus.TOO_MANY_REQUESTS, wait)
        who, password = read_names(body)
        if not is_name(who):
            words = f"give your name, in at most {LONGEST_NAME} characters"
            return Json({"failure": words}, HTTPStatus.BAD_REQUEST)
        if not self.passwords.match(who, password):
            self.guesses.note(address)
            words = "name and password do not go together; try again"
            return Json({"failure": words}, HTTPStatus.FORBIDDEN)
        answer = Json({})
        # Behind a proxy that speaks TLS the page has that origin, and its cookie need never go without.
        self.sessions.open(who, answer, secure=request.headers["origin"].startswith("https://"))
        return answer


def ask_to_log_in(request: Request) -> Response:
    """The page that asks, in place of any other; scripts are told in words."""
    part = PARTS.get(request.url.path)
    if part is not None and request.method in READS:
        return read_part(PACKAGE, part)
    if request.method in READS and "text/html" in request.headers.get("accept", ""):
        return read_part(PACKAGE, "login.html", HTTPStatus.UNAUTHORIZED)
    return PlainTextResponse("log in first: reload the page\n", HTTPStatus.UNAUTHORIZED)


def read_names(body: bytes) -> tuple[str, str]:
    """Name and password that the page sent; both empty if it is no such thing."""
    try:
        sent = json.loads(body)
        who, password = sent["who"], sent["password"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return "", ""
    return (who.strip(), password) if isinstance(who, str) and isinstance(password, str) else ("", "")


def refuse(who: str) -> bool:
    """Nobody takes another name than the one that goes with their password."""
    return False


def do_nothing() -> None:
    """One of many cannot end what others use."""
