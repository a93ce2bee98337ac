"""Cells in a row to combs: one number, one digit a cell."""

from __future__ import annotations

import numpy as np

from docproc.fields.cells import around, holds
from docproc.fields.marks import Marks
from docproc.types import Box

WIDTH_INCH = (0.1, 0.55)
HEIGHT_INCH = (0.12, 0.65)
ASPECT = (0.35, 1.7)
"""Width over height of a cell for one digit."""
SAME = 0.13
"""Cells of one comb differ by less than this share in width and height."""
LEVEL = 0.07
"""Their upper and lower sides are level to this share of the height."""
ADJACENT = 0.2
"""Cells closer than this share of their width stand side by side."""
SEPARATED = 1.3
"""Cells of one number may be this many widths apart where a dash, slash or dot is printed between them."""
SQUARED = 250
BLANK_SHARE = 0.6
"""So many stacked digit cells, this share of them blank, are squared paper and no form."""
SEPARATOR = 0.07
"""A separator is at least this large, in heights of a cell."""
NARROW = 0.9
"""Cells of a grid are numbers of their own, unless they are narrower than this share of their height."""


def group_combs(cells: tuple[Box, ...], marks: Marks, dpi: float) -> tuple[tuple[Box, ...], ...]:
    """Group digit cells that form one number, each group from left to right; other cells are in no group."""
    digits = [cell for cell in cells if is_digit_cell(cell, dpi)]
    stacked = zip(digits, are_stacked(digits), strict=True)
    free = [cell for cell, other in stacked if cell.width < NARROW * cell.height or not other]
    groups: list[list[Box]] = []
    for cell in sorted(free, key=lambda cell: cell.x):
        fits = [group for group in groups if continues(group[-1], cell, marks)]
        if fits:
            min(fits, key=lambda group: cell.x - group[-1].right).append(cell)
        else:
            groups.append([cell])
    return tuple(tuple(group) for group in groups if len(group) > 1)


def is_digit_cell(cell: Box, dpi: float) -> bool:
    """Whether one digit fits the cell, and not many."""
    low, high = WIDTH_INCH[0] * dpi, WIDTH_INCH[1] * dpi
    flat, tall = HEIGHT_INCH[0] * dpi, HEIGHT_INCH[1] * dpi
    aspect = ASPECT[0] <= cell.width / cell.height <= ASPECT[1]
    return low <= cell.width <= high and flat <= cell.height <= tall and aspect


def are_stacked(cells: list[Box]) -> list[bool]:
    """For each cell, whether a cell of the same size stands directly above or below."""
    x, y, width, height = np.array(cells, np.float64).reshape(-1, 4).T
    stacked = []
    for cell in cells:
        gap = np.maximum(y - cell.bottom, cell.y - (y + height))
        below = (np.abs(x - cell.x) < SAME * cell.width) & (gap > -cell.height / 2) & (gap < ADJACENT * cell.height)
        alike = np.abs(width - cell.width) <= SAME * np.maximum(width, cell.width)
        alike &= np.abs(height - cell.height) <= SAME * np.maximum(height, cell.height)
        stacked.append(bool((below & alike).any()))
    return stacked


def drop_squared_paper(cells: tuple[Box, ...], marks: Marks, dpi: float) -> tuple[Box, ...]:
    """Leave out the cells of squared paper: hundreds of small squares, most of them blank."""
    digits = [cell for cell in cells if is_digit_cell(cell, dpi)]
    squares = {cell for cell, stacked in zip(digits, are_stacked(digits), strict=True) if stacked}
    if len(squares) < SQUARED:
        return cells
    blank = sum(not (marks.inside(cell) & marks.letter).any() for cell in squares)
    if blank < BLANK_SHARE * len(squares):
        return cells
    # Writing breaks the lines of some squares into odd cells, which go with the rest.
    paper = around(tuple(squares))
    return tuple(cell for cell in cells if not holds(paper, cell))


def same(one: float, two: float) -> bool:
    """Whether two lengths are alike."""
    return abs(one - two) <= SAME * max(one, two)


def continues(last: Box, cell: Box, marks: Marks) -> bool:
    """Whether the cell goes on with the number that the last cell belongs to."""
    gap = cell.x - last.right
    level = LEVEL * cell.height
    if abs(cell.y - last.y) > level or abs(cell.bottom - last.bottom) > level or not same(cell.width, last.width):
        return False
    if gap < -cell.width / 2 or gap > SEPARATED * cell.width:
        return False
    return gap <= ADJACENT * cell.width or is_separator(Box(last.right, cell.y, gap, cell.height), marks)


def is_separator(gap: Box, marks: Marks) -> bool:
    """Whether the gap between two cells holds one dash, slash or dot. A colon parts hours from minutes."""
    large = np.maximum(marks.place.width, marks.place.height) >= SEPARATOR * gap.height
    return int((marks.inside(gap) & large).sum()) == 1
