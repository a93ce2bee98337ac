"""What of a form's print a scan is searched for: features to find the page by, and patches to lay it exactly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, Literal, NamedTuple, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from docproc.types import FORM_DPI, Box, FormPage, Gray

Points: TypeAlias = NDArray[np.float64]
"""float64[N, 2]: x and y."""
Pace: TypeAlias = Literal["quick", "thorough"]

MM = FORM_DPI / 25.4
"""Pixels of a form's page."""
FEATURE_PIXELS: dict[Pace, float] = {"quick": 0.5e6, "thorough": 1.0e6}
"""Pages are shrunk to so many pixels: A4 at 72 and 102 dpi, where words still differ and paper does not."""
MOST_FEATURES = 2000
FAST_STEP = 10
"""Faintest corner, in grey levels."""
SMALLEST = 80
"""Pixels: a picture with a shorter side has no corners to tell."""
PATCH_DPI = 120
PATCH_STEP = FORM_DPI / PATCH_DPI
PATCH_MM = 6.0
"""Two lines of small print: less looks alike in many places, more is bent or written on more often."""
PITCH_MM = 6.0
"""At most one patch in each square of this size, so that they spread over the page,"""
APART_MM = 4.5
"""and none so near to another that the two see the same."""
STRUCTURE = 0.0008
"""Least variation of the tone a patch needs in every direction: mean square of the slope, black to white being 1."""
ALIKE = 0.75
ALIKE_MM = (1.2, 4.5)
"""A patch as like as this to what stands this far from it could be mistaken for it: cells of a comb, rows of dots."""
FRAME_MM = 2.0
"""A field's print is its own, and what stands this near to its box."""
KEPT_PAGES = 64
"""Pages whose landmarks stay in memory, at about 1 MB each."""


class Features(NamedTuple):
    """Places that can be told by what surrounds them, as points of the picture before it was shrunk.

    There are no descriptors where there are no points.
    """

    points: Points
    descriptors: NDArray[Any]


class Landmarks(NamedTuple):
    """Patches of print, uint8[N, side, side] at `PATCH_DPI`, and their centres in pixels of the form's page."""

    centres: Points
    patches: NDArray[np.uint8]

    def take(self, chosen: NDArray[Any]) -> Landmarks:
        """Some of them, by a mask or by their numbers."""
        return Landmarks(self.centres[chosen], self.patches[chosen])


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A field with the print next to it, at `PATCH_DPI`; `box` is what it shows, in pixels of the form's page."""

    name: str
    box: Box
    gray: Gray


@lru_cache(maxsize=KEPT_PAGES)
def page_features(page: FormPage, pace: Pace) -> Features:
    """Find the features of a form's page."""
    return find_features(decode(page), pace)


@lru_cache(maxsize=KEPT_PAGES)
def page_landmarks(page: FormPage) -> Landmarks:
    """Choose the patches of a form's page. On a filled-in reference none lies on a field: that is not seen again."""
    small, scale = shrink(decode(page), 1 / PATCH_STEP)
    side = patch_side()
    corners = np.array(thin(corner for corner in spread(small) if is_unlike(small, corner)), int).reshape(-1, 2)
    centres = (corners + side / 2) / scale
    if not page.blank:
        printed = ~np.array([is_on_field(page, x, y) for x, y in centres], np.bool_)
        corners, centres = corners[printed], centres[printed]
    patches = [small[y : y + side, x : x + side] for x, y in corners]
    return Landmarks(centres, np.array(patches, np.uint8).reshape(-1, side, side))


@lru_cache(maxsize=KEPT_PAGES)
def page_frames(page: FormPage) -> tuple[Frame, ...]:
    """Cut the fields out of a form's page."""
    gray, margin = decode(page), round(FRAME_MM * MM)
    frames = []
    for field in page.fields:
        left, top = max(0, field.box.x - margin), max(0, field.box.y - margin)
        part = gray[top : field.box.bottom + margin, left : field.box.right + margin]
        if part.size:
            box = Box(left, top, part.shape[1], part.shape[0])
            frames.append(Frame(field.name, box, shrink(part, 1 / PATCH_STEP)[0]))
    return tuple(frames)


