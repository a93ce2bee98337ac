"""What became of the files of a watched folder, and the sign of life of who watches it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from typing import Literal

from docproc.records.ledger import Ledger, Run, speaking, spell, transaction
from docproc.types import Document

State = Literal["waiting", "done", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Watched:
    """A file of a watched folder, as the stamp tells it from others that had or get the same path.

    `attempts` counts how often its reading was begun. `code` says why it failed or waits; it is None while it waits for
    the end of an attempt. `place` is where it was moved, or is about to be; of a file that waits, the path under which
    the file goes on that was there before and has been moved, until the new one is registered.
    """

    path: str
    stamp: str
    state: State
    recipe: str
    attempts: int = 0
    code: str | None = None
    detail: str = ""
    place: str | None = None


@dataclass(frozen=True, slots=True)
class FailedNumber:
    """A page of a document that has no readings."""

    number: int
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the pages of a document came to; `flags` are those of pages, each with its page; `left` have no row."""

    read: int = 0
    left: int = 0
    fields: int = 0
    review: int = 0
    failures: tuple[FailedNumber, ...] = ()
    flags: tuple[tuple[int, str], ...] = ()


_COLUMNS = "path, stamp, state, recipe, attempts, code, detail, place"


def find_watched(ledger: Ledger, path: str) -> Watched | None:
    """What is known of the file at a path."""
    with speaking(ledger.name):
        return _find(ledger, path)


def list_waiting(ledger: Ledger) -> list[Watched]:
    """The files whose reading was begun and has not come to an end yet."""
    with speaking(ledger.name):
        rows = ledger.connection.execute(f"SELECT {_COLUMNS} FROM watched WHERE state = 'waiting'").fetchall()
    return [_unpack(row) for row in rows]


def note_watched(ledger: Ledger, files: Iterable[Watched]) -> None:
    """Keep what is known of files now, of all or of none."""
    with transaction(ledger):
        for file in files:
            _write(ledger, file)


def begin_attempts(ledger: Ledger, files: Iterable[Watched]) -> list[Watched]:
    """Note that the reading of files begins, before it may end the process; as noted, one attempt more.

    Where the file that had the path before was moved away, it goes on under the path it was moved to.
    """
    begun = []
    with transaction(ledger):
        for file in files:
            place = file.place
            former = _find(ledger, file.path)
            if former is not None and former.state != "waiting" and former.place is not None:
                place = _free_key(ledger, former.place)
                ledger.connection.execute(
                    "UPDATE watched SET path = ? WHERE path = ?", (os.fsencode(place), os.fsencode(file.path))
                )
            noted = Watched(file.path, file.stamp, "waiting", file.recipe, file.attempts + 1, place=place)
            _write(ledger, noted)
            begun.append(noted)
    return begun


def part_ways(ledger: Ledger, file: Watched, document: Document) -> None:
    """Before a new file at an old path is registered: let the readings of the former one stay, under its new path.

    They make room only for the same bytes put back, or where nothing was read from the former file and it is no longer
    where it was moved.
    """
    if file.place is None:
        return
    path, key = os.fsencode(file.path), os.fsencode(file.place)
    with transaction(ledger):
        ask = ledger.connection.execute
        row = ask("SELECT digest FROM sources WHERE path = ?", (path,)).fetchone()
        digest = row[0] if row else ""
        was_read = ask("SELECT EXISTS (SELECT 1 FROM pages WHERE digest = ? AND failure IS NULL)", (digest,)).fetchone()
        put_back = digest == document.digest if document.digest else False
        moved = ask("SELECT place FROM watched WHERE path = ?", (key,)).fetchone()
        there = moved is not None and moved[0] is not None and os.path.lexists(moved[0])
        if there or (was_read[0] and not put_back):
            ask("UPDATE OR REPLACE sources SET path = ? WHERE path = ?", (key, path))
        else:
            ask("DELETE FROM watched WHERE path = ?", (key,))
        ask("UPDATE watched SET place = NULL WHERE path = ?", (path,))


def forget_watched(ledger: Ledger, file: Watched) -> None:
    """Let go of a file that was taken away before its reading came to an end, and of what was read from it."""
    path = os.fsencode(file.path)
    with transaction(ledger):
        if file.place is None:
            ledger.connection.execute("DELETE FROM sources WHERE path = ?", (path,))
        else:
            ledger.connection.execute(
                "UPDATE OR REPLACE sources SET path = ? WHERE path = ?", (os.fsencode(file.place), path)
            )
        ledger.connection.execute("DELETE FROM watched WHERE path = ?", (path,))


