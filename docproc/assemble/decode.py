"""Lattice and probabilities → the most likely texts of a field.

Each piece of ink is either part of a digit or no digit at all. A path through the lattice says which; its weight is
the product of what the classifier gives each part and of how well the parts' sizes fit one hand. Paths that read
the same add up, as in a forward pass over a word graph.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from docproc.assemble.row import Row, lean_beyond
from docproc.types import NOT_A_DIGIT, Box, Field, Lattice, Probs, Segment

BEAM = 12
"""Texts kept at each node."""
LIKELIEST, LIKELY = 3, 0.001
"""Digits considered for a segment: so many at most, and beside the likeliest none that is less likely than this."""
LEAST = 1e-6
"""No class is impossible."""
SMALL, SMALL_SPREAD = 0.6, 0.12
"""Digits below this share of the writing's height grow unlikely: most are commas or bits of a stroke."""
SMALL_ZERO = 0.42
"""Zeros are often written small: amounts end in them."""
SUNK, SUNK_ZERO, FLOATING, PLACE_SPREAD = 0.3, 0.6, 0.3, 0.08
"""Digits begin at most this far below the row's top and end at most this far above its foot, in digit heights: what
lies lower is a comma, what floats is a raised sign."""
TALL, TALL_SPREAD = 1.6, 0.25
SKIP_LARGE, SKIP_SMALL = 0.01, 0.3
"""Chance that ink as high as a digit, or a mere mark, is put in a number field without being a digit."""
SIGN, SIGN_LACKING = 0.5, 0.2
"""Chance that ink between two digits is no digit where the form's pattern has a sign between them, and a factor for a
text that has no such ink there. The form may have printed the sign itself, so that its lack says little."""
SLASH = (12.7, 21.9, 8.4, -2.3)
"""Log odds that a stroke between digits is a slash and no 1, where either is as likely: for each digit height that it
stands out above the row, and below it, for how much more than the digits it leans, and their offset. Of
`scripts/slashes.py`; a crop, of one size whatever the size of its ink, shows nothing of it."""
SLASH_LEANS = 0.15
"""A stroke that leans no more than this beyond the digits is a 1, however long."""
SLASH_PRIOR = 0.05
"""Chance that what may be a 1 or a slash between digits is a slash."""
MOST_ODDS = 4.0
"""No place says more, as log odds: there are writers of whom nobody knows."""
LARGE = 0.5
"""Ink at least this share of the writing's height is as high as a digit."""


class Step(NamedTuple):
    """One segment of a path; `digit` is None where its ink is no digit.

    `chance` is the classifier's: of the digit, given that it is one, or that the ink is none.
    """

    segment: Segment
    digit: int | None
    chance: float


@dataclass(frozen=True, slots=True)
class Text:
    """One text, its share of all paths' weight, and the best path that reads it; `weight` is the natural logarithm of
    its paths' weight."""

    text: str
    posterior: float
    steps: tuple[Step, ...]
    weight: float = 0.0


@dataclass(slots=True)
class _Path:
    text: str
    weight: float
    best: float
    steps: tuple[Step, ...]
    cell: int


_Reading = tuple[Step, str, float]
"""What a segment may be, what that adds to the text, and its log weight."""


