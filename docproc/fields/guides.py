"""Guide text: small print in the cells of a comb that tells what goes there, such as dd/mm/yyyy."""

from __future__ import annotations

import numpy as np

from docproc.fields.cells import around
from docproc.fields.marks import Bools, Marks, find_coarseness
from docproc.fields.printed import PRINT_SCORE
from docproc.fields.rows import Floats, Place
from docproc.fields.twins import count_twins
from docproc.types import Box, CleanPage

HIGHEST, HIGHEST_INCH = 0.42, 0.1
"""Guide text is at most so high, in heights of a cell and in inches; the writing even of small hands is higher."""
LEVEL = 0.05
"""Its letters stand on one line, or hang from one, to this share of the height of a cell,"""
ASIDE = 0.14
"""at the same place of each cell, to this share of its width."""
CELLS = 0.7
"""It stands in this share of the cells in which no writing hides it,"""
LEAST, FEWEST = 0.4, 2
"""in this share of all, and in so many."""
PRINTED = 0.75
"""So much of it is plainly print,"""
TWINS = 0.75
"""and so much comes again in the comb, as the letters of dd/mm/yyyy do and the digits of a typed number seldom do."""


def find_guide(page: CleanPage, comb: tuple[Box, ...], marks: Marks) -> Bools:
    """Which marks are guide text of a comb; what has run together with writing is none."""
    none = np.zeros(len(marks.area), np.bool_)
    inside = marks.inside(around(comb)) & (marks.place.height <= min(HIGHEST * comb[0].height, HIGHEST_INCH * page.dpi))
    small = np.flatnonzero(inside & marks.letter)
    if len(small) < FEWEST:
        return none
    place = marks.place.take(small)
    starts = np.array([cell.x for cell in comb])
    pitch, level = float(np.median(np.diff(starts))), LEVEL * comb[0].height
    cell = np.searchsorted(starts[1:], (place.left + place.right) / 2, side="right")
    left, right = place.left - starts[cell], place.right - starts[cell]
    alike = (_apart(place.bottom) <= level) | (_apart(place.top) <= level)
    alike &= _apart((left + right) / 2) <= ASIDE * pitch
    # One letter stands as all others do: the m of ddmmyyyy has the foot of the d and the head of the y.
    fits = max(alike, key=lambda row: len(np.unique(cell[row])))
    seen = np.unique(cell[fits])
    score = marks.score[small[fits]]
    printed = (score[~np.isnan(score)] >= PRINT_SCORE).tolist()
    if len(seen) < max(FEWEST, LEAST * len(comb)) or sum(printed) < max(1, PRINTED * len(printed)):
        return none
    if count_alike(page, place.take(fits)) < TWINS * len(printed):
        return none
    top, bottom = place.top[fits].min(), place.bottom[fits].max()
    first, last = (starts + left[fits].min())[:, None], (starts + right[fits].max())[:, None]
    every = marks.place
    touching = (every.top < bottom) & (every.bottom > top) & (every.left < last) & (every.right > first)
    written = (touching & ~inside).any(axis=1)
    hidden = written.copy()
    hidden[seen] = False
    if len(seen) < CELLS * (len(comb) - int(hidden.sum())):
        return none
    # Of pale letters, pieces may be all that is ink; where there is writing, they may be its own.
    within = (every.top >= top - level) & (every.bottom <= bottom + level)
    within = within & (every.left >= first - level) & (every.right <= last + level)
    found = inside & within[~written].any(axis=0)
    found[small[fits]] = True
    return np.asarray(found)


def count_alike(page: CleanPage, place: Place) -> int:
    """How many of the letters at these places have a twin among them."""
    edges = (place.left, place.top, place.right - place.left, place.bottom - place.top)
    boxes = np.stack(edges, axis=1).astype(np.int32)
    x, y = boxes[:, :2].min(axis=0).tolist()
    right, bottom = int(place.right.max()), int(place.bottom.max())
    ink = page.ink[y:bottom, x:right].astype(np.uint8)
    return int((count_twins(ink, boxes - np.array([x, y, 0, 0], np.int32), find_coarseness(page)) > 0).sum())


def _apart(values: Floats) -> Floats:
    """How far each value is from each other."""
    return np.asarray(np.abs(values[:, None] - values[None, :]))
