"""An image of one digit → its crop, by the steps that a page goes through.

A lone digit needs no lattice: all its ink is one segment, so it is cut out here and normalized as every segment is.
"""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from docproc.clean.page import STRIP_ENLARGED, STRIP_INCH, WORKING_DPI, resample, scaling
from docproc.clean.tone import binarize, even
from docproc.segment.components import SPECK_STROKES, estimate_stroke
from docproc.segment.normalize import SIDE, normalize_glyph
from docproc.types import Gray, Ink

Level = Literal["low", "high"]
"""Which grey levels ink has: low is dark ink on light paper."""

MARGIN = 0.25
"""Paper put round an image, as a share of its longer side: ink that touches the edge would pass for dark paper."""
VOTERS = 10_000
"""Images of a set, about, that are asked which levels its ink has."""
PAPER_PERCENTILE = 95
"""Paper is brighter than this share of an image; the brightest pixels are noise."""
EDGE = 0.5
"""A stroke ends where it is this share as dark as in its middle."""


def find_level(images: Gray) -> Level:
    """Whether a set, uint8[n, h, w], has dark or light ink: on most images the border is nearer to the paper.

    The set decides as a whole: a stretched 1 fills the border of its image with ink.
    """
    asked = images[:: -(-len(images) // VOTERS)]
    border = np.concatenate([asked[:, 0], asked[:, -1], asked[:, :, 0], asked[:, :, -1]], axis=1)
    pixels = asked.reshape(len(asked), -1)
    middle = (pixels.min(1).astype(np.float64) + pixels.max(1)) / 2
    return "low" if (np.median(border, axis=1) > middle).mean() > 0.5 else "high"


def crop_digit(image: Gray, level: Level) -> NDArray[np.uint8]:
    """All ink of an image, uint8[h, w] of any size, specks left out, as a crop uint8[28, 28]; blank without ink."""
    gray, scale = prepare_image(image if level == "low" else 255 - image)
    gray = even(gray, WORKING_DPI)
    own = drop_specks(binarize(gray, WORKING_DPI))
    if not own.any():
        return np.zeros((SIDE, SIDE), np.uint8)
    dark = 255 - gray
    box = find_box(dark, own, scale)
    return normalize_glyph(dark[box], own[box], own[box])


def prepare_image(gray: Gray) -> tuple[Gray, float]:
    """Dark ink on white paper with a margin, scaled as a strip is; and by how much it was scaled.

    Some sets are pale all over, others count their greys to 16: from paper to darkest ink is stretched to 255.
    """
    darkest, paper = float(gray.min()), float(np.percentile(gray, PAPER_PERCENTILE))
    if paper > darkest:
        steps = (np.arange(256) - darkest) * (255 / (paper - darkest))
        gray = np.asarray(cv2.LUT(gray, np.clip(steps, 0, 255).round().astype(np.uint8)), np.uint8)
    margin = max(1, round(MARGIN * max(gray.shape)))
    framed = cv2.copyMakeBorder(gray, *(margin,) * 4, cv2.BORDER_CONSTANT, value=255)
    scale = min(STRIP_ENLARGED, STRIP_INCH * WORKING_DPI / gray.shape[0])
    return resample(np.asarray(framed, np.uint8), scaling(scale, scale))[0], scale


def drop_specks(ink: Ink) -> Ink:
    """The ink without dust, by the measure that fields have.

    Nothing else is left out: on a field what stands above or below the row of writing is another's, here it is half
    of a broken digit.
    """
    _, labels, stats, _ = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)
    keep = stats[:, cv2.CC_STAT_AREA] >= (SPECK_STROKES * estimate_stroke(ink)) ** 2
    keep[0] = False
    return np.asarray(keep[labels], np.bool_)


def find_box(dark: Gray, own: Ink, scale: float) -> tuple[slice, slice]:
    """Rows and columns of a glyph, and the pixel round them that segments have.

    Enlarging an image of 28 pixels makes edges several pixels wide, which no scan has. With all of an edge in its box,
    MNIST's digits came out a tenth smaller than in MNIST's own crops.
    """
    reach = 2 * max(1, round(scale)) + 1
    middle = cv2.dilate(dark, np.ones((reach, reach), np.uint8))
    core = own & (dark >= EDGE * middle.astype(np.float32))
    rows, columns = np.flatnonzero(core.any(1)), np.flatnonzero(core.any(0))
    return slice(max(0, rows[0] - 1), rows[-1] + 2), slice(max(0, columns[0] - 1), columns[-1] + 2)
