"""The one memory: what was read, kept so that no page is read twice and none is lost."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from docproc.errors import RETRIED, LedgerError
from docproc.records.schema import migrate
from docproc.records.seal import KEEP_ALL, Place, Vault
from docproc.types import Digit, Document, Failure, PageRef, PageResult

OWNER_ONLY = 0o600
BUSY_MILLISECONDS = 10_000
"""How long a write waits for another process that corrects or reads; reading pages has no second writer."""


@dataclass(frozen=True, slots=True, eq=False)
class Ledger:
    """An open ledger, leased to this process; `name` is for messages, `vault` for the pictures of fields."""

    name: str
    connection: sqlite3.Connection
    vault: Vault = KEEP_ALL


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a recipe over some sources, and the layout of the table it writes."""

    number: int
    recipe: str
    layout: str = "long"


def beside(results: Path) -> Path:
    """Where the ledger of a results file lies, unless another place was named."""
    return results.with_name(results.name + ".ledger")


def files_of(path: Path) -> tuple[Path, ...]:
    """Every file that a ledger at `path` may leave there."""
    return tuple(path.with_name(path.name + end) for end in ("", "-wal", "-shm", "-journal", ".lock"))


@contextmanager
def open_ledger(path: Path | None, vault: Vault = KEEP_ALL) -> Iterator[Ledger]:
    """Open and lease the ledger at `path`; None is one that nobody keeps, for results that go to a pipe.

    With a key in `vault` pictures are encrypted from now on. Raises LedgerError where another process holds the
    ledger, where the file is no ledger of ours, or where its pictures are encrypted with another key or one not given.
    """
    name = spell(str(path)) if path else "the temporary ledger"
    with _lease(path, name) if path else nullcontext():
        with speaking(name):
            if path:
                # before SQLite does, so that neither the file nor the WAL, which copies its mode, is open to others
                os.close(os.open(path, os.O_CREAT | os.O_RDWR, OWNER_ONLY))
            connection = _connect(str(path or ""), name)
        with closing(connection):
            ledger = Ledger(name, connection, vault)
            check_key(ledger)
            require_key(ledger)
            if vault.seal is not None:
                note_key(ledger, vault.seal.fingerprint)
            yield ledger


@contextmanager
def visit_ledger(path: Path, vault: Vault = KEEP_ALL) -> Iterator[Ledger]:
    """Open the ledger at `path` beside whoever reads pages into it: to look, and to add what people say.

    Raises LedgerError where there is none, or where `vault` has another key than that of its pictures.
    """
    name = spell(str(path))
    if not path.is_file():
        raise LedgerError(f"there is no ledger {name}; name the results that docproc run or watch wrote, or --ledger")
    with speaking(name):
        connection = _connect(str(path), name)
    with closing(connection):
        ledger = Ledger(name, connection, vault)
        check_key(ledger)
        yield ledger


def find_key(ledger: Ledger) -> str | None:
    """The fingerprint of the key that pictures are encrypted with, if any is."""
    with speaking(ledger.name):
        row = ledger.connection.execute("SELECT fingerprint FROM seals").fetchone()
    return None if row is None else str(row[0])


def check_key(ledger: Ledger) -> None:
    """Raise LedgerError where the key in hand is another than that of the ledger."""
    known, seal = find_key(ledger), ledger.vault.seal
    if known is not None and seal is not None and seal.fingerprint != known:
        raise LedgerError(f"{_tell_key(ledger)}, and the key given is {seal.fingerprint}; give the right file")


def require_key(ledger: Ledger) -> None:
    """Raise LedgerError where pictures are encrypted and no key is in hand."""
    if ledger.vault.seal is None and find_key(ledger) is not None:
        raise LedgerError(f"{_tell_key(ledger)}; give its file with --key")


def note_key(ledger: Ledger, fingerprint: str) -> None:
    """Note that pictures are encrypted with this key from now on."""
    if find_key(ledger) is None:
        with transaction(ledger):
            ledger.connection.execute("INSERT INTO seals VALUES (?, datetime('now'))", (fingerprint,))


@contextmanager
def _lease(path: Path, name: str) -> Iterator[None]:
    """Hold the ledger for this process; the system lets go of it however the process ends."""
    lock = FileLock(files_of(path)[-1], mode=OWNER_ONLY)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise LedgerError(f"{name} is in use by {_holder(path)}; wait until it ends, or choose another --out") from None
    except OSError as error:
        raise LedgerError(f"cannot write beside {name}: {error.strerror}; choose another --out") from error
    try:
        yield
    finally:
        lock.release()


