"""How sure a decoded field is: what predicts an error, weighed as a model's card says."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from docproc.assemble.decode import Text
from docproc.assemble.second import Check
from docproc.types import CHECKED_EVIDENCE, EVIDENCE, Box, FieldKind, Homography, Lattice, Scale

NEAREST = 1e-6
"""No chance is taken to be nearer to 0 or 1."""
FARTHEST = 15.0
"""No text counts as further ahead or behind, in logarithms of chances."""
CLEAR = 5.0
"""Log odds of a text beyond which both readers are clear of it: there errors grow rare faster than below."""
FREE = 1.6
"""Log odds against what stands on no form: the scale was measured where a number was asked for, but between the lines
of a page there are signs and print too. Of a hundred values accepted there five times as many were wrong as
expected: signs such as > read as 7."""
USUAL_HEIGHT = 40.0
"""Pixels of the stored page that a digit is high where resolution is no question: 3.4 mm at 300 dpi."""


def describe(
    best: Text, lattice: Lattice, height: float, to_scan: Homography, check: Check | None = None
) -> NDArray[np.float64]:
    """What is known of a field's best text, in the order of `types.EVIDENCE`, or of `CHECKED_EVIDENCE` with a check.

    The text has a digit. `height` is that of the row of writing, in pixels of the clean page.
    """
    chances = [step.chance for step in best.steps if step.digit is not None]
    skipped = [step.chance for step in best.steps if step.digit is None]
    stored = height * scale_at(to_scan, lattice.field.box)
    facts = {
        "posterior": _logit(best.posterior),
        "least": _logit(min(chances)),
        "mean": sum(map(_logit, chances)) / len(chances),
        "skipped": sum(math.log(max(chance, NEAREST)) for chance in skipped),
        "length": math.log(len(chances)),
        "touching": float(any(step.segment.cut for step in best.steps if step.digit is not None)),
        "small": max(0.0, math.log(USUAL_HEIGHT / max(stored, 1.0))),
        "faint": 1 - lattice.darkness,
    }
    if check is None:
        return np.array([facts[name] for name in EVIDENCE])
    facts |= {
        "clear": max(0.0, facts["posterior"] - CLEAR),
        "lead": min(max(check.lead, -FARTHEST), FARTHEST),
        "wavering": math.log(max(1 - check.least, NEAREST)),
    }
    return np.array([facts[name] for name in CHECKED_EVIDENCE])


def scale_at(to_scan: Homography, box: Box) -> float:
    """Pixels of the scan for each of the clean page, in the middle of a box."""
    depth = float(to_scan[2] @ (box.x + box.width / 2, box.y + box.height / 2, 1.0))
    return math.sqrt(abs(float(np.linalg.det(to_scan)) / depth**3))


def weigh(evidence: NDArray[np.float64], scale: Scale, kind: FieldKind = "strip") -> float:
    """The chance that a text is right: logistic regression (Platt, Advances in Large Margin Classifiers, 1999)."""
    logit = float(evidence @ np.array(scale.weights)) + scale.offset - (FREE if kind == "line" else 0.0)
    return 1 / (1 + math.exp(-min(max(logit, -500.0), 500.0)))


def least_confidence(max_error: float, scale: Scale) -> float:
    """Confidence from which values are accepted, so that `max_error` of the accepted ones are expected to be wrong.

    Most accepted values are surer than the least sure one, so it may be less sure than 1 - `max_error` itself.
    """
    reached = [least for error, least in scale.thresholds if error <= max_error]
    return min([1 - max_error, *reached])


def _logit(chance: float) -> float:
    clipped = min(max(chance, NEAREST), 1 - NEAREST)
    return math.log(clipped / (1 - clipped))
