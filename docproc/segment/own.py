"""The ink of one field: what its box holds, whole where a stroke leaves the box, and without what reaches in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from docproc.types import Box, CleanPage, Field, Ink

Integers = NDArray[np.int64]

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


@dataclass(frozen=True, slots=True, eq=False)
class Around:
    """The connected ink on and round a box: labels, int32[h, w], over `place`, 0 is paper.

    By label, int64[n]: its edges on the page, right and bottom exclusive, its area, and whether it ends within `place`.
    """

    place: Box
    labels: NDArray[Any]
    left: Integers
    top: Integers
    right: Integers
    bottom: Integers
    area: Integers
    ends: NDArray[np.bool_]

    def share(self, box: Box) -> NDArray[np.float64]:
        """The share of each piece that lies in a box: float64[n], 0 for paper."""
        inside = np.bincount(self.labels[self.view(box)].ravel(), minlength=len(self.area))
        inside[0] = 0
        return np.asarray(inside / np.maximum(self.area, 1))

    def view(self, box: Box) -> tuple[slice, slice]:
        """Rows and columns of the labels that lie in a box, none where it lies elsewhere."""
        rows = slice(max(0, box.y - self.place.y), max(0, box.bottom - self.place.y))
        return rows, slice(max(0, box.x - self.place.x), max(0, box.right - self.place.x))


def gather_own(page: CleanPage, field: Field, boxes: Sequence[Box] = ()) -> tuple[Field, Ink]:
    """The field, grown to hold the strokes that leave its printed box, and its own ink: bool[h, w] over its box.

    `boxes` are those of all fields. What may be a digit of the field, but is left out or cut at the box, is flagged.
    """
    box = field.box
    if field.kind not in FRAMED or not _is_left(page.ink, box):
        return field, page.ink[box.y : box.bottom, box.x : box.right]
    ink = _look_around(page.ink, box)
    share = ink.share(box)
    elsewhere = np.max([np.zeros(len(share)), *(ink.share(other) for other in boxes if other != box)], axis=0)
    mostly = (share >= OWN) | ((share > 0) & _have_middle(ink, field))
    whole = mostly & ink.ends & (elsewhere < PARTED)
    strange = ink.ends & (share < STRANGE)
    own = _cut_at_sides(ink, box, whole, whole | ((share > 0) & ~strange), STUB_INCH * page.dpi)
    together = (share >= RUN_TOGETHER) & (elsewhere >= RUN_TOGETHER)
    lost = (share > 0) & ~whole & ink.ends & (elsewhere < OWN)
    if _may_be_digit(ink, box, together | lost, TALL_INCH * page.dpi):
        field = replace(field, flags=(*field.flags, "outside"))
    held = own.copy()
    held[ink.view(box)] = True
    rows, columns = np.flatnonzero(held.any(axis=1)), np.flatnonzero(held.any(axis=0))
    x, y, right, bottom = int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
    grown = Box(ink.place.x + x, ink.place.y + y, right - x, bottom - y)
    return replace(field, box=grown), own[y:bottom, x:right]


def _look_around(ink: Ink, box: Box) -> Around:
    """The ink within reach of a box. What goes on at the edge of the page goes on no farther."""
    reach = round(REACH * box.height)
    x, y = max(0, box.x - reach), max(0, box.y - reach)
    right, bottom = min(ink.shape[1], box.right + reach), min(ink.shape[0], box.bottom + reach)
    _, labels, stats, _ = cv2.connectedComponentsWithStatsWithAlgorithm(
        ink[y:bottom, x:right].astype(np.uint8), 8, cv2.CV_32S, cv2.CCL_GRANA
    )
    left, top, wide, high, area = stats.T.astype(np.int64)
    left, top = left + x, top + y
    across = ((left > x) | (x == 0)) & ((left + wide < right) | (right == ink.shape[1]))
    along = ((top > y) | (y == 0)) & ((top + high < bottom) | (bottom == ink.shape[0]))
    return Around(Box(x, y, right - x, bottom - y), labels, left, top, left + wide, top + high, area, across & along)


def _have_middle(ink: Around, field: Field) -> NDArray[np.bool_]:
    """Which pieces have their middle in the field's box, or, where no other digit stands, right beside it."""
    box, loose = field.box, 0.0 if field.kind == "cell" else LOOSE * field.box.height
    across, along = (ink.left + ink.right) / 2, (ink.top + ink.bottom) / 2
    return np.asarray(
        (across >= box.x - loose) & (across < box.right + loose) & (along >= box.y) & (along < box.bottom)
    )


def _cut_at_sides(
    ink: Around, box: Box, whole: NDArray[np.bool_], kept: NDArray[np.bool_], stub: float
) -> NDArray[np.bool_]:
    """The pixels of the pieces kept: in the box, and of whole ones that stand out of a side by more than `stub` pixels
    there, too."""
    rows, columns = ink.view(box)
    own = kept[ink.labels]
    for side, leaves in (
        (np.s_[: rows.start], ink.top < box.y - stub),
        (np.s_[rows.stop :], ink.bottom > box.bottom + stub),
        (np.s_[:, : columns.start], ink.left < box.x - stub),
        (np.s_[:, columns.stop :], ink.right > box.right + stub),
    ):
        own[side] &= (whole & leaves)[ink.labels[side]]
    return np.asarray(own)


def _may_be_digit(ink: Around, box: Box, doubtful: NDArray[np.bool_], tall: float) -> bool:
    """Whether any of the doubtful pieces is as high as a digit and has enough of its height in the box."""
    inner = ink.labels[ink.view(box)]
    high = ink.bottom - ink.top
    for number in np.flatnonzero(doubtful & (high >= tall)):
        rows = np.flatnonzero((inner == number).any(axis=1))
        if rows[-1] + 1 - rows[0] >= HANGS * min(high[number], box.height):
            return True
    return False


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
