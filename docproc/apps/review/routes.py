"""The review page's routes: what it asks, put to the queue, and the answers in JSON."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from importlib.resources import files
from typing import Any

from jinja2 import Environment
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from docproc.apps.local.pages import Json, build, route_parts
from docproc.apps.local.sessions import is_name
from docproc.apps.review.asked import (
    Answering,
    AskedWronglyError,
    Taking,
    get_number,
    get_numbers,
    get_text,
    read_answering,
    read_sent,
    read_stepping,
    read_taking,
)
from docproc.apps.review.desk import Desk
from docproc.apps.review.follow import Follower
from docproc.apps.review.pictures import Darkroom, draw_strip, not_found, read_number, tell_failure
from docproc.apps.review.walls import Walls
from docproc.apps.review.whereabouts import find_glimpses
from docproc.apps.review.words import describe_budget, describe_item, describe_progress
from docproc.errors import DocprocError, UsageError
from docproc.records.corrections import Changed, add, find_correction, find_item, place_of, withdraw
from docproc.records.items import read_item
from docproc.records.ledger import last_run
from docproc.records.matching import Purpose
from docproc.records.queue import LINES, Queue
from docproc.records.strips import fetch_strip
from docproc.types import Failure

PACKAGE = "docproc.apps.review"
PARTS = ("review.css", "main.js", "ask.js", "item.js", "edit.js", "keys.js", "line.js", "side.js", "grid.js")
Told = dict[str, Any]


class ConflictError(Exception):
    """What was asked rests on a state that is no more; `told` is the new one."""

    def __init__(self, told: Told) -> None:
        super().__init__(told)
        self.told = told


class Reviewing:
    """A ledger under review, as routes; where it is `shared`, people have logged in and nobody ends it."""

    def __init__(
        self, title: str, desk: Desk, darkroom: Darkroom, follower: Follower, suggested: str, shared: bool = False
    ) -> None:
        self.title = title
        self.desk = desk
        self.darkroom = darkroom
        self.follower = follower
        self.suggested = suggested
        self.shared = shared
        self.walls = Walls(desk, follower)

    def app(self) -> Starlette:
        """All that the page asks for."""
        asked = {
            "start": self.start,
            "take": self.take,
            "answer": self.answer,
            "undo": self.undo,
            "item": self.item,
            "step": self.step,
            "keep": self.keep,
            "leave": self.leave,
            "budget": self.budget,
            "wall": self.walls.build,
            "judge": self.walls.judge,
        }
        return build(
            [
                Route("/", self.page),
                *route_parts(PACKAGE, PARTS),
                *(Route(f"/ask/{name}", reply(handle), methods=["POST"]) for name, handle in asked.items()),
                Route("/who", self.rename, methods=["POST"]),
                Route("/strips/{name}", self.strip),
                Route("/pages/{name}", self.around),
                Route("/walls/{name}", self.walls.draw),
                Route("/close", close, methods=["POST"]),
            ]
        )

    def page(self, request: Request) -> Response:
        """The page itself."""
        return HTMLResponse(fill_page(title=self.title))

    def start(self, who: str, sent: Mapping[str, Any]) -> Told:
        """What the page must know to begin."""
        lines = self.desk.ask(describe_lines)
        told = {"title": self.title, "who": who, "suggested": self.suggested, "shared": self.shared}
        return told | {"lines": lines}

    def budget(self, who: str, sent: Mapping[str, Any]) -> Told:
        """What it costs to be as sure as one likes."""
        return self.desk.ask_aside(describe_budget)

    def take(self, who: str, sent: Mapping[str, Any]) -> Told:
        """The next fields."""
        taking = read_taking(sent)
        return self.desk.ask(lambda queue: fetch(queue, who, taking))

    def answer(self, who: str, sent: Mapping[str, Any]) -> Told:
        """Write what somebody says, and the next fields."""
        answering = read_answering(sent)
        told = self.desk.ask(lambda queue: write(queue, who, answering))
        self.follower.tell()
        return told

    def undo(self, who: str, sent: Mapping[str, Any]) -> Told:
        """Take back what one said, and the field as it is then."""
        number, taking = get_number(sent, "correction"), read_taking(sent)
        told = self.desk.ask(lambda queue: take_back(queue, who, number, taking))
        self.follower.tell()
        return told

    def item(self, who: str, sent: Mapping[str, Any]) -> Told:
        """A field as it is now."""
        number, purpose = get_number(sent, "item"), read_taking(sent).purpose
        return {"item": self.desk.ask(lambda queue: show(queue, number, purpose))}

    def step(self, who: str, sent: Mapping[str, Any]) -> Told:
        """The field before or behind one, done or not."""
        asked = read_stepping(sent)

        def go(queue: Queue) -> Told | None:
            taking = asked.taking
            found = queue.around(asked.item, taking.purpose, taking.order, taking.wanted)[asked.ahead]
            if found is not None:
                queue.renew(who, (found,))
            return None if found is None else show(queue, found, taking.purpose)

        return {"item": self.desk.ask(go)}

    def keep(self, who: str, sent: Mapping[str, Any]) -> Told:
        """Keep fields from others for longer; how the lines stand."""
        items = get_numbers(sent, "items")
        kept = self.desk.ask(lambda queue: queue.renew(who, items))
        return {"kept": kept, "lines": self.desk.ask(describe_lines), "trouble": self.follower.trouble}

    def leave(self, who: str, sent: Mapping[str, Any]) -> Told:
        """Let others have the fields."""
        self.desk.ask(lambda queue: queue.release(who))
        return {}

    async def rename(self, request: Request) -> Response:
        """Who sits at this browser, where no login says it."""
        try:
            who = get_text(read_sent(await request.body()), "who").strip()
        except AskedWronglyError:
            who = ""
        if not is_name(who):
            return Json({"failure": "give your name, in at most 64 letters"}, HTTPStatus.BAD_REQUEST)
        if not request.state.rename(who):
            return Json({"failure": "your name is the one that you logged in with"}, HTTPStatus.FORBIDDEN)
        return Json({"who": who})

    def strip(self, request: Request) -> Response:
        """The picture of a field."""
        number = read_number(request, ".png")
        if number is None:
            return not_found()
        kept = self.desk.ask(lambda queue: fetch_strip(queue.ledger, *place_of(number)))
        drawn = draw_strip(kept)
        return not_found() if drawn is None else Response(drawn, media_type="image/png")

    def around(self, request: Request) -> Response:
        """The page around a field, or the whole of it."""
        number = read_number(request, ".jpg")
        if number is None:
            return not_found()
        whole = "whole" in request.query_params
        try:
            glimpses = self.desk.ask(lambda queue: find_glimpses(queue.ledger, number, whole))
        except Changed:
            return not_found()
        try:
            found = self.darkroom.look(glimpses)
        except DocprocError as error:
            return PlainTextResponse(str(error), HTTPStatus.SERVICE_UNAVAILABLE)
        if isinstance(found, Failure):
            return PlainTextResponse(tell_failure(found), HTTPStatus.NOT_FOUND)
        return Response(found, media_type="image/jpeg")


def reply(handle: Callable[[str, Mapping[str, Any]], Told]) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that puts a request in JSON to a function, in a thread, and turns what it raises into words."""

    def answer(who: str, body: bytes) -> Response:
        try:
            return Json(handle(who, read_sent(body)))
        except ConflictError as news:
            return Json(news.told, HTTPStatus.CONFLICT)
        except (AskedWronglyError, UsageError) as error:
            return Json({"failure": str(error)}, HTTPStatus.BAD_REQUEST)
        except DocprocError as error:
            return Json({"failure": str(error)}, HTTPStatus.SERVICE_UNAVAILABLE)

    async def endpoint(request: Request) -> Response:
        return await run_in_threadpool(answer, request.state.who, await request.body())

    return endpoint


