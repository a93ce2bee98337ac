"""Glyphs → fields as people fill them in, with all that is known of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from docproc.clean.page import WORKING_DPI, find_ink
from docproc.clean.tone import even
from docproc.train.bank import Bank
from docproc.train.corrections import take_back
from docproc.train.data import Glyph, draw_glyph
from docproc.train.hands import draw_hand, write_digit
from docproc.train.strip_paper import put_on_paper
from docproc.train.zeros import write_zeros
from docproc.types import NOT_A_DIGIT, CleanPage, Gray, Page, PageRef

RATIO_SHARE, TEMPERATURE_SHARE, FILLER_SHARE = 0.1, 0.03, 0.03
"""Shares of numbers with a slash as in 115/75, with °C behind, with X in places left empty."""
QUICK_SHARE = 0.5
"""So often the zeros at the end of an amount are those of a quick hand."""
WOBBLE = (0.02, 0.1)
"""How much a writer's digits vary in size and lift, in digit heights."""
PENS = (0.04, 0.16)
"""Width of a pen, in digit heights: most are fine, and so equal shares of its logarithm are equally frequent."""
TIGHT_SHARE, TIGHT = 0.2, (-0.1, 0.04)
"""So often a picture is cut at a side of the writing; by how much inside it, in digit heights."""
JOINED_SHARE = 0.3
"""So often digits that are to touch are joined by a stroke; the others run into each other, at most so deep, in digit
heights:"""
DEEPEST = 0.06
MEET = 0.06
"""How far the ends of chained glyphs lie over each other, in digit heights."""
CLOSER = (-0.05, 0.25)
"""How much nearer glyphs stand that the pen joins, in digit heights: a quick writer's zeros overlap in a chain."""


@dataclass(frozen=True, slots=True, eq=False)
class Strip:
    """A composed field. `owner` is int32[h, w]: 0 paper, i + 1 the i-th glyph; `labels[i]`, `styles[i]` and `names[i]`
    are its class, its style and what it is."""

    gray: Gray
    owner: NDArray[np.int32]
    labels: tuple[int, ...]
    styles: tuple[int, ...]
    names: tuple[str, ...]


def clean_strip(gray: Gray) -> CleanPage:
    """What docproc makes of a composed field before it looks for digits; it is at the working resolution already."""
    page = Page(PageRef("", "", 1), gray, WORKING_DPI)
    return find_ink(page, even(gray, WORKING_DPI), WORKING_DPI, np.eye(3), strips=True)


def compose(rng: np.random.Generator, bank: Bank) -> Strip:
    """One field: a number by one writer, or now and then a word, on paper, under a scanner."""
    height = int(rng.uniform(40, 76))
    pen = height * float(np.exp(rng.uniform(*np.log(PENS))))
    word = rng.random() < 0.14
    write = _pick_writer(rng, bank)
    items = _word(rng, bank) if word else _number(rng, bank, write)
    drawn = [(draw_glyph(rng, glyph, max(3, round(height * size)), pen), lift) for glyph, size, lift in items]
    glyphs = [glyph for glyph, _, _ in items]
    coverage, owner = _lay(rng, drawn, height, _joins(rng, items), chained=_chains(glyphs))
    kept = glyphs if word else take_back(rng, coverage, owner, glyphs, write, pen)
    coverage, owner = _crop(rng, *_slant(rng, coverage, owner), height)
    return _know(put_on_paper(rng, coverage, height), owner, kept)


def compose_digits(rng: np.random.Generator, bank: Bank, digits: Sequence[int], touching: bool) -> Strip:
    """Just these digits by one writer, each of them whole, on plain paper, under a usual scanner.

    Gaps are as in any field; but with `touching` at least one pair runs into each other or is joined by a stroke, and
    otherwise none does. Raises ValueError where there is no pair to touch.
    """
    if touching and len(digits) < 2:
        raise ValueError(f"{len(digits)} digits have no pair that could touch")
    height = int(rng.uniform(40, 76))
    pen = height * rng.uniform(0.06, 0.17)
    write, wobble = _pick_writer(rng, bank), rng.uniform(*WOBBLE)
    glyphs = [write(digit) for digit in digits]
    sizes = np.exp(rng.normal(0, wobble, len(digits)))
    images = [draw_glyph(rng, glyph, round(height * size), pen) for glyph, size in zip(glyphs, sizes, strict=True)]
    drawn = list(zip(images, rng.normal(0, wobble, len(digits)).tolist(), strict=True))
    while True:
        pair = frozenset({int(rng.integers(len(digits) - 1))} if touching else ())
        joins, runs = (pair, frozenset[int]()) if rng.random() < JOINED_SHARE else (frozenset[int](), pair)
        coverage, owner = _lay(rng, drawn, height, joins, runs)
        if owner[:, -1].any():
            continue  # the last digit is cut off
        coverage, owner = _slant(rng, coverage, owner)
        if are_touching(owner) == touching:
            return _know(put_on_paper(rng, coverage, height, plain=True), owner, glyphs)


