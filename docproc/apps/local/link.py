"""The way in for whoever started docproc: an address with a token, which becomes a cookie."""

from __future__ import annotations

import html
import secrets
from functools import partial
from hmac import compare_digest
from http import HTTPStatus
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from docproc.apps.local.guard import READS, RefusalError
from docproc.apps.local.sessions import Sessions

TOKEN = "token"
SHUT = "open the address that docproc printed, all of it"


class Link:
    """Lets in who comes with the token, and after that the same browser; all are called `who` until they are renamed.

    The application may rename them with `request.state.rename`.
    """

    def __init__(self, app: ASGIApp, sessions: Sessions, who: str) -> None:
        self.app = app
        self.sessions = sessions
        self.who = who
        self.token = secrets.token_urlsafe(24)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Trade the token for a cookie, or hand the request on; raises RefusalError for strangers."""
        request = Request(scope)
        sent = request.query_params.get(TOKEN)
        if sent is not None and scope["method"] in READS:
            if not compare_digest(sent.encode(), self.token.encode()):
                raise RefusalError(HTTPStatus.FORBIDDEN, SHUT)
            answer = lead_on(request)
            self.sessions.open(self.who, answer)
            await answer(scope, receive, send)
            return
        session = self.sessions.find(request.headers)
        if session is None:
            raise RefusalError(HTTPStatus.FORBIDDEN, SHUT)
        scope["state"] |= {"who": session.who, "rename": partial(self.sessions.rename, request.headers)}
        await self.app(scope, receive, send)


def lead_on(request: Request) -> Response:
    """An answer that leads to the same address without the token."""
    rest = urlencode([(name, value) for name, value in request.query_params.multi_items() if name != TOKEN])
    # Two slashes in front, of either kind, would name another computer.
    clean = quote("/" + request.url.path.lstrip("/\\")) + (f"?{rest}" if rest else "")
    if request.headers.get("sec-fetch-site", "none") in ("none", "same-origin"):
        return RedirectResponse(clean, HTTPStatus.SEE_OTHER)
    # Whoever came by a link on another site would be redirected without the cookie, which is strict.
    words = f'<a href="{html.escape(clean)}">Go on</a>'
    return HTMLResponse(f'<!doctype html><meta http-equiv="refresh" content="0;url={html.escape(clean)}">{words}')
