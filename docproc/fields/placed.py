"""A page that lies on its form to the form's fields, each with the ink that is its own."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from docproc.types import Box, CleanPage, Field, Ink

MOSTLY = 0.5
"""Ink belongs to the field that holds more than this share of it,"""
CAUGHT = 0.6
"""and to a field, too, in which it is this much as high as the field: a digit tied to something outside."""
RUN_TOGETHER = 0.25
"""Of ink of which two fields hold such shares each may have a digit that ran into the other's."""
REACH = 0.6
"""A field grows by at most this share of its height to hold its ink: a tail of a 9, a 7 that begins too early."""
TALL_INCH = 0.09
"""A digit is at least so high: 2.3 mm. One of which a field has at least this share of the height may be its own:"""
HANGS = 0.25
BESIDE = 0.6
"""Ink beside a field is in its row if it shares so much of its height, and a digit if it is as high as the field's own
by this share."""

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """The connected ink of a page: labels, int32[H, W], 0 is paper; boxes and areas by label, int64[n, 4] and [n]."""

    labels: NDArray[np.int32]
    boxes: Integers
    areas: Integers

    def inside(self, box: Box) -> Integers:
        """How many pixels of each piece lie in a box: int64[n]."""
        counts = np.bincount(self.view(box).ravel(), minlength=len(self.areas))
        counts[0] = 0
        return counts

    def view(self, box: Box) -> NDArray[np.int32]:
        """The labels in a box."""
        return self.labels[box.y : box.bottom, box.x : box.right]


def locate_placed(page: CleanPage, fields: tuple[Field, ...], blank: bool) -> tuple[CleanPage, tuple[Field, ...]]:
    """The fields, grown to hold all of their ink, and the page without ink that belongs to none of them.

    Neighbours write over each other's lines: what stands mostly outside a field is not read in it. What may be a digit
    that a field does not hold whole, or two that ran together across fields, is flagged; if the form was known `blank`,
    so that all ink is writing, a digit right beside a field is, too.
    """
    pieces = find_pieces(page.ink)
    inside = {field.name: pieces.inside(field.box) for field in fields}
    most = second = np.zeros_like(pieces.areas)
    for held in inside.values():
        most, second = np.maximum(most, held), np.maximum(second, np.minimum(most, held))
    ink = np.zeros_like(page.ink)
    grown = []
    for field in fields:
        held = inside[field.name]
        if field.rule.type == "mark":
            grown.append(_hold_mark(ink, field, pieces, held, most))
            continue
        placed, cut = _hold_writing(ink, field, pieces, held, page.dpi)
        shared = np.minimum(held, np.where(held == most, second, most)) >= RUN_TOGETHER * pieces.areas
        together = bool(shared[pieces.boxes[:, 3] >= TALL_INCH * page.dpi].any())
        lost = cut or together or (blank and _has_digit_beside(placed, pieces, held, most, page.dpi))
        grown.append(replace(placed, flags=(*placed.flags, "outside")) if lost else placed)
    return replace(page, ink=ink), tuple(grown)


def find_pieces(ink: Ink) -> Pieces:
    """The connected ink of a page."""
    _, labels, stats, _ = cv2.connectedComponentsWithStatsWithAlgorithm(
        ink.astype(np.uint8), 8, cv2.CV_32S, cv2.CCL_GRANA
    )
    return Pieces(np.asarray(labels, np.int32), stats[:, :4].astype(int), stats[:, cv2.CC_STAT_AREA].astype(int))


def _hold_mark(ink: Ink, field: Field, pieces: Pieces, held: Integers, most: Integers) -> Field:
    """Give a place to tick its ink; a tick may begin and end where it likes, and means the place that holds most."""
    own = (held > 0) & (held == most)
    ink[field.box.y : field.box.bottom, field.box.x : field.box.right] = own[pieces.view(field.box)]
    strays = bool(((held > 0) & ~own).any())
    return replace(field, flags=(*field.flags, "unclear-mark")) if strays else field


def _hold_writing(ink: Ink, field: Field, pieces: Pieces, held: Integers, dpi: float) -> tuple[Field, bool]:
    """Give a field its ink; the field, grown to hold it, and whether something may be a digit that it cannot hold."""
    box = field.box
    own = np.flatnonzero(held > MOSTLY * pieces.areas)
    bounds = _bound(field, pieces.boxes[own])
    kept = np.isin(pieces.view(bounds), own)
    ink[bounds.y : bounds.bottom, bounds.x : bounds.right] |= kept
    cut = bool(kept.sum() < pieces.areas[own].sum())
    view = pieces.view(box)
    for number in np.flatnonzero((held > 0) & (held <= MOSTLY * pieces.areas)).tolist():
        rows = np.flatnonzero((view == number).any(1))
        high, whole = rows[-1] + 1 - rows[0], int(pieces.boxes[number, 3])
        if high >= CAUGHT * box.height:
            ink[box.y : box.bottom, box.x : box.right] |= view == number
            cut = True
        cut = cut or bool(whole >= TALL_INCH * dpi and high >= HANGS * min(whole, box.height))
    return replace(field, box=bounds), cut


def _bound(field: Field, boxes: Integers) -> Box:
    """The field's box, grown to hold pieces within reach."""
    box, reach = field.box, round(REACH * field.box.height)
    if not len(boxes):
        return box
    left, top, width, height = boxes.T
    x, y = np.clip((left.min(), top.min()), (box.x - reach, box.y - reach), (box.x, box.y)).tolist()
    last = ((left + width).max(), (top + height).max())
    right, bottom = np.clip(last, (box.right, box.bottom), (box.right + reach, box.bottom + reach)).tolist()
    return Box(x, y, right - x, bottom - y)


def _has_digit_beside(field: Field, pieces: Pieces, held: Integers, most: Integers, dpi: float) -> bool:
    """Whether what may be a digit of the field's number stands right before or behind it, in no field at all."""
    own = pieces.boxes[held > MOSTLY * pieces.areas]
    tall = own[own[:, 3] >= TALL_INCH * dpi]
    if not len(tall):
        return False
    box, reach = field.box, REACH * field.box.height
    left, top, width, height = pieces.boxes.T
    first, last = np.median(tall[:, 1]), np.median(tall[:, 1] + tall[:, 3])
    shared = np.minimum(top + height, last) - np.maximum(top, first)
    gap = np.maximum(box.x - (left + width), left - box.right)
    beside = (gap < reach) & (shared >= BESIDE * height) & (height >= BESIDE * (last - first))
    beside[0] = False
    return bool((beside & (most == 0) & (height >= TALL_INCH * dpi)).any())
