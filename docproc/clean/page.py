"""The order of the cleaning steps."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from docproc.clean.paper import whiten_desk
from docproc.clean.quality import is_resolution_known
from docproc.clean.rulings import drop_ring, find_rulings, remove_rulings
from docproc.clean.skew import estimate_angle, estimate_turn
from docproc.clean.tone import binarize, even
from docproc.clean.view import find_view
from docproc.types import Affine, CleanPage, Gray, Homography, Ink, Page, Ruling

WORKING_DPI = 300.0
KEPT_DPI = (250.0, 350.0)
"""Pages in between are not resampled for their resolution: it costs sharpness and gains nothing."""
SKEW_DPI = 150.0
"""Enough to tell ascenders of 8 pt print; a quarter of the pixels, and never more than these:"""
SKEW_PIXELS = 9e6
LOCAL_INCH = 0.2
LOCAL_INK = 0.85
"""For the skew, ink is what is darker than this share of its neighbourhood: a fifth of the cost of a good threshold."""
LEVEL_DEGREES = 0.12
"""Less skew than this is a stroke's width along a line of writing; levelling it would blur more than it mends."""
SHARP_SHRINK = 0.8
"""Below this, pixels are averaged before the page is warped, which looks at four neighbours only."""
STILL_THERE = 0.5
"""Dropped rulings are ink only where strokes cross them, others for most of their length."""
PRINTED, USUAL = 20, 80
"""Coloured print is so many levels darker than where it was dropped; this percentile is how much it mostly is."""
SOFT_INCH = 0.01
"""Strokes and lines are wider by this in one light than in another."""
STRIP_INCH = 0.32
STRIP_ENLARGED = 4.0
"""A strip is brought to this height, 8 mm on paper, but never enlarged more than this: there is nothing to gain."""
MAX_PIXELS = 40e6
"""Enlarging stops here: an A2 page at 300 dpi. A small picture that claims a tiny resolution must not fill memory."""


def clean(page: Page, strips: bool) -> CleanPage:
    """Turn a stored page upright and level, even its paper, find its ink and take out the rulings.

    Where the page has coloured print, its rulings are found and its ink is that of the page without. With `strips` the
    picture is one field: it is scaled, but neither turned nor levelled.
    """
    to_picture = np.eye(3)
    if strips:
        # A field is taken to be of one height, whatever resolution its file claims: the writing fills it.
        dpi = WORKING_DPI
        scale, to_clean = min(STRIP_ENLARGED, STRIP_INCH * WORKING_DPI / page.gray.shape[0]), np.eye(2, 3)
        page = replace(page, dropped=None)
    else:
        page, to_picture = see_from_above(page)
        scale, to_clean = working_scale(page), straighten(page.gray, page.dpi)
        dpi = page.dpi * scale
    way = compose(scaling(scale, scale), to_clean)
    gray, to_clean = resample(page.gray, way)
    gray = even(gray, dpi)
    to_scan = to_picture @ np.vstack([invert(to_clean), [0.0, 0.0, 1.0]])
    to_scan /= to_scan[2, 2]
    if page.dropped is not None:
        return find_written(page, gray, even(resample(page.dropped, way)[0], dpi), dpi, to_scan)
    return find_ink(page, gray, dpi, to_scan, strips)


def see_from_above(page: Page) -> tuple[Page, Homography]:
    """The page without the desk around it and, if it may be a photo, from straight above, with the map back."""
    gray, dropped = whiten_desk(page.gray), page.dropped
    if dropped is not None:
        # What is painted white round the sheet is so in any colour.
        dropped = np.where(gray == page.gray, dropped, gray)
    if is_resolution_known(page):
        return replace(page, gray=gray, dropped=dropped), np.eye(3)
    view = find_view(gray, page.dpi)
    dropped = None if dropped is None else view.draw(dropped)
    return replace(page, gray=view.draw(gray), dropped=dropped, dpi=view.dpi), view.to_picture()


def find_ink(page: Page, gray: Gray, dpi: float, to_scan: Homography, strips: bool) -> CleanPage:
    """The ink of an evened, upright picture of a page, and what of it is rulings."""
    full_ink = binarize(gray, dpi)
    rulings = find_rulings(gray, dpi, cropped=strips)
    if strips:
        rulings = drop_ring(rulings, full_ink)
    ink = remove_rulings(full_ink, rulings, dpi)
    return CleanPage(page.ref, gray, ink, full_ink, rulings, dpi, to_scan, page.flags)


def find_written(page: Page, gray: Gray, dropped: Gray, dpi: float, to_scan: Homography) -> CleanPage:
    """The ink of a page from a picture without its coloured print, and the rulings of that print; both are evened.

    Boxes of coloured print tell where the fields are, and would only stand in the way of reading them.
    """
    full_ink = binarize(dropped, dpi)
    rulings = find_rulings(blacken(gray, dropped), dpi)
    rulings = tuple(replace(ruling, dropped=not is_inked(full_ink, ruling)) for ruling in rulings)
    ink = remove_rulings(full_ink, rulings, dpi)
    lost = find_lost(gray, full_ink, rulings, dpi)
    return CleanPage(page.ref, dropped, ink, full_ink, rulings, dpi, to_scan, page.flags, lost)


