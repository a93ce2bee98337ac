"""The queue of one ledger for many askers: it lives in a thread of its own, which does one thing after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

from docproc.records.ledger import Ledger, require_key, visit_ledger
from docproc.records.queue import Keying, Queue
from docproc.records.seal import Vault

T = TypeVar("T")


class Desk:
    """Asks the queue from any thread. Open one with `open_desk`."""

    def __init__(self, thread: ThreadPoolExecutor, queue: Future[Queue], path: Path) -> None:
        self._thread = thread
        self._queue = queue
        self._path = path

    def ask(self, function: Callable[[Queue], T]) -> T:
        """What a function makes of the queue, once its turn comes."""
        return self._thread.submit(lambda: function(self._queue.result())).result()

    def ask_aside(self, function: Callable[[Ledger], T]) -> T:
        """What a function that takes long makes of the ledger, while others go on; it gets no encrypted pictures."""
        with visit_ledger(self._path) as ledger:
            return function(ledger)


@contextmanager
def open_desk(path: Path, vault: Vault, keying: Keying) -> Iterator[Desk]:
    """The desk of the ledger at `path`, whose lines fill meanwhile; raises LedgerError where it cannot be used."""
    held = ExitStack()

    def open_ledger() -> Ledger:
        ledger = held.enter_context(visit_ledger(path, vault))
        require_key(ledger)
        return ledger

    with ThreadPoolExecutor(1, "ledger") as thread:
        try:
            ledger = thread.submit(open_ledger).result()
            yield Desk(thread, thread.submit(Queue, ledger, keying), path)
        finally:
            thread.submit(held.close).result()
