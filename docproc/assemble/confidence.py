"""How sure a decoded field is: what predicts an error, weighed as a model's card says."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from docproc.assemble.decode import Text
from docproc.types import EVIDENCE, Affine, Calibration, Lattice

NEAREST = 1e-6
"""No chance is taken to be nearer to 0 or 1."""
USUAL_HEIGHT = 40.0
"""Pixels of the stored page that a digit is high where resolution is no question: 3.4 mm at 300 dpi."""


def describe(best: Text, lattice: Lattice, height: float, to_scan: Affine) -> NDArray[np.float64]:
    """What is known of a field's best text, in the order of `types.EVIDENCE`; the text has a digit.

    `height` is that of the row of writing, in pixels of the clean page.
    """
    chances = [step.chance for step in best.steps if step.digit is not None]
    skipped = [step.chance for step in best.steps if step.digit is None]
    stored = height * math.sqrt(abs(float(np.linalg.det(to_scan[:, :2]))))
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
    return np.array([facts[name] for name in EVIDENCE])


def weigh(evidence: NDArray[np.float64], calibration: Calibration) -> float:
    """The chance that a text is right: logistic regression (Platt, Advances in Large Margin Classifiers, 1999)."""
    logit = float(evidence @ np.array(calibration.weights)) + calibration.offset
    return 1 / (1 + math.exp(-min(max(logit, -500.0), 500.0)))


def least_confidence(max_error: float, calibration: Calibration) -> float:
    """Confidence from which values are accepted, so that `max_error` of the accepted ones are expected to be wrong.

    Most accepted values are surer than the least sure one, so it may be less sure than 1 - `max_error` itself.
    """
    reached = [least for error, least in calibration.thresholds if error <= max_error]
    return min([1 - max_error, *reached])


def _logit(chance: float) -> float:
    clipped = min(max(chance, NEAREST), 1 - NEAREST)
    return math.log(clipped / (1 - clipped))
