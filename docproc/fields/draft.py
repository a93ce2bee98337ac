"""A blank page to the fields that it asks to be filled in, each with the print that says what it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from docproc.fields.cells import around, clip, find_rectangles
from docproc.fields.combs import ADJACENT, LEVEL, SEPARATED, group_combs, same
from docproc.fields.free import BLANK_INCH, HEIGHT_INCH, is_inland, is_leftover, name_in_order, touch_others
from docproc.fields.labels import find_labels
from docproc.fields.marks import TICK_INCH, Bools, Marks, find_marks
from docproc.types import Box, CleanPage, Field, FieldKind

MM = 1 / 25.4
"""Inches a millimetre."""
UNDERLINE_MM = (10.0, 120.0)
"""Shorter rulings are dashes or underlined words, longer ones part the page or wait for sentences."""
THIN_MM = 1.0
"""An underline too short to be listed as a ruling is a solid mark no higher than this."""
SOLID = 0.7
APART_MM = 1.0
"""A ruling whose end is this near to an upright one is the side of something."""
ROOM_MM = (3.5, 7.0)
"""Room above an underline: with less, it underlines print; more than the second nobody needs."""
CLEARANCE_MM = 0.3
BELOW_MM = 1.0
"""Tails and 7s reach this far below the line."""
INSET = 0.04
"""Share of its length at both ends of an underline above which a colon or a unit may stand."""
COMB_GAP = 1.6 * ADJACENT
"""Nobody has written on a blank yet, so cells of one comb may be farther apart than on a page."""
UNIT_SHARE = 0.35
SIGN_SHARE = 0.15
"""A box may hold a printed unit or sign so wide, as shares of its width; print in a table heads a row or column."""


class Drafted(NamedTuple):
    """A field of a blank page in its pixels, named by its place; and the print beside it, what says most first."""

    field: Field
    labels: tuple[Box, ...]


Place = tuple[FieldKind, Box, tuple[Box, ...]]


def draft(page: CleanPage) -> tuple[Drafted, ...]:
    """Find boxes, combs, table cells and underlined blanks, in reading order."""
    marks = find_marks(page)
    cells = find_rectangles(page.rulings, page.ink.shape, page.dpi)
    combs = join_combs(group_combs(cells, marks, page.dpi), marks)
    places: list[Place] = [("comb", around(comb), comb) for comb in combs]
    places += find_boxes(cells, combs, marks, page.dpi)
    taken = [box for _, box, _ in places]
    places += [("line", box, ()) for box in find_blanks(page, marks, taken) if is_inland(box, page)]
    fields = name_in_order(places)
    labels = find_labels([field.box for field in fields], marks, page.rulings, page.dpi)
    return tuple(Drafted(field, found) for field, found in zip(fields, labels, strict=True))


def join_combs(combs: Iterable[tuple[Box, ...]], marks: Marks) -> list[tuple[Box, ...]]:
    """Put together what stands side by side in one row, or with one printed sign between."""
    joined: list[tuple[Box, ...]] = []
    for comb in sorted(combs, key=lambda comb: comb[0].x):
        for number, before in enumerate(joined):
            if continues(before[-1], comb[0], marks):
                joined[number] = before + comb
                break
        else:
            joined.append(comb)
    return joined


def continues(last: Box, cell: Box, marks: Marks) -> bool:
    """Whether a comb goes on with the next one."""
    level = LEVEL * cell.height
    if abs(cell.y - last.y) > level or abs(cell.bottom - last.bottom) > level or not same(cell.width, last.width):
        return False
    gap = Box(last.right, cell.y, cell.x - last.right, cell.height)
    if not -cell.width / 2 < gap.width <= SEPARATED * cell.width:
        return False
    return gap.width <= COMB_GAP * cell.width or int(marks.inside(gap).sum()) == 1


def find_boxes(cells: tuple[Box, ...], combs: list[tuple[Box, ...]], marks: Marks, dpi: float) -> Iterator[Place]:
    """Boxes and cells for a number each: no tick boxes, no panels, none that print fills."""
    grouped = {cell for comb in combs for cell in comb}
    wholes = [around(comb) for comb in combs]
    for cell, touching in zip(cells, touch_others(cells, dpi), strict=True):
        if cell in grouped or any(is_leftover(cell, whole, marks, dpi) for whole in wholes):
            continue
        if not HEIGHT_INCH[0] * dpi <= cell.height <= BLANK_INCH * dpi:
            continue
        if not touching and max(cell.width, cell.height) <= TICK_INCH[1] * dpi:
            continue
        letters = marks.inside(cell) & marks.letter
        if not letters.any() or (not touching and is_unit(letters, cell, marks)):
            yield ("cell" if touching else "box"), cell, ()


def is_unit(letters: Bools, box: Box, marks: Marks) -> bool:
    """Whether the print in a box is a unit at its end, or a sign such as that of a currency at its beginning."""
    left, right = float(marks.place.left[letters].min()), float(marks.place.right[letters].max())
    if left > box.x + box.width / 2:
        return right - left <= UNIT_SHARE * box.width
    return right <= box.x + SIGN_SHARE * box.width


def find_blanks(page: CleanPage, marks: Marks, taken: list[Box]) -> Iterator[Box]:
    """Room to write above underlines that stand alone, less where a line of print or another underline is above."""
    millimetre = MM * page.dpi
    lines = [ruling.box for ruling in page.rulings if ruling.horizontal] + list(find_dashes(marks, page.dpi))
    uprights = [ruling.box for ruling in page.rulings if not ruling.horizontal]
    obstacles = np.array([*lines, *uprights, *letters_of(marks)], np.float64).reshape(-1, 4)
    for line in lines:
        if not UNDERLINE_MM[0] * millimetre <= line.width <= UNDERLINE_MM[1] * millimetre:
            continue
        if any(is_end(upright, line, APART_MM * millimetre) for upright in uprights):
            continue
        room = min(measure_room(line, obstacles) - CLEARANCE_MM * millimetre, ROOM_MM[1] * millimetre)
        bottom = line.bottom + BELOW_MM * millimetre
        box = Box(line.x, round(line.y - room), line.width, round(bottom - line.y + room))
        if room >= ROOM_MM[0] * millimetre and not any(overlap(box, other) for other in taken):
            yield clip(box, page.ink.shape)


def find_dashes(marks: Marks, dpi: float) -> Iterator[Box]:
    """Underlines that are too short to be told from strokes of a pen, where there are strokes of a pen."""
    place = marks.place
    flat = (place.width >= UNDERLINE_MM[0] * MM * dpi) & (place.height <= THIN_MM * MM * dpi)
    for index in np.flatnonzero(flat & (marks.area >= SOLID * place.width * place.height)).tolist():
        left, top, right, bottom = (round(float(edge[index])) for edge in place)
        yield Box(left, top, right - left, bottom - top)


def letters_of(marks: Marks) -> Iterator[Box]:
    """The boxes of letters."""
    for left, top, right, bottom in zip(*(edge[marks.letter] for edge in marks.place), strict=True):
        yield Box(int(left), int(top), int(right - left), int(bottom - top))


def is_end(upright: Box, line: Box, reach: float) -> bool:
    """Whether a line ends at, or crosses, an upright ruling."""
    crosses = upright.y - reach < line.bottom and line.y < upright.bottom + reach
    return crosses and line.x - reach < upright.right and upright.x < line.right + reach


def measure_room(line: Box, obstacles: np.ndarray) -> float:
    """How far above a line something else begins."""
    inset = INSET * line.width
    x, y, width, height = obstacles.T
    above = (x + width > line.x + inset) & (x < line.right - inset) & (y < line.y)
    above &= (y + height / 2 < line.y) & ((x != line.x) | (y != line.y))
    return float((line.y - (y + height)[above]).min(initial=np.inf))


def overlap(one: Box, two: Box) -> bool:
    """Whether boxes share more than a tenth of the smaller one's height."""
    across = min(one.right, two.right) - max(one.x, two.x)
    along = min(one.bottom, two.bottom) - max(one.y, two.y)
    return across > 0 and along > 0.1 * min(one.height, two.height)
