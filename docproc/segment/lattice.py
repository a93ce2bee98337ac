"""Field → lattice: the ink in pieces from left to right, and every run of pieces that could be one digit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from docproc.segment.components import Components, find_components
from docproc.segment.cuts import find_cuts
from docproc.segment.faint import has_faint_writing
from docproc.segment.own import FRAMED, gather_own
from docproc.types import Box, CleanPage, Field, Ink, Lattice, Segment

MOST_PIECES = 5
"""A digit is made of at most this many pieces."""
MOST_WIDTH = 1.45
"""A joined segment is at most this many digit heights wide."""
MOST_HEIGHT = 1.6
MOST_GAP = 0.35
"""Broken strokes are joined over at most this many digit heights of paper."""
APART, TALL = 0.1, 0.75
"""Two strokes, each this many digit heights tall and this far apart, are two digits."""
GAP_INCH = 0.06
"""Cells of a comb this far apart have a printed separator between them; nearer ones share a side."""
LEAST_FOLLOWED, ALIKE, OFF = 3, 0.8, 0.2
"""So many digits tell where a writer puts them in the cells, if they do so alike (length of the mean of their places as
directions); a comb's cells follow writing that is off by more than this share of a cell."""
SPECK_INCH = 0.045
"""A field with nothing longer than this holds dust, not writing."""
TICK_INCH = 0.16
"""A place to tick counts as a square of this side at most: a form may draw it large, ticks are not larger for that."""
LEAST_HEIGHT = 0.3
"""A joined segment lower than this is a row of dots, not a digit."""
MOST_SEGMENTS = 4000
"""A field with more is no number; the limit keeps a page of scribble affordable."""


@dataclass(frozen=True, slots=True, eq=False)
class Proposal:
    """A lattice and its ink: `labels` is int32[h, w] over the field's box, piece i carries label i + 1."""

    lattice: Lattice
    labels: NDArray[np.int32]


def propose_all(page: CleanPage, fields: Sequence[Field]) -> list[Proposal]:
    """Propose the segments of each field of a page; ink that two fields hold is cut between them."""
    boxes = [field.box for field in fields]
    return [propose(page, field, boxes) for field in fields]


def propose(page: CleanPage, field: Field, every: Sequence[Box] = ()) -> Proposal:
    """Propose every plausible single-digit segment of a field; the classifier is not asked.

    The lattice's field is grown to hold the strokes that leave it; `every` has the boxes of all fields of the page.
    """
    if field.rule.type == "mark":
        ink = page.ink[field.box.y : field.box.bottom, field.box.x : field.box.right]
        usual = min(ink.size, (TICK_INCH * page.dpi) ** 2)
        lattice = Lattice(field, 1, (), field.flags, inked=min(1.0, float(ink.sum()) / usual))
        return Proposal(lattice, np.zeros(ink.shape, np.int32))
    field, ink = gather_own(page, field, every)
    box = field.box
    ink = _without(ink, [mark._replace(x=mark.x - box.x, y=mark.y - box.y) for mark in field.guide])
    gaps = ((left.right - box.x, right.x - box.x) for left, right in pairwise(field.cells))
    between = tuple(gap for gap in gaps if gap[1] - gap[0] > GAP_INCH * page.dpi)
    components = find_components(ink, between, field.kind in FRAMED)
    if not any(max(found.width, found.height) >= SPECK_INCH * page.dpi for found in components.boxes):
        flags = ("faint",) if has_faint_writing(page, box, field.guide) else ()
        return Proposal(Lattice(field, 1, (), (*field.flags, *flags)), np.zeros(ink.shape, np.int32))
    field = replace(field, cells=_follow_writing(field, components))
    if components.other_row:
        field = replace(field, flags=(*field.flags, "two-rows"))
    labels, boxes, severed, leans = _pieces(components, field)
    segments = _segments(boxes, severed, leans, components.height, field)
    gray = page.gray[box.y : box.bottom, box.x : box.right]
    darkness = 1 - float(np.median(gray[labels > 0])) / 255
    return Proposal(Lattice(field, len(boxes) + 1, segments, field.flags, darkness), labels)


def _without(ink: Ink, marks: Sequence[Box]) -> Ink:
    """The ink without the connected pieces that fill these boxes from side to side."""
    left = ink.copy() if marks else ink
    for x, y, width, height in marks:
        view = np.s_[y : y + height, x : x + width]
        _, labels, stats, _ = cv2.connectedComponentsWithStats(ink[view].astype(np.uint8), connectivity=8)
        fills = (stats[:, cv2.CC_STAT_WIDTH] == width) & (stats[:, cv2.CC_STAT_HEIGHT] == height)
        fills[0] = False
        left[view] &= ~fills[labels]
    return left


def _follow_writing(field: Field, components: Components) -> tuple[Box, ...]:
    """A comb's cells, moved to where the writer wrote if all digits stand on its walls.

    Else two digits would lie in one cell, and a cell holds one.
    """
    cells = field.cells
    pitch = (cells[-1].x - cells[0].x) / (len(cells) - 1) if len(cells) > 1 else 0.0
    middles = np.array(
        [
            field.box.x + box.x + box.width / 2
            for box in components.boxes
            if box.height >= TALL * components.height and box.width < pitch
        ]
    )
    if len(middles) < LEAST_FOLLOWED:
        return cells
    places = (middles - cells[0].x) / pitch
    turns = np.exp(2j * np.pi * places).mean()
    off = float(np.angle(-turns)) / (2 * np.pi)
    if abs(turns) < ALIKE or abs(off) < OFF:
        return cells
    # Half a cell to the left is half a cell to the right: of both, that with which every digit has a cell.
    fits = [
        shift
        for shift in (off, off - np.sign(off))
        if (places - shift).min() >= 0 and (places - shift).max() < len(cells)
    ]
    if not fits:
        return cells
    return tuple(cell._replace(x=round(cell.x + fits[0] * pitch)) for cell in cells)


