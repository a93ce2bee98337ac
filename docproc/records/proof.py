"""Whether what people said is as they said it: every hash of the chain, and of the samples drawn for audits."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from docproc.records.chain import Chain, digest
from docproc.records.corrections import list_since
from docproc.records.ledger import Ledger, speaking

GUARDED = ("corrections", "audits", "sampled", "thresholds", "tiles")
"""Tables whose rows are never changed."""


@dataclass(frozen=True, slots=True)
class Proof:
    """How far the chain holds. `broken` names the first row that does not and why, "" where all do."""

    chain: Chain
    audits: int
    broken: str


def verify(ledger: Ledger, head: str = "") -> Proof:
    """Walk the chain. With the `head` that a certificate states, or its beginning, also whether it is still there.

    What was cut off the end is missed by the number of rows that SQLite remembers; who changes that too is found only
    with a `head`.
    """
    previous, rows, known = "", 0, not head
    for row in list_since(ledger):
        if row.id != rows + 1:
            return Proof(Chain(rows, previous), 0, f"correction {rows + 1} is missing")
        if row.previous != previous:
            return Proof(Chain(rows, previous), 0, f"correction {row.id} does not follow the one before it")
        try:
            good = digest(row) == row.hash
        except (TypeError, ValueError):
            good = False
        if not good:
            return Proof(Chain(rows, previous), 0, f"correction {row.id} is not as it was written")
        previous, rows, known = row.hash, row.id, known or row.hash.startswith(head)
    chain = Chain(rows, previous)
    remembered = _ask_remembered(ledger, "corrections")
    if remembered != rows:
        return Proof(chain, 0, f"correction {rows + 1} is missing: {remembered} were written")
    if not known:
        return Proof(chain, 0, f"no correction has the hash {head}: the end of the chain was cut off or written anew")
    audits, broken = _check_audits(ledger)
    return Proof(chain, audits, broken or _check_guards(ledger))


def read_head(ledger: Ledger) -> Chain:
    """How far the chain reaches, unproved."""
    with speaking(ledger.name):
        row = ledger.connection.execute("SELECT id, hash FROM corrections ORDER BY id DESC LIMIT 1").fetchone()
    return Chain(0, "") if row is None else Chain(*row)


def identify(ledger: Ledger) -> str:
    """What tells one ledger from another, and no secret: a hash of how it began."""
    with speaking(ledger.name):
        row = ledger.connection.execute("SELECT started, host, process FROM runs ORDER BY id LIMIT 1").fetchone()
    return hashlib.sha256(json.dumps(row).encode()).hexdigest()[:32]


def hash_sample(audit: Sequence[object], fields: Sequence[Sequence[object]]) -> str:
    """The hash of a sample: sha256 over a canonical JSON of its row and its fields, in the order of their tables."""
    told = json.dumps([list(audit), [list(field) for field in fields]], separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(told.encode()).hexdigest()


def _check_audits(ledger: Ledger) -> tuple[int, str]:
    """How many audits there are, and the first that is not as it was drawn."""
    with speaking(ledger.name):
        ask = ledger.connection.execute
        audits = ask("SELECT id, at, who, recipe, seed, accepted, least, max_error, hash FROM audits ORDER BY id")
        for count, (*audit, stated) in enumerate(audits.fetchall(), start=1):
            fields = ask(
                "SELECT page, position, field, status, text, confidence, drawn, stratum FROM sampled"
                " WHERE audit = ? ORDER BY id",
                (audit[0],),
            ).fetchall()
            try:
                good = audit[0] == count and hash_sample(audit, fields) == stated
            except (TypeError, ValueError):
                good = False
            if not good:
                return count, f"audit {count} is not as it was drawn"
        found = ask("SELECT count(*) FROM audits").fetchone()[0]
    return found, "" if found == _ask_remembered(ledger, "audits") else f"audit {found + 1} is missing"


def _check_guards(ledger: Ledger) -> str:
    """Whether the database still refuses to change rows."""
    wanted = {f"{table}_{end}" for table in GUARDED for end in ("stay", "last", "once")}
    with speaking(ledger.name):
        there = ledger.connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
    missing = sorted(wanted - {name for (name,) in there})
    return f"the guard {missing[0]} was taken away, so that rows can be changed" if missing else ""


def _ask_remembered(ledger: Ledger, table: str) -> int:
    """How many rows a table ever had."""
    with speaking(ledger.name):
        row = ledger.connection.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
    return 0 if row is None else int(row[0])
