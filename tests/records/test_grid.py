"""Digits read alike, judged many at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from docproc.errors import UsageError
from docproc.records.corrections import add, item_of, read_state, withdraw
from docproc.records.grid import (
    count_judged,
    count_tiles,
    judge_tiles,
    list_planted,
    list_tiles,
    measure_attention,
    replace_digit,
)
from docproc.records.ledger import Ledger, begin, record, register
from docproc.records.matching import Answer
from docproc.types import Box, Digit, Document, PageResult

Page = Callable[..., PageResult]


@pytest.fixture
def digits(ledger: Ledger, make_page: Page, make_reading: Callable[..., object]) -> Ledger:
    """Three fields: 77 (of 0.9 and 0.5), 17 (0.9995 and 0.7) and 7 (0.6)."""
    run = begin(ledger, "recipe")
    register(ledger, run, [Document("a.png", "aa", 1)])
    fields = []
    for n, (text, chances) in enumerate((("77", (0.9, 0.5)), ("17", (0.9995, 0.7)), ("7", (0.6,)))):
        known = tuple(
            Digit(d, c, Box(9 * k, 0, 9, 9), (("1", 0.1),)) for k, (d, c) in enumerate(zip(text, chances, strict=True))
        )
        fields.append(make_reading(f"f{n}", text, digits=known, box=Box(0, 100 * n, 80, 40)))
    record(ledger, run, make_page("aa", 1, *fields))
    return ledger


def test_the_least_typical_comes_first(digits: Ledger) -> None:
    found = [(tile.item - item_of(1, 0), tile.place, tile.confidence) for tile in list_tiles(digits, "recipe", "7", 9)]
    assert found == [(0, 1, 0.5), (2, 0, 0.6), (1, 1, 0.7), (0, 0, 0.9)]
    assert len(list_tiles(digits, "recipe", "7", 2)) == 2
    assert list_tiles(digits, "other", "7", 2) == ()


def test_what_was_judged_does_not_come_again(digits: Ledger) -> None:
    first, second, *_ = list_tiles(digits, "recipe", "7", 9)
    judge_tiles(digits, "ann", [(first, False), (second, True)])
    assert [tile.confidence for tile in list_tiles(digits, "recipe", "7", 9)] == [0.7, 0.9]
    assert count_tiles(digits, "recipe") == (("1", 1, 1), ("7", 4, 2))
    assert count_judged(digits, "recipe") == 2


def test_settled_fields_are_left_out_until_undone(digits: Ledger) -> None:
    state = read_state(digits, item_of(1, 0))
    assert state is not None
    made = add(digits, state.item, state.version, Answer("value", "17"), "ann", "grid")
    assert [tile.confidence for tile in list_tiles(digits, "recipe", "7", 9)] == [0.6, 0.7]
    withdraw(digits, made.id, "ann")
    assert len(list_tiles(digits, "recipe", "7", 9)) == 4


def test_planted_digits_measure_attention_and_change_nothing(digits: Ledger) -> None:
    (planted,) = list_planted(digits, "recipe", "7", 5, seed=1)
    assert (planted.digit, planted.shown, planted.planted, planted.confidence) == ("1", "7", True, 0.9995)
    judge_tiles(digits, "ann", [(planted, True)])
    judge_tiles(digits, "bob", [(planted, False)])
    assert (measure_attention(digits), measure_attention(digits, "ann")) == ((1, 1), (1, 0))
    assert count_tiles(digits, "recipe") == (("1", 1, 1), ("7", 4, 4))
    assert count_judged(digits, "recipe") == 0


def test_a_digit_of_a_value_is_exchanged() -> None:
    assert replace_digit("12.5", 2, "7") == "12.7"
    assert replace_digit("12.5", 0, "") == "2.5"
    for place, digit in ((3, "1"), (-1, "1"), (0, "x"), (0, "12")):
        with pytest.raises(UsageError, match="no such digit"):
            replace_digit("12.5", place, digit)


def test_older_ledgers_learn_of_their_digits(digits: Ledger) -> None:
    from docproc.records.schema import MIGRATIONS

    before = digits.connection.execute("SELECT * FROM digits").fetchall()
    digits.connection.execute("DELETE FROM digits")
    (fill,) = [s for s in MIGRATIONS[3][1] if s.startswith("INSERT INTO digits")]
    digits.connection.execute(fill)
    assert digits.connection.execute("SELECT * FROM digits").fetchall() == before
