"""The ink of one field: what its box holds, whole where a stroke leaves the box, and without what reaches in."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from docproc.types import Box, CleanPage, Field, Ink

REACH = 0.6
"""Strokes are followed so many heights of the box out of it; what goes on beyond is a line, or writing run together."""
OWN = 0.5
"""A piece of ink with this share in the box is the field's, all of it;"""
STRANGE = 0.4
"""one with less than this is a neighbour's. In between, what lies in the box is read."""
LOOSE = 0.15
"""Beside a box or comb no other digit stands: one that reaches in is the field's if its middle is no farther off than
so many heights of the box; right beside a cell is the next cell."""
STUB_INCH = 0.012
"""What stands out of the box by no more than this is what is left of its side where a stroke touches it."""
FRAMED = ("box", "comb", "cell")
"""Kinds of field whose box is print; the boxes of others are drawn round their ink."""


def gather_own(page: CleanPage, field: Field) -> tuple[Field, Ink]:
    """The field, grown to hold the strokes that leave its printed box, and its own ink: bool[h, w] over its box."""
    box = field.box
    if field.kind not in FRAMED or not _is_left(page.ink, box):
        return field, page.ink[box.y : box.bottom, box.x : box.right]
    reach = round(REACH * box.height)
    around = _part(page.ink, box.x - reach, box.y - reach, box.right + reach, box.bottom + reach)
    count, labels, stats, _ = cv2.connectedComponentsWithStatsWithAlgorithm(
        page.ink[around.y : around.bottom, around.x : around.right].astype(np.uint8), 8, cv2.CV_32S, cv2.CCL_GRANA
    )
    left, top, wide, high, area = stats.T + np.array([[around.x], [around.y], [0], [0], [0]])
    right, bottom = left + wide, top + high
    first, last = box.y - around.y, box.bottom - around.y
    start, stop = box.x - around.x, box.right - around.x
    inner = labels[first:last, start:stop]
    share = np.bincount(inner.ravel(), minlength=count) / area
    across, along = left + wide / 2, top + high / 2
    loose = 0 if field.kind == "cell" else LOOSE * box.height
    has_middle = (across >= box.x - loose) & (across < box.right + loose) & (along >= box.y) & (along < box.bottom)
    ends = (left > around.x) & (top > around.y) & (right < around.right) & (bottom < around.bottom)
    whole = ends & (share > 0) & ((share >= OWN) | has_middle)
    kept = whole | (share > 0) & ~(ends & (share < STRANGE))
    whole[0] = kept[0] = False
    beyond = STUB_INCH * page.dpi
    own = kept[labels]
    for side, leaves in (
        (np.s_[:first], top < box.y - beyond),
        (np.s_[last:], bottom > box.bottom + beyond),
        (np.s_[:, :start], left < box.x - beyond),
        (np.s_[:, stop:], right > box.right + beyond),
    ):
        own[side] &= (whole & leaves)[labels[side]]
    held = own.copy()
    held[first:last, start:stop] = True
    rows, columns = np.flatnonzero(held.any(axis=1)), np.flatnonzero(held.any(axis=0))
    x, y, x2, y2 = int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
    return replace(field, box=Box(around.x + x, around.y + y, x2 - x, y2 - y)), own[y:y2, x:x2]


def _part(ink: Ink, x: int, y: int, right: int, bottom: int) -> Box:
    """What of a box lies on the page."""
    x, y = max(0, x), max(0, y)
    return Box(x, y, min(ink.shape[1], right) - x, min(ink.shape[0], bottom) - y)


def _is_left(ink: Ink, box: Box) -> bool:
    """Whether any ink crosses an edge of the box."""
    rows, columns = slice(box.y, box.bottom), slice(box.x, box.right)
    height, width = ink.shape
    return bool(
        (box.y > 0 and (ink[box.y - 1, columns] & ink[box.y, columns]).any())
        or (box.bottom < height and (ink[box.bottom - 1, columns] & ink[box.bottom, columns]).any())
        or (box.x > 0 and (ink[rows, box.x - 1] & ink[rows, box.x]).any())
        or (box.right < width and (ink[rows, box.right - 1] & ink[rows, box.right]).any())
    )
