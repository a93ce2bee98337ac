"""Fields of a page without a form: boxes, combs, table cells and handwritten strings, in reading order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from docproc.fields.cells import around, clip, find_rectangles
from docproc.fields.combs import drop_squared_paper, group_combs
from docproc.fields.guides import find_guide
from docproc.fields.lines import find_strings
from docproc.fields.marks import Bools, Marks, find_marks
from docproc.types import Box, CleanPage, Field, FieldKind

HEIGHT_INCH = (0.12, 1.0)
"""Height of a box or cell that is filled in with a number; taller ones are panels, their contents are looked at."""
BLANK_INCH = 0.6
"""A blank one of more height waits for a stamp, a thumbprint or a text."""
SURE_SCORE = 0.55
"""Cells whose letters score this much hold print: labels have 0.7 to 1, handwritten numbers at most 0.4."""
BLOCK = 0.35
SOLID = 0.85
LABEL = 4
"""So many printed letters in a cell are its label; what is written beside them is located as a string."""
ROW_OVERLAP = 0.5
"""Fields that share this much of the lower one's height stand in one row."""
EDGE_INCH = 0.1
MIN_SAMPLE = 5
SAMPLE_SHARE = 0.9
"""A comb of so many cells whose digits are nearly all print is a printed sample."""
TOUCH_INCH = 0.04
"""Cells with a neighbour this near belong to a table, others are boxes."""


def locate_free(page: CleanPage) -> tuple[Field, ...]:
    """Find the fields of a page that has no form, named by their place in reading order: "1", "2", ..."""
    marks = find_marks(page)
    cells = drop_squared_paper(find_rectangles(page.rulings, page.ink.shape, page.dpi), marks, page.dpi)
    groups = group_combs(cells, marks, page.dpi)
    guides = {comb: find_guide(page, comb, marks) for comb in groups}
    combs = [comb for comb in groups if guides[comb].any() or not is_sample(comb, marks)]
    grouped = {cell for comb in groups for cell in comb}
    places: list[tuple[FieldKind, Box, tuple[Box, ...]]] = [("comb", around(comb), comb) for comb in combs]
    wholes = [around(comb) for comb in groups]
    for cell, touching in zip(cells, touch_others(cells, page.dpi), strict=True):
        beside = any(is_leftover(cell, whole, marks, page.dpi) for whole in wholes)
        if cell not in grouped and not beside and is_fillable(cell, marks, page.dpi):
            places.append(("cell" if touching else "box", cell, ()))
    taken = np.zeros(len(marks.area), np.bool_)
    for box in [box for _, box, _ in places] + list(grouped):
        taken |= marks.inside(box)
    strings = find_strings(marks, taken, page.rulings, page.dpi)
    places += [("line", clip(box, page.ink.shape), ()) for box in strings if is_inland(box, page)]
    fields = name_in_order(places)
    return tuple(with_guide(field, guides[field.cells], marks) if field.cells else field for field in fields)


def with_guide(field: Field, guide: Bools, marks: Marks) -> Field:
    """The field of a comb with the guide text in its cells."""
    left, top, right, bottom = (edge[guide].astype(int) for edge in marks.place)
    boxes = np.stack([left, top, right - left, bottom - top], axis=1).tolist()
    return replace(field, guide=tuple(Box(*box) for box in boxes))


def is_sample(comb: tuple[Box, ...], marks: Marks) -> bool:
    """Whether machine print stands in nearly all cells: a model of how to write digits."""
    letters = marks.inside(around(comb)) & marks.letter
    if len(comb) < MIN_SAMPLE or not letters.any():
        return False
    return float(marks.printed[letters].mean()) >= SAMPLE_SHARE


def is_fillable(cell: Box, marks: Marks, dpi: float) -> bool:
    """Whether a box or cell is blank or holds handwriting, and not just print."""
    if not HEIGHT_INCH[0] * dpi <= cell.height <= HEIGHT_INCH[1] * dpi:
        return False
    letters = marks.inside(cell) & marks.letter
    if not letters.any():
        return cell.height <= BLANK_INCH * dpi
    if is_ornament(cell, letters, marks):
        return False
    known = marks.score[letters & ~np.isnan(marks.score)]
    sure = int((known >= SURE_SCORE).sum())
    return sure < LABEL and (len(known) < 2 or float(known.mean()) < SURE_SCORE)


def is_ornament(cell: Box, letters: Bools, marks: Marks) -> bool:
    """Whether a solid block fills the cell, as in the corners of a QR code."""
    place = marks.place
    size = (place.width > BLOCK * cell.width) & (place.height > BLOCK * cell.height)
    solid = marks.area > SOLID * place.width * place.height
    return bool((letters & size & solid).any())


def is_leftover(cell: Box, whole: Box, marks: Marks, dpi: float) -> bool:
    """Whether the cell is a gap inside a whole comb, or the blank rest of the table row that the comb stands in."""
    if not min(cell.bottom, whole.bottom) - max(cell.y, whole.y) > 0.5 * whole.height:
        return False
    if whole.x < cell.x + cell.width / 2 < whole.right:
        return True
    beside = min(abs(cell.x - whole.right), abs(whole.x - cell.right)) <= TOUCH_INCH * dpi
    return beside and cell.height > whole.height and not (marks.inside(cell) & marks.letter).any()


def touch_others(cells: tuple[Box, ...], dpi: float) -> list[bool]:
    """For each cell, whether it shares a side with another: it is part of a table."""
    reach = TOUCH_INCH * dpi
    x, y, width, height = np.array(cells, np.float64).reshape(-1, 4).T
    touching = []
    for cell in cells:
        across = np.minimum(cell.right, x + width) - np.maximum(cell.x, x)
        along = np.minimum(cell.bottom, y + height) - np.maximum(cell.y, y)
        beside = (np.minimum(across, along) > -reach) & (np.maximum(across, along) > 0.5 * min(cell.width, cell.height))
        touching.append(int(beside.sum()) > 1)  # the cell touches itself
    return touching


def is_inland(box: Box, page: CleanPage) -> bool:
    """Whether a string keeps clear of the page's edge, where shadows and torn borders look like writing."""
    height, width = page.ink.shape
    edge = EDGE_INCH * page.dpi
    return box.x > edge and box.y > edge and box.right < width - edge and box.bottom < height - edge


def name_in_order(places: list[tuple[FieldKind, Box, tuple[Box, ...]]]) -> tuple[Field, ...]:
    """Sort into rows from top to bottom, each from left to right, and name the fields by number."""
    rows: list[list[tuple[FieldKind, Box, tuple[Box, ...]]]] = []
    for place in sorted(places, key=lambda place: place[1].y + place[1].height / 2):
        box = place[1]
        first = rows[-1][0][1] if rows else None
        shared = min(first.bottom, box.bottom) - max(first.y, box.y) if first else -1
        if first is not None and shared >= ROW_OVERLAP * min(first.height, box.height):
            rows[-1].append(place)
        else:
            rows.append([place])
    ordered = [place for row in rows for place in sorted(row, key=lambda place: place[1].x)]
    return tuple(Field(str(number), box, kind, cells) for number, (kind, box, cells) in enumerate(ordered, 1))
