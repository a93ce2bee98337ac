"""Glyphs → fields as people fill them in, cut by docproc's own segmenter into labelled crops.

The classifier is to judge what the lattice proposes: whole digits, halves, pairs, digits with a dot or a bit of
ruling. So it is trained on just that. Which digit each pixel belongs to is known, so each segment's label is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from docproc.clean.rulings import find_rulings, remove_rulings
from docproc.clean.tone import binarize, even
from docproc.segment.lattice import propose
from docproc.segment.normalize import normalize
from docproc.train.data import Glyph, draw_glyph
from docproc.train.hands import draw_hand, write_digit
from docproc.types import NOT_A_DIGIT, Box, CleanPage, Crops, Field, Gray, PageRef

WORKING_DPI = 300.0
WHOLE = 0.9
"""A segment is a digit if it holds this share of the digit's ink …"""
PURE = 0.84
"""… and this share of its own ink is that digit's."""
NEARLY = 0.68
"""Between this and the above a segment is neither: it teaches nothing."""
SEPARATORS = ".,-/="
PRINTED_SHARE = 0.04
"""Share of numbers in machine print: stamps and labels are digits too."""
DRAWN_SHARE = 0.3
"""Share of numbers by invented hands, where a bank allows them."""
WEIGHTS = {"mnist": 1.0, "unipen": 4.0, "optdigits_train": 0.8, "semeion": 3.0, "print": 0.0}
"""How often a set's writers are taken: MNIST's 500 Americans would drown the others."""
PROLIFIC, LEAST_PROLIFIC, MOST_PROLIFIC = 60, 0.5, 6.0
"""A writer with so many digits counts once, one with more counts more: some names stand for a whole team."""


@dataclass(frozen=True, slots=True, eq=False)
class Bank:
    """Glyphs at hand: digits by writer and class, and everything that is not a digit by name.

    `drawn` is the share of numbers written by invented hands.
    """

    writers: tuple[dict[int, list[Glyph]], ...]
    weights: NDArray[np.float64]
    marks: dict[str, list[Glyph]]
    letters: tuple[Glyph, ...]
    printed: tuple[Glyph, ...]
    drawn: float


@dataclass(frozen=True, slots=True, eq=False)
class Strip:
    """A composed field. `owner` is int32[h, w]: 0 paper, i + 1 the i-th glyph; `labels[i]` and `styles[i]` are its
    class and style."""

    gray: Gray
    owner: NDArray[np.int32]
    labels: tuple[int, ...]
    styles: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class LabelledCrops:
    """uint8[n, 28, 28] crops, ink high, int64[n] classes 0..10 and int64[n] styles, -1 where not known."""

    crops: Crops
    labels: NDArray[np.int64]
    styles: NDArray[np.int64]


def make_bank(glyphs: Sequence[Glyph], printed: Sequence[Glyph], drawn: float = 0.0) -> Bank:
    """Sort glyphs for composing; `printed` are letters and signs of machine print."""
    by_writer: dict[str, dict[int, list[Glyph]]] = defaultdict(lambda: defaultdict(list))
    marks: dict[str, list[Glyph]] = defaultdict(list)
    letters: list[Glyph] = []
    for glyph in glyphs:
        if glyph.label != NOT_A_DIGIT:
            by_writer[glyph.writer][glyph.label].append(glyph)
        elif glyph.name in SEPARATORS:
            marks[glyph.name].append(glyph)
        else:
            letters.append(glyph)
    sources = [writer.split("/")[0] for writer in by_writer]
    counts = np.array([sum(map(len, digits.values())) for digits in by_writer.values()], float)
    weights = np.array([WEIGHTS[source] for source in sources])
    weights *= np.clip(counts / PROLIFIC, LEAST_PROLIFIC, MOST_PROLIFIC)
    weights *= (1 - PRINTED_SHARE) / weights.sum()
    faces = np.array([source == "print" for source in sources])
    weights[faces] = PRINTED_SHARE / max(1, faces.sum())
    writers = tuple(by_writer.values())
    return Bank(writers, weights / weights.sum(), dict(marks), tuple(letters), tuple(printed), drawn)


