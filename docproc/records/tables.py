"""Rows as tables: one row a field, or one row a document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple, TypeAlias

from docproc.records.cells import order_naturally
from docproc.records.ledger import Ledger
from docproc.records.rows import Row, has_forms, list_rows

Layout = Literal["long", "wide"]
READ = ("read_value", "corrected_by")
"""What stands behind all else where it is asked for: what was read, and who said otherwise or the same."""
LONG = ("source", "page", "field", "value", "status", "confidence", "review", "reasons", "x", "y", "width", "height")
FIRST, LAST = ("source", "page"), ("status", "confidence", "review", "reasons")
"""The columns of the wide layout before and behind the fields; `form` stands before the fields where there is one."""
WHOLE_PAGE = "(page)"
"""What to look at where no field stands for it."""


class Cell(NamedTuple):
    """What stands in a cell: text, a number or, as None, nothing; `flagged` if a person should look."""

    value: str | int | float | None
    flagged: bool = False


Table: TypeAlias = Iterator[Sequence[Cell]]
"""Rows of cells, the names of the columns first."""


def lay_out(ledger: Ledger, recipe: str, layout: Layout, read_values: bool = False) -> Table:
    """All that the ledger knows under the recipe, as a table; with `read_values` also what people changed, and who."""
    return _wide(ledger, recipe, read_values) if layout == "wide" else _long(ledger, recipe, read_values)


def _long(ledger: Ledger, recipe: str, read_values: bool) -> Table:
    yield [Cell(name) for name in (*LONG, *(READ if read_values else ()))]
    for row in list_rows(ledger, recipe):
        yield [
            Cell(row.source),
            Cell(row.page),
            Cell(row.field),
            Cell(row.value, row.review == "yes"),
            Cell(row.status),
            Cell(row.confidence),
            Cell(row.review),
            Cell(";".join(row.reasons)),
            *(Cell(side) for side in row.box or (None,) * 4),
            *((Cell(row.read), Cell(row.by)) if read_values else ()),
        ]


def _wide(ledger: Ledger, recipe: str, read_values: bool) -> Table:
    """One row a document, one column a field; a field's reasons and the people who settled it carry its name."""
    forms = has_forms(ledger, recipe)
    columns = _columns(ledger, recipe)
    taken = {*FIRST, *LAST, *READ, "form"}
    names = [f"field:{name}" if name in taken else name for name in columns]
    more = [*(f"{READ[0]}:{name}" for name in columns), READ[1]] if read_values else []
    yield [Cell(name) for name in (*FIRST, *(["form"] if forms else []), *names, *LAST, *more)]
    former: Sequence[Row] = ()
    for document in _documents(ledger, recipe):
        first, fields = document[0], dict(_name_apart(document))
        chances = [row.confidence for row in document if row.confidence is not None]
        reasons = (f"{row.field}:{reason}" if row.field else reason for row in document for reason in row.reasons)
        gaps = [*_missing(document), *_repeated(document, former)]
        former = document
        looks = [row.field or WHOLE_PAGE for row in document if row.review == "yes"] + [WHOLE_PAGE] * bool(gaps)
        read = [Cell(fields[name].read) if name in fields else Cell(None) for name in columns]
        people = ";".join(f"{name}:{row.by}" for name, row in fields.items() if row.by)
        yield [
            Cell(first.source),
            Cell(first.page),
            *([Cell(first.form)] if forms else []),
            *(_cell(fields[name]) if name in fields else Cell(None) for name in columns),
            Cell("failed" if first.status == "failed" and first.field is None else "read"),
            Cell(min(chances, default=None)),
            Cell(";".join(dict.fromkeys(looks))),
            Cell(";".join(dict.fromkeys([*reasons, *gaps]))),
            *((*read, Cell(people)) if read_values else ()),
        ]


def _cell(row: Row) -> Cell:
    return Cell(row.value, row.review == "yes")


def _columns(ledger: Ledger, recipe: str) -> list[str]:
    """Every field name, by the earliest place it takes on any page of its form, then by name: the same in any order."""
    places: dict[str, tuple[int, int]] = {}
    for document in _documents(ledger, recipe):
        counts: Counter[int] = Counter()
        for name, row in _name_apart(document):
            place = (row.form_page, counts[row.page])
            counts[row.page] += 1
            places[name] = min(place, places.get(name, place))
    return sorted(places, key=lambda name: (places[name], order_naturally(name.encode())))


def _name_apart(document: Sequence[Row]) -> Iterator[tuple[str, Row]]:
    """Each field of a document under its name; a name that comes again gets its count."""
    counts: dict[str, int] = {}
    for row in document:
        if row.field is not None:
            counts[row.field] = counts.get(row.field, 0) + 1
            yield (row.field if counts[row.field] == 1 else f"{row.field}#{counts[row.field]}"), row


def _documents(ledger: Ledger, recipe: str) -> Iterator[list[Row]]:
    """The rows of each page, or of pages that follow each other as the pages of one form do."""
    document: list[Row] = []
    for row in list_rows(ledger, recipe):
        if document and not _belongs(row, document[-1]):
            yield document
            document = []
        document.append(row)
    if document:
        yield document


def _belongs(row: Row, last: Row) -> bool:
    if (row.source, row.page) == (last.source, last.page):
        return True
    follows = row.source == last.source and row.form is not None and row.form == last.form
    return follows and row.form_page == last.form_page + 1


def _missing(document: Sequence[Row]) -> list[str]:
    """The pages of its form that a document lacks."""
    if document[0].form is None:
        return []
    there = {row.form_page for row in document}
    return [f"missing-page={number}" for number in range(1, document[0].form_pages + 1) if number not in there]


def _repeated(document: Sequence[Row], former: Sequence[Row]) -> list[str]:
    """The page with which a document begins, if the one before in the file has it too and lacks others."""
    first = document[0]
    if not former or not _missing(former) or (former[0].source, former[0].form) != (first.source, first.form):
        return []
    again = any(row.form_page == first.form_page for row in former)
    return [f"repeated-page={first.form_page}"] if again else []
