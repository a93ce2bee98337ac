"""The tables of the ledger, as numbered steps from an empty file; a step once released is never edited."""

from __future__ import annotations

import sqlite3

from docproc.errors import LedgerError

APPLICATION = 0x646F6370
"""SQLite's application id of a ledger: "docp"."""


def _keep_for_ever(table: str) -> tuple[str, ...]:
    """Triggers that refuse to change or remove rows; `INSERT OR REPLACE` would remove one without asking the others."""
    refuse = f"BEGIN SELECT RAISE(ABORT, 'rows of {table} are never changed'); END"
    return (
        f"CREATE TRIGGER {table}_stay BEFORE UPDATE ON {table} {refuse}",
        f"CREATE TRIGGER {table}_last BEFORE DELETE ON {table} {refuse}",
        f"CREATE TRIGGER {table}_once BEFORE INSERT ON {table}"
        f" WHEN EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id) {refuse}",
    )


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
            # The key that pictures of fields are encrypted with: at most one row.
            "CREATE TABLE seals (fingerprint TEXT PRIMARY KEY, at TEXT NOT NULL) WITHOUT ROWID",
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
            "CREATE INDEX watched_waiting ON watched (path) WHERE state = 'waiting'",
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
    (
        "what people say of readings",
        (
            # What a person said of a place on a page; `recipe` and what follows is the reading that was seen.
            # AUTOINCREMENT remembers the highest id, so that rows cut off the end are missed.
            """CREATE TABLE corrections (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                at TEXT NOT NULL,
                who TEXT NOT NULL,
                purpose TEXT NOT NULL,
                digest TEXT NOT NULL,
                number INTEGER NOT NULL,
                form TEXT,
                field TEXT NOT NULL,
                x INTEGER NOT NULL,
                y INTEGER NOT NULL,
                width INTEGER NOT NULL,
                height INTEGER NOT NULL,
                status TEXT NOT NULL,
                text TEXT NOT NULL,
                recipe TEXT NOT NULL,
                seen_text TEXT NOT NULL,
                seen_status TEXT NOT NULL,
                seen_confidence REAL NOT NULL,
                withdraws INTEGER REFERENCES corrections,
                previous TEXT NOT NULL,
                hash TEXT NOT NULL
            )""",
            *_keep_for_ever("corrections"),
            "CREATE INDEX corrections_of_page ON corrections (digest, number)",
            # Who has which field before them; `until` is wall time in seconds, `item` that of records/items.py.
            "CREATE TABLE leases (item INTEGER PRIMARY KEY, who TEXT NOT NULL, until REAL NOT NULL)",
            "CREATE INDEX leases_of ON leases (who)",
            # A sample drawn for an audit out of `accepted` fields; `hash` covers this row and its fields.
            """CREATE TABLE audits (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                at TEXT NOT NULL,
                who TEXT NOT NULL,
                recipe TEXT NOT NULL,
                seed INTEGER NOT NULL,
                accepted INTEGER NOT NULL,
                least REAL NOT NULL,
                max_error REAL NOT NULL,
                hash TEXT NOT NULL
            )""",
            *_keep_for_ever("audits"),
            # `drawn` is 1 for the fields that the bound rests on, 0 for those taken because their name was not drawn;
            # `stratum` is how many accepted fields have the name.
            """CREATE TABLE sampled (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                audit INTEGER NOT NULL REFERENCES audits,
                page INTEGER NOT NULL,
                position INTEGER NOT NULL,
                field TEXT NOT NULL,
                status TEXT NOT NULL,
                text TEXT NOT NULL,
                confidence REAL NOT NULL,
                drawn INTEGER NOT NULL,
                stratum INTEGER NOT NULL
            )""",
            *_keep_for_ever("sampled"),
            "CREATE INDEX sampled_by ON sampled (audit)",
            # After an audit: values less sure than `least` are to be looked at, whatever the run accepted.
            """CREATE TABLE thresholds (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                at TEXT NOT NULL,
                who TEXT NOT NULL,
                recipe TEXT NOT NULL,
                audit INTEGER NOT NULL REFERENCES audits,
                least REAL NOT NULL
            )""",
            *_keep_for_ever("thresholds"),
            # Single digits that a person saw among others read alike, and the verdict.
            """CREATE TABLE tiles (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                at TEXT NOT NULL,
                who TEXT NOT NULL,
                page INTEGER NOT NULL,
                position INTEGER NOT NULL,
                place INTEGER NOT NULL,
                shown TEXT NOT NULL,
                verdict TEXT NOT NULL
            )""",
            *_keep_for_ever("tiles"),
            "CREATE INDEX tiles_at ON tiles (page, position, place, verdict)",
            # All that is asked of many readings at once, so that their pictures are not paged through.
            """CREATE INDEX readings_judged ON readings (
                page, position, review, status, confidence, field, text, flags, x, y, width, height
            )""",
            # Digits that nobody judged yet; `place` counts the digits of a field from 0. Rows go when a person judged
            # the digit, or answered for its field.
            """CREATE TABLE digits (
                page INTEGER NOT NULL REFERENCES pages ON DELETE CASCADE,
                position INTEGER NOT NULL,
                place INTEGER NOT NULL,
                recipe TEXT NOT NULL,
                digit TEXT NOT NULL,
                confidence REAL NOT NULL,
                PRIMARY KEY (page, position, place)
            ) WITHOUT ROWID""",
            "CREATE INDEX digits_alike ON digits (recipe, digit, confidence)",
            "INSERT INTO digits SELECT r.page, r.position, d.key, p.recipe, json_extract(d.value, '$[0]'),"
            " json_extract(d.value, '$[1]') FROM readings r JOIN pages p ON p.id = r.page, json_each(r.digits) d",
            "CREATE TRIGGER readings_digits AFTER INSERT ON readings BEGIN"
            " INSERT INTO digits SELECT NEW.page, NEW.position, d.key, (SELECT recipe FROM pages WHERE id = NEW.page),"
            " json_extract(d.value, '$[0]'), json_extract(d.value, '$[1]') FROM json_each(NEW.digits) d; END",
            "CREATE TRIGGER tiles_judged AFTER INSERT ON tiles WHEN NEW.verdict IN ('right', 'wrong') BEGIN"
            " DELETE FROM digits WHERE page = NEW.page AND position = NEW.position AND place = NEW.place; END",
        ),
    ),
)


def migrate(connection: sqlite3.Connection, name: str) -> None:
    """Bring the open file `name` to the newest step; refuse a file that is no ledger or is newer than this code."""
    owner = connection.execute("PRAGMA application_id").fetchone()[0]
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if owner != APPLICATION and (owner or tables):
        raise LedgerError(f"{name} is a database of another program; choose another --out or --ledger")
    if owner == APPLICATION and _count_applied(connection) == len(MIGRATIONS):
        return  # and wait for no other that writes: most who come only look
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(
        "CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied TEXT NOT NULL)"
    )
    applied = _count_applied(connection)
    if applied > len(MIGRATIONS):
        connection.execute("ROLLBACK")
        raise LedgerError(f"{name} was written by a newer docproc; upgrade docproc, or choose another --out")
    for number, (title, statements) in enumerate(MIGRATIONS[applied:], start=applied + 1):
        for statement in statements:
            connection.execute(statement)
        connection.execute("INSERT INTO migrations VALUES (?, ?, datetime('now'))", (number, title))
    connection.execute("COMMIT")


def _count_applied(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT coalesce(max(number), 0) FROM migrations").fetchone()[0])