def begin(ledger: Ledger, recipe: str, about: str = "{}", layout: str = "long") -> Run:
    """Note that this process begins to read with `recipe`, which is `about` something, for a table of some layout."""
    with transaction(ledger):
        _note_recipe(ledger, recipe, about)
        number = ledger.connection.execute(
            "INSERT INTO runs (recipe, started, host, process, layout) VALUES (?, datetime('now'), ?, ?, ?)",
            (recipe, socket.gethostname(), os.getpid(), layout),
        ).lastrowid
    assert number is not None
    return Run(number, recipe, layout)


def begin_aside(ledger: Ledger, recipe: str, about: str) -> Run:
    """A run that reads with a recipe only to compare: it is not noted, and the results stay those of the last run."""
    with transaction(ledger):
        _note_recipe(ledger, recipe, about)
    return Run(0, recipe)


def _note_recipe(ledger: Ledger, recipe: str, about: str) -> None:
    ledger.connection.execute("INSERT OR IGNORE INTO recipes VALUES (?, ?)", (recipe, about))


def last_run(ledger: Ledger) -> Run:
    """The run that began last, whose recipe is that of the results; raises LedgerError where none did."""
    with speaking(ledger.name):
        row = ledger.connection.execute("SELECT id, recipe, layout FROM runs ORDER BY id DESC LIMIT 1").fetchone()
    if row is None:
        raise LedgerError(f"{ledger.name} holds no run yet; read some pages first")
    return Run(*row)


def register(ledger: Ledger, run: Run, documents: Iterable[Document]) -> None:
    """Note what each source holds now; one whose bytes changed points to the new ones, and a skipped one leaves."""
    with transaction(ledger):
        for document in documents:
            path = os.fsencode(document.source)
            if document.skipped is not None:
                ledger.connection.execute("DELETE FROM sources WHERE path = ?", (path,))
                continue
            code, detail = _columns(document.failure)
            here = (None, "") if document.digest else (code, detail)
            ledger.connection.execute(
                "INSERT OR REPLACE INTO sources VALUES (?, ?, ?, ?, ?, ?)",
                (path, document.digest, run.recipe, run.number, *here),
            )
            if document.digest:
                _note_document(ledger, run, document)


def note_documents(ledger: Ledger, run: Run, documents: Iterable[Document]) -> None:
    """Note what bytes hold under the run's recipe, without a word on which source holds them."""
    with transaction(ledger):
        for document in documents:
            _note_document(ledger, run, document)


def _note_document(ledger: Ledger, run: Run, document: Document) -> None:
    ledger.connection.execute(
        "INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?, ?)",
        (document.digest, run.recipe, document.pages, *_columns(document.failure)),
    )


def find_replaced(ledger: Ledger, documents: Iterable[Document]) -> list[str]:
    """The sources among these documents that held other bytes when they were registered; ask before `register`."""
    replaced = []
    for document in documents:
        with speaking(ledger.name):
            row = ledger.connection.execute(
                "SELECT digest FROM sources WHERE path = ?", (os.fsencode(document.source),)
            ).fetchone()
        if row is not None and row[0] and document.digest and row[0] != document.digest and not document.skipped:
            replaced.append(document.source)
    return replaced


def missing(ledger: Ledger, run: Run, documents: Iterable[Document]) -> Iterator[PageRef]:
    """The pages that are not settled yet, each content once, in order."""
    asked: set[str] = set()
    retried = ", ".join("?" * len(RETRIED))
    for document in documents:
        if not document.digest or document.digest in asked:
            continue
        asked.add(document.digest)
        with speaking(ledger.name):
            found = ledger.connection.execute(
                "SELECT number FROM pages WHERE digest = ? AND recipe = ?"
                f" AND (failure IS NULL OR failure NOT IN ({retried}))",
                (document.digest, run.recipe, *sorted(RETRIED)),
            ).fetchall()
        settled = {number for (number,) in found}
        for number in range(1, document.pages + 1):
            if number not in settled:
                yield PageRef(document.source, document.digest, number)


