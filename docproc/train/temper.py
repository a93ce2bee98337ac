"""Fit what a model's card says of single digits: how far to trust each network, and how much a digit says of style.

Sets of digits with known labels say it, those by writers whose style nobody told among them. No weight moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from docproc.options import Recipe, load_options
from docproc.recognize.classifier import Classifier
from docproc.train.digitfile import DigitSet, load_digits
from docproc.train.digits import Grouping, make_groups, read_images, settle_groups
from docproc.train.lone import find_level
from docproc.types import Crops, Joint, Probs

WRITERS = Grouping("writer", 20)
"""Digits of one writer that stand for a page."""
COOLEST, HOTTEST = 0.3, 5.0
STYLE_WEIGHTS = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0)
STYLE_OFFSETS = (-0.5, -0.3, -0.1, 0.0, 0.1, 0.3, 0.5)
"""A larger offset would let digits that say nothing of a style settle each other."""
NEAREST = 1e-7


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """A set of digits as crops."""

    digits: DigitSet
    crops: Crops


def temper(files: Sequence[Path], classifier: Classifier) -> Classifier:
    """The classifier with temperatures and style fitted to sets of digits, each set counting as much as another.

    Raises InputError for a file that is no set of digits.
    """
    plain = replace(classifier, temperatures=(1.0, 1.0))
    sets = [read_set(path, plain) for path in files]
    labels = [part.digits.labels for part in sets]
    scouted, read = ([ask(part.crops) for part in sets] for ask in (plain.ask_scout, plain.ask_reader))
    tempered = replace(plain, temperatures=(fit_temperature(scouted, labels), fit_temperature(read, labels)))
    written = [part for part in sets if part.digits.owners is not None]
    if not written:
        return tempered
    return replace(tempered, calibration=replace(tempered.calibration, style=fit_style(written, tempered)))


def read_set(path: Path, classifier: Classifier) -> Labelled:
    """The digits of a file, with their writers if it names them."""
    digits = load_digits(path)
    with np.load(path, allow_pickle=False) as file:
        named = WRITERS.names in file.files
    if named:
        digits = load_digits(path, WRITERS.names)
    crops, _ = read_images(digits, find_level(digits.images), classifier.ask_scout)
    return Labelled(digits, crops)


def fit_temperature(sets: Sequence[Joint], labels: Sequence[NDArray[np.int64]]) -> float:
    """The temperature under which the labels are likeliest (Guo et al., On Calibration of Modern Networks, 2017).

    `sets` are joint chances at temperature 1.
    """

    def loss(logarithm: float) -> float:
        warm = (heat(joint, float(np.exp(logarithm))).sum(1) for joint in sets)
        return float(np.mean([surprise(probs, truth) for probs, truth in zip(warm, labels, strict=True)]))

    found = minimize_scalar(loss, bounds=(np.log(COOLEST), np.log(HOTTEST)), method="bounded")
    return round(float(np.exp(found.x)), 3)


def heat(joint: Joint, temperature: float) -> Joint:
    """Chances float32[n, 2, 11] as the same logits give them at another temperature."""
    powers = np.maximum(joint.astype(np.float64), 1e-30) ** (1 / temperature)
    return np.asarray(powers / powers.sum((1, 2), keepdims=True), np.float32)


def surprise(probs: Probs, labels: NDArray[np.int64]) -> float:
    """Mean negative log chance of the labels."""
    chances = probs[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(chances, NEAREST)).mean())


def fit_style(sets: Sequence[Labelled], classifier: Classifier) -> tuple[float, float]:
    """The weight and offset under which the labels are likeliest, twenty digits of a writer standing on a page."""
    parts = [(part, classifier.classify(part.crops), make_groups(part.digits, WRITERS)) for part in sets]
    options = load_options()

    def loss(style: tuple[float, float]) -> float:
        recipe = Recipe(options, classifier.digest, replace(classifier.calibration, style=style))
        return sum(surprise(settle_groups(joint, groups, recipe), part.digits.labels) for part, joint, groups in parts)

    return min(((weight, offset) for weight in STYLE_WEIGHTS for offset in STYLE_OFFSETS), key=loss)
