"""Where the page of a field lies now, to show what stands around it."""

from __future__ import annotations

import json

from docproc.apps.review.pictures import Glimpse
from docproc.apps.review.words import measure
from docproc.flow.evidence import find_turns
from docproc.options import Options
from docproc.records.about import find_about
from docproc.records.corrections import Changed, read_state
from docproc.records.items import read_item
from docproc.records.ledger import Ledger
from docproc.records.watched import list_files
from docproc.types import PageRef

MOST_FILES = 3
"""Of the same bytes that are tried."""


def find_glimpses(ledger: Ledger, number: int, whole: bool) -> tuple[Glimpse, ...]:
    """Ways to look at the page of a field, one for each file that may have it; raises Changed where it is gone."""
    state, item = read_state(ledger, number), read_item(ledger, number)
    if state is None:
        raise Changed(None)
    options = find_options(ledger, state.seen.recipe)
    shape = measure(item.strip)
    turns = find_turns(item.reading, shape) if item.reading is not None and shape is not None else 0
    digest, page = state.place.digest, state.place.number
    files = list_files(ledger, digest)[:MOST_FILES]
    return tuple(Glimpse(PageRef(file, digest, page), state.place.box, options, whole, turns) for file in files)


def find_options(ledger: Ledger, recipe: str) -> Options:
    """The options that a page was read with: they decide what its pixels are."""
    try:
        return Options.model_validate(json.loads(find_about(ledger, recipe))["options"])
    except (ValueError, LookupError, TypeError):
        return Options.model_validate({})
