"""Lattice and probabilities → the most likely texts of a field.

Each piece of ink is either part of a digit or no digit at all. A path through the lattice says which; its weight is
the product of what the classifier gives each part and of how well the parts' sizes fit one hand. Paths that read
the same add up, as in a forward pass over a word graph.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from docproc.types import NOT_A_DIGIT, Field, Lattice, Probs, Segment

BEAM = 12
"""Texts kept at each node."""
LEAST = 1e-6
"""No class is impossible."""
SMALL, SMALL_SPREAD = 0.6, 0.12
"""Digits below this share of the writing's height grow unlikely: most are commas or bits of a stroke."""
SMALL_ZERO = 0.42
"""Zeros are often written small: amounts end in them."""
TALL, TALL_SPREAD = 1.6, 0.25
SKIP_LARGE, SKIP_SMALL = 0.02, 0.6
"""Chance that ink as high as a digit, or a mere mark, is put in a number field without being a digit."""
LARGE = 0.6
"""Ink at least this share of the writing's height is as high as a digit."""


@dataclass(frozen=True, slots=True)
class Step:
    """One segment of a path; `digit` is None where its ink is no digit, `chance` is the classifier's."""

    segment: Segment
    digit: int | None
    chance: float


@dataclass(frozen=True, slots=True)
class Text:
    """One text, its share of all paths' weight, and the best path that reads it."""

    text: str
    posterior: float
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class _Path:
    text: str
    weight: float
    best: float
    steps: tuple[Step, ...]
    cell: int


def decode(lattice: Lattice, probs: Probs, height: float) -> tuple[Text, ...]:
    """Most likely texts first; their posteriors sum to 1. `probs` has a row for each segment of the lattice,
    `height` is the height of the writing in pixels.
    A field without ink reads as the empty text.
    """
    beams: list[dict[tuple[str, int], _Path]] = [{} for _ in range(lattice.nodes)]
    beams[0][("", -1)] = _Path("", 0.0, 0.0, (), -1)
    by_start: list[list[tuple[Segment, Probs]]] = [[] for _ in range(lattice.nodes)]
    for segment, row in zip(lattice.segments, probs, strict=True):
        by_start[segment.start].append((segment, row))
    for node in range(lattice.nodes - 1):
        paths = sorted(beams[node].values(), key=lambda path: -path.weight)[:BEAM]
        for segment, row in by_start[node]:
            steps = _readings(segment, row, height)
            cell = cell_of(lattice.field, segment)
            for path in paths:
                for step, weight in steps:
                    if step.digit is not None and lattice.field.cells and cell <= path.cell:
                        continue
                    _extend(beams[segment.stop], path, step, weight, cell)
    return _texts(beams[-1].values())


def writing_height(segments: Sequence[Segment], probs: Probs) -> float:
    """Height of the field's digits in pixels: the median over what is likely a digit, else the tallest ink."""
    if not segments:
        return 0.0
    heights = np.array([segment.box.height for segment in segments], float)
    weight = (1 - probs[:, NOT_A_DIGIT]) ** 2
    if weight.max() < 0.25:
        return float(heights.max())
    order = np.argsort(heights)
    half = np.searchsorted(np.cumsum(weight[order]), weight.sum() / 2)
    return float(heights[order][min(half, len(order) - 1)])


def cell_of(field: Field, segment: Segment) -> int:
    """Index of the comb cell that a segment's middle stands in; 0 for a field without cells."""
    middle = segment.box.x + segment.box.width / 2
    return sum(middle >= cell.x for cell in field.cells[1:])


def is_large(segment: Segment, height: float) -> bool:
    """Whether ink is as high as the field's digits: if it is none, a person should know."""
    return segment.box.height >= LARGE * height


def _readings(segment: Segment, row: Probs, height: float) -> list[tuple[Step, float]]:
    """What a segment may be, with log weights; only a single piece may be nothing."""
    share = segment.box.height / height
    result: list[tuple[Step, float]] = []
    likely = [int(digit) for digit in np.argsort(-row[:NOT_A_DIGIT])[:3]]
    for digit in likely:
        least = SMALL_ZERO if digit == 0 else SMALL
        misfit = max(0.0, least - share) / SMALL_SPREAD + max(0.0, share - TALL) / TALL_SPREAD
        chance = float(row[digit])
        result.append((Step(segment, digit, chance), float(np.log(max(chance, LEAST))) - misfit**2))
    if segment.stop == segment.start + 1:
        chance = float(row[NOT_A_DIGIT])
        prior = SKIP_LARGE if is_large(segment, height) else SKIP_SMALL
        result.append((Step(segment, None, chance), float(np.log(max(chance, LEAST) * prior))))
    return result


def _extend(beam: dict[tuple[str, int], _Path], path: _Path, step: Step, weight: float, cell: int) -> None:
    """Add a step to a path and put it into a beam; paths that read the same are merged."""
    text = path.text if step.digit is None else path.text + str(step.digit)
    used = path.cell if step.digit is None else cell
    total, best = path.weight + weight, path.best + weight
    steps = (*path.steps, step)
    same = beam.get((text, used))
    if same is not None:
        total = float(np.logaddexp(total, same.weight))
        if same.best > best:
            best, steps = same.best, same.steps
    beam[(text, used)] = _Path(text, total, best, steps, used)


def _texts(paths: Iterable[_Path]) -> tuple[Text, ...]:
    merged: dict[str, _Path] = {}
    for path in paths:
        same = merged.get(path.text)
        if same is not None:
            better = path if path.best > same.best else same
            weight = float(np.logaddexp(path.weight, same.weight))
            merged[path.text] = _Path(path.text, weight, better.best, better.steps, better.cell)
        else:
            merged[path.text] = path
    ranked = sorted(merged.values(), key=lambda path: -path.weight)[:BEAM]
    weights = np.exp(np.array([path.weight for path in ranked]) - ranked[0].weight)
    return tuple(
        Text(path.text, float(share), path.steps) for path, share in zip(ranked, weights / weights.sum(), strict=True)
    )
