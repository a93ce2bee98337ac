"""What the ledger knows of the files of a watched folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from docproc.records.ledger import Ledger, Run, begin, open_ledger, record, register
from docproc.records.rows import list_rows
from docproc.records.watched import (
    FailedNumber,
    Outcome,
    Watched,
    beat,
    begin_attempts,
    count_sources,
    find_outcome,
    find_watched,
    forget_watched,
    give_another_chance,
    is_taken,
    list_waiting,
    note_watched,
    part_ways,
)
from docproc.types import Box, Document, Failure, PageRef, PageResult, Reading

ODD = os.fsdecode(b"inbox/caf\xe9 =cmd|\n.pdf")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(tmp_path / "r.csv.ledger") as opened:
        yield opened


@pytest.fixture
def turn(ledger: Ledger) -> Run:
    return begin(ledger, "recipe")


def read(ledger: Ledger, turn: Run, path: str, digest: str) -> Document:
    """Register a document of one page under a path, and read it."""
    document = Document(path, digest, 1)
    register(ledger, turn, [document])
    reading = Reading("field-1", "value", digest, 0.5, True, (), Box(1, 2, 3, 4))
    record(ledger, turn, PageResult(PageRef(path, digest, 1), (reading,), ("repaired",), None))
    return document


def sources(ledger: Ledger) -> list[tuple[str, str]]:
    return [(row.source, row.value) for row in list_rows(ledger, "recipe")]


def test_a_file_is_kept_as_it_was_noted_whatever_its_name(ledger: Ledger) -> None:
    file = Watched(ODD, "1:2:3:4", "failed", "recipe", 3, "damaged", "\udce9", "failed/" + ODD)
    note_watched(ledger, [file])
    assert find_watched(ledger, ODD) == replace(file, detail="\\udce9")
    assert find_watched(ledger, "inbox/other.pdf") is None
    assert list_waiting(ledger) == []


def test_beginning_counts_an_attempt_that_has_no_end_yet(ledger: Ledger) -> None:
    file = Watched("inbox/a.pdf", "1", "waiting", "recipe", 2, "damaged", "cut short")
    begun = begin_attempts(ledger, [file])
    assert begun == [Watched("inbox/a.pdf", "1", "waiting", "recipe", 3)]
    assert list_waiting(ledger) == begun


def test_a_moved_file_keeps_its_rows_when_its_name_comes_again(ledger: Ledger, turn: Run, tmp_path: Path) -> None:
    read(ledger, turn, "inbox/a.pdf", "111")
    place = str(tmp_path / "a.pdf")
    note_watched(ledger, [Watched("inbox/a.pdf", "1", "done", "recipe", 1, place=place)])
    (begun,) = begin_attempts(ledger, [Watched("inbox/a.pdf", "2", "waiting", "recipe")])
    assert (begun.place, begun.attempts) == (place, 1)
    former = find_watched(ledger, place)
    assert former is not None
    assert (former.state, former.place) == ("done", place)
    assert sources(ledger) == [("inbox/a.pdf", "111")]
    part_ways(ledger, begun, Document("inbox/a.pdf", "222", 1))
    read(ledger, turn, "inbox/a.pdf", "222")
    assert sorted(sources(ledger)) == [(place, "111"), ("inbox/a.pdf", "222")]


def test_two_files_moved_to_one_path_by_turns_have_one_each(ledger: Ledger, turn: Run) -> None:
    for stamp, digest in enumerate(("111", "222", "333")):
        (begun,) = begin_attempts(ledger, [Watched("inbox/a.pdf", str(stamp), "waiting", "recipe")])
        part_ways(ledger, begun, Document("inbox/a.pdf", digest, 1))
        read(ledger, turn, "inbox/a.pdf", digest)
        note_watched(ledger, [replace(begun, state="done", place="done/a.pdf")])
    assert sorted(sources(ledger)) == [("done/a-2.pdf", "222"), ("done/a.pdf", "111"), ("inbox/a.pdf", "333")]


def test_a_file_that_is_forgotten_leaves_the_rows_of_the_former_one(ledger: Ledger, turn: Run) -> None:
    read(ledger, turn, "inbox/a.pdf", "111")
    note_watched(ledger, [Watched("inbox/a.pdf", "1", "done", "recipe", 1, place="done/a.pdf")])
    (begun,) = begin_attempts(ledger, [Watched("inbox/a.pdf", "2", "waiting", "recipe")])
    forget_watched(ledger, begun)
    assert find_watched(ledger, "inbox/a.pdf") is None
    assert sources(ledger) == [("done/a.pdf", "111")]
    note_watched(ledger, [Watched("inbox/b.pdf", "1", "waiting", "recipe", 1)])
    read(ledger, turn, "inbox/b.pdf", "222")
    forget_watched(ledger, Watched("inbox/b.pdf", "1", "waiting", "recipe", 1))
    assert sources(ledger) == [("done/a.pdf", "111")]


def test_a_path_is_taken_by_a_source_or_by_a_watched_file(ledger: Ledger, turn: Run) -> None:
    read(ledger, turn, "done/a.pdf", "111")
    note_watched(ledger, [Watched("done/b.pdf", "1", "done", "recipe")])
    assert [is_taken(ledger, f"done/{name}.pdf") for name in "abc"] == [True, True, False]


def test_only_files_that_lie_where_they_were_get_another_chance(ledger: Ledger) -> None:
    failed = Watched("inbox/a.pdf", "1", "failed", "recipe", 5, "timeout")
    others = [
        replace(failed, path="inbox/b.pdf", place="failed/b.pdf"),
        replace(failed, path="inbox/c.pdf", code="encrypted"),
        replace(failed, path="inbox/d.pdf", recipe="other"),
    ]
    note_watched(ledger, [failed, *others])
    give_another_chance(ledger, "recipe", ["timeout", "memory"])
    assert list_waiting(ledger) == [Watched("inbox/a.pdf", "1", "waiting", "recipe")]


def test_an_outcome_counts_pages_and_fields(ledger: Ledger, turn: Run) -> None:
    document = replace(read(ledger, turn, "inbox/a.pdf", "111"), pages=3)
    record(ledger, turn, PageResult(PageRef("inbox/a.pdf", "111", 2), (), (), Failure("timeout", "60 s")))
    assert find_outcome(ledger, turn, document) == Outcome(
        read=1, left=1, fields=1, review=1, failures=(FailedNumber(2, "timeout", "60 s"),), flags=((1, "repaired"),)
    )


def test_sources_of_a_turn_are_counted_with_their_pages(ledger: Ledger, turn: Run) -> None:
    register(ledger, begin(ledger, "recipe"), [Document("inbox/other.pdf", "000", 9)])
    broken = Document("inbox/b.pdf", "222", 0, Failure("damaged"))
    gone = Document("inbox/c.pdf", "", 0, Failure("gone"))
    register(ledger, turn, [Document("inbox/a.pdf", "111", 4), broken, gone])
    assert count_sources(ledger, turn) == (3, 6)


def test_a_turn_has_one_sign_of_life(ledger: Ledger, turn: Run) -> None:
    beat(ledger, turn, "watching", 3, 4, 1.5)
    beat(ledger, turn, "reading pages 1/2", 2, 5, 2.5, "the disk is full \udce9")
    rows = ledger.connection.execute("SELECT run, doing, waiting, pages, seconds, error FROM beats").fetchall()
    assert rows == [(turn.number, "reading pages 1/2", 2, 5, 2.5, "the disk is full \\udce9")]