def list_files(ledger: Ledger, digest: str) -> list[str]:
    """Where files with these bytes lie, those first that were not moved since they were read."""
    with speaking(ledger.name):
        rows = ledger.connection.execute(
            "SELECT coalesce(w.place, s.path) FROM sources s LEFT JOIN watched w ON w.path = s.path WHERE s.digest = ?"
            " ORDER BY w.place IS NOT NULL",
            (digest,),
        ).fetchall()
    return [os.fsdecode(place) for (place,) in rows]


def is_taken(ledger: Ledger, path: str) -> bool:
    """Whether the ledger knows a file by this path."""
    with speaking(ledger.name):
        return _is_key(ledger, path)


def give_another_chance(ledger: Ledger, recipe: str, codes: Iterable[str]) -> None:
    """Let files that failed for one of these reasons, and lie where they were found, be tried from the start."""
    with transaction(ledger):
        ledger.connection.executemany(
            "UPDATE watched SET state = 'waiting', attempts = 0, code = NULL, detail = ''"
            " WHERE state = 'failed' AND recipe = ? AND code = ? AND place IS NULL",
            [(recipe, code) for code in sorted(codes)],
        )


def find_outcome(ledger: Ledger, run: Run, document: Document) -> Outcome:
    """What the pages of a document came to under the run's recipe."""
    with speaking(ledger.name):
        rows = ledger.connection.execute(
            "SELECT p.number, p.failure, p.detail, p.flags, count(r.position), coalesce(sum(r.review), 0)"
            " FROM pages p LEFT JOIN readings r ON r.page = p.id"
            " WHERE p.digest = ? AND p.recipe = ? AND p.number BETWEEN 1 AND ? GROUP BY p.id ORDER BY p.number",
            (document.digest, run.recipe, document.pages),
        ).fetchall()
    failures = tuple(FailedNumber(row[0], row[1], row[2]) for row in rows if row[1] is not None)
    return Outcome(
        read=len(rows) - len(failures),
        left=document.pages - len(rows),
        fields=sum(row[4] for row in rows),
        review=sum(row[5] for row in rows),
        failures=failures,
        flags=tuple((row[0], flag) for row in rows for flag in row[3].split(";") if flag),
    )


def count_sources(ledger: Ledger, run: Run) -> tuple[int, int]:
    """How many files the run registered, and how many pages they hold; a file that would not open counts as one."""
    with speaking(ledger.name):
        files, pages = ledger.connection.execute(
            "SELECT count(*), coalesce(sum(iif(coalesce(d.failure, s.failure) IS NULL, d.pages, 1)), 0) FROM sources s"
            " LEFT JOIN documents d ON d.digest = s.digest AND d.recipe = s.recipe WHERE s.run = ?",
            (run.number,),
        ).fetchone()
    return files, pages


def beat(ledger: Ledger, run: Run, doing: str, waiting: int, pages: int, seconds: float, error: str = "") -> None:
    """Leave a sign of life: what the process does, how many files wait, pages it read and the seconds they took."""
    with transaction(ledger):
        ledger.connection.execute(
            "INSERT OR REPLACE INTO beats VALUES (?, datetime('now'), ?, ?, ?, ?, ?)",
            (run.number, doing, waiting, pages, seconds, spell(error)),
        )


def _find(ledger: Ledger, path: str) -> Watched | None:
    row = ledger.connection.execute(f"SELECT {_COLUMNS} FROM watched WHERE path = ?", (os.fsencode(path),)).fetchone()
    return None if row is None else _unpack(row)


def _write(ledger: Ledger, file: Watched) -> None:
    ledger.connection.execute(
        "INSERT OR REPLACE INTO watched VALUES (?, ?, ?, ?, ?, ?, ?, ?, datetime('now'))",
        (
            os.fsencode(file.path),
            file.stamp,
            file.state,
            file.recipe,
            file.attempts,
            file.code,
            spell(file.detail),
            None if file.place is None else os.fsencode(file.place),
        ),
    )


def _unpack(row: tuple[bytes, str, State, str, int, str | None, str, bytes | None]) -> Watched:
    path, stamp, state, recipe, attempts, code, detail, place = row
    moved = None if place is None else os.fsdecode(place)
    return Watched(os.fsdecode(path), stamp, state, recipe, attempts, code, detail, moved)


def _is_key(ledger: Ledger, path: str) -> bool:
    row = ledger.connection.execute(
        "SELECT EXISTS (SELECT 1 FROM sources WHERE path = ?1) OR EXISTS (SELECT 1 FROM watched WHERE path = ?1)",
        (os.fsencode(path),),
    ).fetchone()
    return bool(row[0])


def _free_key(ledger: Ledger, place: str) -> str:
    """The path of a moved file, with a number if another file that was moved there before has it."""
    stem, suffix = os.path.splitext(place)
    keys = (place if number == 1 else f"{stem}-{number}{suffix}" for number in count(1))
    return next(key for key in keys if not _is_key(ledger, key))