def decode(lattice: Lattice, probs: Probs, row: Row, only: Sequence[str] | None = None) -> tuple[Text, ...]:
    """Most likely texts first; their posteriors sum to 1. `probs` has a row for each segment of the lattice,
    `row` is where its writing stands.
    A field without ink reads as the empty text. With `only`, no other texts are tried; there may be none.
    """
    prefixes = None if only is None else {text[:end] for text in only for end in range(len(text) + 1)}
    beams: list[dict[tuple[str, int], _Path]] = [{} for _ in range(lattice.nodes)]
    beams[0][("", -1)] = _Path("", 0.0, 0.0, (), -1)
    asked = None if only is None else sorted({int(digit) for text in only for digit in text})
    signs, last = find_signs(lattice.field), _find_last_slash(lattice, row)
    by_start: list[list[tuple[Segment, list[float], float]]] = [[] for _ in range(lattice.nodes)]
    leans = lean_beyond(lattice.segments, probs, row).tolist()
    for segment, chances, lean in zip(lattice.segments, probs.tolist(), leans, strict=True):
        by_start[segment.start].append((segment, chances, lean))
    for node in range(lattice.nodes - 1):
        paths = sorted(beams[node].values(), key=lambda path: -path.weight)[:BEAM]
        for segment, chances, lean in by_start[node]:
            steps = [
                (step, "" if step.digit is None else str(step.digit), weight)
                for step, weight in _readings(segment, chances, row, asked)
            ]
            between = steps if segment.stop > last else _with_slash(steps, chances[1], lean, row)
            cell, beam = cell_of(lattice.field, segment), beams[segment.stop]
            for path in paths:
                at_sign = len(path.text) in signs
                for step, digit, weight in between if path.text and not at_sign else steps:
                    if digit and lattice.field.cells and cell <= path.cell:
                        continue
                    text = path.text + digit
                    if prefixes is None or text in prefixes:
                        extra = _weigh_sign(path, step, row) if at_sign else 0.0
                        _extend(beam, path, step, text, weight + extra, cell)
    return _texts(path for path in beams[-1].values() if only is None or path.text in only)


def merge(texts: tuple[Text, ...], others: tuple[Text, ...]) -> tuple[Text, ...]:
    """Texts of one lattice together, each once, likeliest first."""
    every = {text.text: text for text in (*others, *texts)}
    ranked = sorted(every.values(), key=lambda text: -text.weight)
    weights = np.exp(np.array([text.weight for text in ranked]) - ranked[0].weight)
    shares = (weights / weights.sum()).tolist()
    return tuple(replace(text, posterior=share) for text, share in zip(ranked, shares, strict=True))


def cell_of(field: Field, segment: Segment) -> int:
    """Index of the comb cell that a segment's middle stands in; 0 for a field without cells."""
    middle = segment.box.x + segment.box.width / 2
    return sum(middle >= cell.x for cell in field.cells[1:])


def find_signs(field: Field) -> frozenset[int]:
    """After how many digits a sign is written; between the cells of a comb it is printed."""
    runs = [] if field.cells else re.findall("#+", field.rule.pattern)
    return frozenset(accumulate(map(len, runs[:-1])))


def is_large(segment: Segment, height: float) -> bool:
    """Whether ink is as high as the field's digits: if it is none, a person should know."""
    return segment.box.height >= LARGE * height


def _readings(
    segment: Segment, chances: list[float], row: Row, asked: Sequence[int] | None
) -> list[tuple[Step, float]]:
    """What a segment may be, its likely digits (or those `asked` for) or nothing, with log weights; only a single piece
    may be nothing."""
    result: list[tuple[Step, float]] = []
    misfit, misfit_zero = _misfits(segment.box, row)
    written = max(sum(chances[:NOT_A_DIGIT]), LEAST)
    digits = asked
    if digits is None:
        ranked = sorted(range(NOT_A_DIGIT), key=chances.__getitem__, reverse=True)[:LIKELIEST]
        digits = [digit for digit in ranked if digit == ranked[0] or chances[digit] >= LIKELY]
    for digit in digits:
        weight = math.log(max(chances[digit], LEAST)) - (misfit if digit else misfit_zero)
        result.append((Step(segment, digit, min(chances[digit] / written, 1.0)), weight))
    if segment.stop == segment.start + 1:
        chance = chances[NOT_A_DIGIT]
        prior = SKIP_LARGE if is_large(segment, row.height) else SKIP_SMALL
        result.append((Step(segment, None, chance), math.log(max(chance, LEAST) * prior)))
    return result


def _find_last_slash(lattice: Lattice, row: Row) -> int:
    """The last node before which a slash may stand, with a digit behind it; 0 where the field's rule has none."""
    rule = lattice.field.rule
    if lattice.field.cells or rule.pattern or rule.type in ("integer", "decimal"):
        return 0
    return max((segment.start for segment in lattice.segments if is_large(segment, row.height)), default=0)


