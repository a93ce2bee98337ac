"""The marks on a page that may be letters or digits: where they are, how dark and how sharp."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from docproc.clean.reduced import Reduced
from docproc.types import Gray

Boxes = NDArray[np.int64]
"""int64[N, 5]: x, y, width, height and area of marks in pixels of the small picture."""
Floats = NDArray[np.float64]

DARKER = 0.9
"""A mark is darker than this share of its paper."""
SIZE_INCH = (0.04, 0.4)
"""Larger side of a letter or digit: from the small letters of 6 pt print to writing of 10 mm."""
LEAST_AREA = 0.0003
"""Square inches of a mark; grain and specks have less."""
SAMPLE = 200
"""Marks looked at closely; those of a page are much alike, and more would say no more."""
REACH_INCH = 0.06
"""How far around its middle a mark is looked at: a stroke and the paper beside it."""
LEAST_REACH = 6
PAPER_PERCENT = 90
PAPER_STEP = 7
"""Of the pixels round a mark, one in so many tells how bright its paper is."""
STEP_TO_SPREAD = float(np.sqrt(2 * np.pi))
"""Height of a step over its greatest slope, for one blurred with a Gaussian of standard deviation 1."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A close look at some marks, each float64[n]: `darkness` from 0 paper to 1 black, and how far their edges spread
    to the side (`across`) and up and down (`along`): the standard deviation of the blur, in pixels of the fine
    picture."""

    darkness: Floats
    across: Floats
    along: Floats


def find_marks(page: Reduced) -> Boxes:
    """Every connected mark, large ones and specks too."""
    height, width = page.evened.shape
    # OpenCV takes twice as long for a picture whose sides are odd.
    ink = np.zeros((height + height % 2, width + width % 2), np.uint8)
    ink[:height, :width] = page.evened < DARKER * 255
    _, _, stats, _ = cv2.connectedComponentsWithStatsWithAlgorithm(ink, 8, cv2.CV_32S, cv2.CCL_GRANA)
    return np.asarray(stats[1:], np.int64)


def choose_letters(boxes: Boxes, dpi: float) -> Boxes:
    """The marks that have the size of letters or digits."""
    size = boxes[:, 2:4].max(axis=1)
    fits = (size >= SIZE_INCH[0] * dpi) & (size <= SIZE_INCH[1] * dpi)
    return np.asarray(boxes[fits & (boxes[:, 4] >= LEAST_AREA * dpi * dpi)])


def look_closely(page: Reduced, letters: Boxes) -> Sample:
    """How dark and sharp a sample of the marks is; always the same one of the same marks."""
    chosen = letters[np.random.default_rng(0).permutation(len(letters))[:SAMPLE]]
    reach = min(max(LEAST_REACH, round(REACH_INCH * page.fine_dpi)), (min(page.fine.shape) - 1) // 2)
    scale = page.factor / page.fine_factor
    tiles = cut_tiles(page.fine, (chosen[:, :2] + chosen[:, 2:4] / 2) * scale, reach)
    paper = np.percentile(tiles.reshape(len(tiles), -1)[:, ::PAPER_STEP], PAPER_PERCENT, axis=1)
    depth = np.maximum(paper - tiles.min(axis=(1, 2)), 0)
    slopes = [np.abs(tiles[:, :, 2:] - tiles[:, :, :-2]), np.abs(tiles[:, 2:] - tiles[:, :-2])]
    steepest = [np.maximum(slope.max(axis=(1, 2)) / 2, 0.5) for slope in slopes]
    across, along = (depth / slope / STEP_TO_SPREAD for slope in steepest)
    return Sample(depth / np.maximum(paper, 1), across, along)


def cut_tiles(gray: Gray, middles: Floats, reach: int) -> NDArray[np.float32]:
    """Squares of 2 `reach` + 1 pixels round points (x, y), moved inside the picture where they would leave it."""
    height, width = gray.shape
    x = np.clip(middles[:, 0].astype(np.int64), reach, width - 1 - reach)
    y = np.clip(middles[:, 1].astype(np.int64), reach, height - 1 - reach)
    offsets = np.arange(-reach, reach + 1)
    rows, columns = (y[:, None] + offsets)[:, :, None], (x[:, None] + offsets)[:, None, :]
    return np.asarray(gray[rows, columns], np.float32)
