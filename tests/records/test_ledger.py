"""What the ledger keeps, whom it lets in, and what it says when it cannot."""

from __future__ import annotations

import json
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from docproc.errors import FAILURES, RETRIED, LedgerError
from docproc.records.ledger import Ledger, begin, missing, open_ledger, record, register
from docproc.records.schema import MIGRATIONS
from docproc.types import Document, Failure, PageResult, Reading

Page = Callable[..., PageResult]
TWO = Document("two.pdf", "d2", 2)


def test_what_is_retried_is_known() -> None:
    assert set(FAILURES) > RETRIED
    assert {"timeout", "crash", "memory", "gone"} < RETRIED
    assert not RETRIED & {"damaged", "encrypted", "empty", "no-pages", "too-large", "not-a-document"}


def test_recorded_pages_are_not_missing(ledger: Ledger, make_page: Page) -> None:
    run = begin(ledger, "recipe")
    register(ledger, run, [TWO])
    assert [ref.number for ref in missing(ledger, run, [TWO])] == [1, 2]
    record(ledger, run, make_page("d2", 1))
    assert [ref.number for ref in missing(ledger, run, [TWO])] == [2]


def test_same_content_under_two_names_is_missing_once(ledger: Ledger) -> None:
    documents = [Document("a.png", "same", 1), Document("b.png", "same", 1)]
    run = begin(ledger, "recipe")
    register(ledger, run, documents)
    assert [ref.source for ref in missing(ledger, run, documents)] == ["a.png"]


def test_another_recipe_misses_everything(ledger: Ledger, make_page: Page) -> None:
    run = begin(ledger, "old")
    register(ledger, run, [TWO])
    record(ledger, run, make_page("d2", 1))
    assert [ref.number for ref in missing(ledger, begin(ledger, "new"), [TWO])] == [1, 2]


@pytest.mark.parametrize("code", sorted(FAILURES))
def test_failed_pages_are_missing_if_retrying_may_help(ledger: Ledger, make_page: Page, code: str) -> None:
    run = begin(ledger, "recipe")
    document = Document("one.png", "d1", 1)
    register(ledger, run, [document])
    record(ledger, run, PageResult(make_page("d1").ref, (), failure=Failure(code)))
    assert bool(list(missing(ledger, run, [document]))) == (code in RETRIED)


def test_a_reading_is_kept_whole(ledger: Ledger, make_page: Page, make_reading: Callable[..., Reading]) -> None:
    run = begin(ledger, "recipe")
    record(ledger, run, make_page("d1", 1, make_reading("age", "07", flags=("touching", "gap")), seconds=0.5))
    row = ledger.connection.execute(
        "SELECT field, status, text, confidence, review, flags, x, y, width, height, digits, alternatives, strip"
        " FROM readings"
    ).fetchone()
    assert row[:10] == ("age", "value", "07", 0.98765, 0, "touching;gap", 10, 20, 30, 40)
    assert json.loads(row[10]) == [["0", 0.99, 10, 20, 10, 40], ["7", 0.99, 10, 20, 10, 40]]
    assert json.loads(row[11]) == [["001", 0.01]]
    assert row[12] == b"\x89PNG"


def test_a_page_recorded_again_replaces_its_failure(ledger: Ledger, make_page: Page) -> None:
    run = begin(ledger, "recipe")
    record(ledger, run, PageResult(make_page("d1").ref, (), failure=Failure("timeout", "caf\udce9")))
    record(ledger, run, make_page("d1"))
    assert ledger.connection.execute("SELECT count(*), max(failure) FROM pages").fetchone() == (1, None)
    assert ledger.connection.execute("SELECT count(*) FROM readings").fetchone() == (1,)


def test_a_page_that_cannot_be_kept_whole_is_not_kept(
    ledger: Ledger, make_page: Page, make_reading: Callable[..., Reading]
) -> None:
    run = begin(ledger, "recipe")
    with pytest.raises(TypeError):
        record(ledger, run, make_page("d1", 1, make_reading("a"), make_reading("b", confidence=None)))
    assert ledger.connection.execute("SELECT count(*) FROM pages").fetchone() == (0,)
    record(ledger, run, make_page("d1"))