def _with_slash(steps: list[_Reading], one: float, lean: float, row: Row) -> list[_Reading]:
    """What a segment may be between digits: `one`, the chance of what looks like a 1, is shared with a slash.

    `lean` is how much more it leans than what stands beside it.
    """
    segment = steps[0][0].segment
    whole = segment.stop == segment.start + 1 and not segment.cut
    if one < LIKELY or lean < SLASH_LEANS or not whole or not is_large(segment, row.height):
        return steps
    above, below, leaning, offset = SLASH
    place = offset - above * row.sinks(segment.box) - below * row.floats(segment.box) + leaning * lean
    odds = min(max(place, -MOST_ODDS), MOST_ODDS) + math.log(SLASH_PRIOR / (1 - SLASH_PRIOR))
    slash = 1 / (1 + math.exp(-odds))
    shared: list[_Reading] = []
    for step, digit, weight in steps:
        if step.digit is None:
            none = step._replace(chance=min(step.chance + one * slash, 1.0))
            shared.append((none, digit, _add(weight, math.log(max(one * slash, LEAST)))))
        else:
            shared.append((step, digit, weight + math.log(1 - slash) if step.digit == 1 else weight))
    return shared


def _weigh_sign(path: _Path, step: Step, row: Row) -> float:
    """What is to be added to the log weight of a step where the field's pattern has a sign."""
    if step.digit is None:
        return math.log(SIGN / (SKIP_LARGE if is_large(step.segment, row.height) else SKIP_SMALL))
    return 0.0 if path.steps[-1].digit is None else math.log(SIGN_LACKING)


def _misfits(box: Box, row: Row) -> tuple[float, float]:
    """How ill the size and place of ink suit a digit of the row, and a zero, as negative log weights."""
    share, sinks, floats = box.height / row.height, row.sinks(box), row.floats(box)
    tall, floating = max(0.0, share - TALL) / TALL_SPREAD, max(0.0, floats - FLOATING)

    def misfit(small: float, sunk: float) -> float:
        size = max(0.0, small - share) / SMALL_SPREAD + tall
        return size**2 + ((max(0.0, sinks - sunk) + floating) / PLACE_SPREAD) ** 2

    return misfit(SMALL, SUNK), misfit(SMALL_ZERO, SUNK_ZERO)


def _extend(beam: dict[tuple[str, int], _Path], path: _Path, step: Step, text: str, weight: float, cell: int) -> None:
    """Add a step to a path and put it into a beam; paths that read the same are merged."""
    used = path.cell if step.digit is None else cell
    total, best = path.weight + weight, path.best + weight
    same = beam.get((text, used))
    if same is None:
        beam[(text, used)] = _Path(text, total, best, (*path.steps, step), used)
        return
    same.weight = _add(total, same.weight)
    if best > same.best:
        same.best, same.steps = best, (*path.steps, step)


def _add(a: float, b: float) -> float:
    """Logarithm of the sum of two weights."""
    return (a if a > b else b) + math.log1p(math.exp(-abs(a - b)))


def _texts(paths: Iterable[_Path]) -> tuple[Text, ...]:
    merged: dict[str, _Path] = {}
    for path in paths:
        same = merged.get(path.text)
        if same is not None:
            better = path if path.best > same.best else same
            weight = _add(path.weight, same.weight)
            merged[path.text] = _Path(path.text, weight, better.best, better.steps, better.cell)
        else:
            merged[path.text] = path
    ranked = sorted(merged.values(), key=lambda path: -path.weight)[:BEAM]
    if not ranked:
        return ()
    weights = np.exp(np.array([path.weight for path in ranked]) - ranked[0].weight)
    return tuple(
        Text(path.text, float(share), path.steps, path.weight)
        for path, share in zip(ranked, weights / weights.sum(), strict=True)
    )
