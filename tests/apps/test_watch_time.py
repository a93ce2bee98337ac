"""A watched folder over time: names that come again, moves that are refused, drives that go, hints that are lost."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from docproc.apps.watch.inbox import make_stamp
from docproc.apps.watch.verdict import LOOKS
from docproc.records.watched import Watched, note_watched
from docproc.types import PageRef, PageResult
from tests.apps.watching import RESCAN, SETTLE, Ward


@pytest.fixture
def ward(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ward]:
    monkeypatch.chdir(tmp_path)
    made = Ward(tmp_path)
    yield made
    made.end()


@pytest.fixture
def staying(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ward]:
    monkeypatch.chdir(tmp_path)
    made = Ward(tmp_path, moving=False)
    yield made
    made.end()


class Killed(BaseException):
    """What a test ends a watcher with."""


def kill(ref: PageRef) -> PageResult:
    raise Killed(ref.source)


def test_what_ended_is_left_alone_where_it_stays(staying: Ward) -> None:
    for name, content in (("a.pdf", "pages 2"), ("b.pdf", "encrypted"), ("c.txt", "call Monday")):
        staying.put(name, content)
    staying.settle()
    calls = len(staying.said)
    staying.tools = replace(staying.tools, survey=pytest.fail)
    staying.step(RESCAN)
    staying.step(RESCAN)
    staying.kill()
    staying.tools = replace(staying.tools, survey=pytest.fail)
    staying.step()
    staying.step(SETTLE)
    assert len(staying.said) == calls
    assert staying.lying() == ["inbox/a.pdf", "inbox/b.pdf", "inbox/c.txt"]


def test_new_content_in_place_replaces_the_former_rows_and_says_so(staying: Ward) -> None:
    staying.put("a.pdf", "pages 2")
    staying.settle()
    staying.put("a.pdf", "pages 1")
    staying.settle()
    assert staying.rows() == [("inbox/a.pdf", "001")]
    assert "inbox/a.pdf: has new content; its rows replace the former ones" in staying.said


def test_a_scanner_that_uses_a_name_again_loses_nothing(ward: Ward) -> None:
    for pages in (2, 1, 1, 3):
        ward.put("scan.pdf", f"pages {pages}")
        ward.settle()
    assert ward.lying() == ["done/scan-2.pdf", "done/scan-3.pdf", "done/scan-4.pdf", "done/scan.pdf"]
    counts = {source: len([row for row in ward.rows() if row[0] == source]) for source, _ in ward.rows()}
    assert counts == {"done/scan.pdf": 2, "done/scan-2.pdf": 1, "done/scan-3.pdf": 1, "inbox/scan.pdf": 3}


def test_emptying_the_archive_loses_no_row(ward: Ward) -> None:
    for pages in (2, 1, 3):
        ward.put("scan.pdf", f"pages {pages}")
        ward.settle()
        for path in (ward.root / "done").iterdir():
            path.unlink()
    counts = {source: len([row for row in ward.rows() if row[0] == source]) for source, _ in ward.rows()}
    assert counts == {"done/scan.pdf": 2, "done/scan-2.pdf": 1, "inbox/scan.pdf": 3}


def test_a_failed_file_that_was_mended_and_put_back_has_but_its_new_rows(ward: Ward) -> None:
    ward.put("a.pdf", "encrypted")
    ward.settle()
    (ward.root / "failed" / "a.pdf").unlink()
    ward.put("a.pdf", "pages 1")
    ward.settle()
    assert ward.rows() == [("inbox/a.pdf", "001")]
    assert ward.lying() == ["done/a.pdf", "failed/a.pdf.reason.txt"]


def test_a_file_that_is_put_back_as_it_was_has_its_rows_once(ward: Ward) -> None:
    ward.put("a.pdf", "pages 2")
    ward.settle()
    os.rename(ward.root / "done" / "a.pdf", ward.inbox / "a.pdf")
    ward.settle()
    assert ward.rows() == [("inbox/a.pdf", "001"), ("inbox/a.pdf", "002")]
    assert ward.lying() == ["done/a.pdf"]


def test_killed_before_the_new_file_was_read_the_former_rows_stay(ward: Ward) -> None:
    ward.put("scan.pdf", "pages 2")
    ward.settle()
    ward.put("scan.pdf", "pages 1")
    calm, ward.read_page = ward.read_page, kill
    for _ in range(2):
        with pytest.raises(Killed):
            ward.settle()
        ward.kill()
    ward.read_page = calm
    ward.settle()
    assert ward.rows() == [("done/scan.pdf", "001"), ("done/scan.pdf", "002"), ("inbox/scan.pdf", "001")]


def test_a_move_that_is_refused_is_made_up_for(ward: Ward) -> None:
    (ward.root / "done").rmdir()
    ward.put("a.pdf", "pages 1")
    ward.put("b.pdf", "pages 2")
    ward.settle()
    assert ward.lying() == ["inbox/a.pdf", "inbox/b.pdf"]
    assert ward.state("a.pdf") == ("done", None)
    assert len([line for line in ward.said if "takes no files: the folder is not there" in line]) == 1
    (ward.root / "done").mkdir()
    ward.step(RESCAN)
    assert ward.lying() == ["done/a.pdf", "done/b.pdf"]
    assert len(ward.asked) == 3


def test_a_file_that_is_taken_away_while_it_waits_leaves_no_row(ward: Ward) -> None:
    path = ward.put("upload-1.pdf", "damaged")
    ward.settle()
    os.rename(path, ward.inbox / "a.pdf")
    (ward.inbox / "a.pdf").write_text("pages 1")
    ward.step(RESCAN)
    ward.step(SETTLE)
    ward.step(1)
    assert ward.rows() == [("inbox/a.pdf", "001")]
    assert any("upload-1.pdf: was taken away" in line for line in ward.said)


def test_a_file_that_goes_while_it_is_read_has_failed(ward: Ward) -> None:
    path = ward.put("a.pdf", "pages 2 gone")
    calm = ward.read_page

    def read(ref: PageRef) -> PageResult:
        result = calm(ref)
        if ref.number == 2:
            path.unlink()
        return result

    ward.read_page = read
    ward.settle()
    ward.step(RESCAN)
    assert ward.state("a.pdf") == ("failed", "gone")
    assert ward.rows() == [("inbox/a.pdf", "001"), ("inbox/a.pdf", "gone")]


def test_a_file_that_changes_while_it_is_read_is_new(ward: Ward) -> None:
    path = ward.put("a.pdf", "pages 1")
    calm = ward.read_page

    def read(ref: PageRef) -> PageResult:
        result = calm(ref)
        path.write_text("pages 3")
        ward.read_page = calm
        return result

    ward.read_page = read
    ward.settle()
    assert ward.lying() == ["inbox/a.pdf"]
    ward.step(SETTLE)
    ward.step(1)
    assert len(ward.rows()) == 3
    assert ward.lying() == ["done/a.pdf"]


def test_the_same_content_under_two_names_is_read_once(ward: Ward) -> None:
    ward.put("a.pdf", "pages 2")
    ward.put("b.pdf", "pages 2")
    ward.settle()
    assert len(ward.asked) == 2
    assert len(ward.rows()) == 4
    assert ward.lying() == ["done/a.pdf", "done/b.pdf"]


@pytest.mark.parametrize("when", [0, 2**33])
def test_times_of_files_mean_nothing(ward: Ward, when: int) -> None:
    path = ward.put("a.pdf", "pages 1")
    os.utime(path, (when, when))
    ward.step()
    ward.step(SETTLE - 1)
    assert ward.asked == []
    ward.step(1)
    assert ward.state("a.pdf") == ("done", None)


def test_a_drive_that_goes_away_ends_nothing(ward: Ward) -> None:
    ward.put("a.pdf", "pages 1")
    ward.put("b.pdf", "damaged")
    ward.settle()
    os.rename(ward.inbox, ward.root / "away")
    for _ in range(3):
        ward.step(RESCAN)
    assert [line for line in ward.said if "inbox: " in line] == ["inbox: is not there; waiting for it to come back"]
    assert ward.state("b.pdf") == ("waiting", "damaged")
    os.rename(ward.root / "away", ward.inbox)
    (ward.inbox / "b.pdf").write_text("pages 2")
    ward.settle()
    assert "inbox: is back" in ward.said
    assert {ward.state("a.pdf")[0], ward.state("b.pdf")[0]} == {"done"}


def test_what_came_while_nobody_watched_is_found(ward: Ward) -> None:
    ward.settle()
    ward.end()
    for number in range(70):
        ward.put(f"{number}/a.pdf", "pages 1")
    ward.now = 0.0
    ward.begin()
    ward.step()
    for _ in range(4):
        ward.step(SETTLE)
    assert len(ward.rows()) == 70


def test_a_hint_shortens_the_wait_and_a_lost_one_is_made_up_for(ward: Ward) -> None:
    ward.step()
    ward.put("a.pdf", "pages 1")
    ward.put("b.pdf", "pages 2")
    ward.hints.add("inbox/a.pdf")
    ward.step(1)
    ward.step(SETTLE)
    assert ward.asked == [("inbox/a.pdf", 1)]
    ward.hints.lose()
    ward.step()
    ward.step(SETTLE)
    assert len(ward.asked) == 3


def test_a_folder_that_is_moved_in_is_found_by_one_hint(ward: Ward) -> None:
    ward.step()
    ward.put("new/deep/a.pdf", "pages 1")
    ward.hints.add("inbox/new")
    ward.step()
    ward.step(SETTLE)
    assert ward.asked == [("inbox/new/deep/a.pdf", 1)]


def test_a_batch_is_filed_away_before_the_next_is_read(ward: Ward) -> None:
    lying: list[int] = []
    calm = ward.read_page

    def read(ref: PageRef) -> PageResult:
        lying.append(len(list((ward.root / "done").iterdir())))
        return calm(ref)

    ward.read_page = read
    for number in range(3):
        ward.put(f"{number}.pdf", f"pages 4{number}")
    ward.settle()
    assert lying == [0] * 40 + [1] * 41 + [2] * 42


def test_each_file_is_filed_away_once_its_own_last_page_is_read(ward: Ward) -> None:
    lying: list[list[str]] = []
    calm = ward.read_page

    def read(ref: PageRef) -> PageResult:
        lying.append(sorted(path.name for path in (ward.root / "done").iterdir()))
        return calm(ref)

    ward.read_page = read
    ward.put("a.pdf", "pages 2 flag=blurred")
    ward.put("b.pdf", "pages 1")
    ward.put("c.pdf", "pages 2 flag=blurred")
    ward.put("d.pdf", "encrypted")
    ward.put("e.pdf", "pages 2")
    ward.settle()
    assert lying == [[], [], ["a.pdf", "c.pdf"], ["a.pdf", "b.pdf", "c.pdf"], ["a.pdf", "b.pdf", "c.pdf"]]
    assert [line.split(":")[0] for line in ward.said if line.startswith("inbox/")] == [
        f"inbox/{name}.pdf" for name in "dacbe"
    ]
    assert "failed/d.pdf" in ward.lying()


def test_a_suspect_that_is_seen_again_waits_once(ward: Ward) -> None:
    path = ward.put("a.pdf", "pages 1")
    stamp = make_stamp(path.lstat())
    note_watched(ward.ledger, [Watched("inbox/a.pdf", stamp, "waiting", ward.turn.recipe, attempts=2)])
    ward.put("b.pdf", "pages 2")
    ward.step()
    ward.step(SETTLE)
    assert ward.asked == [("inbox/b.pdf", 1), ("inbox/b.pdf", 2)]
    ward.lookout.next_look = ward.now
    ward.lookout.look()
    assert len(ward.lookout) == 1


def test_the_table_is_written_only_so_often(ward: Ward) -> None:
    written: list[float] = []
    table = ward.table.__class__(
        lambda: (written.append(ward.now), setattr(ward, "now", ward.now + 2)), lambda: ward.now
    )
    for _ in range(2):
        table.change()
        table.settle()
    assert written == [1001.0]
    assert table.due() == 1003.0 + 40
    ward.now = 1042.0
    table.settle()
    ward.now = 1043.0
    table.settle()
    table.settle()
    assert written == [1001.0, 1043.0]


def test_signs_of_life_are_left_now_and_then(ward: Ward) -> None:
    ward.put("a.pdf", "pages 2")
    ward.settle()
    ward.step(10)
    found = ward.ledger.connection.execute("SELECT run, doing, waiting, pages, error FROM beats").fetchall()
    assert found == [(ward.turn.number, "watching", 0, 2, "")]


def test_reading_once_ends_without_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ward = Ward(tmp_path, once=True)
    ward.put("a.pdf", "pages 1")
    ward.put("b.pdf", "damaged")
    grows = ward.put("c.pdf", "pages 1")
    ward.step()
    grows.write_text("pages 9")
    ward.step(SETTLE)
    assert ward.watcher.count() == 0
    assert ward.step() == 0 or ward.watcher.count() == 0
    assert [ward.state("a.pdf")[0], ward.state("b.pdf")[0]] == ["done", "waiting"]
    assert any("c.pdf: waiting: it still changes" in line for line in ward.said)
    for attempt in range(2, LOOKS + 1):
        ward.kill()
        ward.step()
        ward.step(SETTLE)
        assert ward.known("b.pdf").attempts == attempt
    assert ward.state("b.pdf") == ("failed", "damaged")
    ward.end()


def test_advice_is_given_while_the_paper_is_at_hand(ward: Ward) -> None:
    ward.put("a.pdf", "pages 1 flag=blank-render")
    ward.settle()
    assert any("inbox/a.pdf page 1: blank-render: the page came out blank" in line for line in ward.said)
