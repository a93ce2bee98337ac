"""Whoever tampers with what people said is found."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from docproc.records.audit import Drawn, keep_sample
from docproc.records.corrections import add, item_of, list_since, read_state, withdraw
from docproc.records.ledger import Ledger, begin, record, register
from docproc.records.matching import Answer
from docproc.records.proof import GUARDED, read_head, verify
from docproc.types import Document, PageResult


@pytest.fixture
def spoken(ledger: Ledger, make_page: Callable[..., PageResult]) -> Ledger:
    """A ledger with four corrections, one of them taken back, and an audit."""
    run = begin(ledger, "recipe")
    register(ledger, run, [Document("a.png", "aa", 1)])
    record(ledger, run, make_page("aa"))
    for text in ("1", "2", "3"):
        state = read_state(ledger, item_of(1, 0))
        assert state is not None
        made = add(ledger, state.item, state.version, Answer("value", text), "ann")
    withdraw(ledger, made.id, "ann")
    keep_sample(ledger, "recipe", "ann", 1, 10, 0.005, [Drawn(item_of(1, 0), "f", "value", "7", 0.9, True, 10)])
    return ledger


def unguard(ledger: Ledger) -> None:
    """Do as one would who tampers: triggers can be dropped."""
    for table in GUARDED:
        for end in ("stay", "last", "once"):
            ledger.connection.execute(f"DROP TRIGGER {table}_{end}")


def test_what_was_not_tampered_with_verifies(spoken: Ledger) -> None:
    proof = verify(spoken)
    assert (proof.chain.rows, proof.audits, proof.broken) == (4, 1, "")
    assert proof.chain == read_head(spoken)
    for row in list_since(spoken):
        assert verify(spoken, row.hash).broken == ""
        assert verify(spoken, row.hash[:12]).broken == ""


def test_an_empty_ledger_verifies(ledger: Ledger) -> None:
    assert verify(ledger).chain == (0, "")
    assert verify(ledger).broken == ""


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE corrections SET text = '9' WHERE id = 2", "correction 2 is not as it was written"),
        ("UPDATE corrections SET who = 'bob' WHERE id = 1", "correction 1 is not as it was written"),
        ("UPDATE corrections SET x = x'00' WHERE id = 3", "correction 3 is not as it was written"),
        ("UPDATE corrections SET seen_confidence = 9e999 WHERE id = 3", "correction 3 is not as it was written"),
        ("UPDATE corrections SET withdraws = NULL WHERE id = 4", "correction 4 is not as it was written"),
        ("UPDATE corrections SET previous = hash WHERE id = 2", "correction 2 does not follow"),
        ("DELETE FROM corrections WHERE id = 2", "correction 2 is missing"),
        ("DELETE FROM corrections WHERE id = 4", "correction 4 is missing: 4 were written"),
        ("DELETE FROM corrections", "correction 1 is missing: 4 were written"),
        ("UPDATE sampled SET text = '8'", "audit 1 is not as it was drawn"),
        ("DELETE FROM sampled", "audit 1 is not as it was drawn"),
        ("UPDATE audits SET accepted = 1000", "audit 1 is not as it was drawn"),
        ("SELECT 1", "the guard audits_last was taken away"),
    ],
)
def test_the_first_broken_row_is_named(spoken: Ledger, statement: str, broken: str) -> None:
    unguard(spoken)
    spoken.connection.execute("PRAGMA foreign_keys = OFF")
    spoken.connection.execute(statement)
    assert broken in verify(spoken).broken


def test_a_chain_written_anew_is_found_by_the_hash_that_a_certificate_states(spoken: Ledger) -> None:
    head = read_head(spoken).head
    unguard(spoken)
    spoken.connection.execute("PRAGMA foreign_keys = OFF")
    spoken.connection.execute("DELETE FROM corrections WHERE id > 2")
    spoken.connection.execute("UPDATE sqlite_sequence SET seq = 2 WHERE name = 'corrections'")
    assert "guard" in verify(spoken).broken
    assert "was cut off or written anew" in verify(spoken, head).broken
