"""Fit the field calibration of a model: what is known of a reading → how often such readings were right.

Strips of real forms with known digits say it. They moved no weight of a network: what is fitted is a few numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from docproc.assemble.confidence import describe, weigh
from docproc.assemble.page import draft
from docproc.assemble.second import confirm
from docproc.errors import InputError
from docproc.flow.pipeline import prepare
from docproc.options import Recipe, load_options
from docproc.pages.sources import survey
from docproc.recognize.classifier import MOST_WEIGHT, find_weights, load
from docproc.recognize.line_reader import load_line_reader
from docproc.recognize.models import Models
from docproc.recognize.style import settle
from docproc.train.metrics import calibration_error, share_at_error, sort_into_bins, trace_curve
from docproc.train.modelfile import amend_card, state_calibration
from docproc.train.temper import temper
from docproc.train.truth import read_truth
from docproc.types import CHECKED_EVIDENCE, EVIDENCE, Calibration, PageRef, Scale

RISING = ("posterior", "least", "mean", "skipped", "clear", "lead")
"""Evidence of which more never makes a reading less likely to be right."""
RIDGE = 0.5
"""Pull of each weight, in spreads of its evidence, towards 0, against the sum over all fields: a few hundred of them
shall not be learned by heart."""
FOLDS = 10
FEWEST = 20
"""Fields without which a calibration would say less than the one that is there."""
EXPECTED_ERRORS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
"""The shares of wrong values among accepted ones for which thresholds are kept."""


class Answers(NamedTuple):
    """Evidence for the best text of each field, float64[n, len(names)], and whether it is right, bool[n]."""

    names: tuple[str, ...]
    evidence: NDArray[np.float64]
    right: NDArray[np.bool_]


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
    where fewer than `FEWEST` strips that the truth names are there.
    """
    weights = find_weights(weights)
    classifier = load(weights, device, renew=True)
    models = Models(temper(digits, classifier) if digits else classifier, load_line_reader(weights, classifier.device))
    alone, checked = gather(truth, models)
    known = min(len(checked.right), len(alone.right))
    if known < FEWEST:
        raise InputError(f"of the pictures {truth} names {known} lie beside it and can be read; put {FEWEST} there")
    scales = fit_scale(alone), fit_scale(checked)
    calibration = Calibration(*scales, models.calibration.style, models.line_reader.digest)
    fit = Fit(calibration, len(checked.right), int(checked.right.sum()), *cross_validate(checked))
    facts: dict[str, object] = {
        "calibrated_on": {"truth": truth.name, "fields": fit.fields, "right": fit.right},
        "cross_validated": {"calibration_error": round(fit.error, 4), "acceptable_1": round(fit.acceptable, 4)},
    }
    if digits:
        facts["tempered_on"] = [path.name for path in digits]
    amend_card(weights, {"temperatures": models.classifier.temperatures, **state_calibration(calibration), **facts})
    return fit


def gather(truth: Path, models: Models) -> tuple[Answers, Answers]:
    """What the reader of single digits answers for each strip alone, and what both readers do.

    Alone it judges lone digits of pages later, of which no set with known values was at hand; what is measured on all
    strips stands for them. Strips without a digit in their best text are left out.
    """
    options = load_options(strips=True)
    recipe = Recipe(options, models.digest, models.calibration)
    alone: list[tuple[NDArray[np.float64], bool]] = []
    checked: list[tuple[NDArray[np.float64], bool]] = []
    for field in read_truth(truth).fields:
        document = survey(str(truth.parent / field.source), options)
        if field.left_out or not document.pages:
            continue
        page = prepare(PageRef(document.source, document.digest, 1), recipe)
        (drafted,) = draft(page, settle(models.classifier.classify(page.crops), recipe))
        (frames,) = models.line_reader.read(page.lines)
        texts, check = confirm(drafted, frames)
        for answers, best, word in ((alone, drafted.texts[0], None), (checked, texts[0], check)):
            if best.text:
                evidence = describe(best, drafted.lattice, drafted.row.height, page.to_scan, word)
                answers.append((evidence, best.text == field.digits))
    return _collect(alone, EVIDENCE), _collect(checked, CHECKED_EVIDENCE)


def _collect(answers: list[tuple[NDArray[np.float64], bool]], names: tuple[str, ...]) -> Answers:
    evidence = np.array([row for row, _ in answers], np.float64).reshape(-1, len(names))
    return Answers(names, evidence, np.array([right for _, right in answers], np.bool_))


def fit_scale(answers: Answers) -> Scale:
    """Weights of the evidence, and the thresholds that they make of these answers."""
    scale = fit_weights(answers)
    confidences = np.array([weigh(row, scale) for row in answers.evidence])
    return replace(scale, thresholds=find_thresholds(confidences))


def fit_weights(answers: Answers) -> Scale:
    """Logistic regression of right or wrong on the evidence, with a ridge.

    Targets are drawn in from 0 and 1 as in Platt, Advances in Large Margin Classifiers, 1999.
    """
    names, evidence, right = answers
    spread = np.where(evidence.std(0) > 0, evidence.std(0), 1.0)
    scaled = evidence / spread
    good = int(right.sum())
    target = np.where(right, (good + 1) / (good + 2), 1 / (len(right) - good + 2))

    def loss(weights: NDArray[np.float64]) -> float:
        score = scaled @ weights[:-1] + weights[-1]
        likelihood = (np.logaddexp(0, score) - target * score).mean()
        return float(likelihood + RIDGE * (weights[:-1] ** 2).sum() / len(right))

    most = MOST_WEIGHT * np.minimum(spread, 1.0)
    bounds = [(0.0 if name in RISING else -limit, limit) for name, limit in zip(names, most, strict=True)]
    start = np.zeros(len(names) + 1)
    found = minimize(loss, start, bounds=[*bounds, (-MOST_WEIGHT, MOST_WEIGHT)], method="L-BFGS-B")
    weights = [round(float(weight), 4) for weight in (*(found.x[:-1] / spread), found.x[-1])]
    return Scale(tuple(weights[:-1]), weights[-1])


def cross_validate(answers: Answers) -> tuple[float, float]:
    """Calibration error, and the share acceptable at 1 % error, of fields that their fit has not seen."""
    names, evidence, right = answers
    fold = np.arange(len(right)) % FOLDS
    confidences = np.zeros(len(right))
    for i in np.unique(fold):
        fitted = fit_weights(Answers(names, evidence[fold != i], right[fold != i]))
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
