"""The ink of one field: what its box holds, whole where a stroke leaves the box, and without what reaches in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

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
RUN_TOGETHER, PARTED = 0.25, 0.4
"""Of ink of which two fields hold such shares each may have a digit that ran into the other's: both are flagged. Where
another field has the second share, each reads what lies in its box."""
TALL_INCH = 0.09
"""A digit is at least so high: 2.3 mm. One of which the box has at least this share of the height may be its own:"""
HANGS = 0.25
STUB_INCH = 0.012
"""What stands out of the box by no more than this is what is left of its side where a stroke touches it."""
FRAMED = ("box", "comb", "cell")
"""Kinds of field whose box is print. The boxes of others are drawn round their ink; that of a strip is the picture, or
the only box in it."""


def gather_own(page: CleanPage, field: Field, boxes: Sequence[Box] = ()) -> tuple[Field, Ink]:
    """The field, grown to hold the strokes that leave its printed box, and its own ink: bool[h, w] over its box.

    `boxes` are those of all fields. What may be a digit of the field, but is left out or cut at the box, is flagged.
    """
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
    share = np.bincount(inner.ravel(), minlength=count) / np.maximum(area, 1)
    elsewhere = _share_of_others(labels, area, around, [other for other in boxes if other != box])
    across, along = left + wide / 2, top + high / 2
    loose = 0 if field.kind == "cell" else LOOSE * box.height
    has_middle = (across >= box.x - loose) & (across < box.right + loose) & (along >= box.y) & (along < box.bottom)
    ends = (left > around.x) & (top > around.y) & (right < around.right) & (bottom < around.bottom)
    whole = ends & (share > 0) & ((share >= OWN) | has_middle) & (elsewhere < PARTED)
    kept = whole | (share > 0) & ~(ends & (share < STRANGE))
    whole[0] = kept[0] = False
    tall = (share > 0) & (high >= TALL_INCH * page.dpi)
    together = (share >= RUN_TOGETHER) & (elsewhere >= RUN_TOGETHER)
    doubtful = tall & (together | (~whole & ends & (elsewhere < OWN)))
    doubtful[0] = False
    if any(_hangs(inner == number, high[number]) for number in np.flatnonzero(doubtful)):
        field = replace(field, flags=(*field.flags, "outside"))
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


def _share_of_others(
    labels: NDArray[Any], area: NDArray[np.int64], around: Box, boxes: list[Box]
) -> NDArray[np.float64]:
    """The largest share of each piece of ink that one of the boxes holds, as far as they reach into `around`."""
    most = np.zeros(len(area))
    for box in boxes:
        rows = slice(max(0, box.y - around.y), max(0, box.bottom - around.y))
        columns = slice(max(0, box.x - around.x), max(0, box.right - around.x))
        part = labels[rows, columns]
        if part.size:
            most = np.maximum(most, np.bincount(part.ravel(), minlength=len(area)) / np.maximum(area, 1))
    return most


def _hangs(part: Ink, high: int) -> bool:
    """Whether the part of a piece of ink that is in the box has enough of its height to be a digit of the field."""
    rows = np.flatnonzero(part.any(axis=1))
    return len(rows) > 0 and rows[-1] + 1 - rows[0] >= HANGS * min(high, len(part))


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
