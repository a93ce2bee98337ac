"""What the ledger keeps of audits, and which fields nobody has looked at."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace

import pytest

from docproc.errors import UsageError
from docproc.records.audit import (
    Audit,
    Drawn,
    count_audits,
    find_audit,
    find_max_error,
    keep_sample,
    keep_threshold,
    list_judged,
    list_outcomes,
)
from docproc.records.batch import count_failures, count_flags, find_span, list_slowest
from docproc.records.corrections import add, item_of, read_state, withdraw
from docproc.records.grid import Tile, judge_tiles
from docproc.records.ledger import Ledger, begin, record, register
from docproc.records.matching import Answer, Correction, Purpose
from docproc.types import Box, Document, Failure, PageResult

Page = Callable[..., PageResult]
STATES = (
    ("value", 0.99, False, ()),
    ("value", 0.4, True, ("low-confidence",)),
    ("value", 0.9, True, ("disputed", "low-confidence")),
    ("blank", 0.0, False, ("touching",)),
    ("unreadable", 0.0, True, ("illegible",)),
)


@pytest.fixture
def batch(ledger: Ledger, make_page: Page, make_reading: Callable[..., object]) -> Ledger:
    run = begin(ledger, "recipe", '{"options": {"max_error": 0.002}}')
    register(
        ledger, run, [Document("a.png", "aa", 1), Document("b.pdf", "bb", 2), Document("c", "", 0, Failure("gone"))]
    )
    fields = [
        make_reading(
            f"f{n}", "7", status=status, confidence=sure, review=look, flags=flags, box=Box(0, 100 * n, 80, 40)
        )
        for n, (status, sure, look, flags) in enumerate(STATES)
    ]
    record(ledger, run, make_page("aa", 1, *fields, seconds=2.0))
    record(ledger, run, replace(make_page("bb", 1, flags=("repaired",)), seconds=1.5))
    record(ledger, run, PageResult(make_page("bb", 2).ref, (), failure=Failure("timeout"), seconds=3.0))
    return ledger


def say(ledger: Ledger, position: int, answer: Answer, purpose: Purpose = "review") -> Correction:
    state = read_state(ledger, item_of(1, position))
    assert state is not None
    return add(ledger, state.item, state.version, answer, "ann", purpose)


def test_readings_are_judged_by_what_calls_for_a_look(batch: Ledger) -> None:
    judged = list_judged(batch, "recipe")
    assert [(field.doubtful, field.flagged, field.answered) for field in judged] == [
        (False, False, False),
        (False, True, False),
        (True, True, False),
        (False, False, False),
        (True, True, False),
        (False, False, False),
    ]
    assert [field.text for field in judged] == ["7", "7", "7", "", "", "007"]
    assert list_judged(batch, "other") == []


def test_a_word_of_anybody_counts(batch: Ledger) -> None:
    say(batch, 0, Answer("value", "7"))
    say(batch, 1, Answer("value", "8"), "first")
    say(batch, 3, Answer("value", "8"), "audit")
    told = [(field.flagged, field.settled, field.answered) for field in list_judged(batch, "recipe")[:4]]
    assert told == [(False, True, True), (True, False, True), (True, False, False), (True, False, True)]


def test_what_a_person_doubts_is_accepted_no_more(batch: Ledger) -> None:
    judge_tiles(batch, "ann", [(Tile(item_of(1, 0), 0, "7", 0.9, "7"), True)])
    assert list_judged(batch, "recipe")[0].doubtful


def test_the_share_to_bear_is_the_runs(batch: Ledger) -> None:
    assert find_max_error(batch, "recipe") == 0.002
    assert find_max_error(batch, "unknown") == 0.005


def draw(ledger: Ledger, *positions: int) -> Audit:
    judged = {field.item: field for field in list_judged(ledger, "recipe")}
    fields = [judged[item_of(1, position)] for position in positions]
    drawn = [Drawn(f.item, f.field, f.status, f.text, f.confidence, True, 1) for f in fields]
    return keep_sample(ledger, "recipe", "ann", 5, 2, 0.002, drawn)


def test_a_sample_is_kept_as_it_was_drawn(batch: Ledger) -> None:
    made = draw(batch, 0, 3)
    assert find_audit(batch, "recipe") == made
    assert find_audit(batch, "other") is None
    assert count_audits(batch, "recipe") == 1
    for table in ("audits", "sampled"):
        with pytest.raises(sqlite3.IntegrityError, match="never changed"):
            batch.connection.execute(f"DELETE FROM {table}")


def test_outcomes_hold_what_was_read_against_the_last_word(batch: Ledger) -> None:
    audit = draw(batch, 0, 3)

    def told() -> list[tuple[bool, bool]]:
        return [(outcome.keyed, outcome.wrong) for outcome in list_outcomes(batch, audit)]

    assert told() == [(False, False), (False, False)]
    say(batch, 3, Answer("value", "5"))  # whoever saw the reading has not audited it
    assert told() == [(False, False), (False, False)]
    made = say(batch, 0, Answer("value", "7"), "audit")
    say(batch, 3, Answer("blank"), "audit")
    assert told() == [(True, False), (True, False)]
    withdraw(batch, made.id, "ann")
    say(batch, 0, Answer("value", "1"), "audit")
    assert told() == [(True, True), (True, False)]
    say(batch, 0, Answer("value", "7"), "third")
    assert told() == [(True, False), (True, False)]


def test_a_threshold_only_rises(batch: Ledger) -> None:
    audit = draw(batch, 0)
    keep_threshold(batch, audit, "ann", 0.995)
    assert [field.flagged for field in list_judged(batch, "recipe")] == [True, True, True, False, True, True]
    for least in (0.9, 0.995, float("nan")):
        with pytest.raises(UsageError, match="that high already"):
            keep_threshold(batch, audit, "ann", least)


def test_a_batch_tells_its_flags_failures_and_slowest_files(batch: Ledger) -> None:
    fields, pages = count_flags(batch, "recipe")
    assert fields == (("low-confidence", 2), ("disputed", 1), ("illegible", 1), ("touching", 1))
    assert pages == (("repaired", 1),)
    assert count_failures(batch, "recipe") == (("gone", 1), ("timeout", 1))
    assert list_slowest(batch, "recipe", 9) == (("b.pdf", 2, 4.5), ("a.png", 1, 2.0))
    began, ended = find_span(batch, "recipe")
    assert began <= ended
    assert find_span(batch, "other") == ("", "")
