"""When a file may be taken: once it has looked the same for long enough. No clock and no disk, only what it is told."""

from __future__ import annotations

import heapq
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Sighting:
    """A file as it looked just now; `stamp` changes with its content."""

    path: str
    stamp: str


class Settling:
    """Files that wait, each until its own moment. Times are seconds of one clock that never goes back."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, float]] = {}
        self._order: list[tuple[float, str]] = []

    def __len__(self) -> int:
        return len(self._known)

    def knows(self, sighting: Sighting) -> bool:
        """Whether the file waits already and looks as it did."""
        known = self._known.get(sighting.path)
        return known is not None and known[0] == sighting.stamp

    def see(self, sighting: Sighting, due: float) -> None:
        """Let a file wait until `due`; one that waits already and looks as it did keeps its moment."""
        if not self.knows(sighting):
            self._known[sighting.path] = (sighting.stamp, due)
            heapq.heappush(self._order, (due, sighting.path))

    def pop(self, now: float, most: int) -> list[Sighting]:
        """Take out the files whose moment has come, as they looked when it was set, those that waited longest first."""
        ready: list[Sighting] = []
        while len(ready) < most:
            due = self.next()
            if due is None or due > now:
                break
            _, path = heapq.heappop(self._order)
            ready.append(Sighting(path, self._known.pop(path)[0]))
        return ready

    def next(self) -> float | None:
        """The moment of the file whose turn is next, if any waits."""
        while self._order:
            due, path = self._order[0]
            known = self._known.get(path)
            if known is not None and known[1] == due:
                return due
            heapq.heappop(self._order)  # the file has changed since, and waits for a later moment
        return None
