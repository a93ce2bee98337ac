"""Decoded texts → a reading: status, calibrated confidence, flags, and whether a person should look."""

from __future__ import annotations

import numpy as np

from docproc.assemble.confidence import describe, least_confidence, weigh
from docproc.assemble.decode import Step, Text, cell_of, is_large
from docproc.assemble.second import Check
from docproc.errors import REVIEWED
from docproc.options import Recipe
from docproc.types import Affine, Box, Digit, Field, Lattice, Reading, Status

ALTERNATIVES = 5
LEAST_CONFIDENCE = 0.05
"""A guess less likely than this is no value: it would cost a person more to mend than to key."""


def judge(
    lattice: Lattice,
    texts: tuple[Text, ...],
    height: float,
    check: Check | None,
    recipe: Recipe,
    to_scan: Affine,
    page_flags: tuple[str, ...],
    strip: bytes,
) -> Reading:
    """Weigh what was decoded for a field, and accept it or send it to a person.

    `check` is the word of a second reader, where it was asked; what it disputes is sent. A flag of the page may call
    for a look at each of its fields.
    """
    field, best = lattice.field, texts[0]
    digits = [step for step in best.steps if step.digit is not None]
    scale = recipe.calibration.alone if check is None else recipe.calibration.checked
    confidence = weigh(describe(best, lattice, height, to_scan, check), scale, field.kind) if digits else 0.0
    least = least_confidence(recipe.options.max_error, scale)
    doubts = () if check is None else (*check.flags, *(("disputed",) if check.text != best.text else ()))
    flags = (*lattice.flags, *doubts, *_flag(field, best, digits, height, confidence, least))
    status: Status = "value" if digits else "blank"
    if "illegible" in flags or (not digits and _has_large_mark(best, height)):
        status = "unreadable"
    text = best.text if status == "value" else ""
    read = tuple(Digit(str(step.digit), step.chance, map_box(step.segment.box, to_scan)) for step in digits)
    others = tuple((other.text, other.posterior) for other in texts[:ALTERNATIVES] if other.text != text)
    return Reading(
        field.name,
        status,
        text,
        confidence if status == "value" else 0.0,
        any(flag in REVIEWED for flag in (*flags, *page_flags)),
        flags,
        map_box(field.box, to_scan),
        read if status == "value" else (),
        others,
        strip,
    )


def _flag(field: Field, best: Text, digits: list[Step], height: float, confidence: float, least: float) -> list[str]:
    """What a person should know of a decoded field."""
    flags = []
    if _has_large_mark(best, height) or (best.steps and not digits):
        flags.append("not-a-digit")
    if not digits:
        return flags
    if any(step.segment.cut for step in digits):
        flags.append("touching")
    if field.cells and _has_gap(field, digits):
        flags.append("gap")
    if field.kind == "line" and len(digits) == 1:
        flags.append("stray")
    if not confidence >= LEAST_CONFIDENCE:  # a broken network's nan is not less than anything
        flags.append("illegible")
    elif confidence < least:
        flags.append("low-confidence")
    return flags


def _has_large_mark(best: Text, height: float) -> bool:
    """Whether ink as high as a digit was left out of the text."""
    return any(step.digit is None and is_large(step.segment, height) for step in best.steps)


def map_box(box: Box, to_scan: Affine) -> Box:
    """The upright box of the stored page that holds a box of the clean page."""
    corners = np.array([[box.x, box.y], [box.right, box.y], [box.x, box.bottom], [box.right, box.bottom]], float)
    mapped = corners @ to_scan[:, :2].T + to_scan[:, 2]
    low, high = np.floor(mapped.min(0) + 0.5).astype(int), np.floor(mapped.max(0) + 0.5).astype(int)
    low = np.maximum(low, 0)
    return Box(int(low[0]), int(low[1]), int(max(1, high[0] - low[0])), int(max(1, high[1] - low[1])))


def _has_gap(field: Field, digits: list[Step]) -> bool:
    """Whether a comb has an empty cell between filled ones: a digit may have been lost there."""
    cells = [cell_of(field, step.segment) for step in digits]
    return cells[-1] - cells[0] + 1 != len(cells)
