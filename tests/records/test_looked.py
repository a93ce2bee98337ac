"""Pages on which people looked at fields."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from docproc.errors import LedgerError
from docproc.records.corrections import add, item_of, read_state, withdraw
from docproc.records.ledger import Ledger, begin, open_ledger, record, register
from docproc.records.looked import list_looked
from docproc.records.matching import Answer, Correction, Purpose
from docproc.records.seal import Vault, make_key
from docproc.types import Box, Document, PageResult, Reading


def say(ledger: Ledger, page: int, position: int, text: str, purpose: Purpose = "review") -> Correction:
    item = item_of(page, position)
    state = read_state(ledger, item)
    assert state is not None
    answer = Answer("value", text) if text else Answer("blank")
    return add(ledger, item, state.version, answer, f"{purpose}er", purpose)


@pytest.fixture
def filled(ledger: Ledger, make_page: Callable[..., PageResult], make_reading: Callable[..., Reading]) -> Ledger:
    """Three pages of two fields each, read twice with other recipes."""
    for recipe in ("old", "new"):
        run = begin(ledger, recipe)
        for number in (1, 2, 3):
            fields = (make_reading("a", recipe), make_reading("b", "8", box=Box(300, 20, 30, 40)))
            record(ledger, run, make_page("d" * 64, number, *fields))
    return ledger


def test_pages_somebody_looked_at_come_whole_and_others_not(filled: Ledger) -> None:
    say(filled, 5, 1, "7")
    say(filled, 6, 0, "")
    pages = list(list_looked(filled, "new"))
    assert [(page.digest, page.number) for page in pages] == [("d" * 64, 2), ("d" * 64, 3)]
    assert [(field.name, field.text, field.said) for field in pages[0].fields] == [
        ("a", "new", None),
        ("b", "8", Answer("value", "7")),
    ]
    assert pages[0].fields[0].strip == b"\x89PNG"
    assert pages[1].fields[0].said == Answer("blank")


def test_what_was_said_of_an_earlier_reading_holds_for_the_new_one(filled: Ledger) -> None:
    say(filled, 1, 0, "41")
    (page,) = list_looked(filled, "new")
    assert page.source == ""
    register(filled, begin(filled, "new"), [Document("scans/a.pdf", "d" * 64, 3)])
    (page,) = list_looked(filled, "new")
    assert page.source == "scans/a.pdf"
    assert [field.said for field in page.fields] == [Answer("value", "41"), None]


def test_only_a_last_word_counts(filled: Ledger) -> None:
    taken_back = say(filled, 4, 0, "1")
    withdraw(filled, taken_back.id, "reviewer")
    say(filled, 5, 0, "2", "first")
    say(filled, 6, 0, "3", "audit")
    assert list(list_looked(filled, "new")) == []
    say(filled, 5, 0, "2", "second")
    say(filled, 6, 0, "4", "third")
    said = [field.said for page in list_looked(filled, "new") for field in page.fields]
    assert said == [Answer("value", "2"), None, Answer("value", "4"), None]


def test_encrypted_pictures_want_their_key(
    tmp_path: Path, make_page: Callable[..., PageResult], make_reading: Callable[..., Reading]
) -> None:
    pytest.importorskip("cryptography")
    path, seal = tmp_path / "sealed.ledger", make_key(tmp_path / "key")
    with open_ledger(path, Vault(seal=seal)) as ledger:
        record(ledger, begin(ledger, "new"), make_page("d" * 64, 1, make_reading("a", "7")))
        say(ledger, 1, 0, "1")
        (page,) = list_looked(ledger, "new")
        assert page.fields[0].strip == b"\x89PNG"
        with pytest.raises(LedgerError, match="give their key file with --key"):
            list(list_looked(Ledger(ledger.name, ledger.connection), "new"))
