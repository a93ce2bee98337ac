"""What people say about readings: rows that are only ever added, each chained to the one before by its hash.

A correction belongs to a place: bytes of a file, page, field by name and box. It belongs to no recipe, so reading anew
with another model leaves it as it is; `matching` finds the reading that lies there now.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from docproc.errors import UsageError
from docproc.records.chain import link
from docproc.records.ledger import Ledger, speaking, transaction
from docproc.records.matching import (
    Answer,
    Correction,
    Pick,
    Place,
    Purpose,
    Seen,
    Verdict,
    matches,
    settle,
    stamp,
)
from docproc.types import Box

FIELDS_A_PAGE = 1 << 20
"""An item is a page's id times this, plus the position of the field on it: below 2^53 on any real ledger."""
MOST_TEXT = 64
MOST_NAME = 80
COLUMNS = (
    "id, at, who, purpose, digest, number, form, field, x, y, width, height, status, text, recipe, seen_text,"
    " seen_status, seen_confidence, withdraws, previous, hash"
)

_DIGITS_AGAIN = """
    INSERT OR IGNORE INTO digits
    SELECT r.page, r.position, d.key, p.recipe, json_extract(d.value, '$[0]'), json_extract(d.value, '$[1]')
    FROM readings r JOIN pages p ON p.id = r.page, json_each(r.digits) d
    WHERE r.page = ?1 AND r.position = ?2 AND NOT EXISTS (SELECT 1 FROM tiles t WHERE t.page = r.page
        AND t.position = r.position AND t.place = d.key AND t.verdict IN ('right', 'wrong'))
"""


class Changed(Exception):  # noqa: N818  (news for whoever reviews, not a mistake)
    """What was said rests on a state that is no more; nothing was written.

    `state` is the new one, None where the reading is gone.
    """

    def __init__(self, state: State | None) -> None:
        super().__init__(state)
        self.state = state


@dataclass(frozen=True, slots=True)
class State:
    """A field and all that was said of it. `version` stands for all of this: give it back with what is said next.

    `item` is the id of the reading in this ledger. `corrections` are those of the place, oldest first, withdrawn ones
    and withdrawals among them; `verdict` is what they come to.
    """

    item: int
    place: Place
    seen: Seen
    corrections: tuple[Correction, ...]
    verdict: Verdict
    version: str


def item_of(page: int, position: int) -> int:
    """The id by which people's tools speak of a reading."""
    return page * FIELDS_A_PAGE + position


def place_of(item: int) -> tuple[int, int]:
    """The page's id and the position of the reading on it."""
    return divmod(item, FIELDS_A_PAGE)


def read_state(ledger: Ledger, item: int) -> State | None:
    """What a field holds and what was said of it; None where there is no such reading."""
    with speaking(ledger.name):
        row = ledger.connection.execute(
            "SELECT p.digest, p.number, p.form, r.field, r.x, r.y, r.width, r.height, p.recipe, r.text, r.status,"
            " r.confidence FROM readings r JOIN pages p ON p.id = r.page WHERE r.page = ? AND r.position = ?",
            place_of(item),
        ).fetchone()
    if row is None:
        return None
    digest, number, form, field, *rest = row
    place, seen = Place(digest, number, form, field, Box(*rest[:4])), Seen(*rest[4:])
    said = tuple(c for c in list_corrections(ledger, place.digest, place.number) if matches(c.place, place))
    return State(item, place, seen, said, settle(said), stamp(item, seen, said))


def add(
    ledger: Ledger,
    item: int,
    version: str,
    answer: Answer,
    who: str,
    purpose: Purpose = "review",
    at: datetime | None = None,
) -> Correction:
    """Write what `who` says a field holds, having seen its `version`; at the present time if none is given.

    Raises Changed where the field is another by now, or was answered; UsageError where the answer is none, or where
    who keyed it first would key it second. Either way nothing is written.
    """
    name, answer = check_name(who), check_answer(answer)
    with transaction(ledger):
        state = read_state(ledger, item)
        if state is None or state.version != version:
            raise Changed(state)
        if purpose == "second" and state.verdict.first is not None and state.verdict.first.who == name:
            raise UsageError(f"{name} keyed this field first; let another person key it second")
        made = _append(ledger, Pick(state.place, state.seen, answer), name, purpose, None, at)
        if settle((*state.corrections, made)).standing is not None:
            ledger.connection.execute("DELETE FROM digits WHERE page = ? AND position = ?", place_of(item))
        # whoever is to look at it next, or for another purpose, need not wait for the lease to run out
        ledger.connection.execute("DELETE FROM leases WHERE item = ? AND who = ?", (item, name))
        return made


