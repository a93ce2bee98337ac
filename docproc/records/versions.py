"""One document as two recipes read it, side by side for who compares them."""

from __future__ import annotations

import os
from dataclasses import dataclass

from docproc.records.cells import order_naturally, show_source
from docproc.records.corrections import item_of, list_corrections
from docproc.records.ledger import Ledger, speaking
from docproc.records.matching import Answer, Place, matches, settle
from docproc.types import Box


@dataclass(frozen=True, slots=True)
class Present:
    """A source with rows under a recipe: its bytes, and where its file lies by now, both as types.PageRef has them."""

    source: str
    digest: str
    place: str

    @property
    def shown(self) -> str:
        """The source as tables show it."""
        return show_source(os.fsencode(self.source))


@dataclass(frozen=True, slots=True)
class ReadField:
    """A field as one recipe reads it; `said` is what stands of what people say. `item` finds its picture."""

    item: int
    name: str
    status: str
    text: str
    confidence: float
    review: bool
    flags: tuple[str, ...]
    box: Box
    form: str | None
    said: Answer | None


@dataclass(frozen=True, slots=True)
class ReadPage:
    """A page as one recipe reads it; page 0 stands for a file that would not open."""

    number: int
    failure: str | None
    detail: str
    fields: tuple[ReadField, ...] = ()


def list_present(ledger: Ledger, recipe: str) -> list[Present]:
    """The sources whose bytes are known and that have rows under the recipe, in the order of tables."""
    with speaking(ledger.name):
        rows = ledger.connection.execute(
            "SELECT s.path, s.digest, coalesce(w.place, s.path) FROM sources s"
            " JOIN documents d ON d.digest = s.digest AND d.recipe = ?"
            " LEFT JOIN watched w ON w.path = s.path AND w.state <> 'waiting'",
            (recipe,),
        ).fetchall()
    rows.sort(key=lambda row: order_naturally(row[0]))
    return [Present(os.fsdecode(path), digest, os.fsdecode(place)) for path, digest, place in rows]


def read_version(ledger: Ledger, digest: str, recipe: str) -> tuple[ReadPage, ...] | None:
    """The pages of a document as a recipe reads them; None where they are not all there."""
    with speaking(ledger.name):
        document = ledger.connection.execute(
            "SELECT pages, failure, detail FROM documents WHERE digest = ? AND recipe = ?", (digest, recipe)
        ).fetchone()
        if document is None:
            return None
        count, failure, detail = document
        if failure is not None:
            return (ReadPage(0, failure, detail),)
        rows = ledger.connection.execute(
            "SELECT id, number, failure, detail, form FROM pages"
            " WHERE digest = ? AND recipe = ? AND number BETWEEN 1 AND ? ORDER BY number",
            (digest, recipe, count),
        ).fetchall()
    if len(rows) < count:
        return None
    return tuple(
        ReadPage(number, failed, why, read_fields(ledger, page, digest, number, form))
        for page, number, failed, why, form in rows
    )


def read_fields(ledger: Ledger, page: int, digest: str, number: int, form: str | None) -> tuple[ReadField, ...]:
    """The fields of a page by its id, with what people say of each."""
    said = list_corrections(ledger, digest, number)
    with speaking(ledger.name):
        rows = ledger.connection.execute(
            "SELECT position, field, status, text, confidence, review, flags, x, y, width, height FROM readings"
            " WHERE page = ? ORDER BY position",
            (page,),
        ).fetchall()
    fields = []
    for position, name, status, text, confidence, review, flags, *box in rows:
        place = Place(digest, number, form, name, Box(*box))
        verdict = settle([row for row in said if matches(row.place, place)]) if said else None
        fields.append(
            ReadField(
                item_of(page, position),
                name,
                status,
                text,
                confidence,
                bool(review),
                tuple(filter(None, flags.split(";"))),
                place.box,
                form,
                None if verdict is None else verdict.standing,
            )
        )
    return tuple(fields)
