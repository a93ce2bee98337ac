"""Fields that people looked at → labelled crops: strips are cut anew, and the digits that were said laid on them.

A strip as the ledger keeps it is clean already. It goes through the steps that a page's field goes through, so that the
nets learn from what they are asked.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from docproc.assemble.decode import Step, decode, is_large
from docproc.assemble.second import Draft
from docproc.clean.page import WORKING_DPI, find_ink
from docproc.fields.strip import locate_strip
from docproc.flow.pipeline import pack
from docproc.records.looked import LookedField, LookedPage
from docproc.segment.lattice import Proposal, propose
from docproc.train.crops import LabelledCrops, label_proposal
from docproc.train.truth import keep_digits
from docproc.types import NOT_A_DIGIT, Crops, Gray, Page, PageRef, PreparedPage

MOST_PIXELS = 4_000_000
"""A strip with more is none that docproc cut: a whole line of an A4 page at 300 dpi has a tenth of it."""
LEAST_CHANCE = 0.1
"""A digit that was said lies where it should if the nets give it this chance there, …"""
LIKELY = 0.01
"""… or if they see some digit just there in a text of this chance."""
PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True, eq=False)
class CutPage:
    """A page whose strips were cut anew, those left out that cannot be opened; `fields` and `proposals` are of the
    others, in the order of the prepared page."""

    fields: tuple[LookedField, ...]
    proposals: tuple[Proposal, ...]
    prepared: PreparedPage


class LaidDigit(NamedTuple):
    """A digit that a person said, and the one that the nets see there, with its chance, given that it is one."""

    said: int
    seen: int
    chance: float


def cut_page(page: LookedPage) -> CutPage:
    """Cut the strips of a page as those of a scanned one are cut."""
    fields, proposals, parts, scales = [], [], [], []
    for field in page.fields:
        gray = open_strip(field.strip)
        if gray is None:
            continue
        ref = PageRef("", page.digest, page.number)
        cleaned = find_ink(Page(ref, gray, WORKING_DPI), gray, WORKING_DPI, np.eye(3), strips=True)
        proposal = propose(cleaned, locate_strip(cleaned))
        fields.append(field)
        proposals.append(proposal)
        parts.append(pack(cleaned, [proposal]))
        scales.append(field.box.width / gray.shape[1])
    to_scan = np.diag([float(np.median(scales))] * 2 + [1.0]) if scales else np.eye(3)
    prepared = PreparedPage(
        PageRef(page.source, page.digest, page.number),
        tuple(proposal.lattice for proposal in proposals),
        np.concatenate([np.zeros((0, 28, 28), np.uint8), *(part.crops for part in parts)]),
        to_scan,
        tuple(line for part in parts for line in part.lines),
        tuple(field.strip for field in fields),
    )
    return CutPage(tuple(fields), tuple(proposals), prepared)


def open_strip(strip: bytes) -> Gray | None:
    """The picture of a strip; None where it is no PNG of a possible size, as one that was purged or sealed."""
    if len(strip) < 33 or not strip.startswith(PNG):
        return None
    untrusted_width, untrusted_height = struct.unpack(">II", strip[16:24])
    if not 0 < untrusted_width * untrusted_height <= MOST_PIXELS:
        return None
    gray = cv2.imdecode(np.frombuffer(strip, np.uint8), cv2.IMREAD_GRAYSCALE)
    return None if gray is None else np.asarray(gray, np.uint8)


def align(drafted: Draft, said: str) -> tuple[Step, ...] | None:
    """The segments that are the digits of a text, and the pieces that are none; None where it does not fit the ink.

    It fits where each of its digits has a place of its own, no other ink as high as a digit is left, and in each place
    the nets see that digit, if only faintly, or see one at all.
    """
    lattice = drafted.lattice
    if not said or not lattice.segments:
        return None
    found = decode(lattice, drafted.probs, drafted.row, (said,))
    if not found:
        return None
    steps = found[0].steps
    if any(step.digit is None and is_large(step.segment, drafted.row.height) for step in steps):
        return None
    likely = [text for text in drafted.texts if text.posterior >= LIKELY]
    seen = {(s.segment.start, s.segment.stop) for text in likely for s in text.steps if s.digit is not None}
    for step in steps:
        place = (step.segment.start, step.segment.stop)
        if step.digit is not None and step.chance < LEAST_CHANCE and place not in seen:
            return None
    return steps


def see_digits(drafted: Draft, steps: Sequence[Step]) -> tuple[LaidDigit, ...]:
    """What the nets see where the digits of a text lie."""
    order = {(s.start, s.stop): i for i, s in enumerate(drafted.lattice.segments)}
    laid = []
    for step in steps:
        if step.digit is not None:
            chances = drafted.probs[order[step.segment.start, step.segment.stop], :NOT_A_DIGIT].astype(np.float64)
            seen = int(chances.argmax())
            laid.append(LaidDigit(step.digit, seen, float(chances[seen] / max(chances.sum(), 1e-9))))
    return tuple(laid)


def label_crops(proposal: Proposal, crops: Crops, steps: Sequence[Step]) -> LabelledCrops:
    """All crops of a field whose digits are laid out: whole digits, and what is a part of one or more than one."""
    owner = np.zeros(proposal.lattice.nodes, np.int64)
    for number, step in enumerate(steps, start=1):
        owner[step.segment.start + 1 : step.segment.stop + 1] = number
    labels = [NOT_A_DIGIT if step.digit is None else step.digit for step in steps]
    return label_proposal(proposal, crops, owner[proposal.labels], labels, [-1] * len(labels))


def split_crops(page: CutPage) -> list[Crops]:
    """The crops of a page, field by field."""
    counts = [len(proposal.lattice.segments) for proposal in page.proposals]
    return np.split(page.prepared.crops, np.cumsum(counts))[:-1]


def find_said(field: LookedField) -> str | None:
    """The digits that a person says a field holds, "" for a blank; None where nobody says what it holds."""
    if field.said is None or field.said.status == "unreadable":
        return None
    return keep_digits(field.said.text)
