"""Whether a scan, laid on a form's page, really shows that page; or what speaks against it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from docproc.fields.bends import Floats, Way, map_points
from docproc.fields.landmarks import MM, Landmarks, Points, page_frames
from docproc.fields.patches import frame_ink, look, patch_ink
from docproc.types import FORM_DPI, Box, FormPage, Gray, Homography, Ink

MOST_RESIDUAL = 0.5
"""Mm: drawn pages reach 0.2, a worn sheet laid on another filled-in one 0.4."""
LEAST_PRINT = 0.5
"""Share of a blank reference's patches that must be found: where combs are full of digits, 0.75 are."""
LEAST_PRINT_FILLED = 0.4
"""The same of a filled-in one: sheets of one form with much that differs, under a halftone screen, reach 0.6."""
NEIGHBOURS = 12
"""What happened to a place is told by so many patches around it."""
LEAST_NEAR = 0.75
"""Share of those around a field of a blank reference of which the print must be there, be it written on."""
LEAST_FILLED = 0.2
"""Share of those around a field of a filled-in one that must be found: 0.33 and more are."""
MOST_GONE = 0.5
"""Where a larger share of the patches around any patch has no print, another form begins."""
PRINT_GONE = 0.7
"""A patch with a smaller share of its print has none."""
LEAST_FRAME = 0.9
LONGEST_GAP = 2.0
"""Share of a field's own print that must be there, and mm that may be missing at a stretch: true pages miss nothing,
and of a comb that moved by a whole cell only one side is missing."""
MOVED_REACH, MOVED, MOVED_ALIKE, MOVED_AROUND = 3.0, 0.6, 0.3, 30.0
"""Mm: patches that lie 0.6 to 3 off, all by the same to 0.3, and within 30 of each other are a block that moved,"""
MOST_MOVED, MOST_MOVED_FILLED = 2, 5
"""if they are more than these."""
EDGE = 0.5
"""Mm by which a field may end outside the scan."""
SCALE_DPI = (40.0, 1300.0)
SQUASHED = 1.5
"""Ratio of the scales along and across: a phone held at 45° makes 1.4."""


class Laid(NamedTuple):
    """A form's page as it lies on a scan, shrunk to the resolution of the patches.

    The scan shows the place of the patches that are `there`. Those `kept` agree on the way, and `left_out` is how far,
    in pixels of the form's page, each of them lies from a way found without it and those around it.
    """

    page: FormPage
    marks: Landmarks
    scan: Gray
    way: Way
    there: Ink
    kept: Ink
    left_out: Floats

    @property
    def share(self) -> float:
        """Of the print, how much was found."""
        return float(self.kept.mean())

    @property
    def residual(self) -> float:
        """In mm, as in `Placement`."""
        return float(np.percentile(self.left_out, 95)) / MM


def title(page: FormPage) -> str:
    """The page in words."""
    return f"{page.form} page {page.number}"


def is_sane(size: tuple[int, int], to_scan: Homography) -> bool:
    """Whether paper can lie so: not mirrored, not folded over, not squashed, of a credible resolution."""
    width, height = size
    spots = np.array([[0, 0], [width, 0], [width, height], [0, height], [width / 2, height / 2]], np.float64)
    depth = spots @ to_scan[2, :2] + to_scan[2, 2]
    if not np.isfinite(to_scan).all() or np.linalg.det(to_scan) <= 0 or (depth * depth[-1] <= 0).any():
        return False
    if np.linalg.det(to_scan / depth[-1]) <= 0:
        return False
    way = Way(size, to_scan, np.zeros((2, 2, 2), np.float32))
    here = map_points(way, spots)
    steps = np.stack([map_points(way, spots + move) - here for move in ((1.0, 0.0), (0.0, 1.0))], axis=2)
    scales = np.linalg.svd(steps, compute_uv=False) * FORM_DPI
    middle = scales[-1]
    return bool(SCALE_DPI[0] <= scales.min() and scales.max() <= SCALE_DPI[1] and middle[0] <= SQUASHED * middle[1])


