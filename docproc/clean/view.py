"""From where a page was photographed: how the camera tilted it, and how near it was.

Lines that are parallel on paper meet in one point of the picture, the vanishing point of their direction (Hartley and
Zisserman, Multiple View Geometry, 2004, section 8.6). Where those of the level and of the upright lines lie says how
the paper leaned, and a homography turns it back.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from docproc.clean.tone import binarize, even
from docproc.types import Gray, Homography, Ink

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Lines = NDArray[np.float64]
"""float64[n, 4]: x and y of both ends of straight lines, where 0 is the middle of the picture and its longer side 2."""

SIDE, SMALL_DPI = 1000, 85.0
"""Lines are looked for in a picture of this many pixels on its longer side, as a sheet of A4 has at this resolution;"""
LEAST_LINE = 0.08
"""they count from this length, of 2 for that side."""
STEEPEST = 25.0
"""Lines are level or upright if they lean by at most so many degrees."""
LEAST_LINES = 5
"""So many of either direction must meet in one point."""
TRIES = 200
OFF = np.sin(np.radians(1.0))
"""A line that misses the point by more than a degree is none of its lines; curled paper bends them by less."""
ROUNDS = 4
FLAT, STEEP = 0.012, 0.35
"""How much farther the one side of the picture's middle is than the other: scanned pages show 0.006 at most by mistake,
and more than the last is no picture of a page that anybody takes."""
SQUARE = 0.85
"""Sine of the least angle between what is level and what is upright: 58 degrees."""
LARGEST = 2.5
"""A picture from straight above has at most so many times as many pixels; those of real photos grow by 1.6."""
AROUND, MARGIN = (2, 98), 0.1
"""Percentiles of the ends of the lines of one direction: those of the other lie between them, or beside them by no more
than the margin, as the edges of the sheet do; others belong to the background."""
CHARACTER_ASPECT = (0.12, 1.3)
CHARACTER_FILL = (0.08, 0.75)
LEAST_PIXELS = 8
HIGHEST_INCH = 1.2
"""What a character is: its width by its height, how much of its box is ink, and how high it is."""
SIDE_DEPTH, SIDE_INKED = 3, 0.7
"""Of a box that stands alone this share is ink along its four sides, so many pixels deep; it is no character."""
LEAST_CHARACTERS = 20
CLOSE_INCH, USUAL_INCH = 0.4, 0.2
"""A page on which half of all writing, by its height, is in characters higher than the first is a close-up: on whole
sheets they are 0.07 to 0.12 inches high. They are taken to be as high as the second, as digits written large."""


class View(NamedTuple):
    """What turns a picture into one from straight above: the map between them (None: it is one), how large that is, and
    its resolution."""

    to_above: Homography | None
    size: tuple[int, int]
    dpi: float

    def draw(self, gray: Gray) -> Gray:
        """A picture as seen from straight above, white beyond its edges."""
        if self.to_above is None:
            return gray
        # Pixel 0 reaches from 0 to 1 for us, and from -0.5 to 0.5 for OpenCV.
        half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
        shown = np.linalg.inv(half) @ self.to_above @ half
        return np.asarray(cv2.warpPerspective(gray, shown, self.size, flags=cv2.INTER_CUBIC, borderValue=255), np.uint8)

    def to_picture(self) -> Homography:
        """From pixels seen from above back to those of the picture."""
        if self.to_above is None:
            return np.eye(3)
        back = np.linalg.inv(self.to_above)
        return np.asarray(back / back[2, 2])


def find_view(gray: Gray, dpi: float) -> View:
    """Find how the page of a photo lies, and how large it is, if the `dpi` that its size suggests cannot be."""
    evened = shrink(gray)
    small_dpi = dpi * evened.shape[0] / gray.shape[0]
    dpi *= measure_closeness(binarize(evened, small_dpi), small_dpi)
    tilt = find_tilt(find_lines(evened))
    if tilt is None:
        return View(None, gray.shape[::-1], dpi)
    height, width = gray.shape
    half = max(gray.shape) / 2
    to_unit = np.array([[1 / half, 0, -width / 2 / half], [0, 1 / half, -height / 2 / half], [0, 0, 1]])
    to_above = np.linalg.inv(to_unit) @ tilt @ to_unit
    corners = np.array([[[0, 0], [width, 0], [0, height], [width, height]]], np.float64)
    there = cv2.perspectiveTransform(corners, to_above)[0]
    low, high = np.floor(there.min(axis=0)), np.ceil(there.max(axis=0))
    to_above = np.array([[1, 0, -low[0]], [0, 1, -low[1]], [0, 0, 1]]) @ to_above
    across, along = (high - low).astype(int).tolist()
    if across * along > LARGEST * gray.size:
        return View(None, gray.shape[::-1], dpi)
    return View(to_above / to_above[2, 2], (across, along), dpi)


def shrink(gray: Gray) -> Gray:
    """The picture small, its paper evened to white."""
    factor = min(1.0, SIDE / max(gray.shape))
    size = tuple(max(1, round(side * factor)) for side in gray.shape[::-1])
    return even(np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), np.uint8), SMALL_DPI)


def measure_closeness(ink: Ink, dpi: float) -> float:
    """How many times as large as usual the writing is, 1 where it may be usual."""
    _, _, stats, _ = cv2.connectedComponentsWithStatsWithAlgorithm(ink.astype(np.uint8), 8, cv2.CV_32S, cv2.CCL_GRANA)
    wide, high, area = stats[1:, 2:].T.astype(np.float64)
    aspect, fill = wide / high, area / (wide * high)
    fits = (high >= LEAST_PIXELS) & (high <= HIGHEST_INCH * dpi) & ~are_boxes(ink, stats[1:])
    fits &= (aspect >= CHARACTER_ASPECT[0]) & (aspect <= CHARACTER_ASPECT[1])
    fits &= (fill >= CHARACTER_FILL[0]) & (fill <= CHARACTER_FILL[1])
    heights = np.sort(high[fits]) / dpi
    if len(heights) < LEAST_CHARACTERS:
        return 1.0
    sums = np.cumsum(heights)
    middle = float(heights[np.searchsorted(sums, sums[-1] / 2)])
    return middle / USUAL_INCH if middle > CLOSE_INCH else 1.0


def are_boxes(ink: Ink, stats: NDArray[Any]) -> NDArray[np.bool_]:
    """Which connected components are the four sides of a rectangle, by what is ink along the edges of their boxes."""
    sums = cv2.integral(ink.astype(np.uint8)).astype(np.int64)
    left, top, wide, high = stats[:, :4].T.astype(np.int64)
    right, bottom = left + wide, top + high

    def count(x: Ints, y: Ints, x2: Ints, y2: Ints) -> Ints:
        return np.asarray(sums[y2, x2] - sums[y, x2] - sums[y2, x] + sums[y, x])

    across, along = np.minimum(left + SIDE_DEPTH, right), np.minimum(top + SIDE_DEPTH, bottom)
    back, up = np.maximum(right - SIDE_DEPTH, left), np.maximum(bottom - SIDE_DEPTH, top)
    # A side is one pixel thick or more, however deep it is looked for.
    sides = [
        count(left, top, right, along) / wide,
        count(left, up, right, bottom) / wide,
        count(left, top, across, bottom) / high,
        count(back, top, right, bottom) / high,
    ]
    return np.asarray(np.min(sides, axis=0) >= SIDE_INKED)


def find_lines(gray: Gray) -> Lines:
    """Straight edges of an evened picture, long ones."""
    found = cv2.createLineSegmentDetector().detect(gray)[0]
    ends = np.asarray(found if found is not None else [], np.float64).reshape(-1, 2, 2)
    middle = np.array(gray.shape[::-1]) / 2
    lines = ((ends - middle) / middle.max()).reshape(-1, 4)
    return np.asarray(lines[_lengths(lines) >= LEAST_LINE])


def find_tilt(lines: Lines) -> Homography | None:
    """The map of unit coordinates that makes level lines level and upright ones upright; None where they are parallel,
    or nothing tells."""
    lean = np.degrees(np.arctan2(lines[:, 3] - lines[:, 1], lines[:, 2] - lines[:, 0]))
    lean = np.abs((lean + 90) % 180 - 90)
    level, upright = lines[lean <= STEEPEST], lines[lean >= 90 - STEEPEST]
    level, upright = _keep_between(level, upright), _keep_between(upright, level)
    sideways, down = find_vanishing_point(level), find_vanishing_point(upright)
    if sideways is None or down is None:
        return None
    horizon = np.cross(sideways, down)
    if abs(horizon[2]) < 1e-9:
        return None
    horizon = horizon / horizon[2]
    steepness = float(np.hypot(*horizon[:2]))
    if not FLAT <= steepness <= STEEP:
        return None
    tilt = np.array([[1, 0, 0], [0, 1, 0], horizon])
    # The tilt leaves the ways to the vanishing points as they are and moves these to infinity.
    across, along = (point[:2] / np.hypot(*point[:2]) for point in (sideways, down))
    straight = np.eye(3)
    straight[:2, 0], straight[:2, 1] = across * np.sign(across[0]), along * np.sign(along[1])
    if np.linalg.det(straight) < SQUARE:
        return None
    return np.asarray(np.linalg.inv(straight) @ tilt)


def find_vanishing_point(lines: Lines) -> Floats | None:
    """Where most of the lines meet, float64[3] in homogeneous coordinates; None without enough of them."""
    if len(lines) < LEAST_LINES:
        return None
    length = _lengths(lines)
    middles, ways = (lines[:, :2] + lines[:, 2:]) / 2, (lines[:, 2:] - lines[:, :2]) / length[:, None]
    ones = np.ones((len(lines), 1))
    carriers = np.cross(np.hstack([lines[:, :2], ones]), np.hstack([lines[:, 2:], ones])) / length[:, None]
    random = np.random.default_rng(0)
    pairs = random.choice(len(lines), (TRIES, 2), p=length / length.sum())
    tried = np.cross(carriers[pairs[:, 0]], carriers[pairs[:, 1]])
    tried = tried[np.linalg.norm(tried, axis=1) > 1e-9]
    if not len(tried):
        return None
    weights = length * _agree(tried, middles, ways)
    weights = weights[weights.sum(axis=1).argmax()]
    for _ in range(ROUNDS):
        _, vectors = np.linalg.eigh((carriers * weights[:, None]).T @ carriers)
        point = vectors[:, 0]
        weights = (length * _agree(point[None], middles, ways))[0]
    return point if (weights > 0).sum() >= LEAST_LINES else None


def _agree(points: Floats, middles: Floats, ways: Floats) -> Floats:
    """How well lines lead to points, float64[points, lines]: 1 where they hit, 0 where they miss by more than OFF."""
    to_x = points[:, None, 0] - middles[:, 0] * points[:, None, 2]
    to_y = points[:, None, 1] - middles[:, 1] * points[:, None, 2]
    away = np.abs(to_x * ways[:, 1] - to_y * ways[:, 0]) / np.maximum(np.hypot(to_x, to_y), 1e-12)
    return np.asarray(np.maximum(0, 1 - (away / OFF) ** 2))


def _keep_between(lines: Lines, others: Lines) -> Lines:
    """The lines whose middle lies between the ends of the others, or little beside."""
    if not len(others):
        return lines[:0]
    ends = others.reshape(-1, 2)
    low, high = np.percentile(ends, AROUND, axis=0) + np.array([[-MARGIN], [MARGIN]])
    middles = (lines[:, :2] + lines[:, 2:]) / 2
    return np.asarray(lines[((middles >= low) & (middles <= high)).all(axis=1)])


def _lengths(lines: Lines) -> Floats:
    return np.asarray(np.hypot(lines[:, 2] - lines[:, 0], lines[:, 3] - lines[:, 1]))