def label_segments(rng: np.random.Generator, bank: Bank) -> LabelledCrops:
    """Compose one field and return the crops that its lattice proposes, with their classes and styles."""
    strip = compose(rng, bank)
    height, width = strip.gray.shape
    gray = even(strip.gray, WORKING_DPI)
    full = binarize(gray, WORKING_DPI)
    rulings = find_rulings(gray, WORKING_DPI, cropped=True)
    ink = remove_rulings(full, rulings, WORKING_DPI)
    page = CleanPage(PageRef("", "", 1), gray, ink, full, rulings, WORKING_DPI, np.eye(2, 3))
    proposal = propose(page, Field("1", Box(0, 0, width, height), "strip"))
    segments = proposal.lattice.segments
    if not segments:
        return LabelledCrops(np.zeros((0, 28, 28), np.uint8), np.zeros(0, np.int64), np.zeros(0, np.int64))
    # Ink by piece and owner, then by segment: a segment is a run of pieces.
    pieces = proposal.lattice.nodes
    owner = cv2.dilate(strip.owner.astype(np.float32), np.ones((5, 5), np.uint8)).astype(np.int64)
    owner = np.where(strip.owner > 0, strip.owner, owner)
    count = len(strip.labels) + 1
    table = np.bincount((proposal.labels * count + owner).ravel(), minlength=pieces * count).reshape(pieces, count)
    running = np.concatenate([np.zeros((1, count), np.int64), np.cumsum(table[1:], 0)])
    spans = running[[s.stop for s in segments]] - running[[s.start for s in segments]]
    totals = running[-1]
    labels = np.array([_label(span, totals, strip.labels) for span in spans], np.int64)
    styles = np.array(strip.styles, np.int64)[spans[:, 1:].argmax(1)]
    styles[labels == NOT_A_DIGIT] = -1
    chosen = labels >= 0
    return LabelledCrops(normalize(gray, proposal)[chosen], labels[chosen], styles[chosen])


def _label(span: NDArray[np.int64], totals: NDArray[np.int64], labels: tuple[int, ...]) -> int:
    """Class of a segment from the ink it holds of each glyph; -1 where it is neither whole nor broken."""
    best = int(span[1:].argmax()) + 1
    if labels[best - 1] == NOT_A_DIGIT or span[best] == 0:
        return NOT_A_DIGIT
    whole, pure = span[best] / totals[best], span[best] / span.sum()
    if whole >= WHOLE and pure >= PURE:
        return labels[best - 1]
    return -1 if whole >= NEARLY and pure >= NEARLY else NOT_A_DIGIT


def compose(rng: np.random.Generator, bank: Bank) -> Strip:
    """One field: a number by one writer, or now and then a word, on paper, under a scanner."""
    height = int(rng.uniform(40, 76))
    pen = height * rng.uniform(0.06, 0.17)
    word = rng.random() < 0.14
    items = _word(rng, bank) if word else _number(rng, bank)
    drawn = [(draw_glyph(rng, glyph, max(3, round(height * size)), pen), lift) for glyph, size, lift in items]
    coverage, owner = _lay(rng, drawn, height, _joins(rng, items))
    coverage, owner = _slant(rng, coverage, owner)
    if not word and rng.random() < 0.05:
        row = int(coverage.shape[0] * rng.uniform(0.4, 0.65))
        cv2.line(coverage, (0, row), (coverage.shape[1], row + int(rng.integers(-6, 7))), 1.0, max(1, round(pen)))
    gray = _scan(rng, coverage * _pressure(rng, coverage.shape), height)
    glyphs = [glyph for glyph, _, _ in items]
    return Strip(gray, owner, tuple(glyph.label for glyph in glyphs), tuple(glyph.style for glyph in glyphs))


