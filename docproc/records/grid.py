"""Many digits read alike at once: the least typical first, with a few known to be another among them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from docproc.errors import UsageError
from docproc.records.corrections import check_name, item_of, place_of, read_state
from docproc.records.lanes import Tick
from docproc.records.ledger import Ledger, speaking, transaction

SURE = 0.999
"""Confidence of a digit that is planted among others."""
PLANTED_FROM = 50
"""The surest of each other digit that planted ones are chosen from."""
Sight = Literal["right", "wrong", "caught", "missed"]
"""The verdict on a digit: as it was read or not; on a planted one, whether it was found."""


class Tile(NamedTuple):
    """A digit of a field; `place` counts the field's digits from 0. `shown` is what it is shown as among the others."""

    item: int
    place: int
    digit: str
    confidence: float
    shown: str

    @property
    def planted(self) -> bool:
        """Whether it was put among digits of another kind, to see if it is found."""
        return self.digit != self.shown


class Attention(NamedTuple):
    """How many planted tiles were found, and how many were not."""

    caught: int
    missed: int


def list_tiles(ledger: Ledger, recipe: str, digit: str, count: int) -> tuple[Tile, ...]:
    """The digits read as this one that nobody judged yet and whose fields nobody settled, the least confident first."""
    tiles: list[Tile] = []
    after = (-1.0, 0, 0, 0)
    while len(tiles) < count:
        with speaking(ledger.name):
            rows = ledger.connection.execute(
                "SELECT page, position, place, confidence FROM digits WHERE recipe = ? AND digit = ?"
                " AND (confidence, page, position, place) > (?, ?, ?, ?)"
                " ORDER BY confidence, page, position, place LIMIT ?",
                (recipe, digit, *after, count - len(tiles)),
            ).fetchall()
        if not rows:
            break
        for page, position, place, confidence in rows:
            after = (confidence, page, position, place)
            state = read_state(ledger, item_of(page, position))
            if state is not None and state.verdict.standing is None:
                tiles.append(Tile(item_of(page, position), place, digit, confidence, digit))
    return tuple(tiles)


def list_planted(ledger: Ledger, recipe: str, digit: str, count: int, seed: int) -> tuple[Tile, ...]:
    """Digits that are surely another, to be shown as this one; which ones depends on the seed."""
    known: list[Tile] = []
    for other in sorted(set("0123456789") - {digit}):
        with speaking(ledger.name):
            rows = ledger.connection.execute(
                "SELECT page, position, place, confidence FROM digits WHERE recipe = ? AND digit = ?"
                " AND confidence >= ? ORDER BY confidence DESC LIMIT ?",
                (recipe, other, SURE, PLANTED_FROM),
            ).fetchall()
        known += [Tile(item_of(row[0], row[1]), row[2], other, row[3], digit) for row in rows]
    return tuple(random.Random(seed).sample(known, min(count, len(known))))


def judge_tiles(ledger: Ledger, who: str, verdicts: Sequence[tuple[Tile, bool]]) -> None:
    """Keep what somebody says of tiles, each with whether they found it wrong; all of them or none.

    The field of one that was not planted and is wrong is to be looked at from now on.
    """
    name = check_name(who)
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    with transaction(ledger):
        for tile, found in verdicts:
            if tile.planted:
                verdict: Sight = "caught" if found else "missed"
            else:
                verdict = "wrong" if found else "right"
            ledger.connection.execute(
                "INSERT INTO tiles (at, who, page, position, place, shown, verdict) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (now, name, *place_of(tile.item), tile.place, tile.shown, verdict),
            )


def count_tiles(ledger: Ledger, recipe: str) -> tuple[Tick, ...]:
    """For each digit how often it was read, and how many of those nobody judged yet."""
    with speaking(ledger.name):
        left = ledger.connection.execute(
            "SELECT digit, count(*) FROM digits WHERE recipe = ? GROUP BY digit", (recipe,)
        ).fetchall()
        judged = ledger.connection.execute(
            "SELECT t.shown, count(DISTINCT t.page || ' ' || t.position || ' ' || t.place) FROM tiles t"
            " JOIN pages p ON p.id = t.page WHERE p.recipe = ? AND t.verdict IN ('right', 'wrong') GROUP BY t.shown",
            (recipe,),
        ).fetchall()
    waiting, done = dict(left), dict(judged)
    return tuple(
        Tick(digit, waiting.get(digit, 0) + done.get(digit, 0), waiting.get(digit, 0))
        for digit in sorted({*waiting, *done})
    )


def count_judged(ledger: Ledger, recipe: str) -> int:
    """How many digits people judged."""
    with speaking(ledger.name):
        row = ledger.connection.execute(
            "SELECT count(*) FROM (SELECT DISTINCT t.page, t.position, t.place FROM tiles t"
            " JOIN pages p ON p.id = t.page WHERE p.recipe = ? AND t.verdict IN ('right', 'wrong'))",
            (recipe,),
        ).fetchone()
    return int(row[0])


def measure_attention(ledger: Ledger, who: str = "") -> Attention:
    """How many planted tiles somebody found, or with no name all reviewers."""
    with speaking(ledger.name):
        row = ledger.connection.execute(
            "SELECT count(*) FILTER (WHERE verdict = 'caught'), count(*) FILTER (WHERE verdict = 'missed') FROM tiles"
            " WHERE ?1 = '' OR who = ?1",
            (who,),
        ).fetchone()
    return Attention(*row)


def replace_digit(text: str, place: int, digit: str) -> str:
    """A value with one of its digits exchanged, or with "" left out; UsageError where it has no such digit."""
    places = [number for number, letter in enumerate(text) if letter.isdigit()]
    if not 0 <= place < len(places) or digit not in ("", *"0123456789"):
        raise UsageError("the value has no such digit; key it whole in the queue")
    return text[: places[place]] + digit + text[places[place] + 1 :]
