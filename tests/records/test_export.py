"""The CSV, cell by cell."""

from __future__ import annotations

import csv
import io
import itertools
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from docproc.errors import LedgerError
from docproc.records.export import export, write_csv
from docproc.records.ledger import Ledger, begin, open_ledger, record, register
from docproc.records.tables import LONG, Layout, lay_out
from docproc.records.tally import tally
from docproc.types import Document, Failure, PageResult, Place, Reading

Page = Callable[..., PageResult]
Make = Callable[..., Reading]


def show(ledger: Ledger, layout: Layout = "long", recipe: str = "recipe") -> str:
    stream = io.BytesIO()
    write_csv(lay_out(ledger, recipe, layout), stream)
    return stream.getvalue().decode()


def lines(ledger: Ledger, layout: Layout = "long", recipe: str = "recipe") -> list[str]:
    return show(ledger, layout, recipe).split("\r\n")[:-1]


def test_long_layout(ledger: Ledger, make_page: Page, make_reading: Make) -> None:
    run = begin(ledger, "recipe")
    documents = [Document("s10.pdf", "ten", 3), Document("s2.png", "", 0, Failure("gone")), Document("e.pdf", "e", 0)]
    documents[2] = Document("e.pdf", "e", 0, Failure("encrypted"))
    register(ledger, run, documents)
    flagged = make_reading("b", "12", review=True, flags=("touching", "low-confidence"), confidence=0.5)
    empty = make_reading("c", "", status="blank")
    record(ledger, run, make_page("ten", 1, make_reading("a", "007"), flagged, empty, flags=("blurred", "touching")))
    record(ledger, run, PageResult(make_page("ten", 2).ref, (), failure=Failure("timeout", "slow")))
    record(ledger, run, PageResult(make_page("ten", 3).ref, (), flags=("no-fields",)))
    assert lines(ledger) == [
        "source,page,field,value,status,confidence,review,reasons,x,y,width,height",
        "e.pdf,0,,,failed,,yes,encrypted,,,,",
        "s2.png,0,,,failed,,yes,gone,,,,",
        "s10.pdf,1,a,007,value,0.9877,no,blurred;touching,10,20,30,40",
        "s10.pdf,1,b,12,value,0.5000,yes,touching;low-confidence;blurred,10,20,30,40",
        "s10.pdf,1,c,,blank,,no,blurred;touching,10,20,30,40",
        "s10.pdf,2,,,failed,,yes,timeout,,,,",
        "s10.pdf,3,,,blank,,no,no-fields,,,,",
    ]


def test_wide_layout(ledger: Ledger, make_page: Page, make_reading: Make) -> None:
    run = begin(ledger, "recipe")
    register(ledger, run, [Document("a.pdf", "a", 3), Document("bad.pdf", "bad", 0, Failure("damaged"))])
    record(ledger, run, make_page("a", 1, make_reading("id", "007"), make_reading("page", "3")))
    doubtful = make_reading("sum", "9", review=True, flags=("low-confidence",))
    record(ledger, run, make_page("a", 2, make_reading("id", "008"), make_reading("id", "009"), doubtful))
    record(ledger, run, PageResult(make_page("a", 3).ref, ()))
    assert lines(ledger, "wide") == [
        "source,page,id,id#2,field:page,sum,status,confidence,review,reasons",
        "a.pdf,1,007,,3,,read,0.9877,,",
        "a.pdf,2,008,009,,9,read,0.9877,sum,sum:low-confidence",
        "a.pdf,3,,,,,read,,,no-fields",
        "bad.pdf,0,,,,,failed,,(page),damaged",
    ]


def test_pages_of_one_form_are_one_row(ledger: Ledger, make_page: Page, make_reading: Make) -> None:
    run = begin(ledger, "recipe")
    register(ledger, run, [Document("batch.pdf", "a", 6)])
    # The second document lacks its second page, the third begins where the first page of the form comes again.
    for number, form_page in ((1, 1), (2, 2), (3, 1), (4, 1), (5, 2)):
        name = "id" if form_page == 1 else "sum"
        page = make_page("a", number, make_reading(name, str(number), confidence=1 - number / 100))
        record(ledger, run, replace(page, place=Place("poll", form_page, 2, 0.1)))
    record(ledger, run, PageResult(make_page("a", 6).ref, (), failure=Failure("not-this-form")))
    assert lines(ledger, "wide") == [
        "source,page,form,id,sum,status,confidence,review,reasons",
        "batch.pdf,1,poll,1,2,read,0.9800,,",
        "batch.pdf,3,poll,3,,read,0.9700,(page),missing-page=2",
        "batch.pdf,4,poll,4,5,read,0.9500,(page),repeated-page=1",
        "batch.pdf,6,,,,failed,,(page),not-this-form",
    ]


