"""Pages on which people looked at fields: their pictures, what was read, and what the people said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from docproc.records.cells import show_source
from docproc.records.corrections import list_since, place_of
from docproc.records.ledger import Ledger, speaking
from docproc.records.matching import Answer
from docproc.records.strips import fetch_strip
from docproc.records.versions import read_fields
from docproc.types import Box


@dataclass(frozen=True, slots=True, eq=False)
class LookedField:
    """A field of a page: its strip as PNG (b"" where none is kept), the value read, its box on the stored page.

    `said` is what stands of what people say, None where nobody looked or the last word is not spoken.
    """

    name: str
    strip: bytes
    text: str
    box: Box
    said: Answer | None


@dataclass(frozen=True, slots=True, eq=False)
class LookedPage:
    """A page of which somebody looked at one field at least, with all its fields.

    `source` is where its file was seen last, as people are shown it, "" where no file has these bytes any more.
    """

    digest: str
    number: int
    fields: tuple[LookedField, ...]
    source: str = ""


def list_looked(ledger: Ledger, recipe: str) -> Iterator[LookedPage]:
    """The pages read with a recipe on which people looked at fields, in the order of their digests.

    Raises LedgerError where pictures are encrypted and the ledger was opened without their key.
    """
    for digest, number in sorted({(said.place.digest, said.place.number) for said in list_since(ledger)}):
        with speaking(ledger.name):
            page = ledger.connection.execute(
                "SELECT id, form FROM pages WHERE digest = ? AND recipe = ? AND number = ?", (digest, recipe, number)
            ).fetchone()
        read = () if page is None else read_fields(ledger, page[0], digest, number, page[1])
        if any(field.said is not None for field in read):
            fields = tuple(
                LookedField(field.name, fetch_strip(ledger, *place_of(field.item)), field.text, field.box, field.said)
                for field in read
            )
            yield LookedPage(digest, number, fields, _find_source(ledger, digest))


def _find_source(ledger: Ledger, digest: str) -> str:
    with speaking(ledger.name):
        asked = "SELECT path FROM sources WHERE digest = ? ORDER BY path LIMIT 1"
        row = ledger.connection.execute(asked, (digest,)).fetchone()
    return "" if row is None else show_source(row[0])
