"""No error ends a watch: it is told, waited out, and the work goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from docproc.apps.watch.attend import LONGEST_PAUSE, attend, read_once
from docproc.apps.watch.events import Events, Hints
from docproc.apps.watch.watcher import Tools
from docproc.errors import LedgerError, UsageError, WorkerError
from docproc.types import PageRef, PageResult
from tests.apps.watching import Ward


class Clockwork(Hints):
    """Waiting moves the clock of a ward."""

    def __init__(self, ward: Ward) -> None:
        super().__init__()
        self.ward = ward

    def wait(self, seconds: float, stopping: Callable[[], bool]) -> None:
        self.ward.now += seconds


@pytest.fixture
def ward(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ward]:
    monkeypatch.chdir(tmp_path)
    made = Ward(tmp_path)
    yield made
    made.end()


class Attendance:
    """Runs the endless part until the first file is done, or some errors were told."""

    def __init__(self, ward: Ward, most: int = 100) -> None:
        self.ward = ward
        self.opened = 0
        self.slept = 0.0
        self.most = most

    @contextmanager
    def open(self) -> Iterator[Tools]:
        self.opened += 1
        yield self.ward.tools

    def stopping(self) -> bool:
        done = any(": done:" in line for line in self.ward.said)
        return done or len([line for line in self.ward.said if "trying again" in line]) >= self.most

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self.ward.now += seconds

    def run(self) -> None:
        hints = Clockwork(self.ward)
        events = Events("inbox", hints)
        try:
            given = (self.ward.pulse, hints, events, self.ward.said.append, self.stopping, self.sleep)
            attend(self.ward.watcher, self.open, *given)
        finally:
            events.close()


def failing(ward: Ward, error: Exception, times: int) -> Callable[[PageRef], PageResult]:
    calm, left = ward.read_page, [error] * times

    def read(ref: PageRef) -> PageResult:
        if left:
            raise left.pop()
        return calm(ref)

    return read


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (LedgerError("the disk is full; free some space"), "the disk is full; free some space; trying again in 2 s"),
        (WorkerError("worker processes do not start"), "worker processes do not start; trying again in 2 s"),
        (RuntimeError("odd"), "a bug in docproc (RuntimeError: odd); please report it; trying again in 2 s"),
    ],
)
def test_an_error_is_told_and_the_work_goes_on(ward: Ward, error: Exception, told: str) -> None:
    ward.put("a.pdf", "pages 2")
    ward.read_page = failing(ward, error, 2)
    attendance = Attendance(ward)
    attendance.run()
    assert told in ward.said
    assert attendance.opened == 3
    assert attendance.slept == pytest.approx(2 + 4)
    assert ward.state("a.pdf") == ("done", None)
    assert ward.pulse.error == ""


def test_a_lasting_error_is_left_more_and_more_time_and_is_seen_from_outside(ward: Ward) -> None:
    ward.put("a.pdf", "pages 2")
    ward.read_page = failing(ward, LedgerError("the disk is full"), 100)
    attendance = Attendance(ward, most=10)
    attendance.run()
    assert f"the disk is full; trying again in {LONGEST_PAUSE:.0f} s" in ward.said
    found = ward.ledger.connection.execute("SELECT doing, waiting, error FROM beats").fetchall()
    assert found == [("waiting after an error", 1, "the disk is full")]
    assert ward.known("a.pdf").attempts == 1


def test_a_bug_counts_as_an_attempt_so_that_one_file_cannot_stop_all(ward: Ward) -> None:
    calm = ward.read_page

    def read(ref: PageRef) -> PageResult:
        if "poison" in ref.source:
            raise RuntimeError("odd")
        return calm(ref)

    ward.read_page = read
    ward.put("poison.pdf", "pages 1")
    ward.put("z.pdf", "pages 2")
    Attendance(ward).run()
    assert ward.state("z.pdf") == ("done", None)


def test_an_error_of_the_command_line_ends_it(ward: Ward) -> None:
    ward.put("a.pdf", "pages 2")
    ward.read_page = failing(ward, UsageError("no such device"), 1)
    with pytest.raises(UsageError):
        Attendance(ward).run()


def test_reading_once_raises_what_stands_against_it(ward: Ward) -> None:
    ward.put("a.pdf", "pages 2")
    ward.read_page = failing(ward, LedgerError("the disk is full"), 1)
    with pytest.raises(LedgerError):
        read_once(ward.watcher, Attendance(ward).open, Clockwork(ward), lambda: False)