def test_pages_that_do_not_follow_each_other_are_rows_of_their_own(
    ledger: Ledger, make_page: Page, make_reading: Make
) -> None:
    run = begin(ledger, "recipe")
    register(ledger, run, [Document("turned.pdf", "a", 4)])
    for number, form_page in ((1, 2), (2, 1), (3, 3), (4, 1)):
        name = {1: "id", 2: "sum", 3: "end"}[form_page]
        record(
            ledger,
            run,
            replace(make_page("a", number, make_reading(name, str(number))), place=Place("f", form_page, 3, 0)),
        )
    rows = [line.split(",") for line in lines(ledger, "wide")]
    assert rows[0][3:6] == ["id", "sum", "end"]
    assert [row[3:6] for row in rows[1:]] == [["", "1", ""], ["2", "", ""], ["", "", "3"], ["4", "", ""]]
    assert [row[-2:] for row in rows[1:]] == [
        ["(page)", f"missing-page={one};missing-page={two}"] for one, two in ((1, 3), (2, 3), (1, 2), (2, 3))
    ]


def test_spreadsheet_keeps_text_and_colours_what_to_look_at(
    ledger: Ledger, tmp_path: Path, make_page: Page, make_reading: Make
) -> None:
    run = begin(ledger, "recipe")
    register(ledger, run, [Document("=cmd.png", "a", 1)])
    doubtful = make_reading("sum", "9", review=True, flags=("low-confidence",))
    record(ledger, run, make_page("a", 1, make_reading("id", "007"), doubtful, make_reading("page", "-1.5")))
    path = tmp_path / "results.xlsx"
    assert export(ledger, "recipe", "wide", path) == path
    openpyxl = pytest.importorskip("openpyxl")
    names, values = openpyxl.load_workbook(path)["results"].iter_rows()
    assert [cell.value for cell in names[:5]] == ["source", "page", "id", "sum", "field:page"]
    assert [cell.value for cell in values[:5]] == ["=cmd.png", 1, "007", "9", "-1.5"]
    assert [cell.data_type for cell in values[:5]] == ["s", "n", "s", "s", "s"]
    assert [cell.fill.fill_type for cell in values[2:5]] == [None, "solid", None]


def test_parquet_has_typed_columns(ledger: Ledger, tmp_path: Path, make_page: Page, make_reading: Make) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    run = begin(ledger, "recipe")
    register(ledger, run, [Document("a.png", "a", 1), Document("bad.png", "b", 0, Failure("damaged"))])
    record(ledger, run, make_page("a", 1, make_reading("id", "007")))
    path = tmp_path / "results.parquet"
    export(ledger, "recipe", "long", path)
    table = parquet.read_table(path)
    assert table.column_names == list(LONG)
    assert table.column("value").to_pylist() == ["007", ""]
    assert table.column("confidence").to_pylist() == [pytest.approx(0.9877, abs=1e-4), None]
    assert str(table.schema.field("x").type) == "int64"
    assert table.column("x").to_pylist() == [10, None]


