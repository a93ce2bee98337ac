"""Results with what people said in them."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from docproc.records import export as exporting
from docproc.records.audit import Drawn, keep_sample, keep_threshold
from docproc.records.corrections import add, item_of, read_state, withdraw
from docproc.records.export import export, export_now, write_csv
from docproc.records.grid import Tile, judge_tiles
from docproc.records.ledger import Ledger, Run, begin, open_ledger, record, register
from docproc.records.matching import Answer, Correction, Purpose
from docproc.records.tables import Layout, lay_out
from docproc.records.tally import Tally, tally
from docproc.types import Box, Document, Failure, PageResult
from docproc.types import Place as FormPlace

Page = Callable[..., PageResult]
Make = Callable[..., object]
DOUBTED = {"review": True, "flags": ("low-confidence",)}


def fill(ledger: Ledger, make_page: Page, make_reading: Make, recipe: str = "recipe") -> None:
    """Two flagged fields and one accepted on the page of a file that has two names."""
    run = begin(ledger, recipe)
    register(ledger, run, [Document("a.png", "aa", 1), Document("b.png", "aa", 1)])
    fields = [
        make_reading("age", "7", box=Box(0, 0, 80, 40), **DOUBTED),
        make_reading("sum", "10", box=Box(0, 100, 80, 40), **DOUBTED),
        make_reading("code", "40", box=Box(0, 200, 80, 40), confidence=0.97),
    ]
    record(ledger, run, make_page("aa", 1, *fields))


def say(ledger: Ledger, position: int, answer: Answer, who: str = "ann", purpose: Purpose = "review") -> Correction:
    state = read_state(ledger, item_of(1, position))
    assert state is not None
    return add(ledger, state.item, state.version, answer, who, purpose)


def rows(ledger: Ledger, layout: Layout = "long", read_values: bool = False, recipe: str = "recipe") -> list[list[str]]:
    stream = io.BytesIO()
    write_csv(lay_out(ledger, recipe, layout, read_values), stream)
    return list(csv.reader(io.StringIO(stream.getvalue().decode())))


def count(ledger: Ledger) -> Tally:
    return tally(ledger, Run(1, "recipe"))


def test_what_people_said_goes_before_what_was_read(ledger: Ledger, make_page: Page, make_reading: Make) -> None:
    fill(ledger, make_page, make_reading)
    say(ledger, 0, Answer("value", "1"))
    say(ledger, 1, Answer("unreadable"))
    table = rows(ledger, read_values=True)
    assert table[0][-2:] == ["read_value", "corrected_by"]
    for name in ("a.png", "b.png"):
        told = [[row[2], *row[3:8], *row[-2:]] for row in table[1:] if row[0] == name]
        assert told == [
            ["age", "1", "value", "", "done", "low-confidence", "7", "ann"],
            ["sum", "", "unreadable", "", "done", "low-confidence", "10", "ann"],
            ["code", "40", "value", "0.9700", "no", "", "40", ""],
        ]
    assert [row[:-2] for row in table] == rows(ledger)


def test_undone_is_to_be_looked_at_again(ledger: Ledger, make_page: Page, make_reading: Make) -> None:
    fill(ledger, make_page, make_reading)
    before = rows(ledger)
    withdraw(ledger, say(ledger, 0, Answer("value", "1")).id, "ann")
    assert rows(ledger) == before


def test_wide_tables_name_what_is_left(ledger: Ledger, make_page: Page, make_reading: Make) -> None:
    fill(ledger, make_page, make_reading)
    say(ledger, 0, Answer("value", "1"))
    head, first, _ = rows(ledger, "wide", read_values=True)
    told = dict(zip(head, first, strict=True))
    assert (told["age"], told["sum"], told["review"]) == ("1", "10", "sum")
    assert (told["read_value:age"], told["read_value:sum"], told["corrected_by"]) == ("7", "10", "age:ann")
    assert told["confidence"] == "0.9700"  # the lowest of those that nobody settled
    assert rows(ledger, "wide") == [line[:-4] for line in rows(ledger, "wide", read_values=True)]


def test_a_human_value_outlives_another_model(ledger: Ledger, make_page: Page, make_reading: Make) -> None:
    fill(ledger, make_page, make_reading)
    say(ledger, 0, Answer("value", "1"))
    run = begin(ledger, "other")
    register(ledger, run, [Document("a.png", "aa", 1), Document("b.png", "aa", 1)])
    record(ledger, run, make_page("aa", 1, make_reading("f", "9", box=Box(1, 2, 80, 40))))
    assert [row[2:5] + row[6:7] for row in rows(ledger, recipe="other")[1:]] == [["f", "1", "value", "done"]] * 2


@pytest.mark.parametrize("lost", ["field", "fields", "page", "document", "unread"])
def test_a_value_whose_field_is_no_more_still_has_a_row(
    ledger: Ledger, make_page: Page, make_reading: Make, lost: str
) -> None:
    fill(ledger, make_page, make_reading)
    say(ledger, 0, Answer("value", "1"))
    run = begin(ledger, "other")
    failure = Failure("damaged") if lost == "document" else None
    register(
        ledger, run, [Document("a.png", "aa", 0 if failure else 1, failure), Document("b.png", "", 0, Failure("gone"))]
    )
    if lost == "page":
        record(ledger, run, PageResult(make_page("aa").ref, (), failure=Failure("not-this-form")))
    elif lost not in {"unread", "document"}:
        others = [make_reading("f", "9", box=Box(0, 300, 80, 40))] if lost == "field" else []
        record(ledger, run, replace(make_page("aa"), readings=tuple(others)))
    table = rows(ledger, recipe="other", read_values=True)
    (kept,) = [row for row in table if row[0] == "a.png" and row[6] == "done"]
    assert kept == ["a.png", "1", "age", "1", "value", "", "done", "no-reading", "0", "0", "80", "40", "", "ann"]


def test_two_answers_wait_for_a_third_look(ledger: Ledger, make_page: Page, make_reading: Make) -> None:
    fill(ledger, make_page, make_reading)
    say(ledger, 2, Answer("value", "41"), purpose="audit")
    assert rows(ledger)[3][3:8] == ["40", "value", "0.9700", "yes", "two-answers"]
    say(ledger, 2, Answer("value", "41"), "cy", "third")
    assert rows(ledger)[3][3:8] == ["41", "value", "", "done", ""]


def test_doubts_that_arise_later_are_told(ledger: Ledger, make_page: Page, make_reading: Make) -> None:
    fill(ledger, make_page, make_reading)
    assert (count(ledger).flagged, count(ledger).looked) == (4, 0)
    judge_tiles(ledger, "ann", [(Tile(item_of(1, 2), 1, "0", 0.9, "0"), True)])
    assert rows(ledger)[3][6:8] == ["yes", "doubted"]
    assert count(ledger).flagged == 6
    drawn = [Drawn(item_of(1, 2), "code", "value", "40", 0.97, True, 1)]
    audit = keep_sample(ledger, "recipe", "ann", 0, 1, 0.005, drawn)
    keep_threshold(ledger, audit, "ann", 0.98)
    assert rows(ledger)[3][6:8] == ["yes", "low-confidence;doubted"]
    assert count(ledger).flagged == 6
    say(ledger, 2, Answer("blank"))
    assert rows(ledger)[3][3:7] == ["", "blank", "", "done"]
    counted = count(ledger)
    assert (counted.flagged, counted.looked) == (4, 2)
    assert counted.statuses == (("blank", 2), ("value", 4))


def test_names_of_columns_do_not_meet(ledger: Ledger, make_page: Page, make_reading: Make) -> None:
    run = begin(ledger, "recipe")
    register(ledger, run, [Document("a.png", "aa", 1)])
    place = FormPlace("poll", 1, 1, 0.1)
    page = make_page("aa", 1, make_reading("corrected_by", "7"), make_reading("read_value", "8"))
    record(ledger, run, replace(page, place=place))
    head = rows(ledger, "wide", read_values=True)[0]
    assert len(set(head)) == len(head)


def test_results_follow_at_once(tmp_path: Path, make_page: Page, make_reading: Make) -> None:
    out = tmp_path / "results.csv"
    with open_ledger(tmp_path / "results.csv.ledger") as ledger:
        fill(ledger, make_page, make_reading)
        assert export_now(out) == out
        assert ",7,value,0.9877,yes," in out.read_text()
        say(ledger, 0, Answer("value", "1"))
        export_now(out)
    assert ",1,value,,done," in out.read_text()
    assert out.stat().st_mode & 0o777 == 0o600


def test_an_older_table_never_takes_the_place_of_a_newer(
    tmp_path: Path, make_page: Page, make_reading: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that began to write before a correction waits at its end; one that begins after it must come after it."""
    out, path = tmp_path / "results.csv", tmp_path / "results.csv.ledger"
    written, corrected = threading.Event(), threading.Event()
    write = exporting.write_csv

    def wait(table: object, stream: io.BytesIO) -> None:
        write(table, stream)  # type: ignore[arg-type]
        written.set()
        assert corrected.wait(60)

    def export_slowly() -> None:
        monkeypatch.setattr(exporting, "write_csv", wait)
        export_now(out)

    with open_ledger(path) as ledger:
        fill(ledger, make_page, make_reading)
        slow = threading.Thread(target=export_slowly)
        slow.start()
        assert written.wait(60)
        monkeypatch.setattr(exporting, "write_csv", write)
        say(ledger, 0, Answer("value", "1"))
        script = "import sys; from pathlib import Path; from docproc.records.export import export_now\n"
        script += "print('begun', flush=True); export_now(Path(sys.argv[1]))"
        with subprocess.Popen([sys.executable, "-c", script, str(out)], stdout=subprocess.PIPE) as quick:
            assert quick.stdout is not None
            assert quick.stdout.readline() == b"begun\n"
            assert not out.exists()
            corrected.set()
            slow.join()
            assert quick.wait() == 0
    assert ",1,value,,done," in out.read_text()


def test_an_export_that_others_hold_up_says_so(
    ledger: Ledger, tmp_path: Path, make_page: Page, make_reading: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(ledger, make_page, make_reading)
    monkeypatch.setattr(exporting, "PATIENCE", 0.01)
    with exporting._alone_with(tmp_path / "r.csv"), pytest.raises(exporting.LedgerError, match="another process"):
        export(ledger, "recipe", "long", tmp_path / "r.csv")
