"""What is known of one field, found by as little of its path as tells it from others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from docproc.errors import UsageError
from docproc.records.evidence import gather
from docproc.records.ledger import Ledger, begin, record, register
from docproc.records.watched import Watched, note_watched
from docproc.types import Box, Digit, Document, Failure, PageResult, Place, Reading

Page = Callable[..., PageResult]
Make = Callable[..., Reading]


@pytest.fixture
def filled(ledger: Ledger, make_page: Page, make_reading: Make) -> Ledger:
    run = begin(ledger, "recipe", '{"docproc": "1.2", "model": "m"}')
    documents = [
        Document("in/monday/card.pdf", "monday", 3),
        Document("in/tuesday/card.pdf", "tuesday", 1),
        Document("in/wildcard.pdf", "wild", 1),
        Document("in/locked.pdf", "locked", 0, Failure("encrypted")),
    ]
    register(ledger, run, documents)
    digits = (Digit("4", 0.6, Box(10, 20, 10, 40), (("9", 0.4), ("none", 0.02))),)
    age = make_reading("age", "4", digits=digits, flags=("touching",), alternatives=(("9", 0.3),))
    place = Place("card", 1, 2, 0.25)
    record(ledger, run, make_page("monday", 1, age, make_reading("age", "7"), place=place, flags=("repaired",)))
    record(ledger, run, PageResult(make_page("monday", 2).ref, (), failure=Failure("timeout", "60 s")))
    record(ledger, run, make_page("tuesday", 1))
    record(ledger, run, make_page("wild", 1))
    return ledger


def test_all_that_is_known_of_a_field(filled: Ledger) -> None:
    note_watched(filled, [Watched("in/monday/card.pdf", "1:1", "done", "recipe", place="done/monday/card.pdf")])
    found = gather(filled, "monday/card.pdf", 1, "age")
    assert (found.source, found.place) == ("in/monday/card.pdf", "done/monday/card.pdf")
    assert (found.made_with, found.recipe, found.stale) == ("docproc 1.2, model m", "recipe", False)
    assert found.at is not None
    assert found.reader is not None
    assert found.reader.startswith("process ")
    item = found.item
    assert (item.form, item.form_page, item.form_pages, item.residual) == ("card", 1, 2, 0.25)
    assert item.flags == ("touching", "repaired")
    assert item.reading is not None
    assert (item.reading.text, item.reading.alternatives) == ("4", (("9", 0.3),))
    assert item.reading.digits[0].others == (("9", 0.4), ("none", 0.02))


def test_digits_of_ledgers_without_alternatives_are_read(filled: Ledger) -> None:
    filled.connection.execute("UPDATE readings SET digits = '[[\"4\", 0.5, 1, 2, 3, 4]]'")
    item = gather(filled, "in/tuesday/card.pdf", 1, "field-1").item
    assert item.reading is not None
    assert item.reading.digits == (Digit("4", 0.5, Box(1, 2, 3, 4)),)


def test_a_second_field_of_the_same_name_has_its_number(filled: Ledger) -> None:
    item = gather(filled, "in/monday/card.pdf", 1, "age#2").item
    assert item.reading is not None
    assert item.reading.text == "7"


def test_the_end_of_a_path_is_enough_if_it_is_one(filled: Ledger) -> None:
    assert gather(filled, "wildcard.pdf", 1, "field-1").source == "in/wildcard.pdf"
    with pytest.raises(UsageError, match=r"may be in/monday/card\.pdf, in/tuesday/card\.pdf; write more"):
        gather(filled, "card.pdf", 1, "age")


@pytest.mark.parametrize(
    ("source", "page", "field", "said"),
    [
        ("wildcart.pdf", 1, "age", "do you mean in/wildcard.pdf"),
        ("nothing like it", 1, "age", "as the column source has it"),
        ("monday/card.pdf", 2, "age", r"was not read: the page took longer than the limit \(60 s\); raise"),
        ("monday/card.pdf", 3, "age", "no page 3, or it was not read yet"),
        ("monday/card.pdf", 9, "age", "no page 9"),
        ("monday/card.pdf", 1, "agee", "such as age"),
        ("locked.pdf", 1, "age", "needs a password"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(filled: Ledger, source: str, page: int, field: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        gather(filled, source, page, field)


def test_a_field_that_the_last_run_did_not_read_says_so(filled: Ledger, make_page: Page) -> None:
    run = begin(filled, "newer")
    register(filled, run, [Document("in/wildcard.pdf", "wild", 1)])
    record(filled, run, make_page("wild", 1))
    assert gather(filled, "wildcard.pdf", 1, "field-1").recipe == "newer"
    assert gather(filled, "tuesday/card.pdf", 1, "field-1").stale


def test_odd_names_are_found_as_they_are_shown(ledger: Ledger, make_page: Page, tmp_path: Path) -> None:
    run = begin(ledger, "recipe")
    register(ledger, run, [Document("in/caf\udce9.png", "odd", 1)])
    record(ledger, run, make_page("odd", 1))
    for name in ("in/caf\\xe9.png", "caf\udce9.png", "caf\\xe9.png"):
        assert gather(ledger, name, 1, "field-1").source == "in/caf\\xe9.png"
