"""What lies in the folder, what of it waits, and whose turn it is."""

from __future__ import annotations

import heapq
import math
import os
from collections.abc import Callable
from dataclasses import dataclass, replace

from docproc.apps.terminal import printable
from docproc.apps.watch.events import Hints
from docproc.apps.watch.inbox import identify, is_within, sight, walk
from docproc.apps.watch.settle import Settling, Sighting
from docproc.apps.watch.verdict import LONGEST_WAIT, back_off
from docproc.errors import RETRIED
from docproc.records.ledger import Ledger, Run
from docproc.records.watched import Watched, find_watched, forget_watched, list_waiting, note_watched

BATCH_FILES = 32
"""Files that are looked at together, so that workers have something to do while one of them is slow."""
SUSPECT = 2
"""A file whose reading was begun so often and never ended is read alone, so that no other suffers with it."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a file must have looked the same before it is read, and how often all are looked at, in seconds.

    `once`: whatever would have to wait for longer is left for another watcher.
    """

    settle: float = 5.0
    rescan: float = 60.0
    once: bool = False


class Lookout:
    """Finds files and lets them wait. Hints are followed; what counts is the look at everything, now and then."""

    def __init__(
        self,
        inbox: str,
        pace: Pace,
        ledger: Ledger,
        turn: Run,
        hints: Hints,
        say: Callable[[str], None],
        clock: Callable[[], float],
    ) -> None:
        self.here: tuple[int, int] | None = None
        """Which folder was found at the last look; None while it is away."""
        self.next_look = clock()
        self.lost = False
        """Whether the last look or turn let go of a file that results may hold."""
        self._inbox = inbox
        self._pace = pace
        self._ledger = ledger
        self._turn = turn
        self._hints = hints
        self._say = say
        self._clock = clock
        self._waiting = Settling()
        self._suspects: list[tuple[int, str, Sighting]] = []
        self._spared: dict[str, int] = {}
        self._troubles: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._waiting) + len(self._suspects)

    def look(self) -> list[Watched]:
        """Follow hints or, when due or when some were lost, look at all; files that have ended and still lie there."""
        paths, missed = self._hints.take()
        if missed or self._clock() >= self.next_look:
            return self._look_at_all()
        for path in paths:
            self.follow(path)
        return []

    def follow(self, path: str) -> None:
        """Look at one path that something happened to."""
        if not is_within(os.path.relpath(path, self._inbox)):
            return
        try:
            if os.path.isdir(path) and not os.path.islink(path):
                for sighting in walk(path, self._refuse):
                    self._see(sighting)
            elif (seen := sight(path)) is not None:
                self._see(seen)
        except OSError as error:
            self._refuse(path, error)

    def pick(self) -> list[Watched]:
        """Files whose moment has come and that have not changed since; one alone where it is a suspect."""
        batch: list[Watched] = []
        for sighting in self._waiting.pop(self._clock(), BATCH_FILES):
            file = self._check(sighting)
            if file is None:
                continue
            if file.attempts >= SUSPECT and file.code is None:
                heapq.heappush(self._suspects, (file.attempts, file.path, sighting))
            else:
                batch.append(file)
        if not batch and self._suspects:
            # the least suspect first, so that one that does end us does not keep the others waiting
            file = self._check(heapq.heappop(self._suspects)[-1])
            batch = [] if file is None else [file]
        return batch

    def wait_on(self, file: Watched, seconds: float) -> None:
        """Let a file wait that has had a turn."""
        self._wait_on(Sighting(file.path, file.stamp), seconds)

    def spare(self, file: Watched) -> None:
        """Let the turn that a file has just had not count, and give it another."""
        self._spared[file.path] = file.attempts - 1

    def is_still(self, file: Watched) -> bool | None:
        """Whether a file is as it was; None where it is gone. One that has changed waits anew."""
        try:
            seen = sight(file.path)
        except OSError:
            return True  # reading it will say why
        if seen is None:
            return None
        if seen.stamp != file.stamp:
            self._begin_anew(seen)
        return seen.stamp == file.stamp

    def lose(self, file: Watched) -> None:
        """Let go of a file that is no longer there. What was read from it and failed for another reason stays."""
        if file.code in RETRIED:
            note_watched(self._ledger, [replace(file, state="failed", code="gone")])
            self._say(f"{printable(file.path)}: failed (gone): it was taken away before it could be tried again")
        else:
            forget_watched(self._ledger, file)
            self._say(f"{printable(file.path)}: was taken away before it was read")
        self.lost = True

    def complain(self, path: str, trouble: str) -> None:
        """Say what is wrong with a path, once for as long as it is."""
        if self._troubles.get(path) != trouble:
            self._troubles[path] = trouble
            self._say(f"{printable(path)}: {trouble}")

    def relent(self, path: str, words: str) -> None:
        """Say that nothing is wrong with a path any more, if something was."""
        if self._troubles.pop(path, None) is not None:
            self._say(f"{printable(path)}: {words}")

    def next_turn(self) -> float:
        """When the next file or the next look is due."""
        if self._suspects:
            return self._clock()
        due = self._waiting.next()
        return self.next_look if due is None else min(due, self.next_look)

    def _look_at_all(self) -> list[Watched]:
        self.next_look = self._clock() + (math.inf if self._pace.once else self._pace.rescan)
        self.here = identify(self._inbox)
        if self.here is None:
            self.complain(self._inbox, "is not there; waiting for it to come back")
            return []
        self.relent(self._inbox, "is back")
        standing = [file for sighting in walk(self._inbox, self._refuse) for file in [self._see(sighting)] if file]
        ours = os.path.join(self._inbox, "")
        for file in list_waiting(self._ledger):
            if file.path.startswith(ours) and not self._may_be_there(file.path):
                self.lose(file)
        return standing

    def _see(self, sighting: Sighting) -> Watched | None:
        """Let a file wait its time; what is known of it instead, if its outcome stands."""
        if self._waiting.knows(sighting) or any(sighting == suspect for *_, suspect in self._suspects):
            return None
        known = self._recall(sighting)
        if known is not None and known.state != "waiting":
            return known
        pause = self._pace.settle
        if known is not None and known.code is not None and not self._pace.once:
            pause = back_off(pause, known.attempts)
        self._waiting.see(sighting, self._clock() + pause)
        return None

    def _recall(self, sighting: Sighting) -> Watched | None:
        """What is known of a file, if it is still the same and would be read the same way."""
        known = find_watched(self._ledger, sighting.path)
        fits = known is not None and (known.stamp, known.recipe) == (sighting.stamp, self._turn.recipe)
        return known if fits else None

    def _check(self, sighting: Sighting) -> Watched | None:
        """The file as it is to be begun, or None where it has changed, or gone, or cannot be looked at."""
        try:
            seen = sight(sighting.path)
        except OSError as error:
            self._refuse(sighting.path, error)
            self._wait_on(sighting, LONGEST_WAIT)
            return None
        known = find_watched(self._ledger, sighting.path)
        if seen is None:
            if known is not None and known.state == "waiting" and identify(self._inbox) is not None:
                self.lose(known)
            return None
        if seen != sighting:
            self._begin_anew(seen)
            return None
        file = Watched(seen.path, seen.stamp, "waiting", self._turn.recipe)
        if known is None:
            return file
        if known.state != "waiting":
            return None if self._recall(seen) else file
        if (known.stamp, known.recipe) != (file.stamp, file.recipe):
            return replace(file, place=known.place)
        return replace(known, attempts=self._spared.pop(known.path, known.attempts))

    def _wait_on(self, sighting: Sighting, seconds: float) -> None:
        if not self._pace.once:
            self._waiting.see(sighting, self._clock() + seconds)

    def _begin_anew(self, sighting: Sighting) -> None:
        """Let a file settle that has changed since it was seen."""
        if self._pace.once:
            self._say(f"{printable(sighting.path)}: waiting: it still changes; left for the next time")
        self._wait_on(sighting, self._pace.settle)

    def _may_be_there(self, path: str) -> bool:
        try:
            return sight(path) is not None
        except OSError:
            return True

    def _refuse(self, path: str, error: OSError) -> None:
        self.complain(path, f"cannot be looked at: {error.strerror or error}; tried again at the next look")
