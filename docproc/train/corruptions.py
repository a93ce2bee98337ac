"""Changes to crops that befall writing by itself: what pens, scans and papers do.

Each takes `Crops` and a strength and always changes the same crops in the same way, so that networks can be compared;
lengths are in pixels of the 28 pixel crop, in which a digit is 20 pixels high. Changed crops are not normalized anew.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from docproc.types import Crops, Gray

FINE = 8
"""Edges of strokes move by multiples of one pixel in so many."""


@dataclass(frozen=True, slots=True)
class Change:
    """A way to change crops: `apply` takes the crops and one of `strengths`, which are in `unit`, weakest first."""

    name: str
    unit: str
    strengths: tuple[float, ...]
    apply: Callable[[Crops, float], Crops]


def thin(crops: Crops, pixels: float) -> Crops:
    """A finer pen or too low a threshold: each edge of a stroke draws back by `pixels`."""
    return _move_edges(crops, pixels, cv2.MORPH_ERODE)


def thicken(crops: Crops, pixels: float) -> Crops:
    """A broader pen or running ink: each edge of a stroke advances by `pixels`."""
    return _move_edges(crops, pixels, cv2.MORPH_DILATE)


def blur(crops: Crops, pixels: float) -> Crops:
    """A picture out of focus: a Gaussian of `pixels` standard deviation."""
    return _change_each(crops, lambda crop: cv2.GaussianBlur(crop, (0, 0), pixels, borderType=cv2.BORDER_CONSTANT))


def speckle(crops: Crops, share: float) -> Crops:
    """A noisy sensor: normal noise on each pixel, its standard deviation a `share` of full ink."""
    noise = np.random.default_rng(0).normal(0, 255 * share, crops.shape)
    return np.clip(np.round(crops + noise), 0, 255).astype(np.uint8)


def occlude(crops: Crops, pixels: float) -> Crops:
    """A hole, a sticker or correction fluid: a square of paper, `pixels` wide, round some pixel of ink."""
    chance = np.random.default_rng(0).random(crops.shape) * crops
    places = chance.reshape(len(crops), crops.shape[1] * crops.shape[2]).argmax(1)
    covered = crops.copy()
    for crop, place in zip(covered, places, strict=True):
        row, column = divmod(int(place), crops.shape[2])
        top, left = max(0, row - int(pixels) // 2), max(0, column - int(pixels) // 2)
        crop[top : top + int(pixels), left : left + int(pixels)] = 0
    return covered


def rotate(crops: Crops, degrees: float) -> Crops:
    """Leaning writing or a skewed page: a turn by `degrees`, of every other crop to the other side."""
    middle = ((crops.shape[2] - 1) / 2, (crops.shape[1] - 1) / 2)
    either = [cv2.getRotationMatrix2D(middle, angle, 1.0) for angle in (-degrees, degrees)]
    turned = np.empty_like(crops)
    for i, crop in enumerate(crops):
        turned[i] = cv2.warpAffine(crop, either[i % 2], crop.shape[::-1])
    return turned


def fade(crops: Crops, share: float) -> Crops:
    """Faint ink: all of it loses a `share` of its darkness."""
    return np.round(crops * (1 - share)).astype(np.uint8)


def coarsen(crops: Crops, pixels: float) -> Crops:
    """A scan at low resolution: one pixel of the scan is `pixels` wide."""
    side = round(crops.shape[2] / pixels)

    def scan(crop: Gray) -> NDArray[Any]:
        small = cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA)
        return cv2.resize(small, crop.shape[::-1], interpolation=cv2.INTER_LINEAR)

    return _change_each(crops, scan)


def _move_edges(crops: Crops, pixels: float, direction: int) -> Crops:
    """Erode or dilate each crop by a disc, on pixels cut into fine ones."""
    reach = round(pixels * FINE)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))

    def move(crop: Gray) -> NDArray[Any]:
        fine = cv2.resize(crop, None, fx=FINE, fy=FINE, interpolation=cv2.INTER_NEAREST)
        moved = cv2.morphologyEx(fine, direction, disc)
        return cv2.resize(moved, crop.shape[::-1], interpolation=cv2.INTER_AREA)

    return _change_each(crops, move)


def _change_each(crops: Crops, change: Callable[[Gray], NDArray[Any]]) -> Crops:
    changed = np.empty_like(crops)
    for old, new in zip(crops, changed, strict=True):
        new[:] = change(old)
    return changed


NATURAL = (
    Change("thin", "pixels off each edge", (0.25, 0.5, 0.75, 1.0, 1.25), thin),
    Change("thicken", "pixels on each edge", (0.5, 1.0, 1.5, 2.0, 2.5), thicken),
    Change("blur", "pixels of deviation", (0.5, 1.0, 1.5, 2.0, 2.5), blur),
    Change("speckle", "share of full ink", (0.1, 0.2, 0.3, 0.4, 0.5), speckle),
    Change("occlude", "pixels of side", (4, 6, 8, 10, 12), occlude),
    Change("rotate", "degrees", (10, 15, 20, 30, 40), rotate),
    Change("fade", "share of darkness lost", (0.4, 0.6, 0.7, 0.8, 0.9), fade),
    Change("coarsen", "pixels as one", (1.5, 2.0, 2.5, 3.0, 4.0), coarsen),
)
"""All of them, each from hardly seen to hardly legible."""
