"""Strokes of the pen on the sides of boxes: told by how thick the ink is there, and kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from docproc.clean.pieces import Scale
from docproc.clean.rulings import RAGGED_INCH, draw_boxes
from docproc.types import Box, CleanPage, Ink, Ruling

Bools = NDArray[np.bool_]

REACH_INCH = 0.02
"""Strokes are followed so far out of a ruling to tell how thick it is with them."""
BARE = 0.25
"""A digit hides most of the wall of its cell; this share of a ruling's length is bare, and tells how thick it is."""
THICKER_INCH = 0.005
"""Where ink is thicker than the ruling by this much, a stroke lies on it,"""
STROKE_INCH = 0.012
"""over so much of its length, and no rough edge."""
HINT_INCH = 0.0025
"""The stroke goes on as long as the ruling is thicker by this, on average over"""
FLICKER_INCH = 0.02
LONGEST_INCH = 0.25
"""Over more than this, a ruling is unevenly printed, or the stroke makes it twice as much thicker."""
CROSSING = 0.6
"""A stroke that crosses a ruling leaves it over this share of where it thickens it."""
DIP_INCH = 0.1
"""The round foot of a digit may hide in a ruling over this length,"""
SLIP_INCH = 0.05
"""and a flat stroke that comes in on one side and leaves on the other over this."""
AROUND_INCH = 0.25
"""Two ends of strokes on a ruling belong together if ink joins them no farther off than this."""
LONE_INCH = 0.09
"""A 1 on the wall of a comb is at least so high"""
BESIDE = 0.5
"""and stands out of the wall over this share of its height; what else does not leave its ruling is no stroke."""


class Stroke(NamedTuple):
    """Where a stroke lies on a level band, and whether it goes on above and below of it."""

    box: Box
    above: bool
    below: bool


class Picture(NamedTuple):
    """The ink of a page with and without its rulings, and the bands of those that stand upright: bool[H, W] each."""

    full: Ink
    left: Ink
    across: Ink


def keep_strokes(page: CleanPage, boxes: Sequence[Box]) -> CleanPage:
    """The page with its ink kept, too, where strokes run along the sides of boxes or dip into them.

    Where lines are that bound no box, as under a row of writing, the ink is as it was.
    """
    framing = find_sides(page, boxes)
    if not framing:
        return page
    scale = Scale(page.dpi)
    ragged = scale.px(RAGGED_INCH)
    level = [ruling.box for ruling in framing if ruling.horizontal]
    upright = [ruling.box for ruling in framing if not ruling.horizontal]
    bands_level = draw_boxes(page.ink.shape, level, ragged)
    bands_upright = draw_boxes(page.ink.shape, upright, ragged)
    result = page.ink.copy()
    straight = Picture(page.full_ink, page.ink, bands_upright)
    turned = Picture(page.full_ink.T, page.ink.T, bands_level.T)
    strokes = redraw_bands(result, straight, level, np.inf, scale)
    strokes_turned = redraw_bands(result.T, turned, [turn(box) for box in upright], LONE_INCH, scale)
    mend_dips(result, page.full_ink, strokes, scale, SLIP_INCH)
    mend_dips(result.T, page.full_ink.T, strokes_turned, scale, DIP_INCH)
    return replace(page, ink=result)


def find_sides(page: CleanPage, boxes: Sequence[Box]) -> list[Ruling]:
    """The rulings that touch a box, as its sides do, and are still there."""
    x, y, width, height = np.array(boxes, np.int64).reshape(-1, 4).T
    sides = []
    for ruling in page.rulings:
        box = ruling.box
        across, along = (x <= box.right) & (box.x <= x + width), (y <= box.bottom) & (box.y <= y + height)
        if not ruling.dropped and (across & along).any():
            sides.append(ruling)
    return sides


def turn(box: Box) -> Box:
    """The box on the picture with axes swapped."""
    return Box(box.y, box.x, box.height, box.width)


def redraw_bands(result: Ink, picture: Picture, boxes: list[Box], lone: float, scale: Scale) -> list[list[Stroke]]:
    """Draw level bands anew in `result`, with nothing but the strokes that lie on them; those of each are returned.

    What does not leave its band is a rough edge, but for what stands out over most of at least `lone` inches.
    """
    ragged, reach = scale.px(RAGGED_INCH), scale.px(REACH_INCH)
    typical = float(np.median([box.height for box in boxes])) if boxes else 0.0
    kept = []
    for box in boxes:
        top, bottom = max(0, box.y - ragged), min(result.shape[0], box.bottom + ragged)
        x0, x1 = max(0, box.x - ragged), box.right + ragged
        first_row = max(0, top - reach)
        near = picture.left[first_row : bottom + reach, x0:x1]
        if not near[max(0, top - first_row - 1) : bottom - first_row + 1].any():
            continue
        free = ~picture.across[first_row : bottom + reach, x0:x1]
        near = near & free
        full = picture.full[top:bottom, x0:x1]
        band = full & free[top - first_row : bottom - first_row]
        # Where bands cross, ink stays if strokes on both of them keep it.
        source = band | (full & result[top:bottom, x0:x1])
        over, under = near[: top - first_row], near[bottom - first_row :]
        above = np.logical_and.accumulate(over[::-1], axis=0).sum(axis=0) * band[0]
        below = np.logical_and.accumulate(under, axis=0).sum(axis=0) * band[-1]
        keep, thick = find_strokes(band.sum(axis=0) + above + below, typical, scale)
        if top == 0:  # how thick a ruling at the edge of the picture is cannot be told
            keep &= below > 0
        if bottom == result.shape[0]:
            keep &= above > 0
        strokes = []
        drawn = np.zeros_like(full)
        for first, last in runs_of(keep):
            upper, lower = above[first:last], below[first:last]
            leaves = (upper > 0) | (lower > 0)
            stands = last - first >= lone * scale.dpi and float(leaves.mean()) >= BESIDE
            if not stands and max(upper.max(), lower.max()) <= ragged:
                continue
            drawn[:, first:last] = source[:, first:last]
            if not runs_on(thick[first:last], leaves, scale):
                fit_stroke(drawn[:, first:last], upper > 0, lower > 0)
            place = Box(x0 + first, top, last - first, bottom - top)
            strokes.append(Stroke(place, bool(upper.any()), bool(lower.any())))
        result[top:bottom, x0:x1] = drawn
        kept.append(strokes)
    return kept


