"""Which corrections belong to which reading, and what several of them come to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from docproc.types import Box

Purpose = Literal["review", "grid", "first", "second", "third", "audit"]
"""Why a person looked: at a flagged field, over many alike digits, keying it first or second without the other's word,
settling what two said differently, or for an audit."""
Said = Literal["value", "blank", "unreadable"]
SAME_PLACE = 0.5
"""Two boxes are one place if what they share is at least so much of what they cover together."""


class Answer(NamedTuple):
    """What a person says a field holds; `text` is empty unless it is a value."""

    status: Said
    text: str = ""


class Place(NamedTuple):
    """Where a field lies: sha256 of the file, page number, its form if it lay on one, name, box on the stored page."""

    digest: str
    number: int
    form: str | None
    field: str
    box: Box


class Seen(NamedTuple):
    """The reading that somebody had before them."""

    recipe: str
    text: str
    status: str
    confidence: float

    @property
    def answer(self) -> tuple[str, str]:
        """What the machine says, to be held against an Answer."""
        return self.status, self.text if self.status == "value" else ""


class Pick(NamedTuple):
    """A place, the reading seen there, and what is said of it."""

    place: Place
    seen: Seen
    answer: Answer


@dataclass(frozen=True, slots=True)
class Correction:
    """One row of what people say; `withdraws` is the id of the row that this one takes back.

    `at` is UTC, ISO 8601. `hash` is the sha256 of all else here, the hash of the `previous` row among it.
    """

    id: int
    at: str
    who: str
    purpose: Purpose
    place: Place
    seen: Seen
    answer: Answer
    withdraws: int | None
    previous: str
    hash: str


class Verdict(NamedTuple):
    """What the corrections of one place come to.

    `answer` is the last word, None while nobody settled the field; `by` are the rows that it rests on. `first` is one
    keying that waits for a second. `disputed` says that two differ and a third look is wanted; until then nothing
    stands.
    """

    answer: Answer | None
    by: tuple[Correction, ...] = ()
    first: Correction | None = None
    disputed: bool = False

    @property
    def standing(self) -> Answer | None:
        """What goes for the field's value."""
        return None if self.disputed else self.answer

    @property
    def who(self) -> str:
        """The people that the answer rests on."""
        return ", ".join(dict.fromkeys(row.who for row in self.by))


OPEN = Verdict(None)
"""Nobody said anything that stands."""


def settle(said: Sequence[Correction]) -> Verdict:
    """Weigh what was said of one place, oldest first; the last word counts, what was taken back does not.

    A second keying settles a field if it agrees with the first, or without one with the answer or reading that stood
    there. A blind answer of an audit is such a second one, held against the reading.
    """
    gone = {row.withdraws for row in said if row.withdraws is not None}
    verdict = OPEN
    for row in said:
        if row.withdraws is not None or row.id in gone:
            continue
        if row.purpose == "first":
            verdict = verdict._replace(first=row)
        elif row.purpose == "second":
            standing = row.seen.answer if verdict.answer is None else verdict.answer
            other = standing if verdict.first is None else verdict.first.answer
            if row.answer == other:
                verdict = Verdict(row.answer, tuple(filter(None, (verdict.first, row))))
            else:
                verdict = verdict._replace(first=None, disputed=True)
        else:
            verdict = Verdict(row.answer, (row,), None, row.purpose == "audit" and row.answer != row.seen.answer)
    return verdict


def list_standing(said: Sequence[Correction]) -> list[Correction]:
    """The rows that nobody took back."""
    gone = {row.withdraws for row in said if row.withdraws is not None}
    return [row for row in said if row.withdraws is None and row.id not in gone]


def matches(said: Place, now: Place) -> bool:
    """Whether what was said of one place holds for a field as it is found now.

    On a form that is the field of the same name, where their boxes touch at all: a form may have been edited so that a
    name stands elsewhere. Else numbers of fields shift, and boxes tell.
    """
    if said == now:
        return True
    if (said.digest, said.number) != (now.digest, now.number):
        return False
    shared = measure_overlap(said.box, now.box)
    if said.form is not None and now.form is not None and said.field == now.field:
        return shared > 0
    return shared >= SAME_PLACE


def measure_overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes."""
    down = min(one.bottom, other.bottom) - max(one.y, other.y)
    if down <= 0:
        return 0.0
    across = min(one.right, other.right) - max(one.x, other.x)
    if across <= 0:
        return 0.0
    both = across * down
    return both / (one.width * one.height + other.width * other.height - both)


def stamp(item: int, seen: Seen, said: Sequence[Correction]) -> str:
    """The version of a field: a short hash of the reading and of the last row said of it."""
    last = said[-1].id if said else 0
    told = json.dumps([item, *seen, last])
    return hashlib.sha256(told.encode()).hexdigest()[:16]
