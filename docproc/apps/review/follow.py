"""The results file follows what people say: written anew soon after, in a process of its own, and at the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from docproc.errors import DocprocError
from docproc.flow.mappers import in_processes
from docproc.records.export import export_now
from docproc.types import Failure

QUIET_SECONDS = 0.5
"""That nobody answered before the file is written: many answers come in a row."""
REST = 3
"""A file that takes long to write is written less often: so many times as long is waited."""
EXPORT_SECONDS, EXPORT_MEGABYTES = 600.0, 8192


class Follower:
    """Calls `write` after a change was told of, never twice at once, and once more at the end if need be.

    `trouble` is what the last try said, "" where it went well.
    """

    def __init__(self, write: Callable[[], str]) -> None:
        self.trouble = ""
        self._write = write
        self._changed, self._ending, self._awake = threading.Event(), threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._follow, name="export")
        self._thread.start()

    def tell(self) -> None:
        """Something changed."""
        self._changed.set()
        self._awake.set()

    def end(self) -> None:
        """Write what is not written yet, and stop."""
        self._ending.set()
        self._awake.set()
        self._thread.join()

    def _follow(self) -> None:
        pause = QUIET_SECONDS
        while True:
            self._awake.wait()
            self._ending.wait(pause)
            self._awake.clear()
            if self._changed.is_set():
                self._changed.clear()
                start = time.monotonic()
                self.trouble = self._write()
                pause = max(QUIET_SECONDS, REST * (time.monotonic() - start))
            elif self._ending.is_set():
                return
            if self._ending.is_set():
                self._awake.set()


@contextmanager
def follow(results: Path, ledger: Path) -> Iterator[Follower]:
    """Keep a results file at what its ledger says."""
    with in_processes(1, EXPORT_SECONDS, EXPORT_MEGABYTES) as mapper:

        def write() -> str:
            (said,) = mapper(write_results, [(results, ledger)], explain)
            return said

        follower = Follower(write)
        try:
            yield follower
        finally:
            follower.end()


def write_results(paths: tuple[Path, Path]) -> str:
    """Write results anew from their ledger; what went wrong in words, "" if nothing."""
    results, ledger = paths
    try:
        written = export_now(results, ledger)
    except DocprocError as error:
        return str(error)
    return "" if written == results else f"{results} is in use by another program; the results are in {written}"


def explain(paths: tuple[Path, Path], failure: Failure) -> str:
    """What stands for a file that could not be written."""
    return f"{paths[0]} could not be written ({failure.code} {failure.detail}); docproc export writes it"
