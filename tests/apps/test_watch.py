"""A watched folder, step by step: what becomes of files, whatever happens to them or to the watcher."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from docproc.apps.watch.lookout import SUSPECT
from docproc.apps.watch.verdict import LOOKS, TRIES
from docproc.errors import LedgerError
from docproc.types import PageRef, PageResult
from tests.apps.watching import SETTLE, Ward


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


def test_files_are_read_and_filed_away(ward: Ward) -> None:
    ward.put("a.pdf", "pages 2")
    ward.put("ward 3/b.pdf", "pages 1")
    ward.put("c.pdf", "encrypted")
    ward.put("notes.txt", "call Monday")
    ward.settle()
    assert ward.lying() == [
        "inbox/notes.txt",
        "done/a.pdf",
        "done/ward 3/b.pdf",
        "failed/c.pdf",
        "failed/c.pdf.reason.txt",
    ]
    assert ward.rows() == [
        ("inbox/a.pdf", "001"),
        ("inbox/a.pdf", "002"),
        ("inbox/c.pdf", "encrypted"),
        ("inbox/ward 3/b.pdf", "001"),
    ]
    assert [ward.state(name)[0] for name in ("a.pdf", "c.pdf", "notes.txt")] == ["done", "failed", "skipped"]
    reason = (ward.root / "failed" / "c.pdf.reason.txt").read_text()
    assert "reason:  encrypted" in reason
    assert "the PDF needs a password" in reason


def test_a_file_is_not_read_before_it_has_settled(ward: Ward) -> None:
    path = ward.put("a.pdf", "pages 1")
    ward.step()
    for more in ("pages 2", "pages 3", "pages 4"):
        ward.step(SETTLE - 1)
        path.write_text(more)
        ward.step(1)
        assert ward.asked == []
    ward.step(SETTLE)
    assert ward.asked == [("inbox/a.pdf", number) for number in (1, 2, 3, 4)]


def test_a_half_copied_file_is_left_alone_until_it_is_whole(ward: Ward) -> None:
    path = ward.put("a.pdf", "damaged")
    ward.settle()
    assert ward.state("a.pdf") == ("waiting", "damaged")
    path.write_text("pages 2")
    ward.step(2 * SETTLE)
    ward.step(SETTLE)
    ward.step(1)
    assert ward.state("a.pdf") == ("done", None)
    assert ward.rows() == [("inbox/a.pdf", "001"), ("inbox/a.pdf", "002")]
    assert not any("replace the former" in line for line in ward.said)


@pytest.mark.parametrize(
    ("content", "code", "state"),
    [
        ("damaged", "damaged", "failed"),
        ("", "empty", "failed"),
        ("not-a-document", "not-a-document", "failed"),
        ("no-pages", "no-pages", "failed"),
        ("pages 2 damaged", "damaged", "failed"),
        ("pages 2 flag=repaired", "repaired", "done"),
    ],
)
def test_what_looks_cut_short_is_looked_at_again_before_it_stands(
    ward: Ward, content: str, code: str, state: str
) -> None:
    ward.put("a.pdf", content)
    ward.settle()
    for attempt in range(1, LOOKS):
        assert ward.state("a.pdf") == ("waiting", code)
        assert ward.lying() == ["inbox/a.pdf"]
        ward.step(SETTLE * 2**attempt - 2)
        assert ward.known("a.pdf").attempts == attempt
        ward.step(2)
    assert ward.state("a.pdf")[0] == state
    assert ward.lying()[0] == f"{state}/a.pdf"


def test_a_passing_failure_is_really_tried_again(ward: Ward) -> None:
    ward.put("a.pdf", "pages 3 timeout")
    ward.settle()
    ward.read_page = lambda ref: PageResult(ref, (), (), None)
    ward.step(2 * SETTLE)
    assert ward.asked == [("inbox/a.pdf", number) for number in (1, 2, 3, 3)]
    assert ward.state("a.pdf") == ("done", None)


def test_a_failure_that_lasts_is_given_up(ward: Ward) -> None:
    ward.put("a.pdf", "pages 1 timeout")
    ward.settle()
    for attempt in range(1, TRIES):
        ward.step(SETTLE * 2**attempt)
    assert ward.state("a.pdf") == ("failed", "timeout")
    assert len(ward.asked) == TRIES
    ward.settle()
    assert len(ward.asked) == TRIES


def test_what_is_locked_waits_until_it_is_not(ward: Ward) -> None:
    path = ward.put("a.pdf", "no-access")
    ward.settle()
    for _ in range(2 * TRIES):
        ward.step(400)
    assert ward.state("a.pdf") == ("waiting", "no-access")
    assert ward.known("a.pdf").attempts == 2 * TRIES + 1
    path.write_text("pages 1")
    ward.step(400)
    ward.step(SETTLE)
    assert ward.state("a.pdf") == ("done", None)


def test_attempts_outlive_the_watcher(ward: Ward) -> None:
    ward.put("a.pdf", "damaged")
    ward.settle()
    for attempt in range(1, LOOKS):
        ward.kill()
        ward.step()
        ward.step(SETTLE * 2**attempt - 1)
        assert ward.known("a.pdf").attempts == attempt
        ward.step(1)
        assert ward.known("a.pdf").attempts == attempt + 1
    assert ward.state("a.pdf") == ("failed", "damaged")


class Killed(BaseException):
    """What a test ends a watcher with."""


def test_a_file_that_ends_the_watcher_is_read_alone_and_then_no_more(ward: Ward) -> None:
    calm = ward.read_page

    def read(ref: PageRef) -> PageResult:
        if "poison" in ref.source:
            raise Killed
        return calm(ref)

    ward.read_page = read
    ward.put("a.pdf", "pages 1")
    ward.put("poison.pdf", "pages 2")
    ward.put("z.pdf", "pages 3")
    for _ in range(TRIES):
        with pytest.raises(Killed):
            ward.settle()
        ward.kill()
    assert {ward.state(name)[0] for name in ("a.pdf", "z.pdf")} == {"done"}
    assert ward.known("poison.pdf").attempts == TRIES
    assert ward.asked.count(("inbox/z.pdf", 1)) <= SUSPECT
    ward.settle()
    assert ward.state("poison.pdf") == ("failed", "crash")
    assert ("inbox/poison.pdf", "crash") in ward.rows()
    assert "failed/poison.pdf" in ward.lying()


def test_a_request_to_stop_counts_as_no_attempt(ward: Ward) -> None:
    calm = ward.read_page

    def read(ref: PageRef) -> PageResult:
        ward.stop = True
        return calm(ref)

    ward.read_page = read
    for number in range(4):
        ward.put(f"{number}.pdf", "pages 40" if number else "pages 1")
    ward.settle()
    assert len(ward.asked) == 1
    ward.stop = False
    ward.read_page = calm
    ward.kill()
    assert {ward.known(f"{number}.pdf").attempts for number in range(1, 4)} == {0}
    ward.settle()
    ward.step(SETTLE)
    assert {ward.state(f"{number}.pdf")[0] for number in range(4)} == {"done"}


def test_an_error_of_the_ledger_counts_as_no_attempt(ward: Ward) -> None:
    def refuse(ref: PageRef) -> PageResult:
        raise LedgerError("the disk is full")

    calm, ward.read_page = ward.read_page, refuse
    ward.put("a.pdf", "pages 1")
    for _ in range(2 * TRIES):
        with pytest.raises(LedgerError):
            ward.settle()
        ward.watcher.spare()
    ward.read_page = calm
    ward.step()
    assert ward.state("a.pdf") == ("done", None)
    assert ward.known("a.pdf").attempts == 1
