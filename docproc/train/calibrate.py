"""Fit the field calibration of a model: raw chance → how often such readings were right.

Strips of real forms with known digits say it. They moved no weight: what is fitted is two numbers.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from docproc.assemble.decode import decode, writing_height
from docproc.assemble.judge import NEAREST, raw_confidence
from docproc.errors import InputError
from docproc.flow.pipeline import prepare
from docproc.options import Recipe, load_options
from docproc.pages.sources import survey
from docproc.recognize.classifier import load
from docproc.train.truth import read_truth
from docproc.types import Calibration, PageRef

LEAST_SCALE = 1e-3


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
        best = decode(lattice, probs, writing_height(lattice.segments, probs))[0]
        raw.append(raw_confidence(best))
        right.append(best.text == field.digits)
    if not raw:
        raise InputError(f"none of the pictures that {truth} names lies beside it; put them there")
    fit = Fit(fit_platt(np.array(raw), np.array(right, bool)), len(right), sum(right))
    card = weights.with_suffix(".json")
    facts = json.loads(card.read_text(encoding="utf-8"))
    facts.update(
        field_scale=round(fit.calibration.scale, 4),
        field_offset=round(fit.calibration.offset, 4),
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

    found = minimize(loss, np.array([0.5, 0.0]), bounds=[(LEAST_SCALE, None), (None, None)], method="L-BFGS-B")
    return Calibration(float(found.x[0]), float(found.x[1]))
