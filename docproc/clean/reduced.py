"""A page made small, for looks at the whole of it that must cost little."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from docproc.clean.paper import whiten_desk
from docproc.types import Gray, Page

FINE_DPI = 400.0
SMALL_DPI = 200.0
"""Halving is the cheapest way to shrink: it goes on until the resolution is below these,"""
MOST_PIXELS = 9e6
"""and the small picture has no more pixels than these, whatever the file claims."""
BACKGROUND_INCH = 0.14
"""Wider than a stroke and narrower than a panel."""
DARK_END, BRIGHT_END = 5, 95
"""Percent of the paper that is darker than what counts as its dark and its bright part."""


@dataclass(frozen=True, slots=True, eq=False)
class Reduced:
    """A page at two sizes. `small` has the desk of a photo painted white, and `evened` its paper made white.

    `factor` counts pixels of the stored page along one of `small`, `fine_factor` along one of `fine`. `light` is how
    bright the dark part of the paper is, as a share of the bright: near 1 in a scan, less in a photo.
    """

    fine: Gray
    small: Gray
    evened: Gray
    dpi: float
    factor: int
    fine_factor: int
    light: float

    @property
    def small_dpi(self) -> float:
        """Resolution of the small picture."""
        return self.dpi / self.factor

    @property
    def fine_dpi(self) -> float:
        """Resolution of the fine picture."""
        return self.dpi / self.fine_factor


def reduce(page: Page) -> Reduced:
    """The page at two smaller sizes, its own where that is small enough; at least 8 pixels each way are needed."""
    fine, fine_factor = page.gray, 1
    while page.dpi / fine_factor >= FINE_DPI and min(fine.shape) >= 16:
        fine, fine_factor = halve(fine), 2 * fine_factor
    small, factor = fine, fine_factor
    while (page.dpi / factor >= SMALL_DPI or small.size > MOST_PIXELS) and min(small.shape) >= 16:
        small, factor = halve(small), 2 * factor
    small = whiten_desk(small)
    paper = find_paper(small, page.dpi / factor)
    dark, bright = np.percentile(paper[:, :: max(1, paper.shape[1] // 64)], [DARK_END, BRIGHT_END])
    whole = cv2.resize(paper, small.shape[::-1], interpolation=cv2.INTER_LINEAR)
    evened = np.asarray(cv2.divide(small, np.maximum(whole, 1), scale=255.0), np.uint8)
    return Reduced(fine, small, evened, page.dpi, factor, fine_factor, float(dark / max(1.0, bright)))


def halve(gray: Gray) -> Gray:
    """Each two by two pixels averaged; an odd last row or column is left out."""
    height, width = gray.shape
    even = gray[: height - height % 2, : width - width % 2]
    return np.asarray(cv2.resize(even, (width // 2, height // 2), interpolation=cv2.INTER_AREA), np.uint8)


def find_paper(small: Gray, dpi: float) -> Gray:
    """How bright the paper is, at a quarter of the picture's size: ink is closed over."""
    tiny = halve(halve(small)) if min(small.shape) >= 16 else small
    reach = 2 * round(BACKGROUND_INCH * dpi * tiny.shape[0] / small.shape[0] / 2) + 1
    closed = cv2.morphologyEx(tiny, cv2.MORPH_CLOSE, np.ones((reach, reach), np.uint8))
    return np.asarray(cv2.GaussianBlur(closed, (0, 0), reach / 3), np.uint8)