def fill_page(**given: str) -> str:
    """The page as HTML."""
    environment = Environment(autoescape=True)
    template = environment.from_string((files(PACKAGE) / "page.html").read_text(encoding="utf-8"))
    return template.render(given)


def fetch(queue: Queue, who: str, taking: Taking) -> Told:
    """The next fields of a line for somebody, and how far it is."""
    items = []
    for number in queue.take(who, taking.purpose, taking.count, taking.order, taking.wanted, taking.after):
        with suppress(Changed):
            items.append(describe(queue, number, taking.purpose))
    return {"items": items, "progress": describe_progress(queue.progress(taking.purpose, taking.wanted))}


def write(queue: Queue, who: str, asked: Answering) -> Told:
    """Add a correction; raises ConflictError where the field has changed."""
    try:
        made = add(queue.ledger, asked.item, asked.version, asked.answer, who, asked.taking.purpose)
    except Changed as news:
        raise tell_conflict(queue, asked.item, asked.taking.purpose) from news
    return {"correction": made.id, **fetch(queue, who, asked.taking)}


def take_back(queue: Queue, who: str, number: int, taking: Taking) -> Told:
    """Withdraw a correction of one's own; raises ConflictError where more was said since."""
    former = find_correction(queue.ledger, number)
    if former is None or former.who != who:
        raise UsageError("you can undo only what you said yourself; reload the page")
    item = find_item(queue.ledger, last_run(queue.ledger).recipe, former.place)
    try:
        withdraw(queue.ledger, number, who)
    except Changed as news:
        raise tell_conflict(queue, item, taking.purpose) from news
    if item is not None:
        queue.renew(who, (item,))
    shown = None if item is None else show(queue, item, former.purpose)
    return {"item": shown, "progress": describe_progress(queue.progress(taking.purpose, taking.wanted))}


def show(queue: Queue, number: int, purpose: Purpose) -> Told | None:
    """A field as somebody with a purpose may see it; None where it is gone."""
    try:
        return describe(queue, number, purpose)
    except Changed:
        return None


def describe(queue: Queue, number: int, purpose: Purpose) -> Told:
    """A field as the page shows it; raises Changed where it is gone."""
    return describe_item(read_item(queue.ledger, number, purpose), purpose)


def tell_conflict(queue: Queue, item: int | None, purpose: Purpose) -> ConflictError:
    """The news that a field has changed, and what it is now."""
    return ConflictError({"changed": None if item is None else show(queue, item, purpose)})


def describe_lines(queue: Queue) -> list[Told]:
    """How far every line is."""
    told = []
    for purpose in LINES:
        progress = queue.progress(purpose)
        told.append({"purpose": purpose, "total": progress.total, "left": progress.left})
    # How many digits there are is not counted each time: there may be millions.
    return [*told, {"purpose": "grid", "total": 1, "left": None}]


def close(request: Request) -> Response:
    """The last answer."""
    return Json({}, background=BackgroundTask(request.state.close))
