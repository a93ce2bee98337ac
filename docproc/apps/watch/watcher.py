"""The watcher: look, read what is due, file it away, and again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from docproc.apps.watch.filing import Folders, file_away
from docproc.apps.watch.lookout import Lookout, Pace
from docproc.apps.watch.pulse import Pulse
from docproc.apps.watch.report import tell_outcome, tell_replaced
from docproc.apps.watch.table import Table
from docproc.apps.watch.verdict import TRIES, back_off, judge
from docproc.errors import RETRIED
from docproc.flow.job import Stage, look, take
from docproc.flow.mappers import Mapper
from docproc.records import watched as records
from docproc.records.ledger import Ledger, Run, find_replaced, missing, register
from docproc.records.watched import Watched
from docproc.types import Document, Failure, Reader

BATCH_PAGES = 64
"""Pages that are read between two looks at whether files are still the same."""
BATCH_MOVES = 100
"""Files that are moved between two signs of life."""
FRESH_START = RETRIED - {"crash"}
"""What a new watcher tries again; not what may have ended the last one."""


@dataclass(frozen=True, slots=True, eq=False)
class Tools:
    """What files are read with."""

    survey: Callable[[str], Document]
    mapper: Mapper
    reader: Reader


class Watcher:
    """One watched folder. `step` does what is to be done now, and never waits; `clock` never goes back."""

    def __init__(
        self,
        folders: Folders,
        pace: Pace,
        ledger: Ledger,
        turn: Run,
        lookout: Lookout,
        table: Table,
        pulse: Pulse,
        say: Callable[[str], None],
        clock: Callable[[], float],
        stopping: Callable[[], bool],
    ) -> None:
        self.skipped: list[tuple[str, str]] = []
        self.replaced = 0
        self._folders = folders
        self._pace = pace
        self._ledger = ledger
        self._turn = turn
        self._lookout = lookout
        self._table = table
        self._pulse = pulse
        self._say = say
        self._clock = clock
        self._stopping = stopping
        self._in_hand: list[Watched] = []
        self._ended_before: set[str] = set()
        table.change()  # whoever wrote it last may have been killed before it was whole
        self.try_again(*FRESH_START)

    @property
    def folder(self) -> tuple[int, int] | None:
        """Which folder was found at the last look; None while it is away."""
        return self._lookout.here

    def try_again(self, *codes: str) -> None:
        """Let files that failed for these reasons, and lie where they were found, be tried as if they were new."""
        records.give_another_chance(self._ledger, self._turn.recipe, codes)

    def step(self, tools: Tools) -> float:
        """Look, read and file away what is due; how many seconds nothing will be, if nothing comes."""
        for file in self._in_hand:  # of a step that an error cut short
            self._lookout.wait_on(file, 0.0)
        self._in_hand = []
        self._file(self._lookout.look())
        self._pulse.beat("watching", self.count())
        self._in_hand = self._lookout.pick()
        if self._in_hand:
            self._work(tools)
        if self._lookout.lost:
            self._table.change()
            self._lookout.lost = False
        self._table.settle()
        due = self._table.due()
        moment = self._lookout.next_turn() if due is None else min(due, self._lookout.next_turn())
        return max(0.0, moment - self._clock())

    def count(self) -> int:
        """How many files wait."""
        return len(self._lookout) + len(self._in_hand)

    def spare(self) -> None:
        """After an error that no file is to blame for: what was in hand does not count as tried."""
        for file in self._in_hand:
            self._lookout.spare(file)

    def _work(self, tools: Tools) -> None:
        """Read files, a few pages' worth at a time, and let each outcome stand before the next are begun."""
        if self._in_hand[0].code is None and self._in_hand[0].attempts >= TRIES:
            self._condemn(self._in_hand.pop())
            return
        self._ended_before = {file.path for file in self._in_hand if self._has_ended(file.path)}
        self._in_hand = records.begin_attempts(self._ledger, self._in_hand)
        paths = [file.path for file in self._in_hand]
        documents = list(look(paths, tools.survey, tools.mapper, self._go_on, self._stopping))
        for group in _group(list(zip(self._in_hand, documents, strict=False))):
            if self._stopping():
                break
            self._read(group, tools.reader)
            ended = {file.path for file, _ in group}
            self._in_hand = [file for file in self._in_hand if file.path not in ended]
        # only a request to stop leaves some, which are as if they had not been begun
        self._unbegin(self._in_hand)
        for file in self._in_hand:
            self._lookout.wait_on(file, 0.0)
        self._in_hand = []

    def _read(self, group: Sequence[tuple[Watched, Document]], reader: Reader) -> None:
        files = [(file, document) for file, document in group if self._still(file, document)]
        documents = [document for _, document in files]
        for file, document in files:
            records.part_ways(self._ledger, file, document)
        for path in self._ended_before.intersection(find_replaced(self._ledger, documents)):
            self.replaced += 1
            tell_replaced(self._say, path)
        last = {ref.digest: number for number, ref in enumerate(missing(self._ledger, self._turn, documents), 1)}
        left = [(last.get(document.digest, 0), file, document) for file, document in files]

        def go_on(stage: Stage, done: int, total: int) -> None:
            self._go_on(stage, done, total)
            for ended in [entry for entry in left if entry[0] <= done]:  # pages come in order
                left.remove(ended)
                self._end(*ended[1:])

        take(self._ledger, self._turn, documents, reader, go_on, self._stopping)
        self._table.change()
        for _, file, document in left:
            self._end(file, document)

    def _end(self, file: Watched, document: Document) -> None:
        """Let the outcome of a file stand, and hand the file on."""
        ended = self._conclude(replace(file, place=None), document)
        self._in_hand = [other for other in self._in_hand if other.path != file.path]
        self._file([] if ended is None else [ended])

    def _has_ended(self, path: str) -> bool:
        """Whether rows of a path, if there are any, are those of a file whose outcome stood."""
        known = records.find_watched(self._ledger, path)
        return known is None or known.state != "waiting"

    def _still(self, file: Watched, document: Document) -> bool:
        """Whether there is anything to read; of a file that went away after it was looked at, its reading tells."""
        there = self._lookout.is_still(file)
        if there is None and document.failure is not None:
            self._lookout.lose(file)
            return False
        return there is not False

    def _conclude(self, file: Watched, document: Document) -> Watched | None:
        """Note what a file came to; the file if that stands, None if it waits on."""
        outcome = records.find_outcome(self._ledger, self._turn, document)
        if document.failure is None and document.skipped is None and outcome.left:
            # a request to stop leaves pages; whatever else does counts as an attempt that never ended
            if self._stopping():
                self._unbegin([file])
            self._lookout.wait_on(file, back_off(self._pace.settle, file.attempts))
            return None
        verdict = judge(document, outcome, file.attempts, self._pace.settle)
        ended = replace(file, state=verdict.state, code=verdict.code, detail=verdict.detail)
        records.note_watched(self._ledger, [ended])
        tell_outcome(self._say, ended, outcome, None if self._pace.once else verdict.wait)
        if verdict.state == "waiting":
            self._lookout.wait_on(file, verdict.wait)
            return None
        if document.skipped is not None and self._pace.once:
            self.skipped.append((file.path, document.skipped))
        self._pulse.metrics.add_file(verdict.state)
        return ended

    def _condemn(self, file: Watched) -> None:
        """Let a file fail that ended whoever began to read it, time and again."""
        crash = Failure("crash", f"docproc ended {file.attempts} times while reading it")
        document = Document(file.path, "", 0, crash)
        records.part_ways(self._ledger, file, document)
        register(self._ledger, self._turn, [document])
        self._table.change()
        self._end(file, document)

    def _file(self, files: Sequence[Watched]) -> None:
        """Move files whose outcome stands; one that was replaced before it could be moved waits as a new one."""
        files = [file for file in files if self._folders.goal(file) is not None]
        for first in range(0, len(files), BATCH_MOVES):
            part = files[first : first + BATCH_MOVES]
            moved = {file.path for file in file_away(self._ledger, self._folders, part, self._refuse)}
            for file in part:
                goal = self._folders.goal(file)
                if goal is not None and file.path in moved:
                    self._lookout.relent(goal, "takes files again")
                else:
                    self._lookout.follow(file.path)
            self._pulse.beat("moving files", self.count())

    def _refuse(self, goal: str, reason: str) -> None:
        self._lookout.complain(goal, f"takes no files: {reason}; they stay where they are, and it is tried again")

    def _unbegin(self, files: Sequence[Watched]) -> None:
        """Take back that the reading of files was begun."""
        if files:
            records.note_watched(self._ledger, [replace(file, attempts=file.attempts - 1) for file in files])

    def _go_on(self, stage: Stage, done: int, total: int) -> None:
        """Between files or pages: show that work goes on, and let the table grow."""
        self._pulse.beat(f"{'reading pages' if stage == 'read' else 'looking at files'} {done}/{total}", self.count())
        if stage == "read" and done:
            self._table.change()
            self._table.settle()


def _group(files: Sequence[tuple[Watched, Document]]) -> Iterator[list[tuple[Watched, Document]]]:
    """Files whose pages make a fair portion of work, or a single one that has more."""
    group: list[tuple[Watched, Document]] = []
    pages = 0
    for file, document in files:
        if group and pages + document.pages > BATCH_PAGES:
            yield group
            group, pages = [], 0
        group.append((file, document))
        pages += document.pages
    if group:
        yield group