def _number(rng: np.random.Generator, bank: Bank) -> list[tuple[Glyph, float, float]]:
    """Glyphs of a number with their size and lift over the base line, both in digit heights."""
    write = _pick_writer(rng, bank)
    digits = [int(d) for d in rng.integers(0, 10, int(rng.integers(1, 8)))]
    zeros = 0
    if rng.random() < 0.35:
        # Amounts end in zeros, often smaller and joined.
        zeros = int(rng.integers(1, 4))
        digits += [0] * zeros
    small = rng.uniform(0.5, 1.0) if rng.random() < 0.3 else 1.0
    wobble = rng.uniform(0.02, 0.1)
    items: list[tuple[Glyph, float, float]] = []
    for i, digit in enumerate(digits):
        size = (small if i >= len(digits) - zeros else 1.0) * float(np.exp(rng.normal(0, wobble)))
        items.append((write(digit), size, float(rng.normal(0, wobble))))
        left = len(digits) - 1 - i
        if left == 3 and rng.random() < 0.5:
            items.append((_mark(rng, bank, rng.choice([".", ".", ","])), *_place(rng, ".")))
        elif left and rng.random() < 0.05:
            name = str(rng.choice([".", "-", "/", "/"]))
            items.append((_mark(rng, bank, name), *_place(rng, name)))
    for name in _ending(rng):
        items.append((_mark(rng, bank, name), *_place(rng, name)))
    if rng.random() < 0.15:
        size = rng.uniform(0.5, 1.0)
        units = [(_any(rng, bank.printed), size, 0.0) for _ in range(int(rng.integers(1, 4)))]
        items = [*items, *units] if rng.random() < 0.8 else [*units, *items]
    return items


def _pick_writer(rng: np.random.Generator, bank: Bank) -> Callable[[int], Glyph]:
    """Somebody to write digits: an invented hand or a writer of the sets."""
    if rng.random() < bank.drawn:
        hand = draw_hand(rng)
        return lambda digit: write_digit(rng, digit, hand)
    writer = bank.writers[int(rng.choice(len(bank.writers), p=bank.weights))]
    return lambda digit: _any(rng, writer.get(digit) or _another(rng, bank, digit))


def _any(rng: np.random.Generator, glyphs: Sequence[Glyph]) -> Glyph:
    return glyphs[int(rng.integers(len(glyphs)))]


def _joins(rng: np.random.Generator, items: list[tuple[Glyph, float, float]]) -> frozenset[int]:
    """After which glyphs the pen was not lifted: quick writers join zeros by a stroke near their top."""
    if rng.random() < 0.6:
        return frozenset()
    labels = [glyph.label for glyph, _, _ in items]
    pairs = enumerate(pairwise(labels))
    return frozenset(i for i, pair in pairs if pair == (0, 0) or (NOT_A_DIGIT not in pair and rng.random() < 0.1))