def _pieces(
    components: Components, field: Field
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.bool_], NDArray[np.float64]]:
    """Label the pieces from left to right; then their boxes, which of them were cut from a component, and how far each
    leans."""
    labels = components.labels
    inked = np.flatnonzero(labels > 0)
    rows, columns = np.divmod(inked, labels.shape[1])
    owner = labels.ravel()[inked]
    side = np.zeros(len(rows), np.int64)
    wide = np.array([False, *(box.width > components.height * 0.5 for box in components.boxes)])[owner]
    for path in find_cuts(components):
        side += (columns >= path[rows]) & wide
    for cell in field.cells[1:]:
        side += (columns >= cell.x - field.box.x) & wide
    key = owner * (side.max() + 1) + side
    piece, sizes = _number(key)
    piece, sizes = _number(_without_slivers(piece, sizes, owner, components.stroke))
    center = np.bincount(piece, columns) / sizes
    order = np.argsort(center, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(1, len(order) + 1)
    piece = rank[piece]
    ranked = np.zeros_like(labels)
    ranked.ravel()[inked] = piece
    owners = np.zeros(len(order), np.int64)
    owners[piece - 1] = owner
    severed = np.bincount(owners)[owners] > 1
    return ranked, _boxes(piece - 1, rows, columns), severed, _leans(piece - 1, rows, columns)


def _number(keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rank of each key among those there are, and how often each of these comes."""
    counts = np.bincount(keys)
    return (np.cumsum(counts > 0) - 1)[keys], counts[counts > 0]


def _without_slivers(
    piece: NDArray[np.int64], sizes: NDArray[np.int64], owner: NDArray[np.int32], stroke: float
) -> NDArray[np.int64]:
    """Give pieces smaller than a dot of the pen back to the neighbouring piece of their component."""
    merged = np.arange(len(sizes))
    owners = np.zeros(len(sizes), np.int64)
    owners[piece] = owner
    for i in np.flatnonzero(sizes < stroke**2):
        for j in (i - 1, i + 1):
            if 0 <= j < len(sizes) and owners[j] == owners[i] and sizes[j] >= stroke**2:
                merged[i] = j
                break
    return np.asarray(merged[piece])


def _boxes(piece: NDArray[np.int64], rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Left, top, right, bottom of each piece, right and bottom exclusive: int64[pieces, 4]."""
    count = piece.max() + 1
    boxes = np.empty((count, 4), np.int64)
    for axis, places in enumerate((columns, rows)):
        length = places.max() + 1
        there = np.zeros((count, length), np.bool_)
        there.ravel()[piece * length + places] = True
        boxes[:, axis], boxes[:, axis + 2] = there.argmax(1), length - there[:, ::-1].argmax(1)
    return boxes


def _leans(piece: NDArray[np.int64], rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float64]:
    """The lean of each piece, float64[pieces]: the slope of its columns over its rows, by least squares."""
    sizes = np.bincount(piece)
    down = rows - (np.bincount(piece, rows) / sizes)[piece]
    return np.asarray(-np.bincount(piece, down * columns) / np.maximum(np.bincount(piece, down**2), 1.0))


def _segments(
    boxes: NDArray[np.int64],
    severed: NDArray[np.bool_],
    leans: NDArray[np.float64],
    height: float,
    field: Field,
) -> tuple[Segment, ...]:
    """Each piece alone, and each run of pieces near enough and small enough to be one digit."""
    segments: list[Segment] = []
    places = boxes.tolist()
    cells = [_cell(field, (left + right) / 2) for left, _, right, _ in places]
    for start in range(len(boxes)):
        left, top, right, bottom = places[start]
        for stop in range(start + 1, min(start + MOST_PIECES, len(boxes)) + 1):
            if stop > start + 1:
                x, y, x2, y2 = places[stop - 1]
                if x - right > MOST_GAP * height or cells[stop - 1] != cells[start]:
                    break
                if x - right > APART * height and min(bottom - top, y2 - y) > TALL * height:
                    break
                left, top, right, bottom = min(left, x), min(top, y), max(right, x2), max(bottom, y2)
                if right - left > MOST_WIDTH * height or bottom - top > MOST_HEIGHT * height:
                    break
                if bottom - top < LEAST_HEIGHT * height:
                    continue
            box = Box(left + field.box.x, top + field.box.y, right - left, bottom - top)
            lean = float(leans[start]) if stop == start + 1 else 0.0
            segments.append(Segment(start, stop, box, bool(severed[start] or severed[stop - 1]), lean))
        if len(segments) > MOST_SEGMENTS:
            return tuple(_alone(boxes, field))
    return tuple(segments)


def _alone(boxes: NDArray[np.int64], field: Field) -> list[Segment]:
    """Each piece by itself."""
    return [
        Segment(i, i + 1, Box(int(x) + field.box.x, int(y) + field.box.y, int(x2 - x), int(y2 - y)))
        for i, (x, y, x2, y2) in enumerate(boxes)
    ]


def _cell(field: Field, center: float) -> int:
    """Index of the comb cell a column (relative to the field) stands in; 0 for every field without cells."""
    return sum(center + field.box.x >= cell.x for cell in field.cells[1:])
