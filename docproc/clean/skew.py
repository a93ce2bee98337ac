"""How a page lies: skew angle, and which way is up.

Angles are degrees clockwise, as a person sees the page: a page of angle 2 has lines that fall to the right.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from docproc.types import Ink

Floats = NDArray[np.float64]
Boxes = NDArray[np.int64]
"""int64[N, 4]: x, y, width, height of components."""

MAX_ANGLE = 15.0
COARSE_STEP = 0.5
FINE_STEP = 0.05
COARSE_POINTS = 8_000
FINE_POINTS = 16_000
MIN_POINTS = 200
"""Fewer edge pixels than this are specks, not lines."""
MIN_SHARPNESS = 1.15
"""Energy of the best angle over the median of all angles; noise and scribble stay below."""

TEXT_INCH = (0.025, 0.35)
"""Height of the letters that tell the way of the text, from 5 pt x-height to large titles."""
TURN_RATIO = 1.6
"""How much sharper columns must be than rows before a page is turned by a quarter; tables of print have 2.3 or more."""
MIN_LETTERS = 40
MIN_TURNED = 100
"""So many letters are needed to tell anything, and so many to turn by a quarter."""
FLIP_RATIO = 1.4
MIN_VOTES = 30
TALLER = 1.18
"""An ascender, descender or capital is at least this much taller than the small letter beside it."""
NEAR = 5.0
"""Letters are compared with others of their line, this many heights away."""
ALIGNED = 0.12
"""Share of the small letter's height by which bottoms (tops) may differ and still be called level."""
CHUNK = 300


def estimate_angle(ink: Ink) -> float:
    """Find the skew between -15 and 15 degrees, whatever the quarter turn; 0 where nothing tells.

    Edge pixels are projected along every angle: where lines and rulings lie level, the histogram is spiky
    (Postl's projection criterion). Rulings and text of both directions add up.
    """
    rows, columns = edge_points(ink)
    if len(rows) + len(columns) < MIN_POINTS:
        return 0.0
    coarse = np.arange(-MAX_ANGLE, MAX_ANGLE + COARSE_STEP / 2, COARSE_STEP)
    energy = energies(rows, coarse, 2.0, COARSE_POINTS) + energies(columns, coarse, 2.0, COARSE_POINTS)
    best = int(np.argmax(energy))
    if energy[best] < MIN_SHARPNESS * np.median(energy):
        return 0.0
    fine = coarse[best] + np.arange(-COARSE_STEP, COARSE_STEP + FINE_STEP / 2, FINE_STEP)
    energy = energies(rows, fine, 1.0, FINE_POINTS) + energies(columns, fine, 1.0, FINE_POINTS)
    smooth = np.convolve(energy, [0.25, 0.5, 0.25], mode="same")
    return float(np.clip(fine[int(np.argmax(smooth[1:-1])) + 1], -MAX_ANGLE, MAX_ANGLE))


def edge_points(ink: Ink) -> tuple[Floats, Floats]:
    """Points (across, along) of lower edges of ink, and of right edges with the axes swapped.

    Both come in random order, so that their head is a sample. They are jittered by half a pixel: on the pixel grid
    angle 0 would always look sharpest.
    """
    random = np.random.default_rng(0)
    found = []
    for picture, sign in ((ink, 1.0), (ink.T, -1.0)):
        across, along = np.nonzero(picture[:-1] & ~picture[1:])
        chosen = random.permutation(len(across))[:FINE_POINTS]
        points = np.stack([across[chosen], sign * along[chosen]], axis=1).astype(np.float64)
        found.append(points + random.uniform(-0.5, 0.5, points.shape))
    return found[0], found[1]


def energies(points: Floats, angles: Floats, bin_size: float, most: int) -> Floats:
    """Sum of squares of the projection histogram at each angle, per point, so that the two directions compare."""
    points = points[:most]
    if len(points) < 2:
        return np.zeros(len(angles))
    result = np.empty(len(angles))
    for index, angle in enumerate(np.radians(angles)):
        level = (points[:, 0] * np.cos(angle) - points[:, 1] * np.sin(angle)) / bin_size
        level -= level.min()
        counts = np.bincount(level.astype(np.int64)).astype(np.float64)
        result[index] = np.dot(counts, counts) / len(points)
    return result


