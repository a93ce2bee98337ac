"""Printed rulings: find them, take them out of the ink, keep the strokes that cross them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from docproc.types import Box, Gray, Ink, Ruling

CONTRAST = 14
"""Grey levels below the neighbourhood: faint grey rulings are found though they are too faint to be ink."""
NEIGHBOURHOOD_INCH = 0.15
PIECE_INCH = 0.115
"""Shortest straight run that may be part of a ruling: three quarters of the lowest comb cell."""
ALONG_INCH = 0.03
"""Grey is averaged over this length of a ruling: bridges scan breaks, halftone and grain."""
THICKEST_INCH = 0.05
JOIN_INCH = 0.07
"""Pieces of one broken ruling are at most this far apart, and this much of it must be there:"""
JOIN_COVER = 0.8
LONG_INCH = 0.5
CROPPED_SPAN = 0.65
"""A longer ruling (in a cropped strip also longer than this share of its width) stands alone; a shorter one must end
on others at both ends, as the sides of boxes do."""
MEET_INCH = 0.025
MAX_SLOPE = 0.035
"""Rulings of phone pictures stay slanted by up to 2 degrees."""
LEAVE_INCH = 0.025
MAX_CROSSED = 0.45
"""Small print looks like a ruling at low resolution, but many of its columns have stems that leave the line,"""
LIGHT = 0.4
BREAK_INCH = 0.01
"""and between its letters it is much lighter than in its median column; scan breaks are shorter than this."""
STEP_INCH = 0.007
"""A slanted ruling is listed as several boxes that drift by no more than this."""
RAGGED_INCH = 0.005
"""The edge of a ruling is uneven by this much; ink that leaves it farther is a stroke."""


class Piece(NamedTuple):
    """A straight run of dark pixels in the frame where it lies level: ends, height of its middle there, thickness."""

    start: float
    stop: float
    at_start: float
    at_stop: float
    thickness: float
    cover: float

    @property
    def length(self) -> float:
        """From end to end, breaks included."""
        return self.stop - self.start


@dataclass(frozen=True, slots=True)
class Scale:
    """The tolerances of a page in pixels."""

    dpi: float

    def px(self, inch: float) -> int:
        """Length in whole pixels, at least 1."""
        return max(1, round(inch * self.dpi))


def find_rulings(gray: Gray, dpi: float, cropped: bool = False) -> tuple[Ruling, ...]:
    """Find horizontal and vertical rulings of an evened, upright page, faint and broken ones too.

    With `cropped` the picture was cut out of a page, so that a ruling may end at its edge or lie on it.
    """
    scale = Scale(dpi)
    if min(gray.shape) < scale.px(PIECE_INCH):
        return ()
    margin = scale.px(NEIGHBOURHOOD_INCH) if cropped else 0
    height, width = gray.shape
    if cropped:
        gray = np.pad(gray, margin, constant_values=255)
    window = (2 * scale.px(NEIGHBOURHOOD_INCH / 2) + 1,) * 2
    mean = np.asarray(cv2.boxFilter(gray, -1, window, borderType=cv2.BORDER_REFLECT), np.uint8)
    level = find_pieces(gray, mean, scale)
    upright = find_pieces(np.ascontiguousarray(gray.T), np.ascontiguousarray(mean.T), scale)
    sides = edge_pieces(margin, height, width) if cropped else []
    ends = edge_pieces(margin, width, height) if cropped else []
    level, upright = join_open(level, upright + sides, scale), join_open(upright, level + ends, scale)
    # In a strip the aligned feet of a row of zeros are as long as a ruling, but no ruling ends amid the writing.
    longest = max(scale.px(LONG_INCH), CROPPED_SPAN * width) if cropped else scale.px(LONG_INCH)
    level, upright = keep_supported(level, upright, sides, ends, longest, scale)
    found = [Ruling(box, True) for piece in level for box in piece_boxes(piece, gray.shape, scale)]
    for piece in upright:
        boxes = piece_boxes(piece, gray.shape[::-1], scale)
        found.extend(Ruling(Box(box.y, box.x, box.height, box.width), False) for box in boxes)
    return tuple(uncrop(found, margin, width, height)) if cropped else tuple(found)


def edge_pieces(margin: int, length: int, across: int) -> list[Piece]:
    """Two opposite edges of a picture inside a margin, as pieces `length` long and `across` apart."""
    return [Piece(margin, margin + length, margin + at, margin + at, 0, length) for at in (0, across)]


def uncrop(rulings: list[Ruling], margin: int, width: int, height: int) -> list[Ruling]:
    """Rulings found inside a margin, in pixels of the picture without it."""
    inside = []
    for ruling in rulings:
        x, y = max(0, ruling.box.x - margin), max(0, ruling.box.y - margin)
        right, bottom = min(width, ruling.box.right - margin), min(height, ruling.box.bottom - margin)
        if right > x and bottom > y:
            inside.append(Ruling(Box(x, y, right - x, bottom - y), ruling.horizontal))
    return inside


def find_pieces(gray: Gray, mean: Gray, scale: Scale) -> list[Piece]:
    """Straight level runs: what survives an opening along the row, and is not the middle of a line of print."""
    smooth = cv2.blur(gray, (2 * scale.px(ALONG_INCH / 2) + 1, 1))
    dark = (cv2.subtract(mean, smooth) > CONTRAST).astype(np.uint8)
    runs = cv2.morphologyEx(dark, cv2.MORPH_OPEN, np.ones((1, scale.px(PIECE_INCH)), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStatsWithAlgorithm(runs, 8, cv2.CV_32S, cv2.CCL_GRANA)
    contrast = np.asarray(cv2.subtract(mean, gray), np.uint8)
    pieces = []
    for label in range(1, count):
        x, y, width, height, _ = stats[label].tolist()
        if height > scale.px(2 * THICKEST_INCH) + MAX_SLOPE * width:
            continue
        mask = labels[y : y + height, x : x + width] == label
        for piece in split_parallel(mask, x, y, scale):
            pieces.extend(printed_parts(contrast, piece, scale))
    return pieces


def split_parallel(mask: NDArray[np.bool_], x: int, y: int, scale: Scale) -> list[Piece]:
    """Measure a run; what lies beside its line for long enough is a second line that touches it."""
    piece = measure_piece(mask, x, y)
    if piece is None:
        return []
    columns = x + np.arange(mask.shape[1]) + 0.5
    line = piece.at_start + (piece.at_stop - piece.at_start) * (columns - piece.start) / piece.length
    offset = y + np.arange(mask.shape[0])[:, None] + 0.5 - line[None, :]
    found = [piece]
    for beside in (mask & (offset > piece.thickness / 2 + 1), mask & (offset < -piece.thickness / 2 - 1)):
        there = np.flatnonzero(beside.sum(axis=0) >= 2)
        for stretch in np.split(there, np.flatnonzero(np.diff(there) > 2) + 1):
            if len(stretch) >= scale.px(PIECE_INCH):
                second = measure_piece(beside[:, stretch[0] : stretch[-1] + 1], x + int(stretch[0]), y)
                found.extend([second] if second is not None else [])
    return found


def printed_parts(contrast: Gray, piece: Piece, scale: Scale) -> list[Piece]:
    """The parts of a run that are evenly dark and free to both sides; the middle of a line of print has none."""
    if piece.thickness > scale.px(THICKEST_INCH):
        return []
    reach = scale.px(LEAVE_INCH)
    bottom = contrast.shape[0] - 1
    leaving, darkness = [], []
    for box in piece_boxes(piece, contrast.shape, scale):
        columns = slice(box.x, box.right)
        above = contrast[max(0, box.y - reach) : max(1, box.y), columns].min(axis=0) > CONTRAST
        below = contrast[min(box.bottom, bottom) : box.bottom + reach, columns].min(axis=0) > CONTRAST
        leaving.append(above | below)
        darkness.append(contrast[box.y : box.bottom, columns].max(axis=0))
    leaves, dark = np.concatenate(leaving), np.concatenate(darkness)
    there = np.flatnonzero(dark >= max(CONTRAST / 2, LIGHT * float(np.median(dark))))
    parts = []
    for part in np.split(there, np.flatnonzero(np.diff(there) > scale.px(BREAK_INCH)) + 1):
        if len(part) >= scale.px(PIECE_INCH) and leaves[part].mean() <= MAX_CROSSED:
            parts.append(cut_piece(piece, float(part[0]), float(part[-1] + 1)))
    return parts


def cut_piece(piece: Piece, start: float, stop: float) -> Piece:
    """The stretch of a piece between two distances from its start."""
    slope = (piece.at_stop - piece.at_start) / piece.length
    return Piece(
        piece.start + start,
        piece.start + stop,
        piece.at_start + slope * start,
        piece.at_start + slope * stop,
        piece.thickness,
        stop - start,
    )


def measure_piece(mask: NDArray[np.bool_], x: int, y: int) -> Piece | None:
    """Ends, slope and thickness of one run, by the middles of its columns; None where it is no straight line."""
    counts = mask.sum(axis=0)
    there = np.flatnonzero(counts)
    if len(there) < 2:
        return None
    rows = np.arange(mask.shape[0]) + 0.5
    middle = (rows @ mask)[there] / counts[there]
    thickness = float(np.median(counts[there]))
    third = max(1, len(there) // 3)
    left, right = float(np.median(middle[:third])), float(np.median(middle[-third:]))
    x_left, x_right = float(np.mean(there[:third])), float(np.mean(there[-third:]))
    slope = (right - left) / max(1.0, x_right - x_left)
    if abs(slope) > MAX_SLOPE:
        return None
    bend = np.median(np.abs(middle - (left + slope * (there - x_left))))
    if bend > max(1.0, thickness / 2):
        return None
    start, stop = int(there[0]), int(there[-1]) + 1
    return Piece(
        x + start,
        x + stop,
        y + left + slope * (start - x_left),
        y + left + slope * (stop - x_left),
        thickness,
        float(len(there)),
    )


def join_open(pieces: list[Piece], across: list[Piece], scale: Scale) -> list[Piece]:
    """Join broken runs, but none that already ends on others at both ends: it would grow into strokes of the pen."""
    closed = are_closed(pieces, across, scale)
    whole = [piece for piece, ends in zip(pieces, closed, strict=True) if ends]
    return whole + join_pieces([piece for piece, ends in zip(pieces, closed, strict=True) if not ends], scale)


def join_pieces(pieces: list[Piece], scale: Scale) -> list[Piece]:
    """Join runs that continue each other."""
    joined: list[Piece] = []
    by_level: dict[int, list[int]] = {}
    for piece in sorted(pieces, key=lambda piece: piece.start):
        level = int(piece.at_start) // scale.px(THICKEST_INCH)
        near = [index for row in (level - 1, level, level + 1) for index in by_level.get(row, [])]
        for index in sorted(near, reverse=True):
            before = joined[index]
            if continues(before, piece, scale):
                piece = join_two(before, piece)  # noqa: PLW2901
                by_level[int(before.at_stop) // scale.px(THICKEST_INCH)].remove(index)
                joined[index] = piece
                break
        else:
            index = len(joined)
            joined.append(piece)
        by_level.setdefault(int(piece.at_stop) // scale.px(THICKEST_INCH), []).append(index)
    return joined


def continues(before: Piece, after: Piece, scale: Scale) -> bool:
    """Whether the second piece starts where the first ends, at the same level."""
    gap = after.start - before.stop
    if gap > scale.px(JOIN_INCH) or gap < -min(before.length, after.length) / 2:
        return False
    if before.cover + after.cover < JOIN_COVER * (after.stop - before.start):
        return False
    return abs(after.at_start - before.at_stop) <= max(before.thickness, after.thickness) / 2 + 1


def join_two(before: Piece, after: Piece) -> Piece:
    """One piece from the start of the first to the later of the two ends."""
    last = after if after.stop >= before.stop else before
    thickness = max(before.thickness, after.thickness)
    cover = before.cover + after.cover
    return Piece(before.start, last.stop, before.at_start, last.at_stop, thickness, cover)


def keep_supported(
    level: list[Piece], upright: list[Piece], sides: list[Piece], ends: list[Piece], longest: float, scale: Scale
) -> tuple[list[Piece], list[Piece]]:
    """Drop short pieces that do not end on others; bars of letters go, sides of boxes stay.

    `sides` and `ends` are upright and level edges of a cropped picture, on which rulings may end too.
    """
    while True:
        kept_level = supported(level, upright + sides, longest, scale)
        kept_upright = supported(upright, kept_level + ends, longest, scale)
        if len(kept_level) == len(level) and len(kept_upright) == len(upright):
            return kept_level, kept_upright
        level, upright = kept_level, kept_upright


def supported(pieces: list[Piece], across: list[Piece], longest: float, scale: Scale) -> list[Piece]:
    """The long pieces, and those whose ends both meet pieces of the other direction."""
    closed = are_closed(pieces, across, scale)
    return [piece for piece, ends in zip(pieces, closed, strict=True) if ends or piece.length >= longest]


def are_closed(pieces: list[Piece], across: list[Piece], scale: Scale) -> list[bool]:
    """For each piece, whether both ends meet pieces of the other direction."""
    meet = scale.px(MEET_INCH)
    table = np.array([(p.start, p.stop, p.at_start, p.at_stop) for p in across]).reshape(-1, 4)
    first, last = table[:, 0] - meet, table[:, 1] + meet
    middle, drift = table[:, 2:].mean(axis=1), np.abs(table[:, 3] - table[:, 2]) / 2

    def meets(along: float, at: float) -> bool:
        return bool(((np.abs(along - middle) <= meet + drift) & (first <= at) & (at <= last)).any())

    return [meets(piece.start, piece.at_start) and meets(piece.stop, piece.at_stop) for piece in pieces]


def piece_boxes(piece: Piece, shape: tuple[int, ...], scale: Scale) -> list[Box]:
    """The piece as level boxes, several where it is slanted."""
    parts = max(1, round(abs(piece.at_stop - piece.at_start) / scale.px(STEP_INCH)))
    boxes = []
    for part in range(parts):
        first, last = part / parts, (part + 1) / parts
        x0, x1 = (round(piece.start + piece.length * share) for share in (first, last))
        at = [piece.at_start + (piece.at_stop - piece.at_start) * share for share in (first, last)]
        y0 = max(0, round(min(at) - piece.thickness / 2))
        y1 = min(shape[0], max(y0 + 1, round(max(at) + piece.thickness / 2)))
        if x1 > x0 and y1 > y0:
            boxes.append(Box(x0, y0, x1 - x0, y1 - y0))
    return boxes


def remove_rulings(ink: Ink, rulings: tuple[Ruling, ...], dpi: float) -> Ink:
    """Take the rulings out; where a stroke enters or crosses one, its pixels inside the ruling stay."""
    if not rulings:
        return ink
    ragged = Scale(dpi).px(RAGGED_INCH)
    level = [ruling.box for ruling in rulings if ruling.horizontal]
    upright = [ruling.box for ruling in rulings if not ruling.horizontal]
    turned = [Box(box.y, box.x, box.height, box.width) for box in upright]
    bands_level = draw_boxes(ink.shape, level, ragged)
    bands_upright = draw_boxes(ink.shape, upright, ragged)
    result = ink.copy()
    strokes = ink & ~(bands_level | bands_upright)
    erase_bands(result, strokes, level, ragged)
    erase_bands(result.T, strokes.T, turned, ragged)
    return drop_crumbs(result, bands_level | bands_upright, ragged)


def draw_boxes(shape: tuple[int, ...], boxes: list[Box], margin: int) -> Ink:
    """Mask of the boxes, grown by a margin."""
    mask = np.zeros(shape, np.bool_)
    for box in boxes:
        mask[max(0, box.y - margin) : box.bottom + margin, max(0, box.x - margin) : box.right + margin] = True
    return mask


def erase_bands(result: Ink, strokes: Ink, boxes: list[Box], ragged: int) -> None:
    """Erase level bands from `result`, except the columns where `strokes` leaves the band above or below."""
    height = result.shape[0]
    for box in boxes:
        x0, x1 = max(0, box.x - ragged), box.right + ragged
        top, bottom = max(0, box.y - ragged), min(height, box.bottom + ragged)
        above = strokes[max(0, top - ragged - 1) : top, x0:x1].all(axis=0) if top > ragged else False
        below = strokes[bottom : bottom + ragged + 1, x0:x1].all(axis=0) if bottom + ragged < height else False
        result[top:bottom, x0:x1] &= above | below


def drop_crumbs(ink: Ink, bands: Ink, ragged: int) -> Ink:
    """Remove what is left of a ruling's rough edge: specks that lie wholly on it."""
    near = cv2.dilate(bands.astype(np.uint8), np.ones((2 * ragged + 1,) * 2, np.uint8)) > 0
    inside = ink & near
    _, labels = cv2.connectedComponentsWithAlgorithm(inside.astype(np.uint8), 8, cv2.CV_32S, cv2.CCL_GRANA)
    rim = near & ~(cv2.erode(near.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)
    attached = np.zeros(int(labels.max()) + 1, np.bool_)
    attached[np.unique(labels[rim])] = True
    attached[0] = False
    return np.asarray((ink & ~near) | (inside & attached[labels]))