def _pressure(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Darkness of the ink over the field: a dry pen and a light hand fade in places."""
    coarse = rng.normal(0, 1, (4, 12)).astype(np.float32)
    uneven = cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(rng.uniform(0.5, 1.0) + rng.uniform(0, 0.15) * uneven, 0.2, 1), np.float32)


def _ending(rng: np.random.Generator) -> str:
    """What people write after an amount so that nobody adds a digit."""
    return str(rng.choice(["", ".", ".-", "-", ",", "--", "/", "="], p=[0.5, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.05]))


def _place(rng: np.random.Generator, name: str) -> tuple[float, float]:
    """Size and lift of a separator, in digit heights."""
    if name == "=":
        return 0.5 * rng.uniform(0.5, 1.0), rng.uniform(0.2, 0.5)
    if name == "-":
        return 0.5 * rng.uniform(0.5, 1.3), rng.uniform(0.3, 0.6)
    if name == "/":
        return rng.uniform(0.8, 1.3), rng.uniform(-0.2, 0.1)
    return rng.uniform(0.1, 0.28), rng.uniform(-0.15, 0.08)


def _another(rng: np.random.Generator, bank: Bank, digit: int) -> list[Glyph]:
    """The digit by some other writer, for writers who left none."""
    while True:
        writer = bank.writers[int(rng.choice(len(bank.writers), p=bank.weights))]
        if digit in writer:
            return writer[digit]


def _mark(rng: np.random.Generator, bank: Bank, name: str) -> Glyph:
    if name == ".":
        dot = np.zeros((12, 12), np.uint8)
        axes = (int(rng.integers(3, 6)), int(rng.integers(3, 6)))
        cv2.ellipse(dot, (6, 6), axes, float(rng.uniform(0, 180)), 0, 360, 255, -1)
        return Glyph(NOT_A_DIGIT, ".", "", dot)
    choices = bank.marks[name]
    return choices[int(rng.integers(len(choices)))]


def _word(rng: np.random.Generator, bank: Bank) -> list[tuple[Glyph, float, float]]:
    letters = bank.printed if rng.random() < 0.3 else bank.letters
    count = int(rng.integers(1, 7))
    return [(_any(rng, letters), rng.uniform(0.5, 1.0), rng.uniform(-0.15, 0.15)) for _ in range(count)]


def _lay(
    rng: np.random.Generator,
    drawn: list[tuple[NDArray[np.float32], float]],
    height: int,
    joins: frozenset[int],
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Write glyphs side by side; the gap of a writer varies, and below zero digits touch."""
    gap, spread = height * rng.uniform(-0.08, 0.35), height * rng.uniform(0.02, 0.12)
    pad = int(height * rng.uniform(0.05, 0.5))
    rows = int(height * 2.6)
    width = sum(image.shape[1] for image, _ in drawn) + int(len(drawn) * (abs(gap) + 2 * spread)) + 2 * pad + height
    coverage = np.zeros((rows, width), np.float32)
    owner = np.zeros((rows, width), np.int32)
    base, x = int(height * 1.85), float(pad)
    for i, (image, lift) in enumerate(drawn):
        h, w = image.shape
        y = min(max(0, round(base - h - lift * height)), rows - h)
        left = min(max(0, round(x)), width - w)
        target = (slice(y, y + h), slice(left, left + w))
        stronger = image > coverage[target]
        owner[target][stronger & (image > 0.3)] = i + 1
        coverage[target] = np.maximum(coverage[target], image)
        x = left + w + float(rng.normal(gap, spread)) - 6
        if i in joins:
            _join(rng, coverage, owner, (round(left + 0.7 * w), y + round(0.2 * h)), (round(x + 0.3 * w), y), i)
    used = np.flatnonzero(coverage.max(1) > 0.3)
    top = max(0, used[0] - int(height * rng.uniform(0.02, 0.35)))
    bottom = used[-1] + 1 + int(height * rng.uniform(0.02, 0.35))
    right = min(width, int(x) + 6 + pad)
    return coverage[top:bottom, :right].copy(), owner[top:bottom, :right].copy()


def _join(
    rng: np.random.Generator,
    coverage: NDArray[np.float32],
    owner: NDArray[np.int32],
    start: tuple[int, int],
    stop: tuple[int, int],
    i: int,
) -> None:
    """Draw a joining stroke from glyph `i` to the next, half of it each one's."""
    drop = int(rng.integers(0, 12))
    line = np.zeros(coverage.shape, np.uint8)
    cv2.line(line, (start[0], start[1] + drop), (stop[0], stop[1] + drop), 255, int(rng.integers(2, 7)), cv2.LINE_AA)
    new = (line > 80) & (owner == 0)
    columns = np.arange(coverage.shape[1])[None, :]
    owner[new & (columns < (start[0] + stop[0]) / 2)] = i + 1
    owner[new & (columns >= (start[0] + stop[0]) / 2)] = i + 2
    np.maximum(coverage, line / np.float32(255), out=coverage)


def _slant(
    rng: np.random.Generator, coverage: NDArray[np.float32], owner: NDArray[np.int32]
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    shear, turn = float(rng.normal(0.05, 0.22)), float(rng.normal(0, 0.03))
    rows, columns = coverage.shape
    lean = abs(shear) * rows
    matrix = np.array([[1, -shear, lean if shear > 0 else 0], [turn, 1, max(0.0, -turn * columns)]])
    size = (int(columns + lean), int(rows + abs(turn) * columns) + 1)
    leaning = cv2.warpAffine(coverage, matrix, size, flags=cv2.INTER_LINEAR)
    owners = cv2.warpAffine(owner.astype(np.float32), matrix, size, flags=cv2.INTER_NEAREST)
    return np.asarray(leaning, np.float32), np.asarray(owners, np.int32)


def _scan(rng: np.random.Generator, ink: NDArray[np.float32], height: int) -> Gray:
    """Ink on paper → what a scanner delivers, brought back to the working resolution as docproc does."""
    rows, columns = ink.shape
    paper = _paper(rng, rows, columns)
    _rule(rng, paper, height)
    image = np.minimum(paper * (1 - ink), 1)
    image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 0.04 * height))
    coarse = min(1.0, float(rng.choice([18, 24, 30, 40, 60])) / height * rng.uniform(0.8, 1.25))
    if coarse < 1:
        size = (max(8, round(columns * coarse)), max(8, round(rows * coarse)))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    image = image + rng.normal(0, rng.uniform(0, 0.035), image.shape)
    level = rng.uniform(0.6, 1.0)
    scan = np.clip(image * level * 255, 0, 255).astype(np.uint8)
    kind = rng.random()
    if kind < 0.3:
        _, packed = cv2.imencode(".jpg", scan, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 95))])
        scan = np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE))
    elif kind < 0.55:
        threshold = int(255 * level * rng.uniform(0.55, 0.8))
        scan = np.where(scan < threshold, 0, 255).astype(np.uint8)
    return np.asarray(cv2.resize(scan, (columns, rows), interpolation=cv2.INTER_CUBIC), np.uint8)


