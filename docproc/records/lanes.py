"""The lines that fields wait in, one for each purpose, and how many are left, counted as they come and go."""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain, islice
from typing import Any, Literal, NamedTuple

from docproc.errors import REVIEWED

Rank = tuple[int, int, int]
"""Where a field comes: number of its source, page, position."""
Order = Literal["page", "doubtful"]
"""As the pages lie, or the least confident first."""
Stand = Literal["todo", "done"]


class Entry(NamedTuple):
    """A field that waits, or waited: `flagged` if a person should look; `codes` are the reasons that call for it.

    `confidence` is 0 where there is no value.
    """

    item: int
    rank: Rank
    digest: str
    field: str
    confidence: float
    codes: tuple[str, ...]
    flagged: bool


class Wanted(NamedTuple):
    """A part of a line: fields of this name, with this reason, of the source with this digest; "" asks none."""

    field: str = ""
    reason: str = ""
    digest: str = ""

    def takes(self, entry: Entry) -> bool:
        """Whether a field belongs to the part."""
        return (
            (not self.field or entry.field == self.field)
            and (not self.digest or entry.digest == self.digest)
            and (not self.reason or self.reason in entry.codes)
        )


ALL = Wanted()


class Tick(NamedTuple):
    """A name and, of the fields it applies to, how many there are and how many are left."""

    name: str
    total: int
    left: int


@lru_cache(maxsize=4096)
def find_codes(*flags: str) -> tuple[str, ...]:
    """The flags that call for a look, of groups joined by ;, without what they say behind a =, each once."""
    codes = (flag.partition("=")[0] for group in flags for flag in group.split(";"))
    return tuple(code for code in dict.fromkeys(codes) if code in REVIEWED)


class Lane:
    """One line: its fields in both orders, and those of them that are still to do."""

    def __init__(self) -> None:
        self._known: dict[int, Entry] = {}
        self._all: dict[Order, _Sorted] = {"page": _Sorted(), "doubtful": _Sorted()}
        self._todo: dict[Order, _Sorted] = {"page": _Sorted(), "doubtful": _Sorted()}
        self._waiting: set[int] = set()
        self._total, self._left = _Counts(), _Counts()

    def put(self, entry: Entry, stand: Stand | None) -> None:
        """Take a field in, or change how it stands; None takes it out."""
        known = self._known.get(entry.item)
        if known != entry:
            if known is not None:
                self._drop(known)
            if stand is None:
                return
            self._known[entry.item] = entry
            self._total.count(entry, 1)
            for order, line in self._all.items():
                line.add(_key(entry, order))
        elif stand is None:
            self._drop(entry)
            return
        if (stand == "todo") != (entry.item in self._waiting):
            self._turn(entry)

    def walk(self, order: Order, wanted: Wanted = ALL, after: int | None = None) -> Iterator[Entry]:
        """The fields of a part that are to do, in order; from behind `after` on and then around, if it is given."""
        former = None if after is None else self._known.get(after)
        for *_, item in self._todo[order].walk(None if former is None else _key(former, order)):
            entry = self._known[item]
            if wanted is ALL or wanted.takes(entry):
                yield entry

    def around(self, item: int, order: Order, wanted: Wanted = ALL) -> tuple[int | None, int | None]:
        """The fields of a part before and behind one of the line, done ones too."""
        here = self._known.get(item)
        if here is None:
            return None, None
        before, behind = self._all[order].split(_key(here, order))
        taken = ((key[-1] for key in side if wanted.takes(self._known[key[-1]])) for side in (before, behind))
        first, second = (next(side, None) for side in taken)
        return first, second

    def count(self, wanted: Wanted = ALL) -> Tick:
        """How many fields a part has and how many of them are left."""
        asked = [(kind, name) for kind, name in zip(("field", "reason", "source"), wanted, strict=True) if name]
        if not asked:
            return Tick("", len(self._known), len(self._waiting))
        if len(asked) == 1:
            return Tick("", *(counts.kinds[asked[0][0]][asked[0][1]] for counts in (self._total, self._left)))
        part = [item for item, entry in self._known.items() if wanted.takes(entry)]
        return Tick("", len(part), sum(item in self._waiting for item in part))

    def tell(self, kind: Literal["reason", "field", "source"]) -> tuple[Tick, ...]:
        """The counts by reason, field name or digest of the source, the most left first."""
        left = self._left.kinds[kind]
        ticks = (Tick(name, total, left[name]) for name, total in self._total.kinds[kind].items() if total)
        return tuple(sorted(ticks, key=lambda tick: (-tick.left, tick.name)))

    def waits(self, item: int) -> bool:
        """Whether a field is to do."""
        return item in self._waiting

    def _drop(self, entry: Entry) -> None:
        del self._known[entry.item]
        self._total.count(entry, -1)
        for order, line in self._all.items():
            line.remove(_key(entry, order))
        if entry.item in self._waiting:
            self._turn(entry)

    def _turn(self, entry: Entry) -> None:
        """Let a field wait that did not, or the other way round."""
        waits = entry.item not in self._waiting
        self._left.count(entry, 1 if waits else -1)
        (self._waiting.add if waits else self._waiting.discard)(entry.item)
        for order, line in self._todo.items():
            (line.add if waits else line.remove)(_key(entry, order))


class _Counts:
    """Fields by reason, name and source."""

    def __init__(self) -> None:
        self.kinds: dict[str, Counter[str]] = {"field": Counter(), "reason": Counter(), "source": Counter()}

    def count(self, entry: Entry, step: int) -> None:
        self.kinds["field"][entry.field] += step
        self.kinds["source"][entry.digest] += step
        for code in entry.codes:
            self.kinds["reason"][code] += step


class _Sorted:
    """Keys in order, the last part of each an item; many may be added before they are first asked for."""

    def __init__(self) -> None:
        self._keys: list[tuple[Any, ...]] = []
        self._in_order = False

    def add(self, key: tuple[Any, ...]) -> None:
        if self._in_order:
            bisect.insort(self._keys, key)
        else:
            self._keys.append(key)

    def remove(self, key: tuple[Any, ...]) -> None:
        self._settle()
        del self._keys[bisect.bisect_left(self._keys, key)]

    def walk(self, after: tuple[Any, ...] | None) -> Iterator[tuple[Any, ...]]:
        self._settle()
        start = 0 if after is None else bisect.bisect_right(self._keys, after)
        return chain(islice(self._keys, start, None), islice(self._keys, start))

    def split(self, key: tuple[Any, ...]) -> tuple[Iterator[tuple[Any, ...]], Iterator[tuple[Any, ...]]]:
        """The keys before one, backwards, and those behind it."""
        self._settle()
        at = bisect.bisect_left(self._keys, key)
        before = (self._keys[number] for number in range(at - 1, -1, -1))
        return before, islice(self._keys, at + 1, None)

    def _settle(self) -> None:
        if not self._in_order:
            self._keys.sort()
            self._in_order = True


def _key(entry: Entry, order: Order) -> tuple[Any, ...]:
    if order == "page":
        return *entry.rank, entry.item
    return entry.confidence, *entry.rank, entry.item
