"""Forgetting pictures of fields, so that their bytes are gone from the ledger's files."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Literal

from docproc.records.answered import list_words
from docproc.records.corrections import FIELDS_A_PAGE, item_of
from docproc.records.ledger import Ledger, speaking, transaction
from docproc.records.seal import SEALED, Place


@dataclass(frozen=True, slots=True)
class Purged:
    """How many pictures went, their bytes, and how many are kept.

    `held_by` is who kept the files from being rewritten, None where they were.
    """

    strips: int
    bytes: int
    kept: int
    held_by: str | None


_GOING = f"""
    FROM readings r JOIN pages p ON p.id = r.page
    WHERE length(r.strip) > 0
    AND (?1 = 'none' OR (r.review = 0
        AND (r.status <> 'value' OR r.confidence >=
            (SELECT coalesce(max(t.least), 0.0) FROM thresholds t WHERE t.recipe = p.recipe))
        AND r.page * {FIELDS_A_PAGE} + r.position NOT IN (SELECT value FROM json_each(?3))))
    AND (?2 IS NULL OR p.at IS NULL OR julianday('now') - julianday(p.at) >= ?2)
"""
"""A page whose time is not noted was read before times were: it counts as old."""


def purge(ledger: Ledger, keep: Literal["flagged", "none"], older_than: float | None) -> Purged:
    """Take pictures out of the readings of every recipe, older than some days if that is given, and compact the files.

    Flagged are fields that the run sent to a person and those that are to be looked at since, or were for an audit.
    Runs beside whoever reads pages; done again where there is nothing left to take, it still compacts.
    """
    with speaking(ledger.name):
        # what is freed is overwritten with zeros
        ledger.connection.execute("PRAGMA secure_delete = ON")
    with transaction(ledger):
        asked = (keep, older_than, json.dumps(_list_wanted(ledger)))
        strips, size = ledger.connection.execute(
            f"SELECT count(*), coalesce(sum(length(r.strip)), 0) {_GOING}", asked
        ).fetchone()
        ledger.connection.execute(
            f"UPDATE readings SET strip = x'' WHERE (page, position) IN (SELECT r.page, r.position {_GOING})",
            asked,
        )
    return _finish(ledger, strips, size)


def _list_wanted(ledger: Ledger) -> list[int]:
    """Fields to look at though no run flagged them: drawn for an audit, with a wrong digit, keyed once, or disputed."""
    ask = ledger.connection.execute
    places = ask(
        "SELECT page, position FROM sampled UNION SELECT page, position FROM tiles WHERE verdict = 'wrong'"
    ).fetchall()
    recipes = ask("SELECT DISTINCT recipe FROM pages").fetchall()
    words = (word for (recipe,) in recipes for word in list_words(ledger, recipe))
    return [
        *(item_of(*place) for place in places),
        *(word.item for word in words if word.verdict.disputed or word.verdict.first is not None),
    ]


def seal_strips(ledger: Ledger) -> Purged:
    """Encrypt every picture that is not yet, and compact the files as `purge` does; `strips` counts those encrypted."""
    with speaking(ledger.name):
        ledger.connection.execute("PRAGMA secure_delete = ON")
    size = 0
    with transaction(ledger):
        plain = ledger.connection.execute(
            "SELECT r.page, r.position, p.digest, p.recipe, p.number FROM readings r JOIN pages p ON p.id = r.page"
            " WHERE length(r.strip) > 0 AND substr(r.strip, 1, ?) <> ?",
            (len(SEALED), SEALED),
        ).fetchall()
        for page, position, digest, recipe, number in plain:
            key = (page, position)
            (strip,) = ledger.connection.execute(
                "SELECT strip FROM readings WHERE page = ? AND position = ?", key
            ).fetchone()
            closed = ledger.vault.store(strip, True, Place(digest, recipe, number, position))
            ledger.connection.execute("UPDATE readings SET strip = ? WHERE page = ? AND position = ?", (closed, *key))
            size += len(strip)
    return _finish(ledger, len(plain), size)


def _finish(ledger: Ledger, strips: int, size: int) -> Purged:
    with speaking(ledger.name):
        held = None if _compact(ledger) else _name_holder(ledger)
        kept = ledger.connection.execute("SELECT count(*) FROM readings WHERE length(strip) > 0").fetchone()[0]
    return Purged(strips, size, kept, held)


def _compact(ledger: Ledger) -> bool:
    """Rewrite the database without its free pages and empty its log; whether nobody was in the way."""
    try:
        # The log goes first, so that the rewrite itself starts an empty one, and again behind it.
        for statement in ("PRAGMA wal_checkpoint(TRUNCATE)", "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"):
            row = ledger.connection.execute(statement).fetchone()
            if row is not None and row[0]:
                return False
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return False
        raise
    return True


def _name_holder(ledger: Ledger) -> str:
    row = ledger.connection.execute("SELECT process, host FROM runs ORDER BY id DESC LIMIT 1").fetchone()
    return "another program" if row is None else f"another program, perhaps process {row[0]} on {row[1]},"