def _paper(rng: np.random.Generator, rows: int, columns: int) -> NDArray[np.float32]:
    """Plain, shaded or security paper: float32[rows, columns], 1 is white."""
    paper = np.ones((rows, columns), np.float32)
    y, x = np.mgrid[:rows, :columns].astype(np.float32)
    if rng.random() < 0.5:
        for _ in range(int(rng.integers(1, 4))):
            pitch, angle = rng.uniform(5, 16), rng.uniform(0, np.pi)
            across = np.cos(angle) * x + np.sin(angle) * y
            along = -np.sin(angle) * x + np.cos(angle) * y
            wave = rng.uniform(0, 8) * np.sin(along / rng.uniform(15, 60))
            lines = np.sin((across + wave) * (2 * np.pi / pitch))
            paper -= rng.uniform(0.03, 0.2) * np.clip(lines * 2 - rng.uniform(0, 1.4), 0, 1)
    if rng.random() < 0.4:
        coarse = rng.normal(0, 1, (rows // 3 + 1, columns // 3 + 1)).astype(np.float32)
        paper += rng.uniform(0, 0.05) * cv2.resize(coarse, (columns, rows), interpolation=cv2.INTER_CUBIC)
    slope = rng.normal(0, 0.12) * x / columns + rng.normal(0, 0.06) * y / rows
    return np.asarray(np.clip(paper + slope, 0.25, 1.1), np.float32)


def _rule(rng: np.random.Generator, paper: NDArray[np.float32], height: int) -> None:
    """Print remnants of rulings on the paper: an underline in dashes, a bit of a box's side."""
    rows, columns = paper.shape
    shade = float(rng.uniform(0.1, 0.6))
    if rng.random() < 0.3:
        y = int(rows - rng.uniform(0, 0.35) * height)
        thickness = int(rng.integers(1, max(2, height // 16)))
        broken = rng.random() < 0.6
        x = 0
        while x < columns:
            run = int(rng.uniform(0.1, 0.9) * height) if broken else columns
            cv2.line(paper, (x, y), (x + run, y), shade, thickness)
            x += run + int(rng.uniform(0.1, 1.2) * height)
    if rng.random() < 0.15:
        # A box, a little askew, as cut out of a form.
        inset = rng.uniform(0, 0.25, 4) * height
        thickness = int(rng.integers(1, max(2, height // 12)))
        corners = (int(inset[0]), int(inset[1])), (int(columns - inset[2]), int(rows - inset[3]))
        cv2.rectangle(paper, corners[0], corners[1], shade, thickness)
    if rng.random() < 0.12:
        x = int(rng.choice([rng.uniform(0, 0.1), rng.uniform(0.9, 1)]) * columns)
        top = int(rng.uniform(0, 0.7) * rows)
        cv2.line(paper, (x, top), (x, top + int(rng.uniform(0.1, 1) * rows)), shade, int(rng.integers(1, 5)))
