"""What people have come to, for many readings at once: which are answered, which are doubted since."""

from __future__ import annotations

import json
from collections import Counter
from itertools import groupby
from typing import NamedTuple

from docproc.records.corrections import item_of, list_since, place_of
from docproc.records.ledger import Ledger, speaking
from docproc.records.matching import Correction, Place, Verdict, matches, settle
from docproc.types import Box


class Read(NamedTuple):
    """What a reading says, to be held against an Answer."""

    status: str
    text: str


class Word(NamedTuple):
    """A reading that people spoke of; `review` says whether the run itself sent it to a person."""

    item: int
    digest: str
    review: bool
    read: Read
    confidence: float
    said: tuple[Correction, ...]
    verdict: Verdict

    @property
    def status(self) -> str:
        """That of the reading."""
        return self.read.status


class Doubts(NamedTuple):
    """What sends readings to a person though the run accepted them: a confidence below `least`, or a wrong digit."""

    least: float
    items: frozenset[int]

    def weak(self, status: str, confidence: float) -> bool:
        """Whether an audit made this confidence too little."""
        return status == "value" and confidence < self.least


def find_doubts(ledger: Ledger, recipe: str) -> Doubts:
    """The doubts that arose since the readings of a recipe were made."""
    ask = ledger.connection.execute
    with speaking(ledger.name):
        (least,) = ask("SELECT coalesce(max(least), 0.0) FROM thresholds WHERE recipe = ?", (recipe,)).fetchone()
        wrong = ask(
            "SELECT t.page, t.position FROM tiles t JOIN pages p ON p.id = t.page"
            " WHERE t.verdict = 'wrong' AND p.recipe = ?",
            (recipe,),
        ).fetchall()
    return Doubts(least, frozenset(item_of(*place) for place in wrong))


def list_words(ledger: Ledger, recipe: str) -> list[Word]:
    """The readings of a recipe that people spoke of."""
    said = sorted(list_since(ledger), key=_page_of)
    words = []
    for (digest, number), group in groupby(said, key=_page_of):
        on_page = list(group)
        with speaking(ledger.name):
            rows = ledger.connection.execute(
                "SELECT p.id, p.form, r.position, r.field, r.x, r.y, r.width, r.height, r.review, r.status,"
                " r.text, r.confidence FROM pages p JOIN readings r ON r.page = p.id"
                " WHERE p.digest = ? AND p.recipe = ? AND p.number = ?",
                (digest, recipe, number),
            ).fetchall()
        for page, form, position, field, x, y, width, height, review, status, text, confidence in rows:
            place = Place(digest, number, form, field, Box(x, y, width, height))
            mine = tuple(row for row in on_page if matches(row.place, place))
            if mine:
                item = item_of(page, position)
                read = Read(status, text if status == "value" else "")
                words.append(Word(item, digest, bool(review), read, confidence, mine, settle(mine)))
    return words


class Weighed(NamedTuple):
    """Fields by status, a person's word before the reading; how many are to be looked at, and how many were settled."""

    statuses: dict[str, int]
    to_look_at: int
    looked_at: int


def weigh(ledger: Ledger, recipe: str, pages: str, asked: int | str) -> Weighed:
    """Count fields of a recipe by what was read and what people say.

    `pages` is SQL that gives the id of each page that counts, once for each of its sources; `asked` stands for its ?1.
    """
    doubts = find_doubts(ledger, recipe)
    with speaking(ledger.name):
        counted = ledger.connection.execute(
            "SELECT r.status, count(*), sum(r.review OR (r.status = 'value' AND r.confidence < ?2))"
            f" FROM ({pages}) p JOIN readings r ON r.page = p.id GROUP BY r.status",
            (asked, doubts.least),
        ).fetchall()
    words, doubted = list_words(ledger, recipe), set(doubts.items)
    concerned = {place_of(item)[0] for item in (*(word.item for word in words), *doubted)}
    with speaking(ledger.name):
        times: dict[int, int] = dict(
            ledger.connection.execute(
                f"SELECT id, count(*) FROM ({pages}) WHERE id IN (SELECT value FROM json_each(?2)) GROUP BY id",
                (asked, json.dumps(sorted(concerned))),
            ).fetchall()
        )
    statuses = Counter({status: count for status, count, _ in counted})
    to_look_at, looked_at = sum(flagged for _, _, flagged in counted), 0
    for word in words:
        count, settled = times.get(place_of(word.item)[0], 0), word.verdict.standing
        was = word.review or doubts.weak(word.status, word.confidence)
        to_do = settled is None and (was or word.verdict.disputed or word.item in doubted)
        doubted.discard(word.item)
        to_look_at += count * (to_do - was)
        if settled is not None:
            looked_at += count
            statuses[word.status] -= count
            statuses[settled.status] += count
    for page, position in map(place_of, doubted):
        with speaking(ledger.name):
            row = ledger.connection.execute(
                "SELECT review, status, confidence FROM readings WHERE page = ? AND position = ?", (page, position)
            ).fetchone()
        if row is not None and not row[0] and not doubts.weak(*row[1:]):
            to_look_at += times.get(page, 0)
    return Weighed({status: count for status, count in statuses.items() if count}, to_look_at, looked_at)


def _page_of(row: Correction) -> tuple[str, int]:
    return row.place.digest, row.place.number
