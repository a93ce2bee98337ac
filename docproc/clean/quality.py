"""Faults of a scan that a person can mend while the paper is at hand: each becomes a flag of its page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from docproc.clean.marks import SIZE_INCH, Boxes, Sample, choose_letters, find_marks, look_closely
from docproc.clean.reduced import Reduced, reduce
from docproc.clean.streaks import Axis, Streak, find_streaks
from docproc.types import Page

INCH = 25.4
"""Millimetres."""
LEAST_SIDE = 128
"""A picture with fewer pixels on a side is no page."""
LEAST_LETTERS = 40
"""With less writing nothing can be said about it: the page may be blank."""

LOW_DPI = 90
"""Down to 100 dots an inch readings stayed as they were at 300; at 85 the first fields were lost, at 60 one in 14."""
LOW_LETTERS = 11
"""Large writing bears it: letters of so many pixels, in the middle, are read at any resolution."""

BLUR_MM = 0.235
"""Edges spread by less cost no reading, and those of good scans by 0.08 (300 dpi) to 0.16 (150 dpi); from here on small
writing was lost, and values were accepted that are wrong."""
BLUR_PIXELS = 1.3
"""A sharp picture's edges spread by 0.8 to 1 pixel at any resolution: more is the fault of the optics."""
DOUBTFUL_BLUR = 2.0
"""Where the resolution is a guess, as in a photo, edges must spread this much farther."""
PAPER_SHAPES = (2**0.5, 11 / 8.5)
PAPER_WITHIN = 0.02
"""A picture is the whole of a sheet if it has the shape of A4 or Letter paper but for this; a photo's is 3 % off."""

PALE = 0.33
"""A page is faint if its darkest writing, specks apart, is less dark: half as dark as the palest good scan's. Below,
fields were taken for blank."""
DARKEST_PERCENT = 90

EVEN_LIGHT = 0.75
"""The paper of a scan is at least this evenly lit. In a photo shadows, creases and the table look like pale or cut
marks, and so does the pattern of a tinted form that is printed to the edges: neither is looked at for them."""
SHINING = 0.35
"""What shines through is no darker, as a share of black,"""
DARK = 0.45
"""and what is written on this side is darker; there must be some, at least a share of"""
LEAST_DARK = 0.2
SOFTER = 1.4
"""Paper blurs what shines through it: its edges spread so many times as far as those of dark writing."""
SHINING_SHARE = 0.1
LEAST_SHINING = 20
"""It makes up this share of a sample of marks, and at least so many of them."""

CUT_LETTERS = 4
"""So many letters must touch an edge of the picture; a single stroke may leave the page as it likes."""
CUT_INCH = (0.015, 0.03)
"""A cut letter is so wide along the edge, wider than a ruling, and reaches so far into the page, farther than dirt."""
BLOT_INCH, BLOT_FILL = 0.1, 0.7
"""The torn holes of a ring binder are larger and fuller than letters."""
CUT_FRAMES = 2
"""So many frames, or other large drawings, must touch it instead."""
FRAME_INCH = (0.15, 0.3)
FRAME_FILL = 0.35
"""A cut frame is so high along the edge, reaches so far into the page, and fills less of its box than a shadow. The
outline of a corner of the paper reaches two edges, a frame one."""

OFFICE_INCH = (7.9, 8.8)
"""Width of A4 and Letter paper, with what a scanner adds or cuts off."""
LONGEST_INCH = 14.3
"""Legal paper with a margin: an office page of that width that is longer is two that overlap."""


class Line(NamedTuple):
    """A line right down or across a scan, in its pixels."""

    axis: Axis
    at: int


@dataclass(frozen=True, slots=True)
class Faults:
    """What is wrong with a scan, as flags of its page; also the streaks, and the edges at which it is `cuts` off."""

    flags: tuple[str, ...] = ()
    streaks: tuple[Streak, ...] = ()
    cuts: tuple[Line, ...] = ()


def find_faults(page: Page) -> Faults:
    """Look a stored page over. Places are those of its own pixels; a picture too small for a page has no faults.

    On a blank page only streaks and a wrong length can be told.
    """
    if min(page.gray.shape) < LEAST_SIDE:
        return Faults()
    reduced, is_known = reduce(page), is_resolution_known(page)
    boxes = find_marks(reduced)
    cuts = find_cut_edges(boxes, reduced) if reduced.light >= EVEN_LIGHT else []
    found = find_streaks(reduced.small, reduced.small_dpi)
    streaks = tuple(streak._replace(at=round((streak.at + 0.5) * reduced.factor)) for streak in found)
    flags = [
        *flag_writing(page, reduced, boxes, is_known),
        *(f"clipped-edge={edge}" for edge in cuts),
        *(f"streak={streak.axis}={streak.at}" for streak in streaks),
        *(("double-feed",) if is_known and is_too_long(page) else ()),
    ]
    height, width = page.gray.shape
    edges = {"left": Line("x", 0), "right": Line("x", width), "top": Line("y", 0), "bottom": Line("y", height)}
    return Faults(tuple(flags), streaks, tuple(edges[edge] for edge in cuts))