def estimate_turn(ink: Ink, dpi: float, angle: float) -> int:
    """Find by how much the page was turned clockwise: 0, 90, 180 or 270. Without evidence the answer is 0.

    `angle` is the skew that `estimate_angle` found. Lines of print tell rows from columns; ascenders, which Latin
    print has four times as often as descenders, tell up from down.
    """
    boxes = letters(ink, dpi)
    if len(boxes) < MIN_LETTERS:
        return 0
    ratio = columns_over_rows(boxes, angle)
    up, down = vote_up_down(levels(boxes, angle, ratio > TURN_RATIO))
    told = up + down >= MIN_VOTES and abs(up - down) > 3 * np.sqrt(up + down)
    flipped = told and down > FLIP_RATIO * up
    if ratio > TURN_RATIO:
        # A grid of digits may be sharper in columns; only lines that have ascenders are text.
        sure = flipped or (told and up > FLIP_RATIO * down)
        return (270 if flipped else 90) if sure and len(boxes) >= MIN_TURNED else 0
    return 180 if flipped else 0


def letters(ink: Ink, dpi: float) -> Boxes:
    """Boxes of the components that have the size of printed letters."""
    _, _, stats, _ = cv2.connectedComponentsWithStatsWithAlgorithm(ink.astype(np.uint8), 8, cv2.CV_32S, cv2.CCL_GRANA)
    boxes = stats[1:, :4].astype(np.int64)
    low, high = TEXT_INCH[0] * dpi, TEXT_INCH[1] * dpi
    size = boxes[:, 2:].max(axis=1)
    return np.asarray(boxes[(size >= low) & (size <= high)])


def columns_over_rows(boxes: Boxes, angle: float) -> float:
    """How much sharper letters line up in columns than in rows."""
    random = np.random.default_rng(0)
    x, y, width, height = (boxes[:, i].astype(np.float64) for i in range(4))
    tilt = np.array([angle])
    sharp = []
    for across, along, tip, sign in ((y, x + width / 2, height, 1.0), (x, y + height / 2, width, -1.0)):
        total = 0.0
        for end in (across, across + tip):
            points = np.stack([end, sign * along], axis=1)
            total += float(energies(points + random.uniform(-0.5, 0.5, points.shape), tilt, 1.0, len(points))[0])
        sharp.append(total)
    return sharp[1] / sharp[0]


def levels(boxes: Boxes, angle: float, sideways: bool) -> Floats:
    """Centre, top and bottom of each letter along its line, skew taken out; of a sideways page as if turned back."""
    slope = np.tan(np.radians(angle))
    x, y, width, height = (boxes[:, i].astype(np.float64) for i in range(4))
    if sideways:  # text runs downward, its top to the right
        centre, drift = y + height / 2, slope * (y + height / 2)
        return np.stack([centre, -(x + width) - drift, -x - drift], axis=1)
    centre, drift = x + width / 2, slope * (x + width / 2)
    return np.stack([centre, y - drift, y + height - drift], axis=1)


def vote_up_down(lines: Floats) -> tuple[int, int]:
    """Count neighbours that share the bottom and differ in height, and those that share the top."""
    lines = lines[np.argsort(lines[:, 1] + lines[:, 2], kind="stable")]
    up = down = 0
    for start in range(0, len(lines), CHUNK):
        chunk = lines[start : start + CHUNK]
        centre, top, bottom = chunk.T
        height = bottom - top
        taller = height[:, None] > TALLER * height[None, :]
        alike = height[:, None] < 2.2 * height[None, :]
        near = np.abs(centre[:, None] - centre[None, :]) < NEAR * height[None, :]
        pair = taller & alike & near
        level = ALIGNED * height[None, :]
        same_top = np.abs(top[:, None] - top[None, :]) <= level
        same_bottom = np.abs(bottom[:, None] - bottom[None, :]) <= level
        up += int(np.count_nonzero(pair & same_bottom & ~same_top))
        down += int(np.count_nonzero(pair & same_top & ~same_bottom))
    return up, down
