"""Straight dark runs of a page: what rulings are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from docproc.types import Box, Gray

CONTRAST = 14
"""Grey levels below the neighbourhood: faint grey rulings are found though they are too faint to be ink."""
PIECE_INCH = 0.115
"""Shortest straight run that may be part of a ruling: three quarters of the lowest comb cell."""
ALONG_INCH = 0.03
"""Grey is averaged over this length of a ruling: bridges scan breaks, halftone and grain."""
THICKEST_INCH = 0.05
MAX_SLOPE = 0.07
"""Rulings of phone pictures stay slanted by up to 4 degrees,"""
MAX_STROKE_SLOPE = 0.035
"""but short ones by less: strokes of the pen are as long, and seldom so upright."""
LEAVE_INCH = 0.025
MAX_CROSSED = 0.45
"""Small print looks like a ruling at low resolution, but many of its columns have stems that leave the line,"""
LIGHT = 0.4
BREAK_INCH = 0.01
"""and between its letters it is much lighter than in its median column; scan breaks are shorter than this."""
LONG_INCH = 0.5
STEP_INCH = 0.007
"""A slanted ruling is listed as several boxes that drift by no more than this."""
WORTH_INCH = 0.15
"""A shorter run counts only where both its ends come near runs of the other direction;"""
NEAR_INCH = 0.04
"""so near. Most runs are strokes of print, and measuring each costs more than all else."""


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


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """Level runs of a page: their outlines, int[N, 4] boxes (x, y, width, height), and the contrast of the page."""

    outlines: tuple[NDArray[np.int32], ...]
    boxes: NDArray[np.int64]
    contrast: Gray


def find_runs(gray: Gray, mean: Gray, scale: Scale) -> Runs:
    """Find what is darker than its neighbourhood along a row for long enough."""
    smooth = cv2.blur(gray, (2 * scale.px(ALONG_INCH / 2) + 1, 1))
    _, dark = cv2.threshold(cv2.subtract(mean, smooth), CONTRAST, 1, cv2.THRESH_BINARY)
    runs = cv2.morphologyEx(dark, cv2.MORPH_OPEN, np.ones((1, scale.px(PIECE_INCH)), np.uint8))
    # Outlines cost a quarter of labels, and few runs are looked at closer.
    found, _ = cv2.findContours(runs, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    outlines = tuple(np.asarray(outline, np.int32) for outline in found)
    boxes = np.array([cv2.boundingRect(outline) for outline in outlines], np.int64).reshape(-1, 4)
    return Runs(outlines, boxes, np.asarray(cv2.subtract(mean, gray), np.uint8))


def are_worth(runs: Runs, across: Runs, scale: Scale) -> NDArray[np.bool_]:
    """Which runs are long, or near others of the other direction (found on the page with axes swapped) at both ends."""
    x, y, width, height = runs.boxes.T[:, :, None]
    top, left, depth, breadth = across.boxes.T[:, None, :]
    near = scale.px(NEAR_INCH)
    level = (top - near <= y + height) & (y <= top + depth + near)
    starts = level & (left - near <= x) & (x <= left + breadth + near)
    stops = level & (left - near <= x + width) & (x + width <= left + breadth + near)
    longest = runs.boxes[:, 2] >= scale.px(WORTH_INCH)
    return np.asarray(longest | (starts.any(axis=1) & stops.any(axis=1)))


def measure_runs(runs: Runs, worth: NDArray[np.bool_], scale: Scale) -> list[Piece]:
    """The straight lines among the runs, without those that are the middle of a line of print."""
    pieces = []
    for index in np.flatnonzero(worth).tolist():
        x, y, width, height = runs.boxes[index].tolist()
        if height > scale.px(2 * THICKEST_INCH) + MAX_SLOPE * width:
            continue
        if not has_stretch(runs.contrast[y : y + height, x : x + width], scale):
            continue
        mask = np.zeros((height, width), np.uint8)
        cv2.drawContours(mask, [runs.outlines[index]], -1, 1, cv2.FILLED, offset=(-x, -y))
        for piece in split_parallel(mask > 0, x, y, scale):
            pieces.extend(printed_parts(runs.contrast, piece, scale))
    return pieces


def has_stretch(contrast: Gray, scale: Scale) -> bool:
    """Whether any stretch of a run is dark for as long as a piece: a quick look that turns most print away."""
    dark = contrast.max(axis=0)
    there = np.flatnonzero(dark >= max(CONTRAST / 2, LIGHT * median(dark)))
    ends = np.flatnonzero(np.diff(there) > scale.px(BREAK_INCH))
    first, last = np.append(0, ends + 1), np.append(ends, len(there) - 1)
    return bool((there[last] - there[first]).max() + 1 >= scale.px(PIECE_INCH))


def split_parallel(mask: NDArray[np.bool_], x: int, y: int, scale: Scale) -> list[Piece]:
    """Measure a run; what lies beside its line for long enough is a second line that touches it."""
    piece = measure_piece(mask, x, y)
    slope = MAX_SLOPE if mask.shape[1] >= scale.px(LONG_INCH) else MAX_STROKE_SLOPE
    if piece is None or abs(piece.at_stop - piece.at_start) > slope * piece.length:
        middle = mask.shape[1] // 2
        if middle < scale.px(LONG_INCH):
            return []
        # Lines of a curled page are straight in parts.
        return [*split_parallel(mask[:, :middle], x, y, scale), *split_parallel(mask[:, middle:], x + middle, y, scale)]
    columns = x + np.arange(mask.shape[1]) + 0.5
    line = piece.at_start + (piece.at_stop - piece.at_start) * (columns - piece.start) / piece.length
    offset = y + np.arange(mask.shape[0])[:, None] + 0.5 - line[None, :]
    found = [piece]
    for beside in (mask & (offset > piece.thickness / 2 + 1), mask & (offset < -piece.thickness / 2 - 1)):
        for stretch in stretches(beside.sum(axis=0) >= 2, 2, scale.px(PIECE_INCH)):
            second = measure_piece(beside[:, stretch[0] : stretch[-1] + 1], x + int(stretch[0]), y)
            found.extend([second] if second is not None else [])
    return found


def stretches(there: NDArray[np.bool_], most: int, least: int) -> list[NDArray[np.int64]]:
    """The places where something is, in stretches of at least `least` of them with steps of at most `most` between."""
    places = np.flatnonzero(there)
    if len(places) < least:
        return []
    breaks = np.flatnonzero(places[1:] - places[:-1] > most) + 1
    return [stretch for stretch in np.split(places, breaks) if len(stretch) >= least]


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
    there = dark >= max(CONTRAST / 2, LIGHT * median(dark))
    return [
        cut_piece(piece, float(part[0]), float(part[-1] + 1))
        for part in stretches(there, scale.px(BREAK_INCH), scale.px(PIECE_INCH))
        if leaves[part].mean() <= MAX_CROSSED
    ]


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
    thickness = median(counts[there])
    third = max(1, len(there) // 3)
    left, right = median(middle[:third]), median(middle[-third:])
    x_left, x_right = float(np.mean(there[:third])), float(np.mean(there[-third:]))
    slope = (right - left) / max(1.0, x_right - x_left)
    bend = median(np.abs(middle - (left + slope * (there - x_left))))
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


def median(values: NDArray[np.generic]) -> float:
    """The upper median; a third of the cost of numpy's, which is called for every run."""
    half = len(values) // 2
    return float(np.partition(values, half)[half])
