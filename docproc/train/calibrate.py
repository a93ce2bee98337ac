"""Fit the field calibration of a model: raw chance → how often such readings were right.

Strips of real forms with known digits say it. They moved no weight: what is fitted is two numbers.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from docproc.assemble.decode import decode
from docproc.assemble.judge import NEAREST, raw_confidence
from docproc.assemble.judge import calibrate as apply_platt
from docproc.assemble.row import measure_row
from docproc.errors import InputError
from docproc.flow.pipeline import prepare
from docproc.options import Recipe, load_options
from docproc.pages.sources import survey
from docproc.recognize.classifier import MOST_OFFSET, MOST_SCALE, load
from docproc.train.truth import read_truth
from docproc.types import Calibration, PageRef

BOUNDS = ((1e-3, MOST_SCALE), (-MOST_OFFSET, MOST_OFFSET))
"""Of scale and offset: readings keep their order, and the card can be loaded again."""
EXPECTED_ERRORS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
"""The shares of wrong values among accepted ones for which thresholds are kept."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A calibration and what it was fitted on: fields, and how many of them were read right."""

    calibration: Calibration
    fields: int
    right: int


def calibrate(truth: Path, weights: Path, device: str) -> Fit:
    """Read the strips beside `truth`, fit the calibration, and write it into the card of `weights`.

    Raises InputError where no strip that the truth names is there.
    """
    classifier = load(weights, device)
    options = load_options(strips=True)
    recipe = Recipe(options, classifier.digest, Calibration(1.0, 0.0))
    raw, right = [], []
    for field in read_truth(truth).fields:
        document = survey(str(truth.parent / field.source), options)
        if field.left_out or not document.pages:
            continue
        page = prepare(PageRef(document.source, document.digest, 1), recipe)
        probs = classifier.classify(page.crops)
        lattice = page.lattices[0]
        best = decode(lattice, probs, measure_row(lattice.segments, probs))[0]
        raw.append(raw_confidence(best))
        right.append(best.text == field.digits)
    if not raw:
        raise InputError(f"none of the pictures that {truth} names lies beside it; put them there")
    calibration = fit_platt(np.array(raw), np.array(right, bool))
    confidences = np.array([apply_platt(chance, calibration) for chance in raw])
    fit = Fit(replace(calibration, thresholds=find_thresholds(confidences)), len(right), sum(right))
    card = weights.with_suffix(".json")
    facts = json.loads(card.read_text(encoding="utf-8"))
    facts.update(
        field_scale=round(fit.calibration.scale, 4),
        field_offset=round(fit.calibration.offset, 4),
        thresholds=[[error, round(least, 4)] for error, least in fit.calibration.thresholds],
        calibrated_on={"truth": truth.name, "fields": fit.fields, "right": fit.right},
    )
    card.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    return fit


def fit_platt(raw: NDArray[np.float64], right: NDArray[np.bool_]) -> Calibration:
    """Logistic regression of `right` on the logit of `raw`.

    Targets are drawn in from 0 and 1 as in Platt, Advances in Large Margin Classifiers, 1999. The slope is kept
    positive, so that calibration keeps the order of readings.
    """
    clipped = np.clip(raw, NEAREST, 1 - NEAREST)
    logit = np.log(clipped / (1 - clipped))
    good = int(right.sum())
    target = np.where(right, (good + 1) / (good + 2), 1 / (len(right) - good + 2))

    def loss(weights: NDArray[np.float64]) -> float:
        score = weights[0] * logit + weights[1]
        return float((np.logaddexp(0, score) - target * score).mean())

    found = minimize(loss, np.array([0.5, 0.0]), bounds=BOUNDS, method="L-BFGS-B")
    return Calibration(float(found.x[0]), float(found.x[1]))


def find_thresholds(confidences: NDArray[np.float64]) -> tuple[tuple[float, float], ...]:
    """For each expected error the least confidence at which the surest readings together keep to it.

    An error that not even the surest reading promises has no threshold.
    """
    ranked = np.sort(confidences)[::-1]
    expected = np.cumsum(1 - ranked) / np.arange(1, len(ranked) + 1)
    kept = ((error, np.flatnonzero(expected <= error)) for error in EXPECTED_ERRORS)
    return tuple((error, float(ranked[within[-1]])) for error, within in kept if len(within))
