"""What waits for people: fields to review, to key twice, to settle, to audit; several people get different ones.

A queue keeps its lines in memory and follows the ledger, also where other processes write to it. It belongs to the
thread that opened it, as its connection does.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Literal, NamedTuple

from docproc.records.cells import order_naturally, show_source
from docproc.records.corrections import check_name, item_of, list_corrections, list_since, place_of
from docproc.records.lanes import ALL, Entry, Lane, Order, Stand, Tick, Wanted, find_codes
from docproc.records.ledger import Ledger, last_run, speaking, transaction
from docproc.records.matching import OPEN, Correction, Place, Purpose, Verdict, list_standing, matches, settle
from docproc.types import Box

LEASE_SECONDS = 300.0
"""A field that somebody has before them is kept from others for so long, if nobody renews it."""
SHORTEST_LOOK, LONGEST_LOOK = 0.1, 60.0
"""Seconds between two answers of one person; less is no look but a merge, more is a break."""
PACE_ROWS = 500
FEWEST_LOOKS = 10
LINES: tuple[Purpose, ...] = ("review", "first", "second", "third", "audit")
READING = "page, position, review, field, status, confidence, flags, x, y, width, height"


class Page(NamedTuple):
    """What a queue asks of a page; `flags` are joined by ;."""

    digest: str
    number: int
    form: str | None
    flags: str


NOWHERE = Page("", 0, None, "")


@dataclass(frozen=True, slots=True)
class Keying:
    """Which fields are keyed twice: these by name, and the flagged ones if so; and who keys them first."""

    fields: frozenset[str] = frozenset()
    flagged: bool = False
    first: Literal["person", "machine"] = "machine"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a line is. `reasons` and `fields` name what calls for a look, the most left first.

    `seconds` is the median that an answer took lately, None before FEWEST_LOOKS of them.
    """

    total: int
    left: int
    reasons: tuple[Tick, ...]
    fields: tuple[Tick, ...]
    seconds: float | None

    @property
    def done(self) -> int:
        """How many are settled."""
        return self.total - self.left

    @property
    def minutes(self) -> float | None:
        """What is left, in minutes of one person."""
        return None if self.seconds is None else self.left * self.seconds / 60