def find_lost(gray: Gray, ink: Ink, rulings: tuple[Ruling, ...], dpi: float) -> Ink:
    """The ink of a page, its rulings apart, that is not on the picture without coloured print."""
    soft = round(SOFT_INCH * dpi)
    kept = cv2.dilate(ink.astype(np.uint8), np.ones((2 * soft + 1,) * 2, np.uint8)) > 0
    lost = binarize(gray, dpi) & ~kept
    for box in (ruling.box for ruling in rulings):
        lost[max(0, box.y - soft) : box.bottom + soft, max(0, box.x - soft) : box.right + soft] = False
    return np.asarray(lost)


def blacken(gray: Gray, dropped: Gray) -> Gray:
    """The page with its coloured print in black: beside dark digits that cross them, light lines are not found."""
    lost = cv2.subtract(dropped, gray)
    some = lost[::4, ::4]
    usual = float(np.percentile(some[some >= PRINTED], USUAL)) if (some >= PRINTED).any() else 255.0
    return np.minimum(dropped, 255 - cv2.convertScaleAbs(lost, alpha=255 / usual))


def is_inked(ink: Ink, ruling: Ruling) -> bool:
    """Whether a ruling is ink over most of its length."""
    box = ruling.box
    return bool(ink[box.y : box.bottom, box.x : box.right].any(axis=int(not ruling.horizontal)).mean() > STILL_THERE)


def working_scale(page: Page) -> float:
    """Factor to the working resolution, 1 where the page is near it."""
    if KEPT_DPI[0] <= page.dpi <= KEPT_DPI[1]:
        return 1.0
    return float(min(WORKING_DPI / page.dpi, max(1.0, (MAX_PIXELS / page.gray.size) ** 0.5)))


def straighten(gray: Gray, dpi: float) -> Affine:
    """The turn that sets the page upright and level, about the origin; scale is kept."""
    factor = min(SKEW_DPI / dpi, (SKEW_PIXELS / gray.size) ** 0.5)
    dpi *= factor
    size = tuple(max(1, round(side * factor)) for side in gray.shape[::-1])
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    small = np.asarray(cv2.resize(gray, size, interpolation=way), np.uint8)
    window = 2 * round(LOCAL_INCH * dpi / 2) + 1
    ink = np.asarray(small < LOCAL_INK * cv2.blur(small, (window, window)))
    angle = estimate_angle(ink)
    turn = estimate_turn(ink, dpi, angle)
    return rotation(-turn - (angle if abs(angle) >= LEVEL_DEGREES else 0.0))


def resample(gray: Gray, to_clean: Affine) -> tuple[Gray, Affine]:
    """Draw the page under the map on a canvas that just holds it; returns the map with the canvas's own origin.

    Maps are of continuous coordinates: pixel 0 reaches from 0 to 1, so that the edges of boxes map to edges.
    """
    height, width = gray.shape
    corners = to_clean[:, :2] @ np.array([[0, width, 0, width], [0, 0, height, height]])
    low, high = corners.min(axis=1), corners.max(axis=1)
    to_clean = np.column_stack([to_clean[:, :2], -low])
    size = np.maximum(1, np.round(high - low)).astype(int)
    square = np.round(to_clean[:, :2])
    if np.abs(to_clean[:, :2] - square).max() < 1e-9 and abs(np.linalg.det(square)) == 1:
        quarter = round(float(np.degrees(np.arctan2(square[1, 0], square[0, 0]))) / 90)
        return np.ascontiguousarray(np.rot90(gray, -quarter)), to_clean
    shrink = float(np.sqrt(abs(np.linalg.det(to_clean[:, :2]))))
    source, to_source = gray, scaling(1.0, 1.0)
    if shrink < SHARP_SHRINK:
        small = (max(1, round(width * shrink)), max(1, round(height * shrink)))
        source = np.asarray(cv2.resize(gray, small, interpolation=cv2.INTER_AREA), np.uint8)
        to_source = scaling(small[0] / width, small[1] / height)
    back = compose(to_source, invert(to_clean))
    centres = back.copy()
    centres[:, 2] += back[:, :2] @ (0.5, 0.5) - 0.5
    flags = cv2.WARP_INVERSE_MAP | (cv2.INTER_CUBIC if shrink > 1 else cv2.INTER_LINEAR)
    drawn = cv2.warpAffine(source, centres, tuple(size.tolist()), flags=flags, borderValue=255)
    return np.asarray(drawn, np.uint8), to_clean


def rotation(degrees: float) -> Affine:
    """Clockwise turn about the origin."""
    radians = np.radians(degrees)
    cos, sin = np.cos(radians), np.sin(radians)
    return np.array([[cos, -sin, 0.0], [sin, cos, 0.0]])


def scaling(x: float, y: float) -> Affine:
    """Scaling of continuous coordinates about the page's corner."""
    return np.array([[x, 0.0, 0.0], [0.0, y, 0.0]])


def compose(second: Affine, first: Affine) -> Affine:
    """First one map, then the other."""
    whole = np.vstack([first, [0.0, 0.0, 1.0]])
    return np.asarray(second @ whole, np.float64)


def invert(affine: Affine) -> Affine:
    """The way back."""
    turn = np.linalg.inv(affine[:, :2])
    return np.column_stack([turn, -turn @ affine[:, 2]])
