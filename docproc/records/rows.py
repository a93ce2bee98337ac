"""The ledger as rows: every field of every page of every source, however many runs it took, in one order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from docproc.errors import needs_review
from docproc.records.cells import order_naturally, show_source
from docproc.records.ledger import Ledger

EMPTY = "no-fields"
"""The reason of a page that was read and holds no field."""


@dataclass(frozen=True, slots=True)
class Row:
    """One field, or what stands for a page without any; `page` 0 is a whole file.

    `form` is the form that the page lies on, `form_page` which page of it and `form_pages` how many it has.
    """

    source: str
    page: int
    field: str | None
    value: str
    status: str
    confidence: float | None
    review: bool
    reasons: tuple[str, ...]
    box: tuple[int, int, int, int] | None
    form: str | None = None
    form_page: int = 1
    form_pages: int = 1


def list_rows(ledger: Ledger, recipe: str) -> Iterator[Row]:
    """Rows of all sources under the recipe: sources in natural order, pages, fields in reading order."""
    found = ledger.connection.execute(
        "SELECT s.path, s.digest, coalesce(d.failure, s.failure), d.pages FROM sources s"
        " LEFT JOIN documents d ON d.digest = s.digest AND d.recipe = ?1"
        " WHERE d.digest IS NOT NULL OR (s.digest = '' AND s.recipe = ?1)",
        (recipe,),
    ).fetchall()
    for path, digest, failure, pages in sorted(found, key=lambda source: order_naturally(source[0])):
        name = show_source(path)
        if failure is not None:
            yield _failed(name, 0, failure)
            continue
        for row in _document_rows(ledger, digest, recipe, pages):
            yield replace(row, source=name)


def has_forms(ledger: Ledger, recipe: str) -> bool:
    """Whether any page was read with a form."""
    asked = "SELECT EXISTS (SELECT 1 FROM pages WHERE recipe = ? AND form IS NOT NULL)"
    return bool(ledger.connection.execute(asked, (recipe,)).fetchone()[0])


def _document_rows(ledger: Ledger, digest: str, recipe: str, pages: int) -> Iterator[Row]:
    for number, page_flags, failure, form, form_page, form_pages, *reading in ledger.connection.execute(
        "SELECT p.number, p.flags, p.failure, p.form, p.form_page, p.form_pages, r.field, r.text, r.status,"
        " r.confidence, r.review, r.flags, r.x, r.y, r.width, r.height"
        " FROM pages p LEFT JOIN readings r ON r.page = p.id"
        " WHERE p.digest = ? AND p.recipe = ? AND p.number BETWEEN 1 AND ? ORDER BY p.number, r.position",
        (digest, recipe, pages),
    ):
        field, text, status, confidence, review, flags, *box = reading
        place = (form, form_page or 1, form_pages or 1)
        if failure is not None:
            yield _failed("", number, failure)
        elif field is None:
            reasons = _reasons(EMPTY, page_flags)
            yield Row("", number, None, "", "blank", None, needs_review(reasons), reasons, None, *place)
        else:
            reasons = _reasons(flags, page_flags)
            x, y, width, height = box
            chance = confidence if status == "value" else None
            yield Row("", number, field, text, status, chance, bool(review), reasons, (x, y, width, height), *place)


def _failed(source: str, page: int, failure: str) -> Row:
    return Row(source, page, None, "", "failed", None, True, (failure,), None)


def _reasons(*flags: str) -> tuple[str, ...]:
    """Flags of the field, then of its page, each once."""
    return tuple(dict.fromkeys(flag for group in flags for flag in group.split(";") if flag))
