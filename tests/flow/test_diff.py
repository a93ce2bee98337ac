"""What another recipe would change, and that looking changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from docproc.flow.diff import Change, Difference, compare, judge, pair, read_aside
from docproc.flow.job import Job, run
from docproc.flow.mappers import in_process
from docproc.options import Options, Recipe
from docproc.records.corrections import add, item_of, read_state
from docproc.records.ledger import Ledger, last_run, visit_ledger
from docproc.records.matching import Answer
from docproc.records.status import take_status
from docproc.records.tables import lay_out
from docproc.records.versions import ReadField, list_present
from docproc.records.watched import Watched, note_watched
from docproc.types import NEUTRAL, Box, Document, Failure, PageRef, PageResult, Reader, Reading
from tests.flow.stub_run import RECIPE, find, survey

OTHER = Recipe(Options(max_error=0.001), "another model", NEUTRAL)


def make_reading(name: str, text: str, x: int, review: bool = False) -> Reading:
    status = "value" if text.isdigit() else "blank" if not text else "unreadable"
    return Reading(name, status, text if text.isdigit() else "", 0.9, review, (), Box(x, 0, 40, 20), strip=b"\x89PNG")


def make_reader(pages: dict[int, tuple[Reading, ...] | Failure], begun: list[int] | None = None) -> Reader:
    def read(refs: Iterable[PageRef]) -> Iterator[PageResult]:
        for ref in refs:
            if begun is not None:
                begun.append(ref.number)
            page = pages[ref.number]
            yield PageResult(ref, (), failure=page) if isinstance(page, Failure) else PageResult(ref, page)

    return read


BEFORE: dict[int, tuple[Reading, ...] | Failure] = {
    1: (
        make_reading("1", "17", 0),
        make_reading("2", "", 100),
        make_reading("3", "5", 200),
        make_reading("4", "8", 300),
        make_reading("5", "9", 400, review=True),
        make_reading("6", "3", 500),
    ),
    2: (make_reading("1", "1", 0),),
    3: Failure("timeout"),
}
AFTER: dict[int, tuple[Reading, ...] | Failure] = {
    1: (
        # one field fewer at the head: names shift, places stay
        make_reading("1", "", 103),
        make_reading("2", "6", 200),
        make_reading("3", "8", 300, review=True),
        make_reading("4", "9", 400),
        make_reading("5", "3", 500),
        make_reading("6", "4", 900),
    ),
    2: Failure("not-this-form"),
    3: (make_reading("1", "1", 0),),
}


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    (folder / "a.txt").write_text("pages 3")
    (folder / "copy.txt").write_text("pages 3")
    return folder


@pytest.fixture
def results(tmp_path: Path, inbox: Path) -> Path:
    out = tmp_path / "results.csv"
    run(Job((str(inbox),), out), RECIPE, find, survey, in_process, make_reader(BEFORE))
    return out


def look_at(source: str) -> Document:
    return survey(source) if Path(source).exists() else Document(source, "", 0, Failure("gone"))


def visit(results: Path) -> Path:
    return results.with_name(results.name + ".ledger")


def look_aside(ledger: Ledger, reader: Reader, recipe: Recipe = OTHER) -> tuple[str, ...]:
    aside = read_aside(
        ledger, RECIPE.key, recipe, survey, in_process, reader, lambda stage, done, total: None, lambda: False
    )
    return aside.gone + aside.replaced


def list_kinds(found: Difference, source: str) -> list[tuple[str, int, str]]:
    return [(change.kind, change.page, change.field) for change in found.changes if change.source.endswith(source)]


def test_every_kind_of_change_is_found_and_counted(results: Path) -> None:
    with visit_ledger(visit(results)) as ledger:
        assert look_aside(ledger, make_reader(AFTER)) == ()
        found = compare(ledger, RECIPE.key, OTHER.key)
    assert list_kinds(found, "a.txt") == [
        ("changed", 1, "2"),
        ("new", 1, "6"),
        ("missing", 1, "1"),
        ("failed", 2, ""),
        ("mended", 3, ""),
        ("doubted", 1, "3"),
        ("trusted", 1, "4"),
    ]
    # both names of the same bytes have rows
    assert list_kinds(found, "copy.txt") == list_kinds(found, "a.txt")
    assert (found.fields, found.values, found.left) == (14, 6, ())
    assert dict(found.counts)["changed"] == 2


def test_nothing_of_the_results_changes(results: Path) -> None:
    with visit_ledger(visit(results)) as ledger:
        before = [list(row) for row in lay_out(ledger, RECIPE.key, "long")], take_status(ledger)
        look_aside(ledger, make_reader(AFTER))
        assert last_run(ledger).recipe == RECIPE.key
        rows, status = [list(row) for row in lay_out(ledger, RECIPE.key, "long")], take_status(ledger)
    assert rows == before[0]
    assert replace(status, strips=before[1].strips) == before[1]


def test_a_later_run_finds_the_pages_read(results: Path, inbox: Path) -> None:
    with visit_ledger(visit(results)) as ledger:
        look_aside(ledger, make_reader(AFTER))
    begun: list[int] = []
    summary = run(Job((str(inbox),), results), OTHER, find, survey, in_process, make_reader(AFTER, begun))
    assert (begun, summary.resumed) == ([], 3)
    with visit_ledger(visit(results)) as ledger:
        assert last_run(ledger).recipe == OTHER.key


def test_it_goes_on_where_it_was_stopped(results: Path) -> None:
    begun: list[int] = []
    with visit_ledger(visit(results)) as ledger:
        read_aside(
            ledger,
            *(RECIPE.key, OTHER, survey, in_process, make_reader(AFTER, begun)),
            lambda stage, done, total: None,
            lambda: bool(begun),
        )
        assert begun == [1]
        # a run of other files with this recipe has no half of these in its results
        assert list_present(ledger, OTHER.key) == []
        assert len(compare(ledger, RECIPE.key, OTHER.key).left) == 2
        look_aside(ledger, make_reader(AFTER, begun))
        assert begun == [1, 2, 3]
        assert compare(ledger, RECIPE.key, OTHER.key).left == ()


def test_files_that_are_gone_or_others_are_told(results: Path, inbox: Path) -> None:
    (inbox / "a.txt").write_text("pages 3 and more")
    (inbox / "copy.txt").unlink()
    with visit_ledger(visit(results)) as ledger:
        aside = read_aside(
            ledger,
            *(RECIPE.key, OTHER, look_at, in_process, make_reader(AFTER)),
            lambda stage, done, total: None,
            lambda: False,
        )
        assert [name.rpartition("/")[2] for name in aside.gone] == ["copy.txt"]
        assert [name.rpartition("/")[2] for name in aside.replaced] == ["a.txt"]
        assert len(compare(ledger, RECIPE.key, OTHER.key).left) == 2


def test_moved_files_are_read_where_they_lie(results: Path, inbox: Path) -> None:
    moved = inbox.parent / "done.txt"
    (inbox / "a.txt").rename(moved)
    (inbox / "copy.txt").unlink()
    with visit_ledger(visit(results)) as ledger:
        for name in ("a.txt", "copy.txt"):
            note_watched(ledger, [Watched(str(inbox / name), "1:1", "done", RECIPE.key, place=str(moved))])
        assert look_aside(ledger, make_reader(AFTER)) == ()
        found = compare(ledger, RECIPE.key, OTHER.key)
    assert found.left == ()
    assert found.changes[0].source.endswith("inbox/a.txt")


def test_a_persons_word_stays_and_is_marked(results: Path) -> None:
    with visit_ledger(visit(results)) as ledger:
        (page,) = ledger.connection.execute("SELECT id FROM pages WHERE number = 1").fetchone()
        state = read_state(ledger, item_of(page, 2))
        assert state is not None
        add(ledger, state.item, state.version, Answer("value", "55"), "Ana")
        look_aside(ledger, make_reader(AFTER))
        found = compare(ledger, RECIPE.key, OTHER.key)
    settled = [change for change in found.changes if change.kind == "settled"]
    assert len(settled) == 2
    assert settled[0].after is not None
    assert (settled[0].after.text, settled[0].after.said) == ("6", Answer("value", "55"))
    assert found.values == 4


def make_field(name: str, x: int, form: str | None = None, text: str = "1", status: str = "value") -> ReadField:
    return ReadField(1, name, status, text, 0.9, False, (), Box(x, 0, 40, 20), form, None)


def test_on_a_form_names_tell_and_elsewhere_places() -> None:
    old = [make_field("a", 0, "card"), make_field("b", 100, "card")]
    new = [make_field("b", 104, "card"), make_field("a", 900, "card")]
    assert [(one and one.name, other and other.name) for one, other in pair(old, new)] == [("a", "a"), ("b", "b")]
    free = [make_field("1", 0), make_field("2", 100)]
    shifted = [make_field("1", 104), make_field("2", 900)]
    assert [(one and one.name, other and other.name) for one, other in pair(free, shifted)] == [
        ("1", None),
        ("2", "1"),
        (None, "2"),
    ]


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (("value", "1"), ("value", "1"), None),
        (("value", "1"), ("value", "7"), "changed"),
        (("blank", ""), ("value", "7"), "filled"),
        (("unreadable", ""), ("value", "7"), "filled"),
        (("value", "7"), ("unreadable", ""), "emptied"),
        (("blank", ""), ("unreadable", ""), "changed"),
    ],
)
def test_what_becomes_of_a_field(before: tuple[str, str], after: tuple[str, str], kind: str | None) -> None:
    one, other = (make_field("a", 0, text=text, status=status) for status, text in (before, after))
    assert judge(one, other) == kind
    said = replace(one, said=Answer("value", "55"))
    assert judge(said, other) == (kind and "settled")
    assert judge(said, None) == judge(None, said) == "settled"
    assert not Change("settled", "a", 1, said).is_of_value
    assert Change("changed", "a", 1, one, other).is_of_value == (kind is not None and "value" in (before[0], after[0]))