def withdraw(ledger: Ledger, number: int, who: str, at: datetime | None = None) -> Correction:
    """Take back the correction with this id: a row of its own, which the former one stays beside.

    Raises Changed where more was said of the field since, or where it was taken back already; UsageError where there is
    no such correction.
    """
    name = check_name(who)
    with transaction(ledger):
        former = find_correction(ledger, number)
        if former is None or former.withdraws is not None:
            raise UsageError(f"there is no correction {number} to take back; undo the last one that you made")
        said = list_corrections(ledger, former.place.digest, former.place.number)
        last = [row for row in said if matches(row.place, former.place)][-1]
        if last.id != number:
            raise Changed(_find_state(ledger, former))
        pick = Pick(former.place, former.seen, former.answer)
        made = _append(ledger, pick, name, former.purpose, number, at)
        item = find_item(ledger, former.seen.recipe, former.place)
        if item is not None:
            ledger.connection.execute(_DIGITS_AGAIN, place_of(item))
        return made


def find_correction(ledger: Ledger, number: int) -> Correction | None:
    """The correction with this id."""
    with speaking(ledger.name):
        row = ledger.connection.execute(f"SELECT {COLUMNS} FROM corrections WHERE id = ?", (number,)).fetchone()
    return None if row is None else _read(row)


def list_corrections(ledger: Ledger, digest: str, number: int | None = None) -> list[Correction]:
    """What was said of a page, or with no number of a whole document, oldest first."""
    where, asked = ("digest = ?", (digest,)) if number is None else ("digest = ? AND number = ?", (digest, number))
    with speaking(ledger.name):
        rows = ledger.connection.execute(
            f"SELECT {COLUMNS} FROM corrections WHERE {where} ORDER BY id", asked
        ).fetchall()
    return [_read(row) for row in rows]


def list_since(ledger: Ledger, number: int = 0) -> list[Correction]:
    """All corrections behind the one with this id, oldest first."""
    with speaking(ledger.name):
        rows = ledger.connection.execute(f"SELECT {COLUMNS} FROM corrections WHERE id > ? ORDER BY id", (number,))
        return [_read(row) for row in rows]


def find_item(ledger: Ledger, recipe: str, place: Place) -> int | None:
    """The reading of a recipe that lies at a place, as one that came from elsewhere names it."""
    with speaking(ledger.name):
        rows = ledger.connection.execute(
            "SELECT r.page, r.position, p.form, r.field, r.x, r.y, r.width, r.height FROM pages p"
            " JOIN readings r ON r.page = p.id WHERE p.digest = ? AND p.recipe = ? AND p.number = ?",
            (place.digest, recipe, place.number),
        ).fetchall()
    for page, position, form, field, *box in rows:
        if matches(place, Place(place.digest, place.number, form, field, Box(*box))):
            return item_of(page, position)
    return None


def check_name(who: str) -> str:
    """A reviewer's name, trimmed; UsageError where it is none."""
    name = who.strip()
    if not 0 < len(name) <= MOST_NAME or not _is_plain(name):
        raise UsageError(f"a reviewer's name is 1 to {MOST_NAME} letters without control characters; give another")
    return name


def check_answer(answer: Answer) -> Answer:
    """An answer, trimmed; UsageError where it could stand in no table."""
    text = answer.text.strip()
    if answer.status not in ("value", "blank", "unreadable") or (answer.status == "value") != bool(text):
        raise UsageError("a field is blank, unreadable or holds a value, which is not empty; say which")
    if len(text) > MOST_TEXT or not _is_plain(text):
        raise UsageError(f"a value is at most {MOST_TEXT} characters and none of control; key a shorter one")
    return Answer(answer.status, text)


def _append(
    ledger: Ledger, pick: Pick, who: str, purpose: Purpose, withdraws: int | None, at: datetime | None
) -> Correction:
    """Chain a row to the last one; inside a transaction."""
    last = ledger.connection.execute("SELECT id, hash FROM corrections ORDER BY id DESC LIMIT 1").fetchone()
    number, previous = (1, "") if last is None else (last[0] + 1, last[1])
    when = (at or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="milliseconds")
    made = link(Correction(number, when, who, purpose, *pick, withdraws, previous, ""))
    place, seen = made.place, made.seen
    ledger.connection.execute(
        f"INSERT INTO corrections ({COLUMNS}) VALUES ({', '.join('?' * 21)})",
        (
            *(number, when, who, purpose, place.digest, place.number, place.form, place.field, *place.box),
            *(made.answer.status, made.answer.text, seen.recipe, seen.text, seen.status, seen.confidence),
            *(withdraws, previous, made.hash),
        ),
    )
    return made


def _find_state(ledger: Ledger, former: Correction) -> State | None:
    item = find_item(ledger, former.seen.recipe, former.place)
    return None if item is None else read_state(ledger, item)


def _read(row: tuple[Any, ...]) -> Correction:
    number, at, who, purpose, digest, page, form, field, *rest = row
    box, (status, text, *seen), tail = Box(*rest[:4]), rest[4:10], rest[10:]
    return Correction(
        number, at, who, purpose, Place(digest, page, form, field, box), Seen(*seen), Answer(status, text), *tail
    )


def _is_plain(text: str) -> bool:
    """Whether a text has no control, format or broken characters."""
    return all(unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for letter in text)
