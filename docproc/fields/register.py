"""Which page of a form a scan shows, and where it lies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np

from docproc.errors import PageError
from docproc.fields.bends import Fit, Way, fit_bends, project, unbent
from docproc.fields.fits import Laid, find_fault, is_sane, title
from docproc.fields.landmarks import (
    MM,
    Features,
    Landmarks,
    Pace,
    Points,
    find_features,
    page_features,
    page_landmarks,
    shrink,
)
from docproc.fields.patches import Seen, look, patch_scale
from docproc.types import FormPage, Gray, Homography, Placement

PACES: tuple[Pace, ...] = ("quick", "thorough")
"""The thorough search follows only where the quick one finds no page."""
SETTLED = 0.5
"""Who finds this share of the print has found the page: what then speaks against it is no want of search."""
DISTINCT = 0.8
"""A feature is told when its likest place differs by less than this share of what the next one differs (Lowe 2004)."""
FEWEST_ALIKE = 8
"""Features that agree by chance on where a page lies are a few less; who has more is looked at closely."""
MOST_RIVALS = 3
RIVAL = 0.4
"""So many pages are looked at closely: those with this share of the features of the one that has most."""
ROUGH_MM, FLAT_MM, STRAY_MM = 1.5, 0.8, 0.5
"""Tolerances of a flat map on features and on patches, and of a patch on the bends around it."""
PLAIN = 0.9
"""A simpler map is taken if it explains this share of what the best one does: features in one corner of a page tell
nothing of perspective, and a map that took some from them would miss the other corner."""
FLATTENED = 1e-6
"""A map with a determinant below this flattens the page, or turns it over."""
FIRST_REACH, SECOND_REACH = 3.0, 1.5
"""Mm around its place that a patch is looked for: first on the flat map, then on the bent one."""
FIRST_PATCHES = 120
"""Enough for a flat map."""
GROWTHS = 5
GROWTH = 1.1
"""A map from one part of the page is mended and tried again while it finds so many times the patches."""
COMPLETE = 0.9
FEWEST_PATCHES = 8
"""Less cannot show a page: four tell a homography, and as many more say whether it is one."""


class Rough(NamedTuple):
    """A page of a form, and roughly where it lies; `alike` counts the features that say so."""

    page: FormPage
    to_scan: Homography
    alike: int


def register(gray: Gray, pages: Sequence[FormPage]) -> Placement:
    """Find which of the pages a stored page shows, and where it lies. Raises PageError where none fits."""
    faults: list[tuple[float, str]] = []
    for pace in PACES:
        laid = [found for rough in likely(gray, pages, pace) if (found := lay(gray, rough)) is not None]
        fitting = []
        for candidate, placement in laid:
            if fault := find_fault(candidate):
                faults.append((candidate.share, fault))
            else:
                fitting.append((candidate.share, placement))
        if fitting:
            return max(fitting, key=lambda pair: pair[0])[1]
        if faults and max(faults)[0] >= SETTLED:
            break
    if faults:
        raise PageError("not-this-form", max(faults)[1])
    names = ", ".join(title(page) for page in pages[:3]) + (", ..." if len(pages) > 3 else "")
    raise PageError("not-this-form", f"nothing on the page looks like the print of {names or 'a form'}")


def likely(gray: Gray, pages: Sequence[FormPage], pace: Pace) -> Iterator[Rough]:
    """The pages that the scan may show, the likeliest first."""
    scan = find_features(gray, pace)
    found = [rough for page in pages if (rough := find_roughly(scan, page, pace)) is not None]
    found.sort(key=lambda rough: -rough.alike)
    yield from (rough for rough in found[:MOST_RIVALS] if rough.alike >= RIVAL * found[0].alike)


def find_roughly(scan: Features, page: FormPage, pace: Pace) -> Rough | None:
    """Where the features say that the page lies; None where they do not agree."""
    here, there = match(page_features(page, pace), scan, pace)
    back, alike = fit_flat(there, here, ROUGH_MM * MM)
    if back is None or alike < FEWEST_ALIKE:
        return None
    to_scan = invert(back)
    return Rough(page, to_scan, alike) if is_sane((page.width, page.height), to_scan) else None


def match(page: Features, scan: Features, pace: Pace) -> tuple[Points, Points]:
    """Pairs of places that look alike, on the page and on the scan."""
    if min(len(page.points), len(scan.points)) < 2:
        return np.zeros((0, 2)), np.zeros((0, 2))
    matcher = cv2.BFMatcher(cv2.NORM_HAMMING if pace == "quick" else cv2.NORM_L2)
    both = matcher.knnMatch(page.descriptors, scan.descriptors, k=2)
    pairs = [first for first, second in both if first.distance < DISTINCT * second.distance]
    return page.points[[pair.queryIdx for pair in pairs]], scan.points[[pair.trainIdx for pair in pairs]]


def fit_flat(there: Points, here: Points, tolerance: float) -> tuple[Homography | None, int]:
    """The plainest map from the scan to the page that explains the pairs, and how many it does.

    The tolerance is in pixels of the page. OpenCV draws its samples from a generator of its own that starts anew.
    """
    if len(here) < 4:
        return None, 0
    found: list[tuple[Any, Any]] = [
        cv2.estimateAffinePartial2D(there, here, None, cv2.RANSAC, tolerance, 2000, 0.999, 10),
        cv2.estimateAffine2D(there, here, None, cv2.USAC_MAGSAC, tolerance, 5000, 0.999, 10),
        cv2.findHomography(there, here, cv2.USAC_MAGSAC, tolerance, maxIters=5000, confidence=0.999),
    ]
    square = [(np.vstack([rows, [0, 0, 1]])[:3], int(inside.sum())) for rows, inside in found if rows is not None]
    maps = [(back, explained) for back, explained in square if np.linalg.det(back) > FLATTENED]
    most = max((explained for _, explained in maps), default=0)
    return next(((back, explained) for back, explained in maps if explained >= PLAIN * most), (None, 0))


def lay(gray: Gray, rough: Rough) -> tuple[Laid, Placement] | None:
    """Lay the page exactly, patch by patch; None where too few are found."""
    page, marks = rough.page, page_landmarks(rough.page)
    if len(marks.centres) < FEWEST_PATCHES:
        return None
    size = (page.width, page.height)
    scan, scale = shrink(gray, patch_scale(unbent(size, rough.to_scan), marks.centres))
    resized = np.diag([*scale, 1.0])
    flat = grow(scan, unbent(size, resized @ rough.to_scan), marks)
    if flat is None:
        return None
    seen = look(scan, flat, marks, SECOND_REACH)
    if (refitted := refit(size, marks.centres, seen)) is None:
        return None
    way, fit = refitted
    kept = seen.found.copy()
    kept[seen.found] = fit.weights > 0
    if kept.sum() < FEWEST_PATCHES:
        return None
    laid = Laid(page, marks, scan, way, seen.there, kept, fit.left_out[fit.weights > 0])
    return laid, Placement(page, invert(resized) @ way.to_scan, way.bends, laid.residual)


def grow(scan: Gray, way: Way, marks: Landmarks) -> Way | None:
    """Spread a rough way over the page: what it finds mends it, and then it finds more."""
    few, most = marks.take(np.arange(0, len(marks.centres), max(1, len(marks.centres) // FIRST_PATCHES))), 0
    for _ in range(GROWTHS):
        seen = look(scan, way, few, FIRST_REACH)
        refitted = refit(way.size, few.centres, seen)
        if refitted is None:
            return None
        bent, fit = refitted
        agreed = int((fit.weights > 0).sum())
        if agreed < GROWTH * most or agreed > COMPLETE * len(few.centres):
            return bent
        way, most = unbent(bent.size, bent.to_scan), agreed
    return bent


def refit(size: tuple[int, int], centres: Points, seen: Seen) -> tuple[Way, Fit] | None:
    """The way that the patches which were found tell."""
    here, there = centres[seen.found], seen.at[seen.found]
    back, agreed = fit_flat(there, here, FLAT_MM * MM)
    if back is None or agreed < FEWEST_PATCHES or not is_sane(size, to_scan := invert(back)):
        return None
    fit = fit_bends(size, here, project(back, there) - here, STRAY_MM * MM)
    return Way(size, to_scan, fit.bends), fit


def invert(matrix: Homography) -> Homography:
    """The way back."""
    return np.asarray(np.linalg.inv(matrix), np.float64)
