"""How an application of pages is put together, from routes and from files that lie beside its code."""

from __future__ import annotations

import json
import traceback
from collections.abc import Awaitable, Callable, Iterable, Sequence
from http import HTTPStatus
from importlib.resources import files
from pathlib import PurePosixPath
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from docproc.apps.local.guard import BUG

KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}


class Json(JSONResponse):
    """JSON in ASCII: the library's own cannot say names of files that are no UTF-8."""

    def render(self, content: Any) -> bytes:
        """The bytes of an answer."""
        return json.dumps(content).encode()


def build(routes: Sequence[BaseRoute]) -> Starlette:
    """An application of routes that says in plain words what it has not; its bugs are told in the terminal."""
    app = Starlette(routes=routes, exception_handlers={HTTPException: say, Exception: tell})
    app.router.redirect_slashes = False
    return app


def say(request: Request, error: Exception) -> Response:
    """A refusal of the library's in docproc's words."""
    if isinstance(error, HTTPException) and error.status_code not in (404, 405):
        return PlainTextResponse(f"{error.detail}\n", error.status_code)
    return PlainTextResponse("there is no such page\n", HTTPStatus.NOT_FOUND)


def tell(request: Request, error: Exception) -> Response:
    """The answer to a bug, which is told before it is sent."""
    traceback.print_exception(error)
    return PlainTextResponse(BUG, HTTPStatus.INTERNAL_SERVER_ERROR)


def take(handle: Callable[[bytes], Response]) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that gives the body of a request to a function that may take its time."""

    async def answer(request: Request) -> Response:
        return await run_in_threadpool(handle, await request.body())

    return answer


def route_parts(package: str, names: Iterable[str]) -> list[Route]:
    """Routes to files of a package, each at its own name; nothing else of the folder is served."""

    def route(name: str) -> Route:
        return Route(f"/{name}", lambda request: read_part(package, name))

    return [route(name) for name in names]


def read_part(package: str, name: str, status: int = HTTPStatus.OK) -> Response:
    """A file of a package."""
    content = (files(package) / name).read_bytes()
    return Response(content, status, media_type=KINDS[PurePosixPath(name).suffix])
