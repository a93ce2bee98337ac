"""What the ledger keeps of audits: the fields that nobody looked at, samples drawn of them, and thresholds raised."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from docproc.errors import UsageError, needs_review
from docproc.records.about import find_about
from docproc.records.answered import find_doubts, list_words
from docproc.records.corrections import check_name, item_of, place_of
from docproc.records.ledger import Ledger, speaking, transaction
from docproc.records.matching import Answer, list_standing
from docproc.records.proof import hash_sample

USUAL_ERROR = 0.005
"""What a run accepts that did not note its options."""


class Judged(NamedTuple):
    """A reading as who plans or audits a review asks for it.

    `doubtful` says that a person should look whatever its confidence, `flagged` that one should as things stand, and
    `settled` that one did. `answered` says that somebody's word stands or waits for another's.
    """

    item: int
    field: str
    status: str
    text: str
    confidence: float
    doubtful: bool
    flagged: bool
    settled: bool
    answered: bool


class Drawn(NamedTuple):
    """A field of a sample as it was read then; the bound rests on it if it was `drawn`. `stratum` is how many accepted
    fields have its name."""

    item: int
    field: str
    status: str
    text: str
    confidence: float
    drawn: bool
    stratum: int


@dataclass(frozen=True, slots=True)
class Audit:
    """A sample out of `accepted` fields, and what it was drawn for; `hash` stands for all of it."""

    number: int
    at: str
    who: str
    recipe: str
    seed: int
    accepted: int
    least: float
    max_error: float
    fields: tuple[Drawn, ...]
    hash: str


class Outcome(NamedTuple):
    """A field of a sample, and what people came to: None while nobody keyed it blind, or a third look is wanted.

    `keyed` says that somebody did.
    """

    drawn: Drawn
    keyed: bool
    answer: Answer | None

    @property
    def wrong(self) -> bool:
        """Whether it was read wrong, as far as people can tell; a dispute counts until it is settled."""
        return self.keyed and self.answer != (self.drawn.status, self.drawn.text)


def list_judged(ledger: Ledger, recipe: str) -> list[Judged]:
    """Every reading of a recipe, on pages of files that are still there."""
    doubts = find_doubts(ledger, recipe)
    words = {word.item: word.verdict for word in list_words(ledger, recipe)}
    with speaking(ledger.name):
        present = ledger.connection.execute(
            "SELECT p.id, p.flags FROM pages p JOIN documents d ON d.digest = p.digest AND d.recipe = p.recipe"
            " WHERE p.recipe = ? AND p.failure IS NULL AND p.number <= d.pages AND d.failure IS NULL"
            " AND EXISTS (SELECT 1 FROM sources s WHERE s.digest = p.digest)",
            (recipe,),
        ).fetchall()
        pages: dict[int, str] = dict(present)
        rows = ledger.connection.execute(
            "SELECT page, position, field, status, text, confidence, review, flags FROM readings"
            " ORDER BY page, position"
        ).fetchall()
    found = []
    for page, position, field, status, text, confidence, review, flags in rows:
        if page not in pages:
            continue
        item = item_of(page, position)
        verdict = words.get(item)
        since = item in doubts.items or (verdict is not None and verdict.disputed)
        own = (flag for flag in (*flags.split(";"), *pages[page].split(";")) if flag != "low-confidence")
        doubtful = since or (bool(review) and needs_review(own))
        flagged = doubtful or bool(review) or doubts.weak(status, confidence)
        settled = verdict is not None and verdict.standing is not None
        spoken = verdict is not None and (verdict.answer is not None or verdict.disputed or verdict.first is not None)
        value = text if status == "value" else ""
        found.append(Judged(item, field, status, value, confidence, doubtful, flagged, settled, spoken))
    return found


def find_max_error(ledger: Ledger, recipe: str) -> float:
    """The share of wrong values that a recipe was to accept."""
    try:
        told = json.loads(find_about(ledger, recipe))["options"]["max_error"]
        return float(told)
    except (ValueError, KeyError, TypeError):
        return USUAL_ERROR


def keep_sample(
    ledger: Ledger, recipe: str, who: str, seed: int, accepted: int, max_error: float, fields: Sequence[Drawn]
) -> Audit:
    """Write down a sample, so that its fields wait to be keyed blind."""
    name = check_name(who)
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    least = find_doubts(ledger, recipe).least
    rows = [(*place_of(field.item), *field[1:5], int(field.drawn), field.stratum) for field in fields]
    with transaction(ledger):
        (number,) = ledger.connection.execute("SELECT coalesce(max(id), 0) + 1 FROM audits").fetchone()
        told = (number, at, name, recipe, seed, accepted, least, max_error)
        stated = hash_sample(told, rows)
        ledger.connection.execute("INSERT INTO audits VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (*told, stated))
        ledger.connection.executemany(
            "INSERT INTO sampled (audit, page, position, field, status, text, confidence, drawn, stratum)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(number, *row) for row in rows],
        )
    return Audit(number, at, name, recipe, seed, accepted, least, max_error, tuple(fields), stated)


def find_audit(ledger: Ledger, recipe: str) -> Audit | None:
    """The audit of a recipe that was begun last."""
    ask = ledger.connection.execute
    with speaking(ledger.name):
        row = ask(
            "SELECT id, at, who, recipe, seed, accepted, least, max_error, hash FROM audits WHERE recipe = ?"
            " ORDER BY id DESC LIMIT 1",
            (recipe,),
        ).fetchone()
        if row is None:
            return None
        fields = ask(
            "SELECT page, position, field, status, text, confidence, drawn, stratum FROM sampled WHERE audit = ?"
            " ORDER BY id",
            (row[0],),
        ).fetchall()
    number, at, who, *rest, stated = row
    key, seed, accepted, least, max_error = rest
    drawn = tuple(_read_drawn(field) for field in fields)
    return Audit(number, at, who, key, seed, accepted, least, max_error, drawn, stated)


def count_audits(ledger: Ledger, recipe: str) -> int:
    """How many samples were drawn of the readings of a recipe."""
    with speaking(ledger.name):
        row = ledger.connection.execute("SELECT count(*) FROM audits WHERE recipe = ?", (recipe,)).fetchone()
    return int(row[0])


def list_outcomes(ledger: Ledger, audit: Audit) -> tuple[Outcome, ...]:
    """What people came to of each field of a sample."""
    words = {word.item: word for word in list_words(ledger, audit.recipe)}
    outcomes = []
    for drawn in audit.fields:
        word = words.get(drawn.item)
        keyed = word is not None and any(row.purpose == "audit" for row in list_standing(word.said))
        outcomes.append(Outcome(drawn, keyed, None if word is None else word.verdict.standing))
    return tuple(outcomes)


def keep_threshold(ledger: Ledger, audit: Audit, who: str, least: float) -> None:
    """Send the values of a recipe that are less sure than this to people; it only ever rises."""
    name = check_name(who)
    if not least > find_doubts(ledger, audit.recipe).least:
        raise UsageError("the threshold is that high already; draw a new sample")
    with transaction(ledger):
        ledger.connection.execute(
            "INSERT INTO thresholds (at, who, recipe, audit, least) VALUES (?, ?, ?, ?, ?)",
            (datetime.now(UTC).isoformat(timespec="milliseconds"), name, audit.recipe, audit.number, least),
        )


def _read_drawn(row: Sequence[Any]) -> Drawn:
    page, position, field, status, text, confidence, drawn, stratum = row
    return Drawn(item_of(page, position), field, status, text, confidence, bool(drawn), stratum)
