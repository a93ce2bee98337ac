"""How well the network reads single digits of any set: `docproc evaluate --digits FILE.npz`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from docproc.errors import UsageError
from docproc.flow.pipeline import Classify
from docproc.options import Recipe, load_options
from docproc.recognize.classifier import load
from docproc.recognize.style import settle
from docproc.train.digit_pictures import save_pictures
from docproc.train.digitfile import DigitSet, load_digits
from docproc.train.fit import show_bar
from docproc.train.lone import Level, crop_digit, find_level
from docproc.train.metrics import (
    calibration_error,
    chance_calibration_error,
    share_at_error,
    sort_into_bins,
    trace_curve,
)
from docproc.train.plot import require_matplotlib
from docproc.train.report import render_table, share
from docproc.types import NOT_A_DIGIT, Crops, Joint, Probs

PART = 512
"""Images that are normalized and classified together: often enough for a bar, seldom enough for a batch."""
WORST_PAIRS = 10
NEAREST = 1e-9

Groups = Sequence[NDArray[np.int64]]
"""Indices of the digits whose style is inferred together."""


class Grouping(NamedTuple):
    """Digits whose array `names` says the same are of one writer; at most `most` of them are one page's."""

    names: str
    most: int


class DigitSource(NamedTuple):
    """Where figures are from: the file, and how it was read."""

    source: str
    ink: Level
    style: str
    group: str


class Confusion(NamedTuple):
    """How often a digit was read as another."""

    truth: int
    read: int
    times: int


@dataclass(frozen=True, slots=True)
class DigitReport:
    """What an evaluation of single digits found, shares as fractions and None where nothing can have one.

    The figures from `n` to `confusions` are of digits: `error` by the likeliest digit, rejects aside; `rejected` by the
    likeliest of all classes; `acceptable_05` the largest share that some confidence accepts with at most 0.5 % error.
    `others` counts what is labelled as no digit.
    """

    source: str
    ink: Level
    style: str
    group: str
    n: int
    error: float | None
    rejected: float | None
    ece: float | None
    ece_by_chance: float | None
    acceptable_1: float | None
    acceptable_05: float | None
    acceptable_01: float | None
    confusions: tuple[Confusion, ...]
    others: int
    others_rejected: float | None


def evaluate_digits(
    source: Path,
    out: Path | None = None,
    ink: Level | Literal["auto"] = "auto",
    group: str | None = None,
    style: str = "auto",
    model: Path | None = None,
    device: str = "auto",
) -> DigitReport:
    """Read every image of a set and hold it against its label; with `out`, report and pictures go to that folder.

    UsageError where `group` is not NAME:SIZE or pictures cannot be drawn; InputError for a file that is no set of
    digits; LedgerError where the folder cannot be written.
    """
    if out is not None:
        require_matplotlib()
    grouping = read_grouping(group) if group is not None else None
    digits = load_digits(source, grouping.names if grouping else "")
    level = find_level(digits.images) if ink == "auto" else ink
    classifier = load(model, device)
    recipe = Recipe(load_options(style=style), classifier.digest, classifier.calibration)
    crops, joint = read_images(digits, level, classifier.classify)
    probs = settle_groups(joint, make_groups(digits, grouping), recipe)
    report = measure(digits.labels, probs, DigitSource(str(source), level, style, group or ""))
    if out is not None:
        texts = {"report.txt": render_digits(report), "report.json": write_digits(report)}
        save_pictures(digits, level, crops, probs, texts, out)
    return report


def read_grouping(text: str) -> Grouping:
    """NAME:SIZE, such as writer:20; UsageError where it is not."""
    names, _, size = text.partition(":")
    if not names or not size.isascii() or not size.isdecimal() or not int(size[:9]):
        raise UsageError(f"--group {text}: write the name of an array and a number of digits, such as writer:20")
    return Grouping(names, int(size[:9]))


def read_images(digits: DigitSet, level: Level, classify: Classify) -> tuple[Crops, Joint]:
    """The crop of each image and what the network says of it."""
    crops, joint = [], []
    with show_bar() as bar:
        task = bar.add_task("reading digits", total=len(digits.images))
        for start in range(0, len(digits.images), PART):
            part = np.array([crop_digit(image, level) for image in digits.images[start : start + PART]])
            crops.append(part)
            joint.append(classify(part))
            bar.advance(task, len(part))
    return np.concatenate(crops), np.concatenate(joint)


