"""One field as a person gets it: picture, reading, and what was said of it; for a blind answer without the reading."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any

from docproc.records.answered import find_doubts
from docproc.records.cells import order_naturally, show_source
from docproc.records.corrections import Changed, State, place_of, read_state
from docproc.records.ledger import Ledger, speaking
from docproc.records.matching import OPEN, Correction, Purpose, Verdict
from docproc.records.strips import fetch_strip
from docproc.types import Box, Digit, Reading

BLIND: frozenset[Purpose] = frozenset({"first", "second", "audit"})
"""Purposes for which neither the reading nor another person's answer is shown."""


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """A field in full. `version` goes back with the answer.

    `source` is for show, `path` the file's name for the system, as `types.PageRef` has it; `others` are files with the
    same bytes. `strip` is its PNG, b"" where none is kept. `flags` are those of the field, of doubts that arose since,
    then of the page. Where the answer must be blind, `reading` is None, and `flags`, `said` and `verdict` are empty.
    """

    id: int
    version: str
    source: str
    path: str
    others: tuple[str, ...]
    page: int
    field: str
    form: str | None
    form_page: int | None
    form_pages: int | None
    residual: float | None
    box: Box
    strip: bytes
    flags: tuple[str, ...]
    reading: Reading | None
    said: tuple[Correction, ...]
    verdict: Verdict


def read_item(ledger: Ledger, item: int, purpose: Purpose = "review") -> Item:
    """The field with this id, as somebody with that purpose may see it; raises Changed where it is gone."""
    state = read_state(ledger, item)
    if state is None:
        raise Changed(None)
    page, position = place_of(item)
    with speaking(ledger.name):
        row = ledger.connection.execute(
            "SELECT p.flags, p.form_page, p.form_pages, p.residual, r.review, r.flags, r.digits, r.alternatives"
            " FROM readings r JOIN pages p ON p.id = r.page WHERE r.page = ? AND r.position = ?",
            (page, position),
        ).fetchone()
        paths = ledger.connection.execute("SELECT path FROM sources WHERE digest = ?", (state.place.digest,)).fetchall()
    page_flags, form_page, form_pages, residual, *rest = row
    names = sorted((path for (path,) in paths), key=order_naturally)
    strip = fetch_strip(ledger, page, position)
    reading = _read(state, strip, *rest)
    blind = purpose in BLIND
    doubts = find_doubts(ledger, state.seen.recipe)
    since = ["low-confidence"] * doubts.weak(state.seen.status, state.seen.confidence) + ["doubted"] * (
        item in doubts.items
    )
    flags = tuple(dict.fromkeys(filter(None, (*reading.flags, *since, *page_flags.split(";")))))
    return Item(
        id=item,
        version=state.version,
        source=show_source(names[0]) if names else "",
        path=os.fsdecode(names[0]) if names else "",
        others=tuple(show_source(name) for name in names[1:]),
        page=state.place.number,
        field=state.place.field,
        form=state.place.form,
        form_page=form_page,
        form_pages=form_pages,
        residual=residual,
        box=state.place.box,
        strip=strip,
        flags=() if blind else flags,
        reading=None if blind else reading,
        said=() if blind else state.corrections,
        verdict=OPEN if blind else state.verdict,
    )


def read_digits(packed: str) -> tuple[Digit, ...]:
    """Digits as the ledger has them in JSON."""
    digits = []
    for text, confidence, x, y, width, height, *others in json.loads(packed):
        also = tuple((name, chance) for name, chance in (others[0] if others else ()))
        digits.append(Digit(text, confidence, Box(x, y, width, height), also))
    return tuple(digits)


def _read(state: State, strip: bytes, review: int, flags: str, digits: str, alternatives: str) -> Reading:
    seen: Any = state.seen
    return Reading(
        state.place.field,
        seen.status,
        seen.text,
        seen.confidence,
        bool(review),
        tuple(filter(None, flags.split(";"))),
        state.place.box,
        read_digits(digits),
        tuple((text, chance) for text, chance in json.loads(alternatives)),
        strip,
    )
