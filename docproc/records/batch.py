"""What the pages of a batch have to tell as a whole: flags by kind, failures, the slowest files, and when."""

from __future__ import annotations

import sqlite3
from collections import Counter
from typing import NamedTuple

from docproc.records.cells import show_source
from docproc.records.ledger import Ledger, speaking


class Often(NamedTuple):
    """A flag or failure and how many fields or pages have it."""

    code: str
    times: int


class Slow(NamedTuple):
    """A file, its pages, and the seconds of preparing them."""

    source: str
    pages: int
    seconds: float


_PRESENT = """
    FROM pages p WHERE p.recipe = ?1
    AND EXISTS (SELECT 1 FROM sources s WHERE s.digest = p.digest)
    AND EXISTS (SELECT 1 FROM documents d WHERE d.digest = p.digest AND d.recipe = ?1 AND d.failure IS NULL
        AND p.number <= d.pages)
"""
"""Pages of files that are still there."""


def count_flags(ledger: Ledger, recipe: str) -> tuple[tuple[Often, ...], tuple[Often, ...]]:
    """How many fields have each flag, and how many pages; a detail behind = is left out. The commonest first."""
    with speaking(ledger.name):
        ask = ledger.connection.execute
        fields = ask(
            "SELECT r.flags, count(*) FROM readings r WHERE r.flags <> ''"
            f" AND r.page IN (SELECT p.id {_PRESENT}) GROUP BY r.flags",
            (recipe,),
        ).fetchall()
        pages = ask(f"SELECT p.flags, count(*) {_PRESENT} AND p.flags <> '' GROUP BY p.flags", (recipe,)).fetchall()
    return _sum_up(fields), _sum_up(pages)


def count_failures(ledger: Ledger, recipe: str) -> tuple[Often, ...]:
    """How many pages failed for each reason; a file that would not open counts as one."""
    with speaking(ledger.name):
        rows = ledger.connection.execute(
            f"SELECT p.failure, count(*) {_PRESENT} AND p.failure IS NOT NULL GROUP BY p.failure"
            " UNION ALL SELECT coalesce(d.failure, s.failure), count(*) FROM sources s"
            " LEFT JOIN documents d ON d.digest = s.digest AND d.recipe = ?1"
            " WHERE coalesce(d.failure, s.failure) IS NOT NULL"
            " AND (d.digest IS NOT NULL OR (s.digest = '' AND s.recipe = ?1)) GROUP BY 1",
            (recipe,),
        ).fetchall()
    return _sum_up(rows)


def list_slowest(ledger: Ledger, recipe: str, count: int) -> tuple[Slow, ...]:
    """The files whose pages took longest."""
    with speaking(ledger.name):
        rows = ledger.connection.execute(
            f"SELECT (SELECT min(path) FROM sources s WHERE s.digest = p.digest), count(*), sum(p.seconds) {_PRESENT}"
            " GROUP BY p.digest ORDER BY 3 DESC LIMIT ?2",
            (recipe, count),
        ).fetchall()
    return tuple(Slow(show_source(path), pages, seconds) for path, pages, seconds in rows)


def find_span(ledger: Ledger, recipe: str) -> tuple[str, str]:
    """When the first run with a recipe began and its last page was read, UTC; "" where that is not noted."""
    with speaking(ledger.name):
        row = ledger.connection.execute(
            "SELECT (SELECT min(started) FROM runs WHERE recipe = ?1), (SELECT max(at) FROM pages WHERE recipe = ?1)",
            (recipe,),
        ).fetchone()
    return row[0] or "", row[1] or ""


def tell_engine() -> str:
    """The version of the database."""
    return sqlite3.sqlite_version


def _sum_up(rows: list[tuple[str, int]]) -> tuple[Often, ...]:
    counts: Counter[str] = Counter()
    for flags, count in rows:
        for code in dict.fromkeys(flag.partition("=")[0] for flag in flags.split(";") if flag):
            counts[code] += count
    return tuple(Often(code, count) for code, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
