"""The chain of hashes through all corrections, which shows where somebody tampered with them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import NamedTuple

from docproc.records.matching import Correction


class Chain(NamedTuple):
    """How far the chain reaches: its rows, and the hash of the last one, which stands for all of them ("" for none)."""

    rows: int
    head: str


def link(correction: Correction) -> Correction:
    """The row with its hash: the sha256 of a canonical JSON of all else in it, the previous hash included."""
    return replace(correction, hash=digest(correction))


def digest(correction: Correction) -> str:
    """What the hash of a row must be: hex."""
    row = correction
    told = [
        *(row.id, row.at, row.who, row.purpose, row.place.digest, row.place.number, row.place.form, row.place.field),
        *(*row.place.box, *row.answer, *row.seen, row.withdraws, row.previous),
    ]
    text = json.dumps(told, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
