"""Places to tick: how much of one is ink → whether it is marked."""

from __future__ import annotations

from docproc.assemble.judge import map_box
from docproc.types import Homography, Lattice, Reading, Status

EMPTY, MARKED = 0.02, 0.05
"""Shares of a box that are ink: at most so much is dust, from so much on it is a mark. On scans of three papers at 75
to 300 dpi empty boxes have up to 0.002, ticked ones 0.06 to 0.16 and crossed ones 0.16 to 0.41."""
SURE = 0.997
"""None of the 371 boxes on those scans was read wrong: Laplace's rule of succession."""
UNSURE = 0.5
MARK = "x"
"""The value of a marked place."""


def judge_mark(lattice: Lattice, to_scan: Homography, strip: bytes) -> Reading:
    """Whether a place is marked; what lies in between is taken for a mark and sent to a person."""
    status: Status = "value" if lattice.inked > EMPTY else "blank"
    clear = lattice.inked >= MARKED
    flags = (*lattice.flags, *(("unclear-mark",) if status == "value" and not clear else ()))
    if status == "blank" and lattice.field.rule.required:
        flags = (*flags, "missing")
    confidence = 0.0 if status == "blank" else SURE if clear else UNSURE
    text, box = MARK if status == "value" else "", map_box(lattice.field.box, to_scan)
    return Reading(lattice.field.name, status, text, confidence, False, flags, box, strip=strip)
