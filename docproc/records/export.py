"""The ledger as CSV: every page of every source, however many runs it took, in one order."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TextIO

from docproc.errors import REVIEWED
from docproc.records.atomic import replace_file
from docproc.records.cells import order_naturally, show_source, show_text
from docproc.records.ledger import Ledger, speaking

Layout = Literal["long", "wide"]
LONG = ("source", "page", "field", "value", "status", "confidence", "review", "reasons", "x", "y", "width", "height")
WIDE = ("source", "page", "status", "review", "reasons")
CONFIDENCE = ".4f"
EMPTY = "no-fields"
"""The reason of a page that was read and holds no field."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the long layout. `page` 0 is a whole file; a failed row or a page without fields has no field."""

    source: str
    page: int
    field: str | None
    value: str
    status: str
    confidence: float | None
    review: bool
    reasons: tuple[str, ...]
    box: tuple[int, int, int, int] | None


def export(ledger: Ledger, recipe: str, layout: Layout, path: Path) -> Path:
    """Write all that the ledger knows under the recipe; the path written, which differs where `path` is held open."""
    return replace_file(path, lambda stream: write_csv(ledger, recipe, layout, stream))


def write_csv(ledger: Ledger, recipe: str, layout: Layout, stream: TextIO) -> None:
    """Write RFC 4180 CSV to a text stream that leaves line ends alone."""
    writer = csv.writer(stream)
    with speaking(ledger.name):
        writer.writerows(_wide(ledger, recipe) if layout == "wide" else _long(ledger, recipe))


def rows(ledger: Ledger, recipe: str) -> Iterator[Row]:
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


def _document_rows(ledger: Ledger, digest: str, recipe: str, pages: int) -> Iterator[Row]:
    for number, page_flags, failure, field, text, status, confidence, review, flags, *box in ledger.connection.execute(
        "SELECT p.number, p.flags, p.failure, r.field, r.text, r.status, r.confidence, r.review, r.flags,"
        " r.x, r.y, r.width, r.height FROM pages p LEFT JOIN readings r ON r.page = p.id"
        " WHERE p.digest = ? AND p.recipe = ? AND p.number BETWEEN 1 AND ? ORDER BY p.number, r.position",
        (digest, recipe, pages),
    ):
        if failure is not None:
            yield _failed("", number, failure)
        elif field is None:
            reasons = _reasons(EMPTY, page_flags)
            yield Row("", number, None, "", "blank", None, not REVIEWED.isdisjoint(reasons), reasons, None)
        else:
            reasons = _reasons(flags, page_flags)
            x, y, width, height = box
            chance = confidence if status == "value" else None
            yield Row("", number, field, text, status, chance, bool(review), reasons, (x, y, width, height))


def _failed(source: str, page: int, failure: str) -> Row:
    return Row(source, page, None, "", "failed", None, True, (failure,), None)


def _reasons(*flags: str) -> tuple[str, ...]:
    """Flags of the field, then of its page, each once."""
    return tuple(dict.fromkeys(flag for group in flags for flag in group.split(";") if flag))


def _long(ledger: Ledger, recipe: str) -> Iterator[Sequence[object]]:
    yield LONG
    for row in rows(ledger, recipe):
        yield (
            show_text(row.source),
            row.page,
            show_text(row.field or ""),
            show_text(row.value),
            row.status,
            "" if row.confidence is None else format(row.confidence, CONFIDENCE),
            "yes" if row.review else "no",
            ";".join(row.reasons),
            *(row.box or ("",) * 4),
        )


def _wide(ledger: Ledger, recipe: str) -> Iterator[Sequence[object]]:
    """One row a page, one column a field; a field's reasons carry its name. Fields are ordered as pages show them."""
    columns = _columns(ledger, recipe)
    yield *WIDE, *(show_text(f"field:{name}" if name in WIDE else name) for name in columns)
    for page in _pages(ledger, recipe):
        values = dict(_name_apart(page))
        first = page[0]
        reasons = (f"{row.field}:{reason}" if row.field else reason for row in page for reason in row.reasons)
        yield (
            show_text(first.source),
            first.page,
            "failed" if first.field is None and first.status == "failed" else "read",
            "yes" if any(row.review for row in page) else "no",
            show_text(";".join(dict.fromkeys(reasons))),
            *(show_text(values.get(name, "")) for name in columns),
        )


def _columns(ledger: Ledger, recipe: str) -> list[str]:
    """Every field name, by the earliest place it takes on any page, then by name: the same in any order of reading."""
    places: dict[str, int] = {}
    for page in _pages(ledger, recipe):
        for place, (name, _) in enumerate(_name_apart(page)):
            places[name] = min(place, places.get(name, place))
    return sorted(places, key=lambda name: (places[name], order_naturally(name.encode())))


def _name_apart(page: Sequence[Row]) -> Iterator[tuple[str, str]]:
    """Name and value of each field of a page; a name that comes again gets its count."""
    counts: dict[str, int] = {}
    for row in page:
        if row.field is not None:
            counts[row.field] = counts.get(row.field, 0) + 1
            yield (row.field if counts[row.field] == 1 else f"{row.field}#{counts[row.field]}"), row.value


def _pages(ledger: Ledger, recipe: str) -> Iterator[list[Row]]:
    page: list[Row] = []
    for row in rows(ledger, recipe):
        if page and (row.source, row.page) != (page[0].source, page[0].page):
            yield page
            page = []
        page.append(row)
    if page:
        yield page