def test_files_are_for_the_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "results.csv.ledger"
    with open_ledger(path) as ledger:
        begin(ledger, "recipe")
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    assert modes.keys() >= {"results.csv.ledger", "results.csv.ledger-wal", "results.csv.ledger.lock"}
    assert set(modes.values()) == {0o600}


def test_writes_are_synced(ledger: Ledger) -> None:
    assert ledger.connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert ledger.connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_database_and_wal_copied_in_mid_run_hold_every_recorded_page(
    ledger: Ledger, make_page: Page, tmp_path: Path
) -> None:
    run = begin(ledger, "recipe")
    document = Document("many.pdf", "many", 9)
    register(ledger, run, [document])
    for number in range(1, 6):
        record(ledger, run, make_page("many", number))
    copied = tmp_path / "copy.ledger"
    for end in ("", "-wal"):
        shutil.copyfile(f"{ledger.name}{end}", f"{copied}{end}")
    with open_ledger(copied) as copy:
        assert [ref.number for ref in missing(copy, begin(copy, "recipe"), [document])] == [6, 7, 8, 9]


def test_a_second_process_learns_who_holds_the_ledger(ledger: Ledger) -> None:
    begin(ledger, "recipe")
    script = (
        "import sys; from pathlib import Path; from docproc.records.ledger import open_ledger\n"
        "with open_ledger(Path(sys.argv[1])): pass"
    )
    ended = subprocess.run([sys.executable, "-c", script, ledger.name], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    holder = ledger.connection.execute("SELECT process, host FROM runs").fetchone()
    assert f"in use by process {holder[0]} on {holder[1]}" in ended.stderr


def test_the_lease_ends_with_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "l.ledger"
    script = (
        "import os, signal, sys; from pathlib import Path; from docproc.records.ledger import open_ledger\n"
        "with open_ledger(Path(sys.argv[1])): os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    with open_ledger(path) as ledger:
        assert begin(ledger, "recipe").number == 1


@pytest.mark.parametrize("content", [b"source,page,field\r\n" * 100, b"SQLite format 3\0" + bytes(range(256)) * 8])
def test_a_file_that_is_no_ledger_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.ledger"
    path.write_bytes(content)
    with pytest.raises(LedgerError, match="move it away"), open_ledger(path):
        pass
    assert path.read_bytes() == content


def test_a_database_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.ledger"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE songs (title)")
    with pytest.raises(LedgerError, match="another program"), open_ledger(path):
        pass


def test_a_newer_ledger_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.ledger"
    with open_ledger(path) as ledger:
        ledger.connection.execute("INSERT INTO migrations VALUES (?, 'of the future', '')", (len(MIGRATIONS) + 1,))
    with pytest.raises(LedgerError, match="newer docproc"), open_ledger(path):
        pass


def test_a_damaged_ledger_says_so_when_it_is_used(tmp_path: Path, make_page: Page) -> None:
    path = tmp_path / "x.ledger"
    document = Document("many.pdf", "many", 500)
    with open_ledger(path) as ledger:
        run = begin(ledger, "recipe")
        for number in range(1, 200):
            record(ledger, run, make_page("many", number))
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * 60_000)
    with pytest.raises(LedgerError, match="move it away"), open_ledger(path) as ledger:
        list(missing(ledger, run, [document]))


def test_a_page_that_two_read_at_a_time_keeps_the_first_reading(
    ledger: Ledger, make_page: Page, make_reading: Callable[..., Reading]
) -> None:
    run = begin(ledger, "recipe")
    for later in (make_page("d", 1, make_reading(text="123")), make_page("d", 1, failure=Failure("timeout"))):
        record(ledger, run, make_page("d", 1))
        record(ledger, run, later)
    rows = ledger.connection.execute("SELECT p.id, p.failure, r.text FROM pages p JOIN readings r ON r.page = p.id")
    assert rows.fetchall() == [(1, None, "007")]


def test_an_error_inside_the_run_stays_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="not ours"), open_ledger(tmp_path / "x.ledger"):
        raise OSError("not ours")


def test_a_ledger_that_nobody_keeps_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_page: Page
) -> None:
    monkeypatch.chdir(tmp_path)
    with open_ledger(None) as ledger:
        run = begin(ledger, "recipe")
        record(ledger, run, make_page("d1"))
        assert ledger.connection.execute("SELECT count(*) FROM readings").fetchone() == (1,)
    assert list(tmp_path.iterdir()) == []
