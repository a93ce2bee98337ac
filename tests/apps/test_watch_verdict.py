"""What becomes of a file, as a function of what was read from it."""

from __future__ import annotations

import pytest

from docproc.apps.watch.verdict import CUT_SHORT, LONGEST_WAIT, LOOKS, OUTSIDE, TRIES, Verdict, back_off, explain, judge
from docproc.errors import FAILURES, FLAGS, RETRIED
from docproc.records.watched import FailedNumber, Outcome
from docproc.types import Document, Failure


def opened(pages: int = 1) -> Document:
    return Document("a.pdf", "digest", pages)


def broken(code: str) -> Document:
    return Document("a.pdf", "digest", 0, Failure(code, "detail"))


def test_a_document_that_was_read_is_done() -> None:
    assert judge(opened(), Outcome(read=1, flags=((1, "no-fields"),)), 1, 5) == Verdict("done")


def test_what_is_no_document_is_skipped() -> None:
    document = Document("a.txt", "digest", 0, skipped="no document: text")
    assert judge(document, Outcome(), 1, 5) == Verdict("skipped", None, "no document: text")


@pytest.mark.parametrize("code", sorted(FAILURES))
def test_every_failure_stands_at_once_or_after_its_tries(code: str) -> None:
    most = LOOKS if code in CUT_SHORT else TRIES if code in RETRIED else 1
    document = broken(code)
    states = [judge(document, Outcome(), attempt, 5).state for attempt in range(1, 10)]
    if code in OUTSIDE:
        assert set(states) == {"waiting"}
    else:
        assert states == ["waiting"] * (most - 1) + ["failed"] * (10 - most)
    assert judge(document, Outcome(), 9, 5).code == code


def test_what_may_pass_is_waited_for_before_what_stays_is_told() -> None:
    outcome = Outcome(read=1, failures=(FailedNumber(1, "too-large", ""), FailedNumber(2, "timeout", "60 s")))
    assert judge(opened(3), outcome, 1, 5) == Verdict("waiting", "timeout", "60 s", 10)
    assert judge(opened(3), outcome, TRIES, 5) == Verdict("failed", "too-large", "")


def test_the_wait_doubles_up_to_a_limit_and_is_never_nothing() -> None:
    assert [back_off(5, attempt) for attempt in (1, 2, 3)] == [10, 20, 40]
    assert back_off(0, 1) == 2
    assert back_off(5, 1000) == LONGEST_WAIT


def test_failures_and_flags_are_explained() -> None:
    assert explain("damaged") == FAILURES["damaged"]
    assert explain("repaired=page 3") == FLAGS["repaired"]