def record(ledger: Ledger, run: Run, result: PageResult) -> None:
    """Keep one page, whole or not at all; an earlier failure of the same page is replaced, an earlier reading stays.

    Raises LedgerError where pictures are encrypted by now and this process, which may be older than that, has no key.
    """
    key = (result.ref.digest, run.recipe, result.ref.number)
    code, detail = _columns(result.failure)
    with transaction(ledger):
        require_key(ledger)
        here = "FROM pages WHERE digest = ? AND recipe = ? AND number = ?"
        if ledger.connection.execute(f"SELECT 1 {here} AND failure IS NULL", key).fetchone():
            return  # two read it at a time, and people may have spoken of the first one's by its id
        ledger.connection.execute(f"DELETE {here}", key)
        page = ledger.connection.execute(
            "INSERT INTO pages (digest, recipe, number, flags, failure, detail, seconds, form, form_page, form_pages,"
            " residual, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, datetime('now'))",
            (*key, ";".join(result.flags), code, detail, result.seconds, *(result.place or (None,) * 4)),
        ).lastrowid
        ledger.connection.executemany(
            "INSERT INTO readings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (
                    page,
                    position,
                    reading.field,
                    reading.status,
                    reading.text,
                    float(reading.confidence),
                    bool(reading.review),
                    ";".join(reading.flags),
                    *(int(side) for side in reading.box),
                    json.dumps([_pack_digit(digit) for digit in reading.digits]),
                    json.dumps([[text, float(chance)] for text, chance in reading.alternatives]),
                    ledger.vault.store(
                        reading.strip, reading.review, Place(result.ref.digest, run.recipe, result.ref.number, position)
                    ),
                )
                for position, reading in enumerate(result.readings)
            ),
        )


def _pack_digit(digit: Digit) -> list[object]:
    """A digit as the ledger has it: text, confidence, box and, where there are any, its alternatives."""
    others = [[[text, float(chance)] for text, chance in digit.others]] if digit.others else []
    return [digit.text, float(digit.confidence), *map(int, digit.box), *others]


@contextmanager
def speaking(name: str) -> Iterator[None]:
    """Turn the database's errors into a LedgerError that says what to do."""
    try:
        yield
    except (sqlite3.OperationalError, sqlite3.DatabaseError) as error:
        if isinstance(error, sqlite3.ProgrammingError | sqlite3.IntegrityError):
            raise
        raise LedgerError(_advise(name, error)) from error
    except BrokenPipeError:
        raise  # whoever reads the results has seen enough; the ledger is well
    except OSError as error:
        raise LedgerError(f"cannot use {name}: {error.strerror or error}; choose another --out") from error


def _connect(database: str, name: str) -> sqlite3.Connection:
    connection = sqlite3.connect(database, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
        migrate(connection, name)
    except BaseException:
        connection.close()
        raise
    return connection


def _holder(path: Path) -> str:
    """Who leases the ledger, as far as it can be told."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            row = connection.execute("SELECT process, host, started FROM runs ORDER BY id DESC LIMIT 1").fetchone()
    except sqlite3.Error:
        row = None
    return f"process {row[0]} on {row[1]} since {row[2]} UTC" if row else "another process"


@contextmanager
def transaction(ledger: Ledger) -> Iterator[None]:
    """All that is written inside is kept, or none of it."""
    with speaking(ledger.name):
        ledger.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            ledger.connection.execute("COMMIT")
        except BaseException:
            # a full disk may have rolled back by itself
            if ledger.connection.in_transaction:
                ledger.connection.execute("ROLLBACK")
            raise


@contextmanager
def at_one_moment(ledger: Ledger) -> Iterator[None]:
    """Let all questions see the ledger as it stands at the first of them, whoever writes to it meanwhile."""
    with speaking(ledger.name):
        if ledger.connection.in_transaction:
            yield  # inside of another moment
            return
        ledger.connection.execute("BEGIN")
        try:
            yield
        finally:
            ledger.connection.execute("COMMIT")


def _tell_key(ledger: Ledger) -> str:
    return f"the pictures in {ledger.name} are encrypted with key {find_key(ledger)}"


def spell(text: str) -> str:
    """A text for messages and for the database, which take no lone surrogates of odd file names."""
    return text.encode("utf-8", "backslashreplace").decode()


def _columns(failure: Failure | None) -> tuple[str | None, str]:
    """Code and detail for the database."""
    return (None, "") if failure is None else (failure.code, spell(failure.detail))


def _advise(name: str, error: sqlite3.DatabaseError) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    kept = "what was read is kept, and the last exported file is as it was"
    if code == sqlite3.SQLITE_FULL:
        return f"the disk is full: {name} cannot grow; {kept}; free some space and run again"
    if code == sqlite3.SQLITE_IOERR:
        return f"{name} cannot be written ({error}); {kept}; check the disk and its free space, then run again"
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return f"{name} is damaged or no ledger ({error}); move it away to read everything anew"
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return f"{name} is locked by another program; close it and run again"
    return f"cannot use {name}: {error}; check its permissions, or choose another --out"
