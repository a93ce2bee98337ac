"""Fit the field calibration of a model: what is known of a reading → how often such readings were right.

Strips of real forms with known digits say it. They moved no weight of a network: what is fitted is a few numbers.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from docproc.assemble.confidence import describe, weigh
from docproc.assemble.decode import decode
from docproc.assemble.row import measure_row
from docproc.errors import InputError
from docproc.flow.pipeline import prepare
from docproc.options import Recipe, load_options
from docproc.pages.sources import survey
from docproc.recognize.classifier import MOST_WEIGHT, Classifier, load
from docproc.recognize.style import settle
from docproc.train.fit import state
from docproc.train.metrics import calibration_error, share_at_error, sort_into_bins, trace_curve
from docproc.train.temper import temper
from docproc.train.truth import read_truth
from docproc.types import EVIDENCE, Calibration, PageRef

RISING = ("posterior", "least", "mean", "skipped")
"""Evidence of which more never makes a reading less likely to be right."""
RIDGE = 1.0
"""Pull of each weight, in spreads of its evidence, towards 0, against the sum over all fields: a few hundred of them
shall not be learned by heart."""
FOLDS = 10
EXPECTED_ERRORS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
"""The shares of wrong values among accepted ones for which thresholds are kept."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A calibration, the fields it was fitted on, how many of them were read right; and, each fold judged by a fit to
    the others, the calibration error and the share that could be accepted at 1 % error."""

    calibration: Calibration
    fields: int
    right: int
    error: float
    acceptable: float


def calibrate(truth: Path, weights: Path, device: str, digits: Sequence[Path] = ()) -> Fit:
    """Read the strips beside `truth`, fit the calibration, and write it into the card of `weights`.

    With sets of single `digits`, temperatures and the weight of style are fitted to those first. Raises InputError
    where no strip that the truth names is there.
    """
    classifier = load(weights, device)
    if digits:
        classifier = temper(digits, classifier)
    evidence, right = gather(truth, classifier)
    if not len(right):
        raise InputError(f"none of the pictures that {truth} names lies beside it; put them there")
    calibration = fit_field(evidence, right)
    confidences = np.array([weigh(row, calibration) for row in evidence])
    calibration = replace(calibration, thresholds=find_thresholds(confidences), style=classifier.calibration.style)
    fit = Fit(calibration, len(right), int(right.sum()), *cross_validate(evidence, right))
    facts: dict[str, object] = {
        "calibrated_on": {"truth": truth.name, "fields": fit.fields, "right": fit.right},
        "cross_validated": {"calibration_error": round(fit.error, 4), "acceptable_1": round(fit.acceptable, 4)},
    }
    if digits:
        facts["tempered_on"] = [path.name for path in digits]
    write_card(weights, {"temperatures": classifier.temperatures, **state(calibration), **facts})
    return fit


def write_card(weights: Path, facts: dict[str, object]) -> None:
    """Put facts into the card of weights; what else it says stays."""
    card = weights.with_suffix(".json")
    known = json.loads(card.read_text(encoding="utf-8"))
    card.write_text(json.dumps({**known, **facts}, indent=2) + "\n", encoding="utf-8")


def gather(truth: Path, classifier: Classifier) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Evidence for the best text of each strip, float64[n, len(EVIDENCE)], and whether it is right; strips without a
    digit in their best text are left out."""
    options = load_options(strips=True)
    recipe = Recipe(options, classifier.digest, classifier.calibration)
    evidence, right = [], []
    for field in read_truth(truth).fields:
        document = survey(str(truth.parent / field.source), options)
        if field.left_out or not document.pages:
            continue
        page = prepare(PageRef(document.source, document.digest, 1), recipe)
        probs = settle(classifier.classify(page.crops), recipe)
        lattice = page.lattices[0]
        row = measure_row(lattice.segments, probs)
        best = decode(lattice, probs, row)[0]
        if best.text:
            evidence.append(describe(best, lattice, row.height, page.to_scan))
            right.append(best.text == field.digits)
    return np.array(evidence, np.float64).reshape(-1, len(EVIDENCE)), np.array(right, np.bool_)


def fit_field(evidence: NDArray[np.float64], right: NDArray[np.bool_]) -> Calibration:
    """Logistic regression of `right` on the evidence, with a ridge.

    Targets are drawn in from 0 and 1 as in Platt, Advances in Large Margin Classifiers, 1999.
    """
    spread = np.where(evidence.std(0) > 0, evidence.std(0), 1.0)
    scaled = evidence / spread
    good = int(right.sum())
    target = np.where(right, (good + 1) / (good + 2), 1 / (len(right) - good + 2))

    def loss(weights: NDArray[np.float64]) -> float:
        score = scaled @ weights[:-1] + weights[-1]
        likelihood = (np.logaddexp(0, score) - target * score).mean()
        return float(likelihood + RIDGE * (weights[:-1] ** 2).sum() / len(right))

    most = MOST_WEIGHT * np.minimum(spread, 1.0)
    bounds = [(0.0 if name in RISING else -limit, limit) for name, limit in zip(EVIDENCE, most, strict=True)]
    found = minimize(
        loss, np.zeros(len(EVIDENCE) + 1), bounds=[*bounds, (-MOST_WEIGHT, MOST_WEIGHT)], method="L-BFGS-B"
    )
    weights = [round(float(weight), 4) for weight in (*(found.x[:-1] / spread), found.x[-1])]
    return Calibration(tuple(weights[:-1]), weights[-1])


def cross_validate(evidence: NDArray[np.float64], right: NDArray[np.bool_]) -> tuple[float, float]:
    """Calibration error, and the share acceptable at 1 % error, of fields that their fit has not seen."""
    fold = np.arange(len(right)) % FOLDS
    confidences = np.zeros(len(right))
    for i in np.unique(fold):
        kept = fold != i if len(right) > FOLDS else fold >= 0
        fitted = fit_field(evidence[kept], right[kept])
        confidences[fold == i] = [weigh(row, fitted) for row in evidence[fold == i]]
    curve = trace_curve(confidences, right, len(right))
    return calibration_error(sort_into_bins(confidences, right)) or 0.0, share_at_error(curve, 0.01)


def find_thresholds(confidences: NDArray[np.float64]) -> tuple[tuple[float, float], ...]:
    """For each expected error the least confidence at which the surest readings together keep to it.

    An error that not even the surest reading promises has no threshold.
    """
    ranked = np.sort(confidences)[::-1]
    expected = np.cumsum(1 - ranked) / np.arange(1, len(ranked) + 1)
    kept = ((error, np.flatnonzero(expected <= error)) for error in EXPECTED_ERRORS)
    return tuple((error, float(ranked[within[-1]])) for error, within in kept if len(within))
