"""The routes of the grid: a wall of digits for whoever asks, and what they say of it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from itertools import count
from threading import Lock
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import Response

from docproc.apps.review.asked import AskedWronglyError, get_choice, get_number
from docproc.apps.review.desk import Desk
from docproc.apps.review.follow import Follower
from docproc.apps.review.pictures import not_found, read_number
from docproc.apps.review.wall import Judged, Wall, build_wall, describe_ticks, draw_wall, judge_wall
from docproc.errors import UsageError
from docproc.records.corrections import check_name
from docproc.records.grid import count_tiles
from docproc.records.ledger import last_run
from docproc.records.queue import Queue

MOST_WALLS = 100
"""That are before people at once; the oldest is forgotten."""
DIGITS = Literal["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]
KEYED = Literal["", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]
Told = dict[str, Any]


class Walls:
    """The walls that are before people, by number."""

    def __init__(self, desk: Desk, follower: Follower) -> None:
        self.desk = desk
        self.follower = follower
        self._lock = Lock()
        self._numbers = count(secrets.randbelow(1 << 40))
        self._open: dict[int, Wall] = {}

    def build(self, who: str, sent: Mapping[str, Any]) -> Told:
        """A wall of one digit; with no digit of the one that is least done."""
        name = check_name(who)

        def act(queue: Queue) -> tuple[list[dict[str, object]], Wall]:
            recipe = last_run(queue.ledger).recipe
            ticks = describe_ticks(count_tiles(queue.ledger, recipe))
            digit = get_choice(sent, "digit", DIGITS) if "digit" in sent else choose_digit(ticks)
            return ticks, build_wall(queue.ledger, recipe, name, digit, secrets.randbelow(1 << 30))

        ticks, wall = self.desk.ask(act)
        with self._lock:
            number = next(self._numbers)
            self._open[number] = wall
            while len(self._open) > MOST_WALLS:
                del self._open[next(iter(self._open))]
        return {"wall": number, "digit": wall.digit, "tiles": len(wall.shown), "ticks": ticks}

    def judge(self, who: str, sent: Mapping[str, Any]) -> Told:
        """What somebody says of the wall before them."""
        number, found = get_number(sent, "wall"), read_found(sent)
        with self._lock:
            wall = self._open.get(number)
            if wall is None or wall.who != who:
                raise UsageError("this wall is not before you any more; take another")
            if any(place >= len(wall.shown) for place in found):
                raise AskedWronglyError("wrong are numbers of tiles")
            del self._open[number]
        try:
            judged = self.desk.ask(lambda queue: judge_wall(queue.ledger, wall, found))
        except BaseException:
            with self._lock:
                self._open[number] = wall  # it may be judged again
            raise
        self.follower.tell()
        return describe_judged(judged)

    def draw(self, request: Request) -> Response:
        """The picture of a wall, for whom it was built."""
        number = read_number(request, ".png")
        wall = None if number is None else self._open.get(number)
        if wall is None or wall.who != request.state.who:
            return not_found()
        return Response(draw_wall(wall), media_type="image/png")


def choose_digit(ticks: list[dict[str, Any]]) -> str:
    """The digit that most are left of."""
    return str(max(ticks, key=lambda tick: tick["left"], default={"digit": "0"})["digit"])


def read_found(sent: Mapping[str, Any]) -> dict[int, str]:
    """The wrong tiles and what each is, "" if that was not keyed."""
    rows = sent.get("wrong")
    if not isinstance(rows, list) or len(rows) > 1000 or not all(isinstance(row, dict) for row in rows):
        raise AskedWronglyError("wrong are tiles, each with its number and the right digit")
    return {get_number(row, "tile"): get_choice(row, "digit", KEYED) for row in rows}


def describe_judged(judged: Judged) -> Told:
    """What came of a wall."""
    return {
        "verified": judged.verified,
        "keyed": judged.keyed,
        "queued": judged.queued,
        "caught": judged.attention.caught,
        "missed": judged.attention.missed,
        "everCaught": judged.ever.caught,
        "everMissed": judged.ever.missed,
    }
