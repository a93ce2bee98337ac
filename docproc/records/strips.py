"""The pictures of fields as the ledger keeps them."""

from __future__ import annotations

from docproc.records.ledger import Ledger, speaking
from docproc.records.seal import SEALED, Place


def count_plain(ledger: Ledger) -> int:
    """How many pictures are kept and not encrypted."""
    with speaking(ledger.name):
        found = ledger.connection.execute(
            "SELECT count(*) FROM readings WHERE length(strip) > 0 AND substr(strip, 1, ?) <> ?", (len(SEALED), SEALED)
        )
        return int(found.fetchone()[0])


def fetch_strip(ledger: Ledger, page: int, position: int) -> bytes:
    """The picture of a field, by the id of its page and its position there; b"" where none is kept.

    Raises LedgerError where it is encrypted and the key was not given.
    """
    with speaking(ledger.name):
        row = ledger.connection.execute(
            "SELECT r.strip, p.digest, p.recipe, p.number FROM readings r JOIN pages p ON p.id = r.page"
            " WHERE r.page = ? AND r.position = ?",
            (page, position),
        ).fetchone()
    if row is None:
        return b""
    stored, digest, recipe, number = row
    return ledger.vault.fetch(stored, Place(digest, recipe, number, position))
