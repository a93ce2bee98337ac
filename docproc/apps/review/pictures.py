"""Pictures for the page: drawn anew from their pixels, so that nothing else of a file reaches a browser."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http import HTTPStatus

import cv2
import numpy as np
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from docproc.errors import FAILURES
from docproc.flow.evidence import decode_strip
from docproc.flow.mappers import Mapper, in_processes
from docproc.options import Options
from docproc.types import Box, Failure, Gray, PageRef

AROUND_INCH = (9.0, 2.9)
"""Of the page, around a field: the whole width of usual paper, where its print says what the field is."""
MOST_PIXELS = 1600
"""A side of a picture of a page."""
FRAME = (0, 110, 230)
MARGIN_INCH = 0.04
MOST_LETTERS = 20
"""Of a number in an address."""


@dataclass(frozen=True, slots=True)
class Glimpse:
    """Asks for the page around a box, or for the `whole` page, turned to the right by so many quarters."""

    ref: PageRef
    box: Box
    options: Options
    whole: bool = False
    turns: int = 0


class Darkroom:
    """Where pages are decoded: in one process that may die, started when the first is asked for."""

    def __init__(self, held: ExitStack) -> None:
        self._held = held
        self._turn = threading.Lock()
        self._mapper: Mapper | None = None

    def look(self, glimpses: Iterable[Glimpse]) -> bytes | Failure:
        """A JPEG of the first that can be had, else why the last cannot."""
        found: bytes | Failure = Failure("gone")
        with self._turn:
            for glimpse in glimpses:
                if self._mapper is None:
                    options = glimpse.options
                    crew = in_processes(1, options.page_seconds, options.worker_megabytes)
                    self._mapper = self._held.enter_context(crew)
                (found,) = self._mapper(draw_page, [glimpse], lose)
                if not isinstance(found, Failure):
                    break
        return found


@contextmanager
def open_darkroom() -> Iterator[Darkroom]:
    """A darkroom, and its end."""
    with ExitStack() as held:
        yield Darkroom(held)


def draw_strip(strip: bytes) -> bytes | None:
    """The PNG of a strip, made anew; None where there is none."""
    gray = decode_strip(strip)
    return None if gray is None else encode(".png", gray)


def draw_page(glimpse: Glimpse) -> bytes | Failure:
    """A page with the field framed. Raises PageError."""
    from docproc.pages.load import load

    page = load(glimpse.ref, glimpse.options)
    height, width = page.gray.shape
    across, down = (width, height) if glimpse.whole else (round(side * page.dpi) for side in AROUND_INCH)
    if glimpse.turns % 2 and not glimpse.whole:
        across, down = down, across
    box = glimpse.box
    left, right = cut(box.x, box.right, across, width)
    top, bottom = cut(box.y, box.bottom, down, height)
    part = cv2.cvtColor(page.gray[top:bottom, left:right], cv2.COLOR_GRAY2BGR)
    margin, line = round(MARGIN_INCH * page.dpi), max(2, round(0.015 * page.dpi))
    corner = (box.x - left - margin, box.y - top - margin)
    cv2.rectangle(part, corner, (box.right - left + margin, box.bottom - top + margin), FRAME, line)
    scale = MOST_PIXELS / max(part.shape[:2])
    if scale < 1:
        part = cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return encode(".jpg", np.rot90(part, -glimpse.turns))


def lose(glimpse: Glimpse, failure: Failure) -> bytes | Failure:
    """What stands for a page that could not be had."""
    return failure


def tell_failure(failure: Failure) -> str:
    """Why there is no picture, and what to do."""
    meaning, remedy = FAILURES.get(failure.code, (failure.code, "see the message"))
    return f"{meaning}; {remedy}"


def cut(start: int, stop: int, length: int, most: int) -> tuple[int, int]:
    """A stretch of a side around a part of it, at least as long as the part and no longer than the side."""
    length = min(max(length, stop - start), most)
    first = min(max((start + stop - length) // 2, 0), most - length)
    return first, first + length


def read_number(request: Request, end: str) -> int | None:
    """The number that the last part of an address is, with this ending."""
    name = request.path_params["name"]
    digits = name.removesuffix(end)
    return (
        int(digits)
        if name.endswith(end) and len(digits) <= MOST_LETTERS and digits.isascii() and digits.isdigit()
        else None
    )


def not_found() -> Response:
    """There is no such picture."""
    return PlainTextResponse("there is no such picture\n", HTTPStatus.NOT_FOUND)


def encode(kind: str, picture: Gray) -> bytes:
    """The bytes of a picture."""
    _, data = cv2.imencode(kind, np.ascontiguousarray(picture))
    return data.tobytes()
