"""How many pixels an inch of paper has, when the file may lie about it."""

from __future__ import annotations

import math

LOWEST, HIGHEST = 50.0, 2400.0
"""Claims outside are no scanner's."""
PLACEHOLDERS = (72.0, 96.0)
"""What software writes when it does not know."""
SQUARE_WITHIN = 1.1
"""Claims for width and height that differ by more say nothing."""
LONGEST_PAPER = 17.6
"""Inches: A3 with a margin. A longer page is taken for a wrong claim."""
LONGEST_OFFICE_PAPER = 14.2
"""Inches: Legal with a margin; what a placeholder may imply before it is disbelieved."""
SHORTEST_PAPER = 2.0
"""Inches: a visiting card with a margin."""
A4_LENGTH, LETTER_LENGTH = 11.69, 11.0
"""Inches, the long sides."""
A4_SHAPE, LETTER_SHAPE = math.sqrt(2), 11 / 8.5
STRIP_HEIGHT = 0.4
"""Inches: a usual field that was cut out of a page."""
ESTIMATES = (72.0, 1200.0)
"""An estimate stays within."""
USUAL = (75, 100, 150, 200, 240, 300, 400, 600, 1200)
USUAL_WITHIN = 0.05
"""An estimate so near to what scanners offer is taken for it."""


def find_dpi(claim: tuple[float, float] | None, width: int, height: int, *, strip: bool = False) -> tuple[float, bool]:
    """Dots an inch of a picture, and whether they had to be estimated from the usual sizes of paper.

    `claim` is what the file says for x and y; it is not trusted.
    """
    dpi = _believe(claim, max(width, height), strip)
    if dpi is not None:
        return dpi, False
    if strip:
        estimate = min(width, height) / STRIP_HEIGHT
    else:
        shape = max(width, height) / max(1, min(width, height))
        is_letter = abs(shape - LETTER_SHAPE) < abs(shape - A4_SHAPE)
        estimate = max(width, height) / (LETTER_LENGTH if is_letter else A4_LENGTH)
        usual = min(USUAL, key=lambda dpi: abs(dpi - estimate))
        if abs(usual - estimate) <= USUAL_WITHIN * usual:
            estimate = usual
    return min(max(estimate, ESTIMATES[0]), ESTIMATES[1]), True


def _believe(claim: tuple[float, float] | None, length: int, strip: bool) -> float | None:
    if claim is None or not all(math.isfinite(value) and LOWEST <= value <= HIGHEST for value in claim):
        return None
    if max(claim) > SQUARE_WITHIN * min(claim):
        return None
    dpi = math.sqrt(claim[0] * claim[1])
    is_placeholder = any(abs(dpi - value) < 1 for value in PLACEHOLDERS)
    if strip:
        return None if is_placeholder else dpi
    longest = LONGEST_OFFICE_PAPER if is_placeholder else LONGEST_PAPER
    return dpi if SHORTEST_PAPER <= length / dpi <= longest else None
