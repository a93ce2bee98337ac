"""Handwritten strings outside of boxes: on a line, after a printed word, or free."""

from __future__ import annotations

import numpy as np

from docproc.fields.cells import around
from docproc.fields.marks import Bools, Marks
from docproc.fields.rows import Ints, Place, chains
from docproc.types import Box, Ruling

HEIGHT_INCH = (0.07, 0.6)
"""Height of a string of digits, from small figures in a margin to large ones in a free space."""
GAP = 1.1
"""Digits of one string are at most this many heights apart."""
MARGIN = 0.12
"""Share of its height that is added around a string, for thin ends that the ink missed."""
SCRAWL = 3.0
"""A mark this many times as wide as high is a word, a signature or a stroke of the pen, not digits."""
TICK_GAP = 0.6
"""A tick stands at most this many heights before the word it ticks."""
LINE_GAP = 2.5
"""Parts of a string on one underline are at most this many heights apart."""
ON_LINE = 0.45
"""A string's lower edge is this near to its underline, in heights."""
SPLIT_GAP = 0.0
"""Strings of one row whose boxes touch are one: a broken stroke hid the neighbours from each other."""
DOT_INCH = 0.05
"""The dots of a colon are at most so wide and high."""
COLON_ALIKE = 0.35
"""The dots of a colon differ in height by at most this share of it."""
COLON_APART = (1.8, 7.0)
"""The lower one begins so many dots below the upper one."""
LEVEL = 0.07
"""Letters of a label end level with its colon, to this share of their height,"""
MOSTLY = 0.6
"""more than this share of them."""
UNDERLINE_INCH = (0.3, 4.0)
"""Longer rulings part the page."""
FRAME_INCH = 0.3
FRAME = 0.12
"""Tall marks with less ink than this share of their box are corners and frames."""
SOLID = 0.75
"""Area over box of a blot; upright strokes are solid too, but narrow."""


def find_strings(marks: Marks, taken: Bools, rulings: tuple[Ruling, ...], dpi: float) -> tuple[Box, ...]:
    """Find runs of handwritten marks that may be digits, without order. `taken` are marks that belong to boxes."""
    place = marks.place
    wide = place.width > 0.5 * place.height
    blot = wide & (marks.area > SOLID * place.width * place.height)
    known = ~np.isnan(marks.score)
    tall = place.height >= HEIGHT_INCH[0] * dpi
    frame = (place.height > FRAME_INCH * dpi) & (marks.area < FRAME * place.width * place.height)
    hand = np.flatnonzero(marks.letter & ~frame & ~marks.tick & ~taken & ~blot & ~marks.printed & (known | tall))
    lines = [ruling.box for ruling in rulings if is_underline(ruling, dpi)]
    dots = np.flatnonzero((place.height <= DOT_INCH * dpi) & (place.width <= DOT_INCH * dpi))
    runs = [
        label_or_string
        for chain in chains(place.take(hand), GAP)
        for part in split_by_lines(hand[chain], place, lines)
        for label_or_string in split_by_colon(part, place, dots)
    ]
    printed = place.take(marks.printed)
    boxes = [string_box(place.take(run), dpi) for run in runs if not is_tick(place.take(run), printed)]
    return join_on_lines([box for box in boxes if box is not None], lines)


def split_by_lines(run: Ints, place: Place, lines: list[Box]) -> list[Ints]:
    """Part a run whose marks stand on different underlines: each underline has its own number."""
    middle = (place.left[run] + place.right[run]) / 2
    on = np.full(len(run), -1)
    for number, line in enumerate(lines):
        level = np.abs(place.bottom[run] - line.y) <= ON_LINE * place.height[run]
        on[level & (middle >= line.x) & (middle < line.right)] = number
    if len(np.unique(on[on >= 0])) < 2:
        return [run]
    return list(np.split(run, np.flatnonzero(np.diff(on)) + 1))