def are_touching(owner: NDArray[np.int32]) -> bool:
    """Whether ink of two glyphs hangs together anywhere in a composed field."""
    count, pieces = cv2.connectedComponents((owner > 0).astype(np.uint8), connectivity=8)
    pairs = np.unique(np.stack([pieces[owner > 0], owner[owner > 0]]), axis=1)
    return bool((np.bincount(pairs[0], minlength=count) > 1).any())


def _crop(
    rng: np.random.Generator, coverage: NDArray[np.float32], owner: NDArray[np.int32], height: int
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Now and then cut the picture where the writing begins or ends, as people cut fields out of pages."""
    columns = np.flatnonzero(owner.any(0)) if owner.any() else np.array([0, owner.shape[1] - 1])
    most = int(columns[-1] - columns[0]) // 4
    inside = (round(height * rng.uniform(*TIGHT)) if rng.random() < TIGHT_SHARE else None for _ in range(2))
    first, last = (None if cut is None else min(cut, most) for cut in inside)
    left = 0 if first is None else max(0, int(columns[0]) + first)
    right = owner.shape[1] if last is None else int(columns[-1]) + 1 - last
    return coverage[:, left:right].copy(), owner[:, left:right].copy()


def _know(gray: Gray, owner: NDArray[np.int32], glyphs: Sequence[Glyph]) -> Strip:
    return Strip(gray, owner, *zip(*((glyph.label, glyph.style, glyph.name) for glyph in glyphs), strict=True))


def _number(rng: np.random.Generator, bank: Bank, write: Callable[[int], Glyph]) -> list[tuple[Glyph, float, float]]:
    """Glyphs of a number with their size and lift over the base line, both in digit heights."""
    digits = [int(d) for d in rng.integers(0, 10, int(rng.integers(1, 8)))]
    zeros = 0
    if rng.random() < 0.35:
        # Amounts end in zeros, often smaller and joined.
        zeros = int(rng.integers(1, 5))
        digits += [0] * zeros
    small = rng.uniform(0.5, 1.0) if rng.random() < 0.3 else 1.0
    quick = write_zeros(rng, zeros, write(0).style) if zeros and rng.random() < QUICK_SHARE else []
    if quick:
        small = rng.uniform(0.35, 1.0)
    wobble = rng.uniform(*WOBBLE)
    items: list[tuple[Glyph, float, float]] = []
    slash = int(rng.integers(1, len(digits))) if len(digits) > 2 and rng.random() < RATIO_SHARE else 0
    for i, digit in enumerate(digits):
        last = i >= len(digits) - zeros
        unsteady = wobble / 3 if last and quick else wobble
        size = (small if last else 1.0) * float(np.exp(rng.normal(0, unsteady)))
        if slash and i == slash:
            items.append((_mark(rng, bank, "/"), *_place(rng, "/")))
        glyph = quick[i - len(digits)] if last and quick else write(digit)
        items.append((glyph, size, float(rng.normal(0, unsteady))))
        left = len(digits) - 1 - i
        if left == 3 and rng.random() < 0.5:
            items.append((_mark(rng, bank, rng.choice([".", ".", ","])), *_place(rng, ".")))
        elif left and rng.random() < 0.05:
            name = str(rng.choice([".", "-", "/", "/"]))
            items.append((_mark(rng, bank, name), *_place(rng, name)))
    for name in _ending(rng):
        items.append((_mark(rng, bank, name), *_place(rng, name)))
    if rng.random() < TEMPERATURE_SHARE:
        # A degree sign is a small, raised ring.
        ring = replace(write(0), label=NOT_A_DIGIT, name="degree", style=-1)
        items.append((ring, rng.uniform(0.2, 0.4), rng.uniform(0.5, 0.8)))
        items.append((_mark(rng, bank, "C"), rng.uniform(0.7, 1.1), 0.0))
    if rng.random() < FILLER_SHARE:
        fillers = [(_mark(rng, bank, "X"), rng.uniform(0.7, 1.1), 0.0) for _ in range(int(rng.integers(1, 4)))]
        items = [*items, *fillers] if rng.random() < 0.5 else [*fillers, *items]
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


def _chains(glyphs: Sequence[Glyph]) -> frozenset[int]:
    """After which glyphs the pen goes on to the next, unless something stands between them that is no digit."""
    pairs = enumerate(pairwise(glyphs))
    return frozenset(i for i, (glyph, other) in pairs if glyph.goes_on and other.label != NOT_A_DIGIT)


def _ending(rng: np.random.Generator) -> str:
    """What people write after an amount so that nobody adds a digit."""
    shares = {"": 0.5, ".": 0.1, ".-": 0.1, "-": 0.1, ",": 0.05, "--": 0.05, "/": 0.03, "=": 0.04, "#": 0.03}
    return str(rng.choice(list(shares), p=list(shares.values())))


def _place(rng: np.random.Generator, name: str) -> tuple[float, float]:
    """Size and lift of a separator, in digit heights."""
    if name in "=#":
        return 0.5 * rng.uniform(0.5, 1.0), rng.uniform(0.2, 0.5)
    if name == "-":
        return 0.5 * rng.uniform(0.5, 1.3), rng.uniform(0.3, 0.6)
    if name == "/":
        return rng.uniform(0.95, 1.4), rng.uniform(-0.25, 0.05)
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
    return _any(rng, bank.marks.get(name) or bank.letters)


def _word(rng: np.random.Generator, bank: Bank) -> list[tuple[Glyph, float, float]]:
    letters = bank.printed if rng.random() < 0.3 else bank.letters
    count = int(rng.integers(1, 7))
    return [(_any(rng, letters), rng.uniform(0.5, 1.0), rng.uniform(-0.15, 0.15)) for _ in range(count)]


def _lay(
    rng: np.random.Generator,
    drawn: list[tuple[NDArray[np.float32], float]],
    height: int,
    joins: frozenset[int],
    runs: frozenset[int] = frozenset(),
    chained: frozenset[int] = frozenset(),
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Write glyphs side by side; the gap of a writer varies, and below zero digits touch.

    Glyphs in `joins` are joined to the next by a stroke; into those in `runs` the next one runs; those in `chained` end
    where the next begins.
    """
    gap, spread = height * rng.uniform(-0.08, 0.35), height * rng.uniform(0.02, 0.12)
    closer = rng.uniform(*CLOSER)
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
        if i - 1 in runs:
            left = _run_into(rng, coverage, image, y, left, height)
        target = (slice(y, y + h), slice(left, left + w))
        stronger = image > coverage[target]
        owner[target][stronger & (image > 0.3)] = i + 1
        coverage[target] = np.maximum(coverage[target], image)
        x = left + w + float(rng.normal(gap, spread)) - 6
        if i in chained:
            x = left + w - _paper_beside(image, -1) - _paper_beside(drawn[i + 1][0], 1) - MEET * height
        elif i in joins:
            x -= closer * height
            _join(rng, coverage, owner, (round(left + 0.7 * w), y + round(0.2 * h)), (round(x + 0.3 * w), y), i)
    used = np.flatnonzero(coverage.max(1) > 0.3)
    first, last = (used[0], used[-1]) if len(used) else (0, rows - 1)  # of a mere speck nothing may be dark
    top = max(0, first - int(height * rng.uniform(0.02, 0.35)))
    bottom = last + 1 + int(height * rng.uniform(0.02, 0.35))
    right = min(width, int(x) + 6 + pad)
    return coverage[top:bottom, :right].copy(), owner[top:bottom, :right].copy()


def _paper_beside(image: NDArray[np.float32], way: int) -> int:
    """Columns without ink at the left of a glyph (`way` 1) or at its right (-1)."""
    return int(np.argmax(image.max(0)[::way] > 0.5))


def _run_into(
    rng: np.random.Generator,
    coverage: NDArray[np.float32],
    image: NDArray[np.float32],
    y: int,
    left: int,
    height: int,
) -> int:
    """The column from which a glyph's ink runs into what is written before it; `left` where it does so already."""
    h, w = image.shape
    ink, before = image > 0.5, coverage[y : y + h] > 0.5
    meets = (x for x in range(left, -1, -1) if (ink & before[:, x : x + w]).any())
    met = next(meets, left)
    return met if met == left else max(0, met - round(rng.uniform(0, DEEPEST) * height))


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