def find_strokes(thick: NDArray[np.int64], typical: float, scale: Scale) -> tuple[Bools, Bools]:
    """The columns of a ruling where strokes lie on it, and those in which it is clearly thicker there.

    Thicker than where it is bare, or than is `typical` of the page's rulings.
    """
    inked = thick[thick > 0]
    keep = np.zeros(len(thick), np.bool_)
    if not len(inked):
        return keep, keep
    bare, half = np.quantile(inked, (BARE, 0.5), method="lower")
    usual = max(float(inked[np.abs(inked - bare) <= 1].mean()), min(float(half), typical))
    extra = (thick - usual) / scale.dpi
    even = cv2.blur(extra[None], (scale.px(FLICKER_INCH), 1))[0]
    thicker = extra >= THICKER_INCH
    for first, last in runs_of(even >= HINT_INCH):
        if last - first > scale.px(LONGEST_INCH):
            keep[first:last] = extra[first:last] >= 2 * THICKER_INCH
        elif thicker[first:last].sum() >= scale.px(STROKE_INCH):
            ends = np.flatnonzero(extra[first:last] > 0)
            keep[first + ends[0] : first + ends[-1] + 1] = True
    return keep, thicker


def runs_of(there: Bools) -> list[tuple[int, int]]:
    """First and past-the-last place of each unbroken run."""
    steps = np.flatnonzero(np.diff(np.concatenate([[False], there, [False]]).astype(np.int8))).tolist()
    return list(zip(steps[::2], steps[1::2], strict=True))


def runs_on(thicker: Bools, leaves: Bools, scale: Scale) -> bool:
    """Whether a stroke goes on within a ruling before it leaves it first, or after it did so last."""
    out = np.flatnonzero(leaves)
    if not len(out):
        return True
    return int(thicker[: out[0]].sum() + thicker[out[-1] + 1 :].sum()) >= scale.px(STROKE_INCH)


def fit_stroke(band: Ink, above: Bools, below: Bools) -> None:
    """Narrow what is kept of a band to the stroke that crosses it, between where it enters and where it leaves.

    A stroke that runs along the ruling leaves it over less than its length, and keeps all.
    """
    high, low = np.flatnonzero(above), np.flatnonzero(below)
    if not len(high):
        high = low
    if not len(low):
        low = high
    if max(high[-1], low[-1]) + 1 - min(high[0], low[0]) < CROSSING * len(above):
        return
    share = np.linspace(0, 1, len(band))[:, None]
    columns = np.arange(len(above))
    left, right = (high[end] + share * (low[end] - high[end]) for end in (0, -1))
    band &= (columns >= np.floor(left)) & (columns <= np.ceil(right))


def mend_dips(result: Ink, ink: Ink, bands: list[list[Stroke]], scale: Scale, slip: float) -> None:
    """Give back what hides in a level band between two strokes on it, where these are parts of one.

    They are if they come from one side and are joined there, or from both and are no more than `slip` inches apart.
    """
    for strokes in bands:
        for one, other in pairwise(strokes):
            gap = other.box.x - one.box.right
            if gap > scale.px(DIP_INCH) or one.above == one.below or other.above == other.below:
                continue
            if are_joined(result, one.box, other.box, scale) if one.above == other.above else gap <= scale.px(slip):
                hidden = np.s_[one.box.y : one.box.bottom, one.box.right : other.box.x]
                result[hidden] = ink[hidden]


def are_joined(ink: Ink, one: Box, other: Box, scale: Scale) -> bool:
    """Whether ink near by joins two boxes on the same rows."""
    around = scale.px(AROUND_INCH)
    y, x = max(0, one.y - around), max(0, one.x - around)
    near = ink[y : one.bottom + around, x : other.right + around]
    _, labels = cv2.connectedComponents(near.astype(np.uint8), connectivity=8)
    rows = slice(one.y - y, one.bottom - y)
    left, right = labels[rows, one.x - x : one.right - x], labels[rows, other.x - x : other.right - x]
    return bool(np.intersect1d(left[left > 0], right[right > 0]).size)
