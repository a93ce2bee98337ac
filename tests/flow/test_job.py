"""A run may end at any moment; what it recorded is never read again, and the end is the same."""

from __future__ import annotations

import csv
import io
import os
import runpy
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import IO

import pytest

from docproc.errors import Exit, InputError, LedgerError
from docproc.flow.job import Job, Summary, run
from docproc.flow.mappers import in_process
from docproc.options import Options
from docproc.records.corrections import add, item_of, read_state
from docproc.records.export import lock_of
from docproc.records.ledger import beside, visit_ledger
from docproc.records.matching import Answer
from docproc.types import Failure, PageRef, PageResult

SCRIPT = Path(__file__).with_name("stub_run.py")
PAGES = 9


@pytest.fixture
def stub() -> SimpleNamespace:
    return SimpleNamespace(**runpy.run_path(str(SCRIPT), run_name="stub"))


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    (folder / "a.pdf").write_text("pages 4")
    (folder / "b.pdf").write_text("pages 5")
    (folder / "copy of a.pdf").write_text("pages 4")
    (folder / "broken.pdf").write_text("damaged")
    (folder / "notes.txt").write_text("call Monday")
    return folder


@pytest.fixture
def work(inbox: Path, stub: SimpleNamespace, tmp_path: Path) -> Callable[..., Summary]:
    """Run over the inbox; `asked` collects the pages that were read."""

    def run_stub(
        out: Path | None = tmp_path / "results.csv",
        asked: list[int] | None = None,
        read: Callable[[PageRef], PageResult] = stub.read_page,
        recipe: object = stub.RECIPE,
        **given: object,
    ) -> Summary:
        def reader(refs: Iterable[PageRef]) -> Iterator[PageResult]:
            for ref in refs:
                if asked is not None:
                    asked.append(ref.number)
                yield read(ref)

        return run(Job((str(inbox),), out), recipe, stub.find, stub.survey, in_process, reader, **given)  # type: ignore[arg-type]

    return run_stub


@pytest.fixture
def undisturbed(work: Callable[..., Summary], tmp_path: Path) -> bytes:
    path = tmp_path / "undisturbed.csv"
    work(path)
    return path.read_bytes()


