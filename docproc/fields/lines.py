"""Handwritten strings outside of boxes: on a line, after a printed word, or free."""

from __future__ import annotations

import numpy as np

from docproc.fields.marks import Bools, Marks, neighbours
from docproc.types import Box

HEIGHT_INCH = (0.07, 0.6)
"""Height of a string of digits, from small figures in a margin to large ones in a free space."""
GAP = 1.1
"""Digits of one string are at most this many heights apart."""
MARGIN = 0.12
"""Share of its height that is added around a string, for thin ends that the ink missed."""
SCRAWL = 3.0
"""A mark this many times as wide as high is a word, a signature or a stroke of the pen, not digits."""
SOLID = 0.75
"""Area over box of a blot; upright strokes are solid too, but narrow."""


def find_strings(marks: Marks, taken: Bools, dpi: float) -> tuple[Box, ...]:
    """Find runs of handwritten marks that may be digits, without order. `taken` are marks that belong to boxes."""
    wide = marks.width > 0.5 * marks.height
    blot = wide & (marks.area > SOLID * marks.width * marks.height)
    known = ~np.isnan(marks.score)
    hand = marks.letter & ~taken & ~blot & ~marks.printed & (known | (marks.height >= HEIGHT_INCH[0] * dpi))
    index = np.flatnonzero(hand)
    left, top, width, height = marks.left[index], marks.top[index], marks.width[index], marks.height[index]
    before, behind = neighbours(left, top, width, height, GAP)
    found = []
    for start in np.flatnonzero(before < 0).tolist():
        run = [start]
        while behind[run[-1]] >= 0 and before[behind[run[-1]]] == run[-1]:
            run.append(int(behind[run[-1]]))
        box = string_box(marks, index[run], dpi)
        if box is not None:
            found.append(box)
    return tuple(found)


def string_box(marks: Marks, run: np.ndarray, dpi: float) -> Box | None:
    """The box of a run, or None where it cannot be digits."""
    height = float(np.quantile(marks.height[run], 0.75))
    if not HEIGHT_INCH[0] * dpi <= height <= HEIGHT_INCH[1] * dpi:
        return None
    if float((marks.width[run] * (marks.width[run] > SCRAWL * height)).sum()) > 0.5 * float(marks.width[run].sum()):
        return None
    margin = MARGIN * height
    left, right = marks.left[run].min() - margin, marks.right[run].max() + margin
    top, bottom = marks.top[run].min() - margin, marks.bottom[run].max() + margin
    return Box(round(left), round(top), round(right - left), round(bottom - top))