def split_by_colon(run: Ints, place: Place, dots: Ints) -> list[Ints]:
    """Part a run behind a colon that ends a label: its lower dot is level with the letters before it, as in print.

    Both parts are kept, for what looks like a label may be a time.
    """
    own, near = place.take(run), place.take(dots)
    low, high = own.top.min(), own.bottom.max()
    inside = (near.left > own.left.min()) & (near.right < own.right.max()) & (near.top > low) & (near.bottom < high + 1)
    for upper in np.flatnonzero(inside):
        for lower in np.flatnonzero(inside & (near.top > near.bottom[upper])):
            size = (near.height[upper] + near.height[lower]) / 2
            alike = abs(near.height[upper] - near.height[lower]) <= COLON_ALIKE * size
            above = abs(near.left[upper] + near.right[upper] - near.left[lower] - near.right[lower]) <= size
            apart = COLON_APART[0] * size <= near.top[lower] - near.top[upper] <= COLON_APART[1] * size
            before = own.right <= near.left[upper] + size / 2
            if not (alike and above and apart and before.any()):
                continue
            level = np.abs(own.bottom[before] - near.bottom[lower]) <= LEVEL * float(np.median(own.height[before]))
            if level.mean() > MOSTLY:
                return [run[before], *([run[~before]] if not before.all() else [])]
    return [run]


def is_tick(run: Place, printed: Place) -> bool:
    """Whether a run is one mark with print close behind: a tick or cross in its box."""
    if len(run.left) > 1:
        return False
    height = float(run.height[0])
    gap = printed.left - run.right[0]
    near = (gap >= -height / 4) & (gap <= TICK_GAP * height)
    middle = (printed.top + printed.bottom) / 2
    return bool((near & (middle > run.top[0]) & (middle < run.bottom[0])).any())


def string_box(run: Place, dpi: float) -> Box | None:
    """The box of a run, or None where it cannot be digits."""
    height = float(np.quantile(run.height, 0.75))
    if not HEIGHT_INCH[0] * dpi <= height <= HEIGHT_INCH[1] * dpi:
        return None
    if float(run.width[run.width > SCRAWL * height].sum()) > 0.5 * float(run.width.sum()):
        return None
    margin = MARGIN * height
    left, right = run.left.min() - margin, run.right.max() + margin
    top, bottom = run.top.min() - margin, run.bottom.max() + margin
    return Box(round(left), round(top), round(right - left), round(bottom - top))


def join_on_lines(boxes: list[Box], lines: list[Box]) -> tuple[Box, ...]:
    """Join strings that stand on one underline with no more than a wide gap between, and parts that overlap."""
    joined: dict[Box, frozenset[int]] = {}
    for box in sorted(boxes):
        whole, under = box, frozenset(number for number, line in enumerate(lines) if stands_on(box, line))
        for other, lines_of in list(joined.items()):
            apart = bool(under) and bool(lines_of) and not under & lines_of
            if not apart and gap_between(other, box) <= (LINE_GAP if under & lines_of else SPLIT_GAP):
                under |= joined.pop(other)
                whole = around((other, whole))
        joined[whole] = under
    return tuple(joined)


def gap_between(one: Box, two: Box) -> float:
    """Distance along the row in heights of the taller; infinite where the two are not in one row."""
    shared = min(one.bottom, two.bottom) - max(one.y, two.y)
    if shared < 0.5 * min(one.height, two.height):
        return float("inf")
    return max(two.x - one.right, one.x - two.right) / max(one.height, two.height)


def is_underline(ruling: Ruling, dpi: float) -> bool:
    """Whether a ruling is level and of the length of a place to write on."""
    return ruling.horizontal and UNDERLINE_INCH[0] * dpi <= ruling.box.width <= UNDERLINE_INCH[1] * dpi


def stands_on(box: Box, line: Box) -> bool:
    """Whether the string's lower edge is at the ruling."""
    level = abs(box.bottom - line.y) <= ON_LINE * box.height
    return level and min(box.right, line.right) - max(box.x, line.x) > 0.5 * box.width
