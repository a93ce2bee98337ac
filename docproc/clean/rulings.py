"""Printed rulings: find them, take them out of the ink, keep the strokes that cross them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from docproc.clean.ends import follow_ends
from docproc.clean.pieces import (
    LEAVE_INCH,
    LONG_INCH,
    PIECE_INCH,
    THICKEST_INCH,
    Piece,
    Runs,
    Scale,
    are_worth,
    find_runs,
    measure_runs,
    piece_boxes,
)
from docproc.types import Box, Gray, Ink, Ruling

NEIGHBOURHOOD_INCH = 0.15
JOIN_INCH = 0.05
"""Pieces of one broken ruling are at most this far apart, and this much of it must be there:"""
JOIN_COVER = 0.8
CROPPED_SPAN = 0.65
"""A ruling that is long (in a cropped strip also longer than this share of its width) stands alone; a shorter one must
end on others at both ends, as the sides of boxes do."""
CROPPED_PART = 0.3
"""A run of a strip that is this share of such a ruling may be a part of it, whatever its ends come near to."""
BESIDE_RING = 0.8
"""What stands beside a 0 is at least this share of its height; the unit printed beside a box is lower."""
SLENDER = 18
"""A ruling that stands alone is so many times as long as thick; a long stroke of the pen is not."""
TOUCH_INCH = 0.013
"""Sides of a box touch; a digit that fills its cell seldom touches both sides."""
MEET_INCH = 0.025
"""They may miss by this much where they have a twin, as a box has two sides; it ends where they end, up to:"""
TWIN_INCH = 0.013
TWIN_DRIFT = 0.03
TWIN_AWAY_INCH = 2.5
RAGGED_INCH = 0.005
"""The edge of a ruling is uneven by this much; ink that leaves it farther is a stroke."""


def find_rulings(gray: Gray, dpi: float, cropped: bool = False) -> tuple[Ruling, ...]:
    """Find horizontal and vertical rulings of an evened, upright page, faint and broken ones too.

    With `cropped` the picture was cut out of a page, so that a ruling may end at its edge or lie on it.
    """
    scale = Scale(dpi)
    if min(gray.shape) < scale.px(PIECE_INCH):
        return ()
    height, width = gray.shape
    # White round a strip, for what leaves a ruling at its edge.
    margin = 2 * scale.px(LEAVE_INCH) + 1 if cropped else 0
    if cropped:
        gray = np.asarray(cv2.copyMakeBorder(gray, *(margin,) * 4, cv2.BORDER_CONSTANT, value=255), np.uint8)
    border = cv2.BORDER_REPLICATE if cropped else cv2.BORDER_REFLECT
    window = (2 * scale.px(NEIGHBOURHOOD_INCH / 2) + 1,) * 2
    mean = np.asarray(cv2.boxFilter(gray, -1, window, borderType=border), np.uint8)
    rows = find_runs(gray, mean, scale)
    turned = np.ascontiguousarray(gray.T)
    columns = find_runs(turned, np.ascontiguousarray(mean.T), scale)
    # In a strip the aligned feet of a row of zeros are as long as a ruling, but no ruling ends amid the writing.
    longest = max(scale.px(LONG_INCH), CROPPED_SPAN * width) if cropped else scale.px(LONG_INCH)
    sides = edge_pieces(margin, height, width) if cropped else []
    ends = edge_pieces(margin, width, height) if cropped else []
    if cropped:
        are_upright = may_stand(columns, rows.boxes, ends, longest, scale)
        are_level = may_stand(rows, columns.boxes[are_upright], sides, longest, scale)
    else:
        are_level, are_upright = are_worth(rows, columns, scale), are_worth(columns, rows, scale)
    level, upright = measure_runs(rows, are_level, scale), measure_runs(columns, are_upright, scale)
    level, upright = join_open(level, upright + sides, scale), join_open(upright, level + ends, scale)
    kept = keep_supported(level, upright, sides, ends, longest, scale)
    if cropped:
        level, upright = kept
    else:
        level = list(follow_ends(level, kept[0], kept[1], gray, scale))
        upright = list(follow_ends(upright, kept[1], level, turned, scale))
    found = [Ruling(box, True) for piece in level for box in piece_boxes(piece, gray.shape, scale)]
    for piece in upright:
        boxes = piece_boxes(piece, gray.shape[::-1], scale)
        found.extend(Ruling(Box(box.y, box.x, box.height, box.width), False) for box in boxes)
    return tuple(uncrop(found, margin, width, height)) if cropped else tuple(found)


def may_stand(
    runs: Runs, across: NDArray[np.int64], edges: list[Piece], longest: float, scale: Scale
) -> NDArray[np.bool_]:
    """Which runs of a strip may be kept as rulings: a quick look that turns strokes of the pen away.

    They are long, or a part of them reaches from one to another of the boxes of runs `across` (found on the picture
    with axes swapped), the `edges` of the picture, and runs that go on where they end.
    """
    x, y, width, height = runs.boxes.T[:, :, None]
    near, gap, least = scale.px(MEET_INCH), scale.px(JOIN_INCH), scale.px(PIECE_INCH)
    sides = [(edge.start, edge.at_start, edge.length, 0) for edge in edges]
    bounds = np.concatenate([across, np.array(sides, np.int64).reshape(-1, 4)])[:, [1, 0, 3, 2]]

    def touch(boxes: NDArray[np.int64], first: NDArray[np.int64], last: NDArray[np.int64]) -> NDArray[np.bool_]:
        left, top, breadth, depth = boxes.T[:, None, :]
        level = (top - near <= y + height) & (y <= top + depth + near)
        return np.asarray((level & (first <= left + breadth) & (left <= last)).any(1))

    starts = touch(bounds, x - near, x + width - least + near) | touch(runs.boxes, x - gap, x - 1)
    right = x + width
    stops = touch(bounds, x + least - near, right + near) | touch(runs.boxes, right + 1, right + gap)
    return np.asarray((runs.boxes[:, 2] >= CROPPED_PART * longest) | (starts & stops))


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
    """Whether the second piece starts where the first ends, at the same level, and both are one straight line."""
    gap = after.start - before.stop
    if gap > scale.px(JOIN_INCH) or gap < -min(before.length, after.length) / 2:
        return False
    if before.cover + after.cover < JOIN_COVER * (after.stop - before.start):
        return False
    near = max(before.thickness, after.thickness) / 2 + 1
    slope = (after.at_stop - before.at_start) / (after.stop - before.start)
    bend = abs(before.at_start + slope * before.length - before.at_stop)
    return abs(after.at_start - before.at_stop) <= near and bend <= near


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
    alone = [piece.length >= max(longest, SLENDER * piece.thickness) for piece in pieces]
    return [piece for piece, ends, long in zip(pieces, closed, alone, strict=True) if ends or long]


def are_closed(pieces: list[Piece], across: list[Piece], scale: Scale) -> list[bool]:
    """For each piece, whether both ends meet pieces of the other direction as the sides of a box do.

    Ends need not touch where a twin runs beside the piece from the same line to the same line.
    """
    if not pieces:
        return []
    table = np.array([(p.start, p.stop, p.at_start, p.at_stop) for p in across]).reshape(-1, 4)
    own = np.array([(p.start, p.stop, (p.at_start + p.at_stop) / 2) for p in pieces]).reshape(-1, 3)
    middle, drift = table[:, 2:].mean(axis=1), np.abs(table[:, 3] - table[:, 2]) / 2

    def meets(along: float, at: float, reach: float) -> bool:
        near = np.abs(along - middle) <= reach + drift
        return bool((near & (table[:, 0] - reach <= at) & (at <= table[:, 1] + reach)).any())

    def has_twin(piece: Piece) -> bool:
        away = np.abs(own[:, 2] - (piece.at_start + piece.at_stop) / 2)
        level = scale.px(TWIN_INCH) + TWIN_DRIFT * away
        alike = (np.abs(own[:, 0] - piece.start) <= level) & (np.abs(own[:, 1] - piece.stop) <= level)
        return bool((alike & (away > 2 * piece.thickness) & (away <= scale.px(TWIN_AWAY_INCH))).any())

    loose, tight = scale.px(MEET_INCH), scale.px(TOUCH_INCH)
    closed = []
    for piece in pieces:
        reach = loose if has_twin(piece) else tight
        closed.append(meets(piece.start, piece.at_start, reach) and meets(piece.stop, piece.at_stop, reach))
    return closed


def drop_ring(rulings: tuple[Ruling, ...], ink: Ink) -> tuple[Ruling, ...]:
    """Rulings of a cropped strip without the flanks of a round 0, which are straight enough for the sides of a box.

    Such a box is the only one, holds nothing, and ink as high as itself stands beside it.
    """
    height, width = ink.shape
    flanks = [r for r in rulings if (r.box.width < CROPPED_SPAN * width if r.horizontal else r.box.height < height)]
    if sorted(flank.horizontal for flank in flanks) != [False, False, True, True]:
        return rulings
    boxes = [flank.box for flank in flanks]
    left, top = min(box.x for box in boxes), min(box.y for box in boxes)
    right, bottom = max(box.right for box in boxes), max(box.bottom for box in boxes)
    thick = max(min(box.width, box.height) for box in boxes)
    inside = ink[top + 2 * thick : bottom - 2 * thick, left + 2 * thick : right - 2 * thick]
    beside = ink & ~draw_boxes(ink.shape, [ruling.box for ruling in rulings if ruling not in flanks], thick)
    beside[:, left:right] = False
    count, _, stats, _ = cv2.connectedComponentsWithStats(beside.astype(np.uint8), connectivity=8)
    highest = stats[1:count, cv2.CC_STAT_HEIGHT].max(initial=0)
    if _has_middle(inside) or highest < BESIDE_RING * (bottom - top):
        return rulings
    return tuple(ruling for ruling in rulings if ruling not in flanks)


def _has_middle(ink: Ink) -> bool:
    """Whether ink crosses the middle third of either direction; what is left in the corners may be the bends of a 0."""
    height, width = ink.shape
    across, down = ink[height // 3 : height - height // 3], ink[:, width // 3 : width - width // 3]
    return bool(across.any() or down.any())


def remove_rulings(ink: Ink, rulings: tuple[Ruling, ...], dpi: float) -> Ink:
    """Take the rulings out; where a stroke enters or crosses one, its pixels inside the ruling stay."""
    rulings = tuple(ruling for ruling in rulings if not ruling.dropped)
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
