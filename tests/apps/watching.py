"""A watched folder whose clock stands still until a test moves it, over text files that say what they are.

`pages 2` is a document of two pages, `pages 2 timeout` one whose last page fails so, `pages 1 flag=repaired` one whose
page has that flag, `damaged` and any other failure a file that does not open, anything else no document.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from docproc.apps.watch.events import Hints
from docproc.apps.watch.filing import Folders
from docproc.apps.watch.lookout import Lookout, Pace
from docproc.apps.watch.pulse import Pulse
from docproc.apps.watch.table import Table
from docproc.apps.watch.watcher import Tools, Watcher
from docproc.errors import FAILURES
from docproc.flow.job import Job, put_out
from docproc.flow.mappers import in_process
from docproc.records.ledger import Run, begin, open_ledger
from docproc.records.watched import Watched, find_watched
from docproc.types import Box, Document, Failure, PageRef, PageResult, Reading

SETTLE, RESCAN = 5.0, 60.0


def survey(source: str) -> Document:
    try:
        data = Path(source).read_bytes()
    except FileNotFoundError:
        return Document(source, "", 0, Failure("gone"))
    digest = hashlib.sha256(data).hexdigest()
    if not data:
        return Document(source, digest, 0, Failure("empty"))
    word, _, rest = data.decode().partition(" ")
    if word == "pages":
        return Document(source, digest, int(rest.split()[0]))
    if word in FAILURES:
        return Document(source, "" if word == "no-access" else digest, 0, Failure(word))
    return Document(source, digest, 0, skipped="no document: text")


def read_page(ref: PageRef) -> PageResult:
    _, pages, *words = Path(ref.source).read_text().split()
    flags = tuple(word.removeprefix("flag=") for word in words if word.startswith("flag="))
    failures = [word for word in words if word in FAILURES]
    if failures and ref.number == int(pages):
        return PageResult(ref, (), flags, Failure(failures[0]))
    reading = Reading("field-1", "value", f"{ref.number:03}", 0.5, True, ("touching",), Box(1, 2, 3, 4))
    return PageResult(ref, (reading,), flags, None)


class Ward:
    """A watcher that is stepped by hand; it can be killed at any step and begun again."""

    def __init__(self, root: Path, moving: bool = True, once: bool = False) -> None:
        self.root = root
        self.inbox = root / "inbox"
        self.inbox.mkdir(exist_ok=True)
        self.out = root / "r.csv"
        self.asked: list[tuple[str, int]] = []
        self.said: list[str] = []
        self.read_page = read_page
        self.now = 1000.0
        self.stop = False
        self.folders = Folders("inbox", "done" if moving else None, "failed" if moving else None)
        for folder in (self.folders.done, self.folders.failed):
            if folder:
                (root / folder).mkdir(exist_ok=True)
        self.pace = Pace(SETTLE, RESCAN, once)
        self._stack = ExitStack()
        self.begin()

    def begin(self) -> None:
        self.now += 1
        job = Job(("inbox",), Path("r.csv"))
        self.ledger = self._stack.enter_context(open_ledger(job.ledger_path))
        self.turn: Run = begin(self.ledger, "recipe")
        self.hints = Hints()
        self.table = Table(partial(put_out, self.ledger, "recipe", job), lambda: self.now)
        self.pulse = Pulse(self.ledger, self.turn, lambda text: None, lambda: self.now)

        def clock() -> float:
            return self.now

        self.lookout = Lookout("inbox", self.pace, self.ledger, self.turn, self.hints, self.said.append, clock)
        self.watcher = Watcher(
            self.folders,
            self.pace,
            self.ledger,
            self.turn,
            self.lookout,
            self.table,
            self.pulse,
            self.said.append,
            clock,
            lambda: self.stop,
        )
        self.tools = Tools(survey, in_process, self.pulse.count(self._read))

    def end(self) -> None:
        self._stack.close()
        self._stack = ExitStack()

    def kill(self) -> None:
        """The end without a word, and a new start with another clock."""
        self.end()
        self.now = 5.0
        self.begin()

    def step(self, seconds: float = 0.0) -> float:
        self.now += seconds
        return self.watcher.step(self.tools)

    def settle(self) -> None:
        """See what is there, let it settle, read it, and have the table written."""
        self.lookout.next_look = self.now
        self.step()
        self.step(SETTLE)
        self.step(1)

    def put(self, name: str, content: str) -> Path:
        path = self.inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return path

    def known(self, name: str) -> Watched:
        found = find_watched(self.ledger, name if "/" in name else os.path.join("inbox", name))
        assert found is not None
        return found

    def state(self, name: str) -> tuple[str, str | None]:
        found = self.known(name)
        return found.state, found.code

    def rows(self) -> list[tuple[str, str]]:
        """Source and value, or reason, of each row of the table."""
        lines = [line.split(",") for line in self.out.read_text().splitlines()[1:]]
        return [(line[0], line[3] or line[7]) for line in lines]

    def lying(self) -> list[str]:
        files = [path for part in ("inbox", "done", "failed") for path in sorted((self.root / part).rglob("*"))]
        return [str(path.relative_to(self.root)) for path in files if path.is_file()]

    def _read(self, refs: Iterable[PageRef]) -> Iterator[PageResult]:
        for ref in refs:
            self.asked.append((ref.source, ref.number))
            yield self.read_page(ref)