class Queue:
    """The lines of fields that wait, for the recipe of the last run."""

    def __init__(self, ledger: Ledger, keying: Keying = Keying()) -> None:
        self.ledger = ledger
        self.keying = keying
        self._state = (0, 0)
        self._recipe = ""
        self._marks: tuple[int | None, ...] = ()
        self._lanes: dict[Purpose, Lane] = {}
        self._open: tuple[Purpose, ...] = ()
        self._fields: dict[tuple[str, int], dict[int, tuple[Entry, Place]]] = {}
        self._verdicts: dict[int, Verdict] = {}
        self._audited: set[int] = set()
        self._thirds: set[int] = set()
        self._doubted: set[int] = set()
        self._sampled: set[int] = set()
        self._ranks: dict[str, int] = {}
        self._names: dict[str, str] = {}
        self._source_state: tuple[int, ...] = ()
        self._least = 0.0
        self._page = self._tile = self._correction = 0
        self._reload()

    def progress(self, purpose: Purpose = "review", wanted: Wanted = ALL) -> Progress:
        """How far a line, or a part of it, is; the counts by reason and field are of the whole line."""
        self._follow()
        lane = self._lanes[purpose]
        _, total, left = lane.count(wanted)
        return Progress(total, left, lane.tell("reason"), lane.tell("field"), measure_pace(self.ledger))

    def list_sources(self, purpose: Purpose = "review") -> tuple[tuple[str, Tick], ...]:
        """The sources that have fields in a line: name, and a count whose name is the digest for `Wanted`."""
        self._follow()
        return tuple((self._names.get(tick.name, ""), tick) for tick in self._lanes[purpose].tell("source"))

    def take(
        self,
        who: str,
        purpose: Purpose = "review",
        count: int = 1,
        order: Order = "page",
        wanted: Wanted = ALL,
        after: int | None = None,
        now: float | None = None,
    ) -> tuple[int, ...]:
        """Lease the next fields to `who`: those on from `after`, then around; the ones behind the first to preload.

        What others have leased is passed over. `now` is wall time in seconds, that of the clock if left out.
        """
        name, moment = check_name(who), time.time() if now is None else now
        self._follow()
        with transaction(self.ledger):
            # once more, now that nobody else writes: what was answered a moment ago is free of its lease
            self._follow()
            self.ledger.connection.execute("DELETE FROM leases WHERE until <= ?", (moment,))
            others = {
                item for (item,) in self.ledger.connection.execute("SELECT item FROM leases WHERE who <> ?", (name,))
            }
            free = (
                entry.item
                for entry in self._lanes[purpose].walk(order, wanted, after)
                if entry.item not in others and self._waits(entry.item, purpose, name)
            )
            taken = tuple(islice(free, count))
            self.ledger.connection.executemany(
                "INSERT OR REPLACE INTO leases VALUES (?, ?, ?)",
                [(item, name, moment + LEASE_SECONDS) for item in taken],
            )
        self._state = (self._state[0], self.ledger.connection.total_changes)
        return taken

    def list_waiting(self, purpose: Purpose = "review", wanted: Wanted = ALL) -> tuple[int, ...]:
        """All fields of a line that are to do, in the order of the pages, whoever has them before them."""
        self._follow()
        return tuple(entry.item for entry in self._lanes[purpose].walk("page", wanted))

    def renew(self, who: str, items: Sequence[int], now: float | None = None) -> tuple[int, ...]:
        """Keep leases for longer; the fields that are still theirs."""
        name, moment = check_name(who), time.time() if now is None else now
        kept = []
        with transaction(self.ledger):
            for item in items:
                changed = self.ledger.connection.execute(
                    "INSERT INTO leases VALUES (?1, ?2, ?3) ON CONFLICT (item) DO UPDATE SET who = ?2, until = ?3"
                    " WHERE who = ?2 OR until <= ?4",
                    (item, name, moment + LEASE_SECONDS, moment),
                ).rowcount
                if changed:
                    kept.append(item)
        return tuple(kept)

    def release(self, who: str) -> None:
        """Let go of all that somebody leased, as when they leave."""
        with transaction(self.ledger):
            self.ledger.connection.execute("DELETE FROM leases WHERE who = ?", (check_name(who),))

    def around(
        self, item: int, purpose: Purpose = "review", order: Order = "page", wanted: Wanted = ALL
    ) -> tuple[int | None, int | None]:
        """The fields before and behind one in its line, done or not: where the arrows lead."""
        self._follow()
        return self._lanes[purpose].around(item, order, wanted)

    def _waits(self, item: int, purpose: Purpose, who: str) -> bool:
        """Whether a field is to do, and by this person."""
        first = self._verdicts.get(item, OPEN).first
        mine = purpose == "second" and first is not None and first.who == who
        return self._lanes[purpose].waits(item) and not mine

    def _stands(self, entry: Entry, purpose: Purpose) -> Stand | None:
        """Whether a field waits in a line, waited there, or never did."""
        verdict = self._verdicts.get(entry.item, OPEN)
        settled = verdict.standing is not None
        if purpose == "review":
            return None if not entry.flagged else "done" if settled else "todo"
        if purpose == "audit":
            return None if entry.item not in self._sampled else "done" if entry.item in self._audited else "todo"
        if purpose == "third":
            return "todo" if verdict.disputed else "done" if entry.item in self._thirds else None
        if not (entry.field in self.keying.fields or (self.keying.flagged and entry.flagged)):
            return None
        if settled or verdict.disputed:
            return "done"
        if purpose == "first":
            return "done" if verdict.first else "todo" if self.keying.first == "person" else None
        return "todo" if verdict.first or self.keying.first == "machine" else None

    def _follow(self) -> None:
        """Take in what was written since; cheap where nothing was."""
        state = self._look()
        if state == self._state:
            return
        self._state = state
        if last_run(self.ledger).recipe != self._recipe or self._read_marks() != self._marks:
            self._reload()
            return
        self._load_sources()
        said = list_since(self.ledger, self._correction)
        self._load_pages(said)
        self._load_items(self._list_doubted())
        for correction in said:
            self._correction = correction.id
        for key in {(correction.place.digest, correction.place.number) for correction in said}:
            fields = self._fields.get(key, {})
            on_page = list_corrections(self.ledger, *key) if fields else []
            for entry, place in fields.values():
                self._weigh(entry, place, on_page)

    def _reload(self) -> None:
        """Fill the lines from nothing."""
        self._state = self._look()
        self._recipe = last_run(self.ledger).recipe
        self._marks = self._read_marks()
        self._lanes = {purpose: Lane() for purpose in LINES}
        for held in (self._fields, self._verdicts, self._ranks, self._names):
            held.clear()
        for known in (self._audited, self._thirds, self._doubted):
            known.clear()
        self._source_state = ()
        self._page = self._tile = 0
        ask = self.ledger.connection.execute
        with speaking(self.ledger.name):
            self._least = ask(
                "SELECT coalesce(max(least), 0.0) FROM thresholds WHERE recipe = ?", (self._recipe,)
            ).fetchone()[0]
            audit = ask("SELECT max(id) FROM audits WHERE recipe = ?", (self._recipe,)).fetchone()[0]
            drawn = ask("SELECT page, position, audit FROM sampled").fetchall()
        self._sampled = {item_of(page, position) for page, position, of in drawn if of == audit}
        twice = bool(self.keying.fields) or self.keying.flagged
        closed = {*(() if twice else ("first", "second")), *(() if self._sampled else ("audit",))}
        self._open = tuple(purpose for purpose in LINES if purpose not in closed)
        self._load_sources()
        said = list_since(self.ledger)
        self._correction = said[-1].id if said else 0
        self._load_pages(said)
        self._load_items([*self._list_doubted(), *(item_of(page, position) for page, position, _ in drawn)])

    def _look(self) -> tuple[int, int]:
        """What changes when anything is written, by others or through this connection."""
        with speaking(self.ledger.name):
            version = self.ledger.connection.execute("PRAGMA data_version").fetchone()[0]
        return version, self.ledger.connection.total_changes

    def _read_marks(self) -> tuple[int | None, ...]:
        """What seldom changes and then moves many fields."""
        with speaking(self.ledger.name):
            row = self.ledger.connection.execute(
                "SELECT (SELECT max(id) FROM thresholds), (SELECT max(id) FROM sampled)"
            ).fetchone()
        return tuple(row)

    def _list_doubted(self) -> list[int]:
        """Fields of which a person found a digit wrong, since this was last asked."""
        with speaking(self.ledger.name):
            rows = self.ledger.connection.execute(
                "SELECT id, page, position FROM tiles WHERE id > ? AND verdict = 'wrong'", (self._tile,)
            ).fetchall()
        self._tile = max((row[0] for row in rows), default=self._tile)
        found = [item_of(page, position) for _, page, position in rows]
        self._doubted.update(found)
        return found

    def _load_sources(self) -> None:
        """Number the sources in their order; those that come later are numbered behind."""
        ask = self.ledger.connection.execute
        with speaking(self.ledger.name):
            state = ask(
                "SELECT count(*), coalesce(max(run), 0), (SELECT coalesce(max(id), 0) FROM pages) FROM sources"
            ).fetchone()
            if state == self._source_state:
                return
            self._source_state = state
            found = ask("SELECT path, digest FROM sources WHERE digest <> ''").fetchall()
        fresh = [(path, digest) for path, digest in found if digest not in self._ranks]
        for path, digest in sorted(fresh, key=lambda source: order_naturally(source[0])):
            if digest not in self._ranks:
                self._ranks[digest] = len(self._ranks)
                self._names[digest] = show_source(path)

    def _load_pages(self, said: Sequence[Correction]) -> None:
        """Take in what calls for a look on the pages read since; `said` are the corrections that may belong to them."""
        names = sorted(self.keying.fields)
        with speaking(self.ledger.name):
            pages = self.ledger.connection.execute(
                "SELECT id, digest, number, form, flags FROM pages WHERE recipe = ? AND id > ? AND failure IS NULL",
                (self._recipe, self._page),
            ).fetchall()
            rows = self.ledger.connection.execute(
                f"SELECT {READING} FROM readings WHERE page > ? AND (review = 1"
                f" OR (status = 'value' AND confidence < ?) OR field IN ({', '.join('?' * len(names))}))",
                (self._page, self._least, *names),
            ).fetchall()
        known = {page: (Page(*row), self._ranks.get(row[0])) for page, *row in pages}
        self._page = max(known, default=self._page)
        on_pages: dict[tuple[str, int], list[Correction]] = {}
        for correction in said:
            on_pages.setdefault((correction.place.digest, correction.place.number), []).append(correction)
        for number, *row in rows:
            page, rank = known.get(number, (NOWHERE, None))
            if rank is not None:
                self._put(page, rank, number, row, on_pages.get((page.digest, page.number), ()))

    def _load_items(self, items: Sequence[int]) -> None:
        """Take in single fields, whatever their flags."""
        ask = self.ledger.connection.execute
        for item in items:
            number, position = place_of(item)
            with speaking(self.ledger.name):
                found = ask(
                    "SELECT digest, number, form, flags FROM pages WHERE id = ? AND recipe = ?", (number, self._recipe)
                ).fetchone()
                row = ask(
                    f"SELECT {READING} FROM readings WHERE page = ? AND position = ?", (number, position)
                ).fetchone()
            if found and row and (rank := self._ranks.get(found[0])) is not None:
                page = Page(*found)
                self._put(page, rank, number, row[1:], list_corrections(self.ledger, page.digest, page.number))

    def _put(self, page: Page, rank: int, number: int, row: Sequence[Any], on_page: Sequence[Correction]) -> None:
        """Take in one field of a page."""
        position, review, field, status, confidence, flags, *box = row
        item, where = item_of(number, position), (rank, page.number, position)
        chance = confidence if status == "value" else 0.0
        weak, doubted = status == "value" and chance < self._least, item in self._doubted
        codes = find_codes(flags, "low-confidence" if weak else "", "doubted" if doubted else "", page.flags)
        entry = Entry(item, where, page.digest, field, chance, codes, bool(review) or weak or doubted)
        place = Place(page.digest, page.number, page.form, field, Box(*box))
        self._fields.setdefault((page.digest, page.number), {})[item] = (entry, place)
        self._weigh(entry, place, on_page)

    def _weigh(self, entry: Entry, place: Place, on_page: Sequence[Correction]) -> None:
        """Put a field where it stands by what was said on its page."""
        item = entry.item
        if on_page:
            said = [row for row in on_page if matches(row.place, place)]
            self._verdicts[item] = settle(said)
            purposes = {row.purpose for row in list_standing(said)}
            (self._audited.add if "audit" in purposes else self._audited.discard)(item)
            (self._thirds.add if "third" in purposes else self._thirds.discard)(item)
        for purpose in self._open:
            self._lanes[purpose].put(entry, self._stands(entry, purpose))


def measure_pace(ledger: Ledger) -> float | None:
    """The median of seconds between two answers of one person, of the last PACE_ROWS; None if there are too few."""
    with speaking(ledger.name):
        rows = ledger.connection.execute(
            "SELECT who, at FROM corrections WHERE withdraws IS NULL ORDER BY id DESC LIMIT ?", (PACE_ROWS,)
        ).fetchall()
    later: dict[str, datetime] = {}
    looks = []
    for who, at in rows:
        moment = datetime.fromisoformat(at)
        if who in later and SHORTEST_LOOK <= (look := (later[who] - moment).total_seconds()) <= LONGEST_LOOK:
            looks.append(look)
        later[who] = moment
    return statistics.median(looks) if len(looks) >= FEWEST_LOOKS else None
