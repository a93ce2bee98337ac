"""The tables of the ledger, as numbered steps from an empty file; a step once released is never edited."""

from __future__ import annotations

import sqlite3

from docproc.errors import LedgerError

APPLICATION = 0x646F6370
"""SQLite's application id of a ledger: "docp"."""

MIGRATIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "runs, sources, documents, pages, readings",
        (
            """CREATE TABLE runs (
                id INTEGER PRIMARY KEY,
                recipe TEXT NOT NULL,
                started TEXT NOT NULL,
                host TEXT NOT NULL,
                process INTEGER NOT NULL
            )""",
            # What a path held when it was last seen. Only a file that could not be hashed has its failure here.
            """CREATE TABLE sources (
                path BLOB PRIMARY KEY,
                digest TEXT NOT NULL,
                recipe TEXT NOT NULL,
                run INTEGER NOT NULL REFERENCES runs,
                failure TEXT,
                detail TEXT NOT NULL
            ) WITHOUT ROWID""",
            # What bytes hold under a recipe: options such as max_pages decide whether a file opens.
            """CREATE TABLE documents (
                digest TEXT NOT NULL,
                recipe TEXT NOT NULL,
                pages INTEGER NOT NULL,
                failure TEXT,
                detail TEXT NOT NULL,
                PRIMARY KEY (digest, recipe)
            ) WITHOUT ROWID""",
            """CREATE TABLE pages (
                id INTEGER PRIMARY KEY,
                digest TEXT NOT NULL,
                recipe TEXT NOT NULL,
                number INTEGER NOT NULL,
                flags TEXT NOT NULL,
                failure TEXT,
                detail TEXT NOT NULL,
                seconds REAL NOT NULL,
                UNIQUE (digest, recipe, number)
            )""",
            """CREATE TABLE readings (
                page INTEGER NOT NULL REFERENCES pages ON DELETE CASCADE,
                position INTEGER NOT NULL,
                field TEXT NOT NULL,
                status TEXT NOT NULL,
                text TEXT NOT NULL,
                confidence REAL NOT NULL,
                review INTEGER NOT NULL,
                flags TEXT NOT NULL,
                x INTEGER NOT NULL,
                y INTEGER NOT NULL,
                width INTEGER NOT NULL,
                height INTEGER NOT NULL,
                digits TEXT NOT NULL,
                alternatives TEXT NOT NULL,
                strip BLOB NOT NULL,
                PRIMARY KEY (page, position)
            )""",
        ),
    ),
    (
        "the form that a page lies on",
        (
            "ALTER TABLE pages ADD COLUMN form TEXT",
            "ALTER TABLE pages ADD COLUMN form_page INTEGER",
            "ALTER TABLE pages ADD COLUMN form_pages INTEGER",
            # in millimetres
            "ALTER TABLE pages ADD COLUMN residual REAL",
        ),
    ),
    (
        "what recipes mean, when pages were read, and the files of a watched folder",
        (
            # a JSON object: version, model, options, forms
            "CREATE TABLE recipes (key TEXT PRIMARY KEY, about TEXT NOT NULL) WITHOUT ROWID",
            "ALTER TABLE runs ADD COLUMN layout TEXT NOT NULL DEFAULT 'long'",
            "ALTER TABLE pages ADD COLUMN at TEXT",
            # `stamp` tells whether a file is still the one that was looked at, without reading it. `place` is where it
            # was moved, and stands here before it is moved.
            """CREATE TABLE watched (
                path BLOB PRIMARY KEY,
                stamp TEXT NOT NULL,
                state TEXT NOT NULL,
                recipe TEXT NOT NULL,
                attempts INTEGER NOT NULL,
                code TEXT,
                detail TEXT NOT NULL,
                place BLOB,
                at TEXT NOT NULL
            ) WITHOUT ROWID""",
            # One row for each process that watches: the sign of life that others look for.
            """CREATE TABLE beats (
                run INTEGER PRIMARY KEY REFERENCES runs,
                at TEXT NOT NULL,
                doing TEXT NOT NULL,
                waiting INTEGER NOT NULL,
                pages INTEGER NOT NULL,
                seconds REAL NOT NULL,
                error TEXT NOT NULL
            )""",
        ),
    ),
)


def migrate(connection: sqlite3.Connection, name: str) -> None:
    """Bring the open file `name` to the newest step; refuse a file that is no ledger or is newer than this code."""
    owner = connection.execute("PRAGMA application_id").fetchone()[0]
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if owner != APPLICATION and (owner or tables):
        raise LedgerError(f"{name} is a database of another program; choose another --out or --ledger")
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(
        "CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied TEXT NOT NULL)"
    )
    applied = connection.execute("SELECT coalesce(max(number), 0) FROM migrations").fetchone()[0]
    if applied > len(MIGRATIONS):
        connection.execute("ROLLBACK")
        raise LedgerError(f"{name} was written by a newer docproc; upgrade docproc, or choose another --out")
    for number, (title, statements) in enumerate(MIGRATIONS[applied:], start=applied + 1):
        for statement in statements:
            connection.execute(statement)
        connection.execute("INSERT INTO migrations VALUES (?, ?, datetime('now'))", (number, title))
    connection.execute("COMMIT")
