"""Ends of rulings too faint to be found by themselves: followed from the ruling to the lines that it ends on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from docproc.clean.pieces import ALONG_INCH, Piece, Scale, piece_boxes
from docproc.types import Gray

Floats = NDArray[np.float64]
Point = tuple[float, float]
"""Along a ruling, and across."""

LEAST_INCH = 0.25
"""A ruling so long is known well enough to be followed."""
APART_INCH, BEND = 1.5, 0.01
"""What was not sure to be one is a part of one that was, so far off at most, on the same line but for this share of the
distance: a 1 in a cell, too, comes near to a line at both ends."""
FAINT = 4
"""Where it was a ruling before, what is so many grey levels darker than both its sides is still the ruling;"""
DARKER = 2.5
"""what is so many times as dark as the ruling is a stroke of the pen that goes on where it ends."""
GAP_INCH = 0.05
"""It may be gone for so long."""
MEET_INCH = 0.02
"""It meets a line if it comes so near to the line's edge."""
DRIFT = 1
"""It may leave its way by so many pixels a step, on paper that is not flat."""
BESIDE = 3
"""The paper beside it is looked at so many pixels from its edge."""


def follow_ends(
    pieces: Sequence[Piece], kept: Sequence[Piece], across: Sequence[Piece], gray: Gray, scale: Scale
) -> Iterator[Piece]:
    """The pieces that are `kept`, and those that can be followed to lines `across` at both ends, with what is missing.

    `gray` is the page in the frame of the pieces.
    """
    near = scale.px(MEET_INCH)
    lines = np.array(
        [(p.start - near, p.stop + near, (p.at_start + p.at_stop) / 2, p.thickness / 2 + near) for p in across]
    ).reshape(-1, 4)
    sure = set(kept)
    table = np.array([(p.start, p.stop, p.at_start, (p.at_stop - p.at_start) / p.length) for p in kept]).reshape(-1, 4)
    for piece in pieces:
        ends: list[Point | None] = [None, None]
        if piece.length >= scale.px(LEAST_INCH) and (piece in sure or _is_part(piece, table, scale)):
            ends = _find_ends(piece, lines, gray, scale)
        if piece in sure or None not in ends:
            yield piece
            if ends[0] is not None and ends[0][0] < piece.start:
                yield _join(ends[0], (piece.start, piece.at_start), piece.thickness)
            if ends[1] is not None and ends[1][0] > piece.stop:
                yield _join((piece.stop, piece.at_stop), ends[1], piece.thickness)


def _is_part(piece: Piece, kept: Floats, scale: Scale) -> bool:
    """Whether the piece lies on the line of another near by; `kept` has start, stop, level at the start and slope."""
    start, stop, at_start, slope = kept.T
    apart = np.maximum(np.maximum(start - piece.stop, piece.start - stop), 0)
    middle, level = (piece.start + piece.stop) / 2, (piece.at_start + piece.at_stop) / 2
    aside = np.abs(at_start + slope * (middle - start) - level)
    return bool(((apart <= scale.px(APART_INCH)) & (aside <= scale.px(MEET_INCH) + BEND * apart)).any())


def _find_ends(piece: Piece, lines: Floats, gray: Gray, scale: Scale) -> list[Point | None]:
    """Where the piece, followed beyond its start and its stop, last meets a line."""
    usual = _measure_darkness(piece, gray, scale)
    found: list[Point | None] = []
    for end, way in (((piece.start, piece.at_start), -1), ((piece.stop, piece.at_stop), 1)):
        met = _find_last_meeting([end], lines)
        found.append(met or _find_last_meeting(list(_walk(end, piece, way, usual, gray, scale)), lines))
    return found


def _join(start: Point, stop: Point, thickness: float) -> Piece:
    return Piece(start[0], stop[0], start[1], stop[1], thickness, stop[0] - start[0])


def _measure_darkness(piece: Piece, gray: Gray, scale: Scale) -> float:
    """How dark the ruling mostly is."""
    boxes = piece_boxes(piece, gray.shape, scale)
    return 255 - float(np.median(np.concatenate([gray[b.y : b.bottom, b.x : b.right].min(axis=0) for b in boxes])))


def _walk(end: Point, piece: Piece, way: int, usual: float, gray: Gray, scale: Scale) -> Iterator[Point]:
    """Points along the ruling beyond its end, as far as it can be followed; `way` is -1 from its start, 1 from its
    stop."""
    step, most = scale.px(ALONG_INCH), scale.px(GAP_INCH)
    half = round(piece.thickness / 2)
    reach = DRIFT + half + BESIDE
    slope = (piece.at_stop - piece.at_start) / piece.length
    x, y = end
    missed = 0
    while missed <= most:
        first, last = sorted((round(x), round(x + way * step)))
        x, y = x + way * step, y + way * step * slope
        top = int(y) - reach
        if first < 0 or last > gray.shape[1] or top < 0 or top + 2 * reach >= gray.shape[0]:
            return
        # The median, for the soft end of a stroke may reach into the first columns.
        rows = 255 - np.median(gray[top : top + 2 * reach + 1, first:last], axis=1)
        best = reach - DRIFT + int(rows[reach - DRIFT : reach + DRIFT + 1].argmax())
        beside = max(rows[best - half - BESIDE], rows[best + half + BESIDE])
        if rows[best] - beside >= FAINT and rows[best] <= DARKER * usual:
            y += (best - reach) / 2
            missed = 0
            yield x, y
        else:
            missed += step


def _find_last_meeting(points: list[Point], lines: Floats) -> Point | None:
    """Where the ruling crosses or meets the last of the lines that it comes to; None if it comes to none."""
    for x, y in reversed(points):
        away = np.abs(lines[:, 2] - x)
        there = (away <= lines[:, 3]) & (lines[:, 0] <= y) & (y <= lines[:, 1])
        if there.any():
            return float(lines[there, 2][away[there].argmin()]), y
    return None
