"""Signs of life: for whoever asks the ledger, for the service manager, for the terminal, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from docproc.apps.watch.metrics import Metrics
from docproc.apps.watch.service import notify
from docproc.records.ledger import Ledger, Run
from docproc.records.watched import beat
from docproc.types import PageRef, PageResult, Reader

BEAT_SECONDS = 5.0
"""How often the ledger gets a sign of life at most."""


class Pulse:
    """Tells that work goes on, only while it does: it is the working thread that beats."""

    def __init__(self, ledger: Ledger, turn: Run, show: Callable[[str], None], clock: Callable[[], float]) -> None:
        self.error = ""
        self.pages = 0
        self.metrics = Metrics(lambda: self._waiting, lambda: clock() - self._progress)
        self._ledger = ledger
        self._turn = turn
        self._show = show
        self._clock = clock
        self._waiting = 0
        self._seconds = 0.0
        self._progress = clock()
        self._next = float("-inf")

    def beat(self, doing: str, waiting: int) -> None:
        """Say what is being done; into the ledger only now and then. Raises LedgerError."""
        now = self._clock()
        self._waiting, self._progress = waiting, now
        self._show(f"{doing}, {waiting:,} waiting, {self.pages:,} pages read")
        if now >= self._next:
            notify("WATCHDOG=1")
            self.leave(doing, waiting)
            self._next = now + BEAT_SECONDS

    def leave(self, doing: str, waiting: int) -> None:
        """Leave the sign in the ledger now. Raises LedgerError."""
        beat(self._ledger, self._turn, doing, waiting, self.pages, self._seconds, self.error)

    def count(self, reader: Reader) -> Reader:
        """The reader, its pages and the time spent on them counted."""

        def read(refs: Iterable[PageRef]) -> Iterator[PageResult]:
            start = self._clock()
            for result in reader(refs):
                now = self._clock()
                self._seconds += now - start
                self.pages += 1
                self.metrics.add_page(result)
                yield result
                start = self._clock()

        return read
