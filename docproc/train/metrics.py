"""What every printed number means. Pure definitions; nothing here reads a file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Confidences = NDArray[np.float64]
"""float64[N]: the stated chance that each answer is right."""
Rights = NDArray[np.bool_]
"""bool[N]: True where the answer is right."""

CALIBRATION_BINS = 15
"""As in most published tables, so that figures compare."""
CHANCE_DRAWS = 200
"""Times that answers are drawn anew to see what chance makes of a calibration error."""


class CurvePoint(NamedTuple):
    """What accepting every answer of at least this confidence gives."""

    threshold: float
    accepted: int
    wrong: int
    share: float
    error: float


class CalibrationBin(NamedTuple):
    """Answers of like confidence: how sure they were on average, and how often right."""

    size: int
    lowest: float
    highest: float
    confidence: float
    accuracy: float


def count_edits(truth: str, read: str) -> int:
    """Fewest insertions, deletions and substitutions that turn one text into the other (Levenshtein 1966)."""
    row = list(range(len(read) + 1))
    for i, wanted in enumerate(truth, start=1):
        before, row[0] = row[0], i
        for j, got in enumerate(read, start=1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (wanted != got))
    return row[-1]


def digit_accuracy(pairs: Sequence[tuple[str, str]]) -> float | None:
    """Share of the digits right, aligned: (n - edits) / n, for n digits in the truths of (truth, read) pairs.

    Character accuracy as in Rice, Measuring the Accuracy of Page-Reading Systems, 1996. A field not read costs all
    its digits; invented digits cost too, so the figure can fall below 0. None where the truths have no digit.
    """
    digits = sum(len(truth) for truth, _ in pairs)
    return 1 - sum(count_edits(truth, read) for truth, read in pairs) / digits if digits else None


def field_accuracy(right: Sequence[bool]) -> float | None:
    """Share of the fields whose whole value is right: sum(right) / n. None for no fields."""
    return sum(right) / len(right) if right else None


def count_silent_errors(accepted: Sequence[bool], right: Sequence[bool]) -> int:
    """Answers that nobody is asked to look at and that are wrong: sum(accepted and not right)."""
    return sum(a and not r for a, r in zip(accepted, right, strict=True))


def bound_error(errors: int, trials: int, level: float = 0.95) -> float:
    """Upper bound of the true error rate at that level, given errors in so many trials; 1 for no trials.

    The one-sided exact bound of Clopper and Pearson 1934: the p for which P(at most `errors` of `trials`) = 1 - level.
    No error in n trials gives about 3 / n.
    """
    if not 0 <= errors <= trials:
        raise ValueError(f"{errors} errors in {trials} trials")
    if errors == trials:
        return 1.0
    low, high = errors / trials, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if chance_of_at_most(errors, trials, middle) > 1 - level else (low, middle)
    return high


def chance_of_at_most(errors: int, trials: int, rate: float) -> float:
    """Binomial distribution function: the chance of at most so many errors at that error rate."""
    if rate <= 0 or rate >= 1:
        return float(rate <= 0 or errors >= trials)
    terms = (
        math.lgamma(trials + 1)
        - math.lgamma(k + 1)
        - math.lgamma(trials - k + 1)
        + k * math.log(rate)
        + (trials - k) * math.log1p(-rate)
        for k in range(errors + 1)
    )
    return min(1.0, math.fsum(map(math.exp, terms)))


def trace_curve(confidence: Confidences, right: Rights, fields: int) -> tuple[CurvePoint, ...]:
    """The error-reject curve: a point for each confidence at which one could draw the line, highest first.

    share = accepted / fields, error = wrong / accepted. `fields` counts the fields without an answer too: they are
    rejected at every threshold. Answers of equal confidence are accepted together, for no threshold parts them.
    """
    check_answers(confidence, right)
    if fields < len(confidence):
        raise ValueError(f"{len(confidence)} answers for {fields} fields")
    order = np.argsort(-confidence, kind="stable")
    ranked, wrong = confidence[order], np.cumsum(~right[order])
    last_of_ties = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)[: len(ranked)])
    return tuple(
        CurvePoint(float(ranked[i]), int(i) + 1, int(wrong[i]), (int(i) + 1) / fields, float(wrong[i]) / (int(i) + 1))
        for i in last_of_ties
    )


def share_at_error(curve: Sequence[CurvePoint], error: float) -> float:
    """The largest share of the fields that some threshold accepts with at most that error; 0 where none does.

    It is picked with the truth in hand, so it is what perfect thresholds would give, not what a run promises.
    """
    return max((point.share for point in curve if point.error <= error), default=0.0)


def sort_into_bins(confidence: Confidences, right: Rights, bins: int = CALIBRATION_BINS) -> tuple[CalibrationBin, ...]:
    """The reliability diagram: answers in bins of equal mass by confidence, as in Nguyen and O'Connor 2015.

    Bins differ by one answer at most; fewer answers than bins make a bin each. Equal width would leave most bins
    empty, since nearly all confidences lie near 1. Ties that fall across bins share their accuracy, so the order of
    the answers does not matter.
    """
    check_answers(confidence, right)
    values, group = np.unique(confidence, return_inverse=True)
    tied = np.bincount(group, weights=right, minlength=len(values)) / np.maximum(np.bincount(group), 1)
    order = np.argsort(confidence, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    return tuple(
        CalibrationBin(
            len(part),
            float(confidence[part[0]]),
            float(confidence[part[-1]]),
            float(confidence[part].mean()),
            float(tied[group[part]].mean()),
        )
        for part in parts
    )


def calibration_error(bins: Sequence[CalibrationBin]) -> float | None:
    """Expected calibration error: the sum over bins of size / n * |accuracy - confidence|. None for no answers.

    Naeini, Cooper and Hauskrecht 2015, but over bins of equal mass (Nixon and others, Measuring Calibration in Deep
    Learning, 2019). Small samples raise it: a perfectly calibrated reader does not get 0.
    """
    total = sum(part.size for part in bins)
    gaps = (part.size * abs(part.accuracy - part.confidence) for part in bins)
    return math.fsum(gaps) / total if total else None


def chance_calibration_error(confidence: Confidences, bins: int = CALIBRATION_BINS) -> float | None:
    """The calibration error that so many answers would show if every confidence were true. None for no answers.

    The mean over answers drawn by their confidences (consistency resampling, Bröcker and Smith, Increasing the
    Reliability of Reliability Diagrams, 2007), always the same ones. An error of about this size tells of no fault.
    """
    check_answers(confidence, np.ones(len(confidence), np.bool_))
    rng = np.random.default_rng(0)
    parts = [part for part in np.array_split(np.sort(confidence), bins) if len(part)]
    drawn = ((rng.random((CHANCE_DRAWS, len(part))) < part).mean(1) - part.mean() for part in parts)
    gaps = (len(part) * float(np.abs(gap).mean()) for part, gap in zip(parts, drawn, strict=True))
    return math.fsum(gaps) / len(confidence) if len(confidence) else None


def check_answers(confidence: Confidences, right: Rights) -> None:
    """ValueError unless both arrays are as long and every confidence is a chance."""
    if confidence.shape != right.shape or confidence.ndim != 1:
        raise ValueError(f"confidences {confidence.shape} and rights {right.shape} differ in shape")
    if not np.all((confidence >= 0) & (confidence <= 1)):
        raise ValueError("a confidence is not between 0 and 1")
