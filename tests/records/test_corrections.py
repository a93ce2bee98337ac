"""What people say is only ever added, rests on what they saw, and belongs to a place on a page."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace

import pytest

from docproc.errors import UsageError
from docproc.records.corrections import (
    MOST_TEXT,
    Changed,
    add,
    find_item,
    item_of,
    list_corrections,
    place_of,
    read_state,
    withdraw,
)
from docproc.records.ledger import Ledger, Run, begin, record, register
from docproc.records.matching import Answer, Correction, Place, Purpose, matches, settle
from docproc.types import Box, Document, PageResult
from docproc.types import Place as FormPlace

Page = Callable[..., PageResult]
Make = Callable[..., object]
VALUE = Answer("value", "123")


@pytest.fixture
def run(ledger: Ledger, make_page: Page, make_reading: Make) -> Run:
    """A page of two fields, one below the other."""
    begun = begin(ledger, "recipe")
    register(ledger, begun, [Document("a.png", "aa", 1)])
    record(
        ledger, begun, make_page("aa", 1, *(make_reading(f"f{n}", "7", box=Box(0, 100 * n, 80, 40)) for n in (0, 1)))
    )
    return begun


def version(ledger: Ledger, item: int) -> str:
    state = read_state(ledger, item)
    assert state is not None
    return state.version


def say(ledger: Ledger, item: int, text: str, who: str = "ann", purpose: Purpose = "review") -> Correction:
    return add(ledger, item, version(ledger, item), Answer("value", text), who, purpose)


FIRST = item_of(1, 0)


def test_an_item_is_a_number_that_leads_back() -> None:
    assert place_of(item_of(70_000, 139)) == (70_000, 139)
    assert item_of(2**32, 2**20 - 1) < 2**53  # so that a browser's numbers hold it


def test_a_correction_keeps_who_when_what_and_what_was_seen(ledger: Ledger, run: Run) -> None:
    made = add(ledger, FIRST, version(ledger, FIRST), Answer("value", " 42 "), " Ann ", "review")
    (kept,) = list_corrections(ledger, "aa", 1)
    assert kept == made
    assert (kept.id, kept.who, kept.purpose, kept.answer, kept.withdraws) == (1, "Ann", "review", ("value", "42"), None)
    assert kept.place == Place("aa", 1, None, "f0", Box(0, 0, 80, 40))
    assert kept.seen == ("recipe", "7", "value", 0.98765)
    assert (kept.previous, len(kept.hash)) == ("", 64)
    assert kept.at.endswith("+00:00")
    assert say(ledger, item_of(1, 1), "5").previous == kept.hash


def test_what_rests_on_an_old_state_is_refused_with_the_new_one(ledger: Ledger, run: Run) -> None:
    seen = version(ledger, FIRST)
    say(ledger, FIRST, "1", "ann")
    with pytest.raises(Changed) as news:
        add(ledger, FIRST, seen, VALUE, "bob")
    assert news.value.state is not None
    assert news.value.state.verdict.answer == ("value", "1")
    assert len(list_corrections(ledger, "aa", 1)) == 1
    add(ledger, FIRST, news.value.state.version, VALUE, "bob")


def test_an_answer_to_another_field_of_the_page_changes_nothing(ledger: Ledger, run: Run) -> None:
    seen = version(ledger, FIRST)
    say(ledger, item_of(1, 1), "1")
    add(ledger, FIRST, seen, VALUE, "bob")


def test_a_reading_that_is_gone_is_told(ledger: Ledger, run: Run) -> None:
    with pytest.raises(Changed) as news:
        add(ledger, item_of(9, 0), "", VALUE, "bob")
    assert news.value.state is None


def test_undo_is_a_row_and_the_word_before_stands_again(ledger: Ledger, run: Run) -> None:
    first, second = say(ledger, FIRST, "1"), say(ledger, FIRST, "2")
    undone = withdraw(ledger, second.id, "ann")
    assert (undone.withdraws, undone.purpose) == (second.id, "review")
    assert settle(list_corrections(ledger, "aa", 1)).by == (first,)
    with pytest.raises(Changed):
        withdraw(ledger, second.id, "ann")
    with pytest.raises(Changed):
        withdraw(ledger, first.id, "ann")
    with pytest.raises(UsageError, match="no correction 3"):
        withdraw(ledger, undone.id, "ann")


@pytest.mark.parametrize(
    "answer",
    [
        Answer("value", " "),
        Answer("blank", "0"),
        Answer("failed", ""),  # type: ignore[arg-type]
        Answer("value", "1\n2"),
        Answer("value", "1\u202e2"),
        Answer("value", "\ud800"),
        Answer("value", "1" * (MOST_TEXT + 1)),
    ],
)
def test_what_could_stand_in_no_table_is_refused(ledger: Ledger, run: Run, answer: Answer) -> None:
    with pytest.raises(UsageError):
        add(ledger, FIRST, version(ledger, FIRST), answer, "ann")
    assert list_corrections(ledger, "aa") == []


@pytest.mark.parametrize("who", ["", "  ", "a\x07b", "x" * 81])
def test_a_reviewer_has_a_name(ledger: Ledger, run: Run, who: str) -> None:
    with pytest.raises(UsageError, match="name"):
        add(ledger, FIRST, version(ledger, FIRST), VALUE, who)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE corrections SET text = '9'",
        "DELETE FROM corrections",
        "INSERT OR REPLACE INTO corrections SELECT * FROM corrections",
    ],
)
def test_the_database_refuses_to_change_a_correction(ledger: Ledger, run: Run, statement: str) -> None:
    say(ledger, FIRST, "1")
    with pytest.raises(sqlite3.IntegrityError, match="never changed"):
        ledger.connection.execute(statement)
    assert [row.answer.text for row in list_corrections(ledger, "aa")] == ["1"]


def test_two_people_settle_a_field_by_keying_the_same(ledger: Ledger, run: Run) -> None:
    say(ledger, FIRST, "42", "ann", "first")
    with pytest.raises(UsageError, match="another person"):
        say(ledger, FIRST, "42", "ann", "second")
    assert settle(list_corrections(ledger, "aa")).standing is None
    say(ledger, FIRST, "42", "bob", "second")
    verdict = settle(list_corrections(ledger, "aa"))
    assert (verdict.standing, verdict.who, verdict.disputed) == (("value", "42"), "ann, bob", False)


@pytest.mark.parametrize("purpose", ["second", "audit"])
def test_a_second_word_without_a_first_is_held_against_the_reading(ledger: Ledger, run: Run, purpose: Purpose) -> None:
    say(ledger, FIRST, "7", "ann", purpose)
    say(ledger, item_of(1, 1), "1", "ann", purpose)
    states = [read_state(ledger, item_of(1, n)) for n in (0, 1)]
    assert [state and state.verdict.standing for state in states] == [("value", "7"), None]
    assert [state and state.verdict.disputed for state in states] == [False, True]
    say(ledger, item_of(1, 1), "3", "cy", "third")
    assert settle(list_corrections(ledger, "aa")).standing == ("value", "3")


def test_another_model_finds_the_field_by_its_box(
    ledger: Ledger, run: Run, make_page: Page, make_reading: Make
) -> None:
    say(ledger, FIRST, "1")
    other = begin(ledger, "other")
    # a field is found before it, so that numbers shift, and boxes are not quite the same
    readings = [make_reading(f"f{n}", "9", box=Box(2, 100 * n - 103, 80, 40)) for n in range(3)]
    record(ledger, other, make_page("aa", 1, *readings))
    page = ledger.connection.execute("SELECT id FROM pages WHERE recipe = 'other'").fetchone()[0]
    said = [read_state(ledger, item_of(page, n)) for n in range(3)]
    assert [state and state.verdict.standing for state in said] == [None, ("value", "1"), None]
    assert find_item(ledger, "other", list_corrections(ledger, "aa")[0].place) == item_of(page, 1)


def test_on_a_form_the_name_tells_where_the_boxes_touch(
    ledger: Ledger, run: Run, make_page: Page, make_reading: Make
) -> None:
    formed = begin(ledger, "formed")
    place = FormPlace("poll", 1, 1, 0.1)
    record(ledger, formed, replace(make_page("bb", 1, make_reading("age", "7", box=Box(0, 0, 80, 40))), place=place))
    item = item_of(2, 0)
    say(ledger, item, "42")
    said = list_corrections(ledger, "bb")[0].place
    assert matches(said, said._replace(box=Box(70, 30, 80, 40)))
    assert not matches(said, said._replace(box=Box(0, 60, 80, 40)))  # the form was edited: the name stands elsewhere
    assert matches(said, said._replace(field="years"))  # the name was changed
    assert not matches(said, said._replace(field="years", box=Box(70, 30, 80, 40)))
    assert matches(said, said._replace(form=None, field="field-1"))
    assert not matches(said, said._replace(number=2))


def test_digits_of_a_settled_field_are_not_judged_again_until_it_is_undone(ledger: Ledger, run: Run) -> None:
    def count() -> int:
        return int(ledger.connection.execute("SELECT count(*) FROM digits WHERE position = 0").fetchone()[0])

    assert count() == 1
    made = say(ledger, FIRST, "1")
    assert count() == 0
    withdraw(ledger, made.id, "ann")
    assert count() == 1