def flag_writing(page: Page, reduced: Reduced, boxes: Boxes, is_known: bool) -> Iterator[str]:
    """What is wrong with the marks on a page; `is_known` says that its resolution can be relied on."""
    letters = choose_letters(boxes, reduced.small_dpi)
    if len(letters) >= LEAST_LETTERS:
        sample = look_closely(reduced, letters)
        if page.dpi < LOW_DPI and float(np.median(letters[:, 3])) * reduced.factor < LOW_LETTERS:
            yield f"low-resolution={page.dpi:.0f}"
        if is_blurred(sample, reduced.fine_dpi, BLUR_MM if is_known else BLUR_MM * DOUBTFUL_BLUR):
            yield "blurred"
        if float(np.percentile(sample.darkness, DARKEST_PERCENT)) < PALE:
            yield "faint-ink"
        elif reduced.light >= EVEN_LIGHT and shines_through(sample):
            yield "bleed-through"


def is_resolution_known(page: Page) -> bool:
    """Whether the page's resolution can be relied on: the file states it, or the picture has the shape of paper."""
    shape = max(page.gray.shape) / min(page.gray.shape)
    is_paper = any(abs(shape / paper - 1) <= PAPER_WITHIN for paper in PAPER_SHAPES)
    return "resolution-estimated" not in page.flags or is_paper


def is_blurred(sample: Sample, dpi: float, spread_mm: float) -> bool:
    """Whether the edges of most marks spread so far, in the worse of both directions: a page may be blurred in one."""
    spread = max(float(np.median(sample.across)), float(np.median(sample.along)))
    return spread >= BLUR_PIXELS and spread * INCH / dpi >= spread_mm


def shines_through(sample: Sample) -> bool:
    """Whether there are many pale, soft marks beside dark, sharp ones."""
    softness = np.minimum(sample.across, sample.along)
    dark = sample.darkness >= DARK
    if dark.mean() < LEAST_DARK:
        return False
    soft = (sample.darkness < SHINING) & (softness >= SOFTER * float(np.median(softness[dark])))
    return bool(soft.sum() >= LEAST_SHINING and soft.mean() >= SHINING_SHARE)


def find_cut_edges(boxes: Boxes, page: Reduced) -> list[str]:
    """The edges of the picture at which several letters or frames were cut."""
    x, y, wide, high, area = (boxes[:, i] for i in range(5))
    largest, fill = np.maximum(wide, high) / page.small_dpi, area / (wide * high)
    letters = (largest <= SIZE_INCH[1]) & ~((largest >= BLOT_INCH) & (fill >= BLOT_FILL))
    left, top = x <= 0, y <= 0
    right, bottom = x + wide >= page.small.shape[1], y + high >= page.small.shape[0]
    touched = left.astype(int) + right + top + bottom
    cut = []
    for name, touching in (("left", left), ("right", right), ("top", top), ("bottom", bottom)):
        sides = (high, wide) if name in ("left", "right") else (wide, high)
        along, inward = (side / page.small_dpi for side in sides)
        halves = touching & letters & (along >= CUT_INCH[0]) & (inward >= CUT_INCH[1])
        frames = touching & (touched == 1) & ~letters & (along >= FRAME_INCH[0]) & (inward >= FRAME_INCH[1])
        frames &= fill <= FRAME_FILL
        if count_dark(boxes[halves], page) >= CUT_LETTERS or count_dark(boxes[frames], page) >= CUT_FRAMES:
            cut.append(name)
    return cut


def count_dark(boxes: Boxes, page: Reduced) -> int:
    """How many of the marks are dark; shadows, and what shines through, also reach the edges."""
    darkest = (page.evened[y : y + high, x : x + wide].min() for x, y, wide, high, _ in boxes.tolist())
    return sum(level <= 255 * (1 - DARK) for level in darkest)


def is_too_long(page: Page) -> bool:
    """Whether the page is as wide as office paper and longer than any."""
    height, width = page.gray.shape
    return bool(OFFICE_INCH[0] <= width / page.dpi <= OFFICE_INCH[1] and height / page.dpi > LONGEST_INCH)