def start(inbox: Path, out: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), str(inbox), str(out)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def pipe(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream


def go_on(child: subprocess.Popen[str], pages: int) -> str:
    """Let the child read so many pages; the line it waits on."""
    line = pipe(child.stdout).readline()
    for _ in range(pages):
        pipe(child.stdin).write("go\n")
        pipe(child.stdin).flush()
        line = pipe(child.stdout).readline()
    return line


def finish(child: subprocess.Popen[str]) -> int:
    child.communicate("go\n" * PAGES)
    return child.returncode


def test_summary_balances(work: Callable[..., Summary], tmp_path: Path) -> None:
    summary = work()
    assert (summary.files, summary.pages, summary.tally.read, summary.tally.failed) == (4, 14, 13, 1)
    assert summary.balances
    assert summary.code is Exit.SOME_FAILED
    assert [(os.path.basename(source), reason) for source, reason in summary.skipped] == [
        ("notes.txt", "no document: text")
    ]
    assert summary.out == tmp_path / "results.csv"
    lines = (tmp_path / "results.csv").read_text().splitlines()
    assert len(lines) == 1 + 14


def test_a_second_run_reads_nothing_and_gives_the_same(
    work: Callable[..., Summary], tmp_path: Path, undisturbed: bytes
) -> None:
    asked: list[int] = []
    work(asked=asked)
    assert asked == [1, 2, 3, 4, 1, 2, 3, 4, 5]
    summary = work(asked=asked)
    assert len(asked) == PAGES
    assert summary.resumed == PAGES
    assert (tmp_path / "results.csv").read_bytes() == undisturbed


def test_another_recipe_reads_again(work: Callable[..., Summary], stub: SimpleNamespace) -> None:
    asked: list[int] = []
    work()
    work(asked=asked, recipe=replace(stub.RECIPE, options=Options.model_validate({"max_error": 0.1})))
    assert len(asked) == PAGES
    work(asked=asked)
    assert len(asked) == PAGES


def test_changed_bytes_are_read_and_take_the_place_of_the_old(
    work: Callable[..., Summary], inbox: Path, tmp_path: Path
) -> None:
    work()
    (inbox / "b.pdf").write_text("pages 1")
    asked: list[int] = []
    work(asked=asked)
    assert asked == [1]
    assert (tmp_path / "results.csv").read_text().count("b.pdf") == 1


@pytest.mark.parametrize(("code", "again"), [("crash", [1, 2, 3, 4, 5]), ("damaged", [])])
def test_failed_pages_are_rows_and_retried_if_that_may_help(
    work: Callable[..., Summary], inbox: Path, code: str, again: list[int], tmp_path: Path
) -> None:
    for name in ("a.pdf", "copy of a.pdf"):
        (inbox / name).unlink()
    summary = work(read=lambda ref: PageResult(ref, (), failure=Failure(code)))
    assert (summary.pages, summary.tally.failed, summary.code) == (6, 6, Exit.SOME_FAILED)
    assert (tmp_path / "results.csv").read_text().count(f"failed,,yes,{code}") == 5 + (code == "damaged")
    asked: list[int] = []
    work(asked=asked)
    assert asked == again


@pytest.mark.parametrize("done", [0, 1, 5, PAGES - 1])
def test_killed_and_run_again_gives_the_undisturbed_file(
    inbox: Path, tmp_path: Path, work: Callable[..., Summary], undisturbed: bytes, done: int
) -> None:
    out = tmp_path / "results.csv"
    child = start(inbox, out)
    assert go_on(child, done).startswith("page")
    child.kill()
    finish(child)
    assert not out.exists()
    asked: list[int] = []
    summary = work(asked=asked)
    assert (len(asked), summary.resumed) == (PAGES - done, done)
    assert out.read_bytes() == undisturbed
    left = {path for path in tmp_path.iterdir() if path.name.startswith(".")}
    assert left == {lock_of(out), lock_of(tmp_path / "undisturbed.csv")}


def test_copied_while_it_runs_and_resumed_from_the_copy(
    inbox: Path, tmp_path: Path, work: Callable[..., Summary], undisturbed: bytes
) -> None:
    out, copy = tmp_path / "results.csv", tmp_path / "copy.csv"
    child = start(inbox, out)
    go_on(child, 6)
    for end in ("", "-wal"):
        shutil.copyfile(f"{out}.ledger{end}", f"{copy}.ledger{end}")
    finish(child)
    asked: list[int] = []
    work(copy, asked=asked)
    assert len(asked) == PAGES - 6
    assert copy.read_bytes() == undisturbed


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_lets_the_page_in_hand_be_recorded(
    inbox: Path, tmp_path: Path, work: Callable[..., Summary], undisturbed: bytes, number: signal.Signals
) -> None:
    out = tmp_path / "results.csv"
    child = start(inbox, out)
    go_on(child, 3)
    child.send_signal(number)
    assert finish(child) == Exit.INTERRUPTED
    # a.pdf's four pages, those of its copy, the broken file
    assert out.read_text().count("\n") == 1 + 4 + 4 + 1
    asked: list[int] = []
    work(asked=asked)
    assert asked == [1, 2, 3, 4, 5]
    assert out.read_bytes() == undisturbed


def test_a_second_signal_leaves_at_once(inbox: Path, tmp_path: Path, work: Callable[..., Summary]) -> None:
    child = start(inbox, tmp_path / "results.csv")
    go_on(child, 3)
    child.send_signal(signal.SIGINT)
    child.send_signal(signal.SIGTERM)
    assert child.wait(timeout=60) == Exit.INTERRUPTED
    asked: list[int] = []
    work(asked=asked)
    assert len(asked) == PAGES - 3
    child.communicate()


def test_a_second_run_on_the_same_output_is_refused(inbox: Path, tmp_path: Path, work: Callable[..., Summary]) -> None:
    child = start(inbox, tmp_path / "results.csv")
    go_on(child, 1)
    with pytest.raises(LedgerError, match=f"in use by process {child.pid} on "):
        work()
    assert finish(child) == Exit.SOME_FAILED


def test_interruption_is_no_loss(work: Callable[..., Summary]) -> None:
    asked: list[int] = []
    summary = work(asked=asked, stopping=lambda: len(asked) >= 2)
    assert (summary.code, summary.balances) == (Exit.INTERRUPTED, True)
    assert (summary.tally.read, summary.tally.failed, summary.tally.left) == (4, 1, 9)


def test_a_reader_that_loses_a_page_is_found_out(inbox: Path, stub: SimpleNamespace, tmp_path: Path) -> None:
    def forget(refs: Iterable[PageRef]) -> Iterator[PageResult]:
        return (stub.read_page(ref) for ref in refs if ref.number != 5)

    job = Job((str(inbox),), tmp_path / "results.csv")
    summary = run(job, stub.RECIPE, stub.find, stub.survey, in_process, forget)
    assert not summary.balances
    assert summary.code is Exit.BUG


def test_nothing_to_read_is_an_error(inbox: Path, work: Callable[..., Summary], tmp_path: Path) -> None:
    for path in inbox.iterdir():
        if path.suffix == ".pdf":
            path.unlink()
    with pytest.raises(InputError, match=r"skipped .*notes.txt \(no document: text\)"):
        work()
    assert not (tmp_path / "results.csv").exists()


def test_outputs_are_checked_before_any_work(work: Callable[..., Summary], tmp_path: Path) -> None:
    asked: list[int] = []
    for out in (tmp_path, tmp_path / "none" / "r.csv", Path("/proc/r.csv")):
        with pytest.raises(LedgerError):
            work(out, asked=asked)
    (tmp_path / "r.csv.ledger").mkdir()
    with pytest.raises(LedgerError, match="is a folder"):
        work(tmp_path / "r.csv", asked=asked)
    assert asked == []


def test_output_in_the_folder_that_is_read_is_no_input(work: Callable[..., Summary], inbox: Path) -> None:
    work(inbox / "results.csv")
    summary = work(inbox / "results.csv")
    assert [os.path.basename(source) for source, _ in summary.skipped] == ["notes.txt"]


def test_sources_of_earlier_runs_stay_and_are_counted(
    work: Callable[..., Summary], inbox: Path, undisturbed: bytes, tmp_path: Path
) -> None:
    work()
    (inbox / "a.pdf").unlink()
    summary = work()
    assert (summary.tally.others, summary.pages) == (1, 10)
    assert (tmp_path / "results.csv").read_bytes() == undisturbed


def test_a_stream_gets_the_same_rows_and_no_ledger_is_kept(
    work: Callable[..., Summary], undisturbed: bytes, inbox: Path, tmp_path: Path
) -> None:
    before = sorted(tmp_path.rglob("*"))
    stream = io.BytesIO()
    assert work(None, stream=stream).out is None
    assert stream.getvalue() == undisturbed
    assert sorted(tmp_path.rglob("*")) == before


def test_a_pipe_that_closes_early_ends_nothing(work: Callable[..., Summary]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as stream:
        assert work(None, stream=stream).balances


def test_progress_counts_files_then_pages(work: Callable[..., Summary]) -> None:
    seen: list[tuple[str, int, int]] = []
    work(progress=lambda stage, done, total: seen.append((stage, done, total)))
    assert seen == [("survey", done, 5) for done in range(1, 6)] + [("read", done, PAGES) for done in range(PAGES + 1)]


def test_files_with_new_content_are_counted(stub: SimpleNamespace, inbox: Path, tmp_path: Path) -> None:
    def read() -> Summary:
        job = Job((str(inbox),), tmp_path / "out.csv")
        reader = lambda refs: map(stub.read_page, refs)  # noqa: E731
        return run(job, stub.RECIPE, stub.find, stub.survey, in_process, reader)

    assert read().replaced == 0
    assert read().replaced == 0
    (inbox / "a.pdf").write_text("pages 2 and other content")
    assert read().replaced == 1


def test_a_word_said_beside_a_run_stands_after_it_and_after_another_reading(
    inbox: Path, tmp_path: Path, work: Callable[..., Summary], stub: SimpleNamespace
) -> None:
    out = tmp_path / "results.csv"
    child = start(inbox, out)
    go_on(child, 2)
    with visit_ledger(beside(out)) as ledger:
        item = item_of(1, 0)
        state = read_state(ledger, item)
        assert state is not None
        add(ledger, item, state.version, Answer("value", "4711"), "ann")
    assert finish(child) == Exit.SOME_FAILED

    def said() -> list[tuple[str, str, str]]:
        with out.open(encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["value"] == "4711"]
        return [(os.path.basename(row["source"]), row["page"], row["review"]) for row in rows]

    everywhere = [("a.pdf", "1", "done"), ("copy of a.pdf", "1", "done")]
    assert said() == everywhere
    work(out, recipe=replace(stub.RECIPE, options=Options.model_validate({"max_error": 0.1})))
    assert said() == everywhere
