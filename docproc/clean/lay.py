"""A page whose place is known, laid on its form: in the form's own pixels, and without the form's own print."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from docproc.clean.page import SHARP_SHRINK
from docproc.clean.rulings import draw_boxes, find_rulings, remove_rulings
from docproc.clean.tone import binarize, even
from docproc.types import FORM_DPI, CleanPage, FormPage, Gray, Ink, Page, Placement, Ruling

FindPoints: TypeAlias = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Points of one picture to points of another, both float64[n, 2]."""

STEP = 16
"""The way to the scan is worked out at every so manieth pixel; between them it is straight to a hundredth of one."""
MM_INCH = 25.4
LOOSE_INCH = 0.01
"""The soft edge of print reaches so far."""
TIGHT_INCH = 0.004
SLIVER_INCH = 0.02
"""A stroke clear of print is at least so long; a decimal point is as large."""
MEND_INCH = 0.036
"""Strokes are mended where they cross print so wide."""
ON_PRINT = 0.6
"""A ruling of the scan is one of the form's if so much of it lies on print; others are strokes of a pen."""


def lay(page: Page, placement: Placement, find_points: FindPoints) -> CleanPage:
    """Draw the page as it lies on its form, find its ink, and take out rulings and, if it is known, all other print.

    `find_points` finds points of the form's page on the scan.
    """
    gray = even(warp(page.gray, placement, find_points), FORM_DPI)
    full_ink = binarize(gray, FORM_DPI)
    rulings = find_rulings(gray, FORM_DPI)
    if placement.page.blank:
        printed = find_print(placement.page)
        rulings = keep_printed(rulings, printed)
        left = remove_rulings(full_ink, rulings, FORM_DPI)
        ink = erase_print(left, printed, rulings, placement.residual / MM_INCH)
    else:
        ink = remove_rulings(full_ink, rulings, FORM_DPI)
    # The form, not the file, says how large the page is.
    flags = tuple(flag for flag in page.flags if flag != "resolution-estimated")
    return CleanPage(page.ref, gray, ink, full_ink, rulings, FORM_DPI, placement.to_scan, flags)


def warp(gray: Gray, placement: Placement, find_points: FindPoints) -> Gray:
    """The scan in pixels of the form's page; white where the scan has ended."""
    form = placement.page
    shrink = float(np.sqrt(abs(np.linalg.det(placement.to_scan[:2, :2]))))
    source, scale = gray, 1.0
    if shrink * SHARP_SHRINK > 1:
        scale = 1 / shrink
        smaller = (max(1, round(gray.shape[1] * scale)), max(1, round(gray.shape[0] * scale)))
        source = np.asarray(cv2.resize(gray, smaller, interpolation=cv2.INTER_AREA), np.uint8)
    rows, columns = -(-form.height // STEP) + 2, -(-form.width // STEP) + 2
    x, y = np.meshgrid(np.arange(columns) * STEP + 0.5, np.arange(rows) * STEP + 0.5)
    there = (scale * find_points(np.column_stack([x.ravel(), y.ravel()])) - 0.5).reshape(rows, columns, 2)
    enlarge = np.array([[1 / STEP, 0, 0], [0, 1 / STEP, 0]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size = (form.width, form.height)
    x, y = (cv2.warpAffine(there[..., axis].astype(np.float32), enlarge, size, flags=flags) for axis in (0, 1))
    way = cv2.INTER_CUBIC if shrink < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.remap(source, x, y, way, borderMode=cv2.BORDER_CONSTANT, borderValue=255), np.uint8)


@lru_cache(maxsize=8)
def find_print(page: FormPage) -> Ink:
    """All ink of a blank form's page."""
    gray = np.asarray(cv2.imdecode(np.frombuffer(page.picture, np.uint8), cv2.IMREAD_GRAYSCALE), np.uint8)
    return binarize(gray, FORM_DPI)


def keep_printed(rulings: tuple[Ruling, ...], printed: Ink) -> tuple[Ruling, ...]:
    """The rulings that the form has; a long straight stroke of the pen is none."""
    sums = cv2.integral(_grow(printed, LOOSE_INCH).astype(np.uint8))

    def share(ruling: Ruling) -> float:
        x, y, right, bottom = ruling.box.x, ruling.box.y, ruling.box.right, ruling.box.bottom
        inked = sums[bottom, right] - sums[y, right] - sums[bottom, x] + sums[y, x]
        return float(inked) / (ruling.box.width * ruling.box.height)

    return tuple(ruling for ruling in rulings if share(ruling) >= ON_PRINT)


def erase_print(ink: Ink, printed: Ink, rulings: tuple[Ruling, ...], stray: float) -> Ink:
    """The ink without the form's print, which may lie `stray` inches off; strokes that cross it are mended.

    Writing is what has a part clear of all print, and of what lies on print as much as joins such parts. What is left
    of `rulings` is strokes that cross them, and stays.
    """
    ruled = draw_boxes(ink.shape, [ruling.box for ruling in rulings], round(LOOSE_INCH * FORM_DPI))
    on_print = _grow(printed, TIGHT_INCH) & ~ruled
    clear = _drop_slivers(ink & (ruled | ~_grow(printed, LOOSE_INCH + stray)))
    edges = _grow(clear, LOOSE_INCH + stray) & ink & ~on_print
    kept = clear | edges
    mended = cv2.morphologyEx(kept.astype(np.uint8), cv2.MORPH_CLOSE, _disk(MEND_INCH / 2)) > 0
    return np.asarray(kept | (mended & ink))


def _drop_slivers(ink: Ink) -> Ink:
    """The ink without pieces too short for a stroke: what shows of print that lies a little off."""
    count, labels, stats, _ = cv2.connectedComponentsWithStatsWithAlgorithm(
        ink.astype(np.uint8), 8, cv2.CV_32S, cv2.CCL_GRANA
    )
    long = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(1) >= SLIVER_INCH * FORM_DPI
    long[0] = False
    return np.asarray(long[labels] if count > 1 else ink)


def _grow(ink: Ink, inch: float) -> Ink:
    return np.asarray(cv2.dilate(ink.astype(np.uint8), _disk(inch)) > 0)


def _disk(inch: float) -> NDArray[np.uint8]:
    size = 2 * max(1, round(inch * FORM_DPI)) + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)), np.uint8)