def find_fault(laid: Laid) -> str:
    """What speaks against the page, in words; "" where nothing does."""
    page, least = laid.page, LEAST_PRINT if laid.page.blank else LEAST_PRINT_FILLED
    if outside := [field.name for field in page.fields if not is_on_scan(laid, field.box)]:
        whole = f"{len(outside)} of the {len(page.fields)} fields of {title(page)}"
        return f"not on the page: {whole} ({', '.join(outside[:3])}{', ...' if len(outside) > 3 else ''})"
    if laid.share < least:
        return f"only {laid.share:.0%} of the print of {title(page)} is on the page"
    if fault := moved_block(laid) or (missing_print(laid) if page.blank else bare_field(laid, laid.kept, LEAST_FILLED)):
        return fault
    return f"the print of {title(page)} lies {laid.residual:.1f} mm off" if laid.residual > MOST_RESIDUAL else ""


def is_on_scan(laid: Laid, box: Box) -> bool:
    """Whether the scan shows the whole box."""
    inside = min(EDGE * MM, box.width / 2, box.height / 2)
    left, right, top, bottom = box.x + inside, box.right - inside, box.y + inside, box.bottom - inside
    at = map_points(laid.way, np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64))
    return bool(((at >= 0) & (at <= laid.scan.shape[::-1])).all())


def moved_block(laid: Laid) -> str:
    """Whether patches beside each other are elsewhere, all by as much, as where an edition moved a part."""
    lost = laid.marks.take(~laid.kept)
    seen = look(laid.scan, laid.way, lost, MOVED_REACH)
    far = seen.found & (np.linalg.norm(seen.off, axis=1) > MOVED * MM)
    places, moves = lost.centres[far], seen.off[far]
    alike = (distances(places, places) < MOVED_AROUND * MM) & (distances(moves, moves) < MOVED_ALIKE * MM)
    together = alike.sum(axis=1)
    if not len(together) or together.max() <= (MOST_MOVED if laid.page.blank else MOST_MOVED_FILLED):
        return ""
    block = alike[int(together.argmax())]
    by = float(np.linalg.norm(moves[block].mean(axis=0))) / MM
    return f"the print of {title(laid.page)} {where(places[block].mean(axis=0))} lies {by:.1f} mm off"


def missing_print(laid: Laid) -> str:
    """Whether print of a blank reference is not there, as where an edition changed a part: writing hides none."""
    gone = np.zeros(len(laid.kept), np.bool_)
    lost = ~laid.kept & laid.there
    gone[lost] = patch_ink(laid.scan, laid.way, laid.marks.take(lost)) < PRINT_GONE
    if fault := bare_field(laid, ~gone, LEAST_NEAR):
        return fault
    around = np.argsort(distances(laid.marks.centres, laid.marks.centres), axis=1, kind="stable")[:, :NEIGHBOURS]
    bare = gone[around].mean(axis=1)
    if bare.max() > MOST_GONE:
        return f"the print of {title(laid.page)} {where(laid.marks.centres[int(bare.argmax())])} is not on the page"
    for frame in page_frames(laid.page):
        share, stretch = frame_ink(laid.scan, laid.way, frame)
        if share < LEAST_FRAME or stretch > LONGEST_GAP:
            return f"only {share:.0%} of the print of the field {frame.name} of {title(laid.page)} is in its place"
    return ""


def bare_field(laid: Laid, good: Ink, least: float) -> str:
    """Whether too few of the patches around a field are good."""
    centres = laid.marks.centres
    for field in laid.page.fields:
        low, high = np.array(field.box[:2]), np.array([field.box.right, field.box.bottom])
        apart = np.linalg.norm(np.maximum(0, np.maximum(low - centres, centres - high)), axis=1)
        share = float(good[np.argsort(apart, kind="stable")[:NEIGHBOURS]].mean())
        if share < least:
            return f"only {share:.0%} of the print around the field {field.name} of {title(laid.page)} is on the page"
    return ""


def distances(some: Points, others: Points) -> Floats:
    """float64[N, M]."""
    return np.asarray(np.linalg.norm(some[:, None] - others[None], axis=2), np.float64)


def where(place: Points) -> str:
    """A place on a form's page in words."""
    x, y = place / MM
    return f"{x:.0f} mm from the left and {y:.0f} mm from the top"
