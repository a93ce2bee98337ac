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
FAINT = 4
"""Where it was a ruling before, so many grey levels below what lies on both sides of it are still the ruling;"""
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
    for piece in pieces:
        ends = _find_ends(piece, lines, gray, scale) if piece.length >= scale.px(LEAST_INCH) else [None, None]
        if piece in sure or None not in ends:
            yield piece
            if ends[0] is not None and ends[0][0] < piece.start:
                yield _join(ends[0], (piece.start, piece.at_start), piece.thickness)
            if ends[1] is not None and ends[1][0] > piece.stop:
                yield _join((piece.stop, piece.at_stop), ends[1], piece.thickness)


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
    """Points along the ruling from its end on, as far as it can be followed; `way` is -1 from its start, 1 from its
    stop."""
    step, most = scale.px(ALONG_INCH), scale.px(GAP_INCH)
    half = round(piece.thickness / 2)
    reach = DRIFT + half + BESIDE
    slope = (piece.at_stop - piece.at_start) / piece.length
    x, y = end
    missed = 0
    yield x, y
    while missed <= most:
        first, last = sorted((round(x), round(x + way * step)))
        x, y = x + way * step, y + way * step * slope
        top = int(y) - reach
        if first < 0 or last > gray.shape[1] or top < 0 or top + 2 * reach >= gray.shape[0]:
            return
        rows = 255 - gray[top : top + 2 * reach + 1, first:last].mean(axis=1)
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