def test_parquet_of_nothing_is_a_table_of_no_rows(ledger: Ledger, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    export(ledger, "recipe", "long", tmp_path / "results.parquet")
    assert parquet.read_table(tmp_path / "results.parquet").shape == (0, len(LONG))


def test_parquet_without_its_library_is_refused_with_a_remedy(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(LedgerError, match=r"docproc\[parquet\]"):
        export(ledger, "recipe", "long", tmp_path / "results.parquet")


def test_odd_names_survive_and_do_no_harm(ledger: Ledger, make_page: Page) -> None:
    names = [b"=cmd|calc.png", b'a "b", c.png', b"new\nline.png", b"caf\xe9.png", "añ.png".encode(), b"-rf"]
    run = begin(ledger, "recipe")
    register(ledger, run, [Document(os.fsdecode(name), "d", 1) for name in names])
    record(ledger, run, make_page("d"))
    cells = {row["source"] for row in csv.DictReader(io.StringIO(show(ledger), newline=""))}
    assert cells == {"'=cmd|calc.png", 'a "b", c.png', "new\nline.png", "caf\\xe9.png", "añ.png", "'-rf"}
    kept = {row[0] for row in ledger.connection.execute("SELECT path FROM sources")}
    assert kept == set(names)


def test_any_order_and_any_repetition_give_the_same_export(tmp_path: Path, make_page: Page) -> None:
    documents = [Document("a.png", "a", 1), Document("b.pdf", "b", 2), Document("copy of a.png", "a", 1)]
    pages = [make_page("a"), make_page("b", 1), PageResult(make_page("b", 2).ref, (), failure=Failure("crash"))]
    exports = set()
    for number, order in enumerate(itertools.permutations(range(3))):
        with open_ledger(tmp_path / f"{number}.ledger") as ledger:
            run = begin(ledger, "recipe")
            register(ledger, run, [documents[place] for place in order])
            for place in (*order, *order[:number]):
                record(ledger, run, pages[place])
            register(ledger, begin(ledger, "recipe"), documents[:number])
            exports.add(show(ledger))
    assert len(exports) == 1
    assert exports.pop().count("copy of a.png,1,field-1") == 1


def test_changed_bytes_supersede_and_a_skipped_file_leaves(ledger: Ledger, make_page: Page, make_reading: Make) -> None:
    run = begin(ledger, "recipe")
    register(ledger, run, [Document("a.png", "old", 1), Document("b.png", "b", 1)])
    record(ledger, run, make_page("old", 1, make_reading(text="1")))
    record(ledger, run, make_page("b", 1))
    run = begin(ledger, "recipe")
    register(ledger, run, [Document("a.png", "new", 1), Document("b.png", "text", 0, skipped="no document: text")])
    record(ledger, run, make_page("new", 1, make_reading(text="2")))
    assert lines(ledger)[1:] == ["a.png,1,field-1,2,value,0.9877,no,,10,20,30,40"]


def test_only_the_current_recipe_is_exported(ledger: Ledger, make_page: Page, make_reading: Make) -> None:
    for recipe, text in (("old", "1"), ("new", "2")):
        run = begin(ledger, recipe)
        register(ledger, run, [Document("a.png", "a", 1)])
        record(ledger, run, make_page("a", 1, make_reading(text=text)))
    register(ledger, begin(ledger, "old"), [Document("b.png", "", 0, Failure("gone"))])
    assert [line.split(",")[3] for line in lines(ledger, recipe="new")[1:]] == ["2"]
    assert [line.split(",")[0] for line in lines(ledger, recipe="old")[1:]] == ["a.png", "b.png"]


def test_export_puts_the_file_in_place(ledger: Ledger, tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    assert export(ledger, "recipe", "long", path) == path
    assert path.read_bytes() == ",".join(LONG).encode() + b"\r\n"


def test_tally_counts_the_sources_of_a_run(ledger: Ledger, make_page: Page, make_reading: Make) -> None:
    first = begin(ledger, "recipe")
    register(ledger, first, [Document("gone before.png", "x", 1), Document("copy.pdf", "a", 4)])
    run = begin(ledger, "recipe")
    lost = Document("lost.pdf", "", 0, Failure("timeout", "slow"))
    bad = Document("bad.pdf", "bad", 0, Failure("damaged", "cut"))
    register(ledger, run, [Document("a.pdf", "a", 4), Document("again.pdf", "a", 4), lost, bad])
    doubtful = make_reading("b", review=True, status="unreadable")
    record(ledger, run, make_page("a", 1, make_reading("a"), doubtful))
    record(ledger, run, PageResult(make_page("a", 2).ref, ()))
    record(ledger, run, PageResult(make_page("a", 3).ref, (), failure=Failure("crash")))
    counted = tally(ledger, run)
    assert (counted.read, counted.failed, counted.left, counted.empty, counted.flagged) == (4, 4, 2, 2, 2)
    assert counted.statuses == (("unreadable", 2), ("value", 2))
    assert counted.failures == (("crash", 2), ("damaged", 1), ("timeout", 1))
    assert [(page.source, page.number, page.code, page.detail) for page in counted.failed_first] == [
        (b"a.pdf", 3, "crash", ""),
        (b"again.pdf", 3, "crash", ""),
        (b"bad.pdf", 0, "damaged", "cut"),
        (b"lost.pdf", 0, "timeout", "slow"),
    ]
    assert counted.others == 2
