"""What is purged is gone from the files, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from docproc.records.corrections import add, item_of, read_state
from docproc.records.export import write_csv
from docproc.records.ledger import Ledger, begin, open_ledger, record, register, visit_ledger
from docproc.records.matching import Answer, Purpose
from docproc.records.purge import purge
from docproc.records.strips import fetch_strip
from docproc.records.tables import lay_out
from docproc.types import Box, Document, PageResult, Reading

Page = Callable[..., PageResult]
Make = Callable[..., Reading]
KEYINGS: tuple[tuple[int, Purpose], ...] = ((3, "first"), (4, "second"))
SURE, DOUBTED = b"\x89PNG of a sure field" * 2000, b"\x89PNG of a doubted field" * 2000
"""Long enough to lie on pages of their own."""


@pytest.fixture
def filled(tmp_path: Path, make_page: Page, make_reading: Make) -> Path:
    path = tmp_path / "x.ledger"
    with open_ledger(path) as ledger:
        run = begin(ledger, "recipe")
        register(ledger, run, [Document("a.pdf", "d", 2)])
        for number in (1, 2):
            sure = make_reading("a", strip=SURE)
            record(ledger, run, make_page("d", number, sure, make_reading("b", strip=DOUBTED, review=True)))
    return path


def holds(path: Path, picture: bytes) -> bool:
    return any(picture[:100] in file.read_bytes() for file in path.parent.iterdir())


def rows(ledger: Ledger) -> list[object]:
    return [list(row) for row in lay_out(ledger, "recipe", "long")]


def test_flagged_fields_keep_their_pictures_and_the_others_are_gone_from_the_files(filled: Path) -> None:
    assert holds(filled, SURE)
    with visit_ledger(filled) as ledger:
        before = rows(ledger)
        purged = purge(ledger, "flagged", None)
        assert (purged.strips, purged.bytes, purged.kept, purged.held_by) == (2, 2 * len(SURE), 2, None)
        # the files are read while the ledger is open: nothing waits for its end
        assert not holds(filled, SURE)
        assert rows(ledger) == before
        assert fetch_strip(ledger, 1, 0) == b""
        assert fetch_strip(ledger, 2, 1) == DOUBTED


def test_fields_that_want_a_look_since_they_were_read_keep_theirs(
    tmp_path: Path, make_page: Page, make_reading: Make
) -> None:
    with open_ledger(tmp_path / "x.ledger") as ledger:
        run = begin(ledger, "recipe")
        register(ledger, run, [Document("a.pdf", "d", 1)])
        fields = [make_reading(str(x), confidence=0.9 - x / 1000, box=Box(x, 0, 50, 9)) for x in range(0, 600, 100)]
        record(ledger, run, make_page("d", 1, *fields))
        for told in (
            "audits VALUES (1, '', 'Ana', 'recipe', 1, 4, 0, 0.01, '')",
            "sampled VALUES (1, 1, 1, 1, '100', 'value', '007', 0.8, 1, 1)",
            "thresholds VALUES (1, '', 'Ana', 'recipe', 1, 0.45)",
            "tiles VALUES (1, '', 'Ana', 1, 2, 0, '0', 'wrong')",
        ):
            ledger.connection.execute(f"INSERT INTO {told}")
        for position, purpose in KEYINGS:
            state = read_state(ledger, item_of(1, position))
            assert state is not None
            add(ledger, state.item, state.version, Answer("blank"), "Ana", purpose)
        assert purge(ledger, "flagged", None).kept == 5
        assert [bool(fetch_strip(ledger, 1, position)) for position in range(6)] == [False, *[True] * 5]
        assert purge(ledger, "none", None).kept == 0


def test_none_leaves_no_picture_and_a_small_file(filled: Path) -> None:
    size = filled.stat().st_size
    with visit_ledger(filled) as ledger:
        assert purge(ledger, "none", None).strips == 4
        assert not holds(filled, SURE)
        assert not holds(filled, DOUBTED)
    assert filled.stat().st_size < size / 2


def test_only_old_pages_are_purged_if_asked(filled: Path) -> None:
    with visit_ledger(filled) as ledger:
        ledger.connection.execute("UPDATE pages SET at = datetime('now', '-10 days') WHERE number = 1")
        assert purge(ledger, "none", 30).strips == 0
        assert purge(ledger, "none", 9).strips == 2
        assert fetch_strip(ledger, 1, 0) == b""
        assert fetch_strip(ledger, 2, 0) == SURE
        ledger.connection.execute("UPDATE pages SET at = NULL")
        assert purge(ledger, "none", 9999).strips == 2


def test_beside_a_reader_that_is_idle_the_bytes_are_gone(filled: Path, make_page: Page) -> None:
    with open_ledger(filled) as reader, visit_ledger(filled) as visitor:
        run = begin(reader, "recipe")
        assert purge(visitor, "none", None).held_by is None
        assert not holds(filled, SURE)
        record(reader, run, make_page("d", 3))
        assert reader.connection.execute("SELECT count(*) FROM pages").fetchone() == (3,)


def test_beside_a_reader_that_is_busy_it_says_who_is(filled: Path) -> None:
    with open_ledger(filled) as reader, visit_ledger(filled) as visitor:
        visitor.connection.execute("PRAGMA busy_timeout = 1")
        with closing(reader.connection.cursor()) as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT count(*) FROM readings").fetchone()
            purged = purge(visitor, "none", None)
            assert purged.strips == 4
            assert "process" in (purged.held_by or "")
            cursor.execute("COMMIT")
        again = purge(visitor, "none", None)
        assert (again.strips, again.held_by) == (0, None)
        assert not holds(filled, SURE)


def test_a_purged_ledger_still_exports(filled: Path, tmp_path: Path) -> None:
    with visit_ledger(filled) as ledger:
        purge(ledger, "none", None)
        with (tmp_path / "out.csv").open("wb") as stream:
            write_csv(lay_out(ledger, "recipe", "long"), stream)
    assert (tmp_path / "out.csv").read_text().count("a.pdf") == 4
