"""Results to review, made without reading: pages with printed numbers, and a ledger of what they were read as."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from docproc.apps.local.server import Place, Server, serve
from docproc.apps.review.desk import open_desk
from docproc.apps.review.follow import follow
from docproc.apps.review.pictures import open_darkroom
from docproc.apps.review.routes import Reviewing
from docproc.records.corrections import list_since
from docproc.records.export import export_now
from docproc.records.ledger import begin, beside, open_ledger, record, register, visit_ledger
from docproc.records.matching import Correction
from docproc.records.queue import Keying
from docproc.records.seal import KEEP_ALL
from docproc.types import Box, Digit, Document, PageRef, PageResult, Reading

WIDTH, ROW, LEFT, DIGIT = 620, 90, 60, 44


POST = """async ([name, body]) => {
    const headers = { "Content-Type": "application/json" };
    return (await fetch(name, { method: "POST", headers, body: JSON.stringify(body) })).json();
}"""
"""What asks the server as the page does, and gives what it tells."""
NO_KEYING = Keying(flagged=False)


@dataclass(frozen=True, slots=True)
class Made:
    """A field: what is written, what it was read as (None is blank), and how sure each digit is."""

    name: str
    written: str
    read: str | None
    flags: tuple[str, ...] = ()
    sure: float = 0.999
    doubtful: tuple[int, ...] = ()
    others: tuple[tuple[str, float], ...] = ()

    @property
    def review(self) -> bool:
        return bool(self.flags)


FIELDS = (
    Made("count", "125", "126", ("low-confidence",), doubtful=(2,), others=(("125", 0.31), ("128", 0.02))),
    Made("weight", "12.5", "12.5", ("disputed",), doubtful=(1,)),
    Made("age", "", "7", ("not-a-digit",), doubtful=(0,)),
    Made("total", "77", "71", ("sum-unmet=total:77",), others=(("11", 0.1),)),
    Made("code", "40317", "40317"),
)


def make_results(
    folder: Path, fields: Sequence[Made] = FIELDS, pages: int = 1, source: str = "sheet-{}.png", layout: str = "long"
) -> Path:
    """Results of pages that all have these fields, and their ledger beside them."""
    results = folder / "results.csv"
    with open_ledger(beside(results)) as ledger:
        run = begin(ledger, "made", '{"docproc": "0", "options": {}}', layout)
        for number in range(pages):
            gray, readings = draw_page(fields, number)
            path = folder / source.format(number + 1)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encode(gray))
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            register(ledger, run, [Document(str(path), digest, 1)])
            record(ledger, run, PageResult(PageRef(str(path), digest, 1), tuple(readings)))
    export_now(results)
    return results


@contextmanager
def serve_review(
    results: Path,
    keying: Keying = NO_KEYING,
    title: str = "results.csv",
    who: str = "",
    place: Place | None = None,
) -> Iterator[Server]:
    """The review page of results, as the command serves it."""
    with (
        open_desk(beside(results), KEEP_ALL, keying) as desk,
        open_darkroom() as darkroom,
        follow(results, beside(results)) as follower,
        serve(
            Reviewing(title, desk, darkroom, follower, "root", shared=place is not None).app(),
            place or Place(who=who),
        ) as server,
    ):
        yield server


def draw_page(fields: Iterable[Made], number: int) -> tuple[np.ndarray, list[Reading]]:
    rows = list(fields)
    gray = np.full((ROW * (len(rows) + 1), WIDTH), 250, np.uint8)
    gray[0, 0] = number  # no two pages have the same bytes
    readings = []
    for row, made in enumerate(rows):
        box = Box(LEFT, ROW // 2 + row * ROW, 400, 66)
        cv2.rectangle(gray, (box.x, box.y), (box.right, box.bottom), 120, 2)
        for place, letter in enumerate(made.written):
            at = (box.x + 8 + place * DIGIT, box.y + 52)
            cv2.putText(gray, letter, at, cv2.FONT_HERSHEY_SIMPLEX, 1.7, 20, 3, cv2.LINE_AA)
        readings.append(read(gray, box, made))
    return gray, readings


def read(gray: np.ndarray, box: Box, made: Made) -> Reading:
    digits = tuple(
        Digit(
            letter,
            0.6 if place in made.doubtful else made.sure,
            Box(box.x + 6 + place * DIGIT, box.y + 8, DIGIT - 4, 50),
        )
        for place, letter in enumerate(made.read or "")
        if letter.isdigit()
    )
    strip = encode(gray[box.y : box.bottom, box.x : box.right])
    status = "blank" if made.read is None else "value"
    confidence = 0.6 if made.doubtful else made.sure
    return Reading(
        made.name, status, made.read or "", confidence, made.review, made.flags, box, digits, made.others, strip
    )


def encode(gray: np.ndarray) -> bytes:
    return cv2.imencode(".png", gray)[1].tobytes()


def read_said(results: Path) -> list[Correction]:
    """All corrections so far."""
    with visit_ledger(beside(results)) as ledger:
        return list_since(ledger)


def tell_said(results: Path) -> list[tuple[str, str, str, str]]:
    """Corrections as field, purpose, who, and the value or the word that stands for it."""
    return [
        (row.place.field, row.purpose, row.who, row.answer.text or row.answer.status)
        if row.withdraws is None
        else (row.place.field, "withdrawn", row.who, "")
        for row in read_said(results)
    ]
