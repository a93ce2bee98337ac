"""The ledger as rows: every field of every page of every source, however many runs it took, in one order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Literal, NamedTuple

from docproc.errors import needs_review
from docproc.records.answered import Doubts, find_doubts
from docproc.records.cells import order_naturally, show_source
from docproc.records.corrections import item_of, list_corrections
from docproc.records.ledger import Ledger
from docproc.records.matching import OPEN, Correction, Place, Verdict, matches, settle
from docproc.types import Box

EMPTY = "no-fields"
"""The reason of a page that was read and holds no field."""
ALONE = "no-reading"
"""The reason of a value that a person gave where no field is found any more."""
Review = Literal["yes", "no", "done"]
"""Whether a person should look at a field, or has settled it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One field, or what stands for a page without any; `page` 0 is a whole file.

    `value` and `status` are what people said last, where they settled it (`review` is "done"), else what was read,
    which is also in `read`. `by` are those people. `form` is the form that the page lies on, `form_page` which page of
    it and `form_pages` how many it has.
    """

    source: str
    page: int
    field: str | None
    value: str
    status: str
    confidence: float | None
    review: Review
    reasons: tuple[str, ...]
    box: tuple[int, int, int, int] | None
    form: str | None = None
    form_page: int = 1
    form_pages: int = 1
    read: str = ""
    by: str = ""


class _Asked(NamedTuple):
    """What is the same for all rows: the recipe, whether anybody said anything, and doubts that arose later."""

    ledger: Ledger
    recipe: str
    spoken: bool
    doubts: Doubts


def list_rows(ledger: Ledger, recipe: str) -> Iterator[Row]:
    """Rows of all sources under the recipe: sources in natural order, pages, fields in reading order."""
    ask = ledger.connection.execute
    found = ask(
        "SELECT s.path, s.digest, coalesce(d.failure, s.failure), d.pages FROM sources s"
        " LEFT JOIN documents d ON d.digest = s.digest AND d.recipe = ?1"
        " WHERE d.digest IS NOT NULL OR (s.digest = '' AND s.recipe = ?1)",
        (recipe,),
    ).fetchall()
    spoken = bool(ask("SELECT EXISTS (SELECT 1 FROM corrections)").fetchone()[0])
    asked = _Asked(ledger, recipe, spoken, find_doubts(ledger, recipe))
    for path, digest, failure, pages in sorted(found, key=lambda source: order_naturally(source[0])):
        name = show_source(path)
        said = list_corrections(ledger, digest) if spoken and digest else []
        if failure is not None:
            yield _failed(name, 0, failure)
            for page in _by_page(said).values():
                yield from _alone(name, page)
        else:
            yield from _document_rows(asked, name, digest, pages, said)


def has_forms(ledger: Ledger, recipe: str) -> bool:
    """Whether any page was read with a form."""
    asked = "SELECT EXISTS (SELECT 1 FROM pages WHERE recipe = ? AND form IS NOT NULL)"
    return bool(ledger.connection.execute(asked, (recipe,)).fetchone()[0])


def _document_rows(asked: _Asked, source: str, digest: str, pages: int, said: Sequence[Correction]) -> Iterator[Row]:
    found = asked.ledger.connection.execute(
        "SELECT p.number, p.flags, p.failure, p.form, p.form_page, p.form_pages, p.id, r.position, r.field, r.text,"
        " r.status, r.confidence, r.review, r.flags, r.x, r.y, r.width, r.height"
        " FROM pages p LEFT JOIN readings r ON r.page = p.id"
        " WHERE p.digest = ? AND p.recipe = ? AND p.number BETWEEN 1 AND ? ORDER BY p.number, r.position",
        (digest, asked.recipe, pages),
    )
    left = _by_page(said)
    for number, rows in groupby(found, key=lambda row: row[0]):
        for earlier in [page for page in left if page < number]:
            yield from _alone(source, left.pop(earlier))
        yield from _page_rows(asked, source, digest, list(rows), left.pop(number, []))
    for later in left.values():
        yield from _alone(source, later)


def _page_rows(
    asked: _Asked, source: str, digest: str, rows: Sequence[tuple[Any, ...]], said: Sequence[Correction]
) -> Iterator[Row]:
    """The rows of one page, and of what was said where no field is any more."""
    number, page_flags, failure, form, form_page, form_pages = rows[0][:6]
    place = (form, form_page or 1, form_pages or 1)
    matched: set[int] = set()
    for page, position, field, text, status, confidence, review, flags, *box in (row[6:] for row in rows):
        if failure is not None:
            yield _failed(source, number, failure)
        elif field is None:
            reasons = _reasons(EMPTY, page_flags)
            look: Review = "yes" if needs_review(reasons) else "no"
            yield Row(source, number, None, "", "blank", None, look, reasons, None, *place)
        else:
            verdict = OPEN
            if said:
                here = Place(digest, number, form, field, Box(*box))
                mine = [row for row in said if matches(row.place, here)]
                matched.update(row.id for row in mine)
                verdict = settle(mine)
            since = [
                *(["low-confidence"] * asked.doubts.weak(status, confidence)),
                *(["doubted"] * (item_of(page, position) in asked.doubts.items)),
                *(["two-answers"] * verdict.disputed),
            ]
            reasons = _reasons(flags, ";".join(since), page_flags)
            chance = confidence if status == "value" else None
            look = "yes" if review or since else "no"
            x, y, width, height = box
            row = Row(source, number, field, text, status, chance, look, reasons, (x, y, width, height), *place, text)
            yield _settled(row, verdict)
    yield from _alone(source, [row for row in said if row.id not in matched], place)


def _settled(row: Row, verdict: Verdict) -> Row:
    """The row with what people settled; how sure the reading was is no word on their value."""
    answer = verdict.standing
    if answer is None:
        return row
    return replace(row, value=answer.text, status=answer.status, confidence=None, review="done", by=verdict.who)


def _alone(source: str, said: Sequence[Correction], place: tuple[str | None, int, int] = (None, 1, 1)) -> Iterator[Row]:
    """What people said of places of a page where no field is found, so that it is not lost."""
    left = list(said)
    while left:
        first = left[0].place
        mine = [row for row in left if matches(row.place, first)]
        left = [row for row in left if row not in mine]
        verdict = settle(mine)
        if verdict.standing is not None:
            row = Row(source, first.number, first.field, "", "", None, "done", (ALONE,), first.box, *place)
            yield _settled(row, verdict)


def _by_page(said: Sequence[Correction]) -> dict[int, list[Correction]]:
    pages: dict[int, list[Correction]] = {}
    for row in sorted(said, key=lambda row: row.place.number):
        pages.setdefault(row.place.number, []).append(row)
    return pages


def _failed(source: str, page: int, failure: str) -> Row:
    return Row(source, page, None, "", "failed", None, "yes", (failure,), None)


def _reasons(*flags: str) -> tuple[str, ...]:
    """Flags of the field, then of its page, each once."""
    return tuple(dict.fromkeys(flag for group in flags for flag in group.split(";") if flag))