def make_groups(digits: DigitSet, grouping: Grouping | None) -> Groups:
    """Each writer's digits dealt out to as few groups as hold up to so many each; without grouping each digit alone.

    A set may be sorted by digit, where a page mixes them: dealing them out in turn mixes them too.
    """
    if grouping is None or digits.owners is None:
        return np.split(np.arange(len(digits.labels)), len(digits.labels))
    order = np.argsort(digits.owners, kind="stable")
    writers = np.split(order, np.flatnonzero(np.diff(digits.owners[order])) + 1)
    piles = [(own, -(-len(own) // grouping.most)) for own in writers]
    return [own[i::count] for own, count in piles for i in range(count)]


def settle_groups(joint: Joint, groups: Groups, recipe: Recipe) -> Probs:
    """Chances of the classes, each group a page of its own whose digits say which style its writer has."""
    probs = np.zeros((len(joint), joint.shape[2]), np.float32)
    for group in groups:
        probs[group] = settle(joint[group], recipe)
    return probs


def measure(labels: NDArray[np.int64], probs: Probs, origin: DigitSource) -> DigitReport:
    """The figures of readings whose truth is known."""
    digit = labels != NOT_A_DIGIT
    truth, chances = labels[digit], probs[digit, :NOT_A_DIGIT]
    read, refused = chances.argmax(1), probs.argmax(1) == NOT_A_DIGIT
    right = read == truth
    # That all of them are digits is known here, so confidence is that of the digit, given that it is one.
    given = chances.astype(np.float64) / np.maximum(chances.sum(1, dtype=np.float64), NEAREST)[:, None]
    confidence = np.minimum(given.max(1), 1)
    curve = trace_curve(confidence, right, len(truth))
    loose, middle, strict = (share_at_error(curve, error) if curve else None for error in (0.01, 0.005, 0.001))
    return DigitReport(
        *origin,
        n=len(truth),
        error=fraction(~right),
        rejected=fraction(refused[digit]),
        ece=calibration_error(sort_into_bins(confidence, right)),
        ece_by_chance=chance_calibration_error(confidence),
        acceptable_1=loose,
        acceptable_05=middle,
        acceptable_01=strict,
        confusions=count_confusions(truth, read)[:WORST_PAIRS],
        others=int((~digit).sum()),
        others_rejected=fraction(refused[~digit]),
    )


def count_confusions(truth: NDArray[np.int64], read: NDArray[np.int64]) -> tuple[Confusion, ...]:
    """Every pair of a digit and another that it was read as, the most frequent first."""
    wrong = truth != read
    pairs, times = np.unique(np.stack([truth[wrong], read[wrong]]), axis=1, return_counts=True)
    found = (Confusion(int(a), int(b), int(count)) for (a, b), count in zip(pairs.T, times, strict=True))
    return tuple(sorted(found, key=lambda pair: -pair.times))


def fraction(chosen: NDArray[np.bool_]) -> float | None:
    """Share of True; None of nothing."""
    return float(chosen.mean()) if len(chosen) else None


def write_digits(report: DigitReport) -> str:
    """The report as one JSON object."""
    plain = asdict(report)
    plain["confusions"] = [pair._asdict() for pair in report.confusions]
    return json.dumps(plain, indent=2, allow_nan=False)


def render_digits(report: DigitReport) -> str:
    """The report as text for a terminal."""
    pages = f", pages of {report.group}" if report.group else ", each alone"
    lines = [f"{report.source}: ink {report.ink}, style {report.style}{pages}"]
    if report.n:
        lines += [
            f"{report.n} digits: {share(report.error)} wrong, {share(report.rejected)} refused as no digit",
            f"calibration error: {share(report.ece)} ({share(report.ece_by_chance)} would be chance alone)",
            f"could be accepted at best: {share(report.acceptable_1)} at 1 % error, "
            f"{share(report.acceptable_05)} at 0.5 %, {share(report.acceptable_01)} at 0.1 %",
        ]
    if report.others:
        lines.append(f"{report.others} that are no digit: {share(report.others_rejected)} refused")
    if report.confusions:
        rows = [(str(pair.truth), str(pair.read), str(pair.times)) for pair in report.confusions]
        lines += ["", "worst confusions", render_table([("truth", "read as", "times"), *rows])]
    return "\n".join(lines) + "\n"