def decode(page: FormPage) -> Gray:
    """The picture of a form's page."""
    return np.asarray(cv2.imdecode(np.frombuffer(page.picture, np.uint8), cv2.IMREAD_GRAYSCALE), np.uint8)


def shrink(gray: Gray, factor: float) -> tuple[Gray, Points]:
    """The picture with its sides multiplied by the factor, where that is below 1; and by what x and y really were."""
    height, width = gray.shape
    if factor >= 1:
        return gray, np.ones(2)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), np.uint8), np.divide(size, (width, height))


def find_features(gray: Gray, pace: Pace) -> Features:
    """Find corners of print. The thorough pace costs ten times as much, and sees through blur and screens."""
    small, scale = shrink(gray, (FEATURE_PIXELS[pace] / gray.size) ** 0.5)
    quick = pace == "quick"
    if min(small.shape) < SMALLEST:
        return Features(np.zeros((0, 2)), np.zeros((0, 1)))
    finder: Any = cv2.ORB.create(MOST_FEATURES, fastThreshold=FAST_STEP) if quick else cv2.SIFT.create(MOST_FEATURES)
    keys, descriptors = finder.detectAndCompute(small, None)
    points = np.array([key.pt for key in keys], np.float64).reshape(-1, 2) + 0.5
    return Features(points / scale, descriptors)


def patch_side() -> int:
    """Pixels along a patch, an odd number so that its middle is the middle of a pixel."""
    return 2 * round(PATCH_MM / 25.4 * PATCH_DPI / 2) + 1


def spread(small: Gray) -> Iterator[tuple[int, int]]:
    """Top left corners of patches: in each square of the page the one with most structure in both directions."""
    side, pitch = patch_side(), PITCH_MM / 25.4 * PATCH_DPI
    if min(small.shape) <= side:
        return
    strength = structure(small, side)
    ys, xs = (np.linspace(0, n, max(1, round(n / pitch)) + 1).astype(int) for n in strength.shape)
    for top, bottom in pairwise(ys):
        for left, right in pairwise(xs):
            square = strength[top:bottom, left:right]
            if square.max() >= STRUCTURE:
                y, x = np.unravel_index(int(square.argmax()), square.shape)
                yield int(left + x), int(top + y)


def thin(corners: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Those of the corners that have none of the ones before them close by."""
    kept: list[tuple[int, int]] = []
    for x, y in corners:
        if all(max(abs(x - other), abs(y - above)) >= APART_MM / 25.4 * PATCH_DPI for other, above in kept):
            kept.append((x, y))
    return kept


def structure(small: Gray, side: int) -> NDArray[np.float32]:
    """Variation, in the direction where it is least, of the patch whose corner is at each pixel."""
    tone = small.astype(np.float32) / 255
    x, y = (cv2.Sobel(tone, cv2.CV_32F, *order, scale=1 / 8) for order in ((1, 0), (0, 1)))
    xx, yy, xy = (cv2.boxFilter(product, -1, (side, side), anchor=(0, 0)) for product in (x * x, y * y, x * y))
    least = (xx + yy) / 2 - np.sqrt(((xx - yy) / 2) ** 2 + xy**2)
    return np.asarray(least[: 1 - side, : 1 - side], np.float32)


def is_unlike(small: Gray, corner: tuple[int, int]) -> bool:
    """Whether nothing around a patch looks like it."""
    side, (near, far) = patch_side(), (round(mm / 25.4 * PATCH_DPI) for mm in ALIKE_MM)
    x, y = corner
    left, top = max(0, x - far), max(0, y - far)
    around = small[top : y + far + side, left : x + far + side]
    likeness = cv2.matchTemplate(around, small[y : y + side, x : x + side], cv2.TM_CCOEFF_NORMED)
    likeness[max(0, y - top - near) : y - top + near + 1, max(0, x - left - near) : x - left + near + 1] = -1
    return bool(likeness.max() < ALIKE)


def is_on_field(page: FormPage, x: float, y: float) -> bool:
    """Whether the point lies in the box of a field."""
    boxes = (field.box for field in page.fields)
    return any(box.x <= x < box.right and box.y <= y < box.bottom for box in boxes)
