"""Glyphs at hand for composing fields: digits by writer, and all that is no digit; and processes that compose them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from docproc.train.data import Glyph, check_sets, load_glyphs
from docproc.train.fonts import printed_glyphs
from docproc.types import NOT_A_DIGIT

CHUNK = 100
"""Fields composed from one seed: small enough for a smooth bar, large enough to amortize the start."""
SEPARATORS = ".,-/=:#"
SLASH_LEANS = 0.3
"""A slash that is less wide, in heights, is a 1 to any eye."""
SIGNS = ("C", "X")
"""Letters that stand among digits: the C of a temperature, and X in cells left empty."""
PRINTED_SHARE = 0.04
"""Share of numbers in machine print: stamps and labels are digits too."""
DRAWN_SHARE = 0.4
"""Share of numbers by invented hands, where a bank allows them."""
WEIGHTS = {"mnist": 1.0, "unipen": 4.0, "optdigits_train": 0.8, "semeion": 3.0, "print": 0.0}
"""How often a set's writers are taken: MNIST's 500 Americans would drown the others."""
PROLIFIC, LEAST_PROLIFIC, MOST_PROLIFIC = 60, 0.5, 6.0
"""A writer with so many digits counts once, one with more counts more: some names stand for a whole team."""


T = TypeVar("T")


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


def make_bank(glyphs: Sequence[Glyph], printed: Sequence[Glyph], drawn: float = 0.0) -> Bank:
    """Sort glyphs for composing; `printed` are letters and signs of machine print."""
    by_writer: dict[str, dict[int, list[Glyph]]] = defaultdict(lambda: defaultdict(list))
    marks: dict[str, list[Glyph]] = defaultdict(list)
    letters: list[Glyph] = []
    for glyph in glyphs:
        if glyph.label != NOT_A_DIGIT:
            by_writer[glyph.writer][glyph.label].append(glyph)
        elif glyph.name in SEPARATORS:
            if glyph.name != "/" or _spans(glyph) >= SLASH_LEANS:
                marks[glyph.name].append(glyph)
        else:
            letters.append(glyph)
            if glyph.name.upper() in SIGNS:
                marks[glyph.name.upper()].append(glyph)
    sources = [writer.split("/")[0] for writer in by_writer]
    counts = np.array([sum(map(len, digits.values())) for digits in by_writer.values()], float)
    weights = np.array([WEIGHTS[source] for source in sources])
    weights *= np.clip(counts / PROLIFIC, LEAST_PROLIFIC, MOST_PROLIFIC)
    weights *= (1 - PRINTED_SHARE) / weights.sum()
    faces = np.array([source == "print" for source in sources])
    weights[faces] = PRINTED_SHARE / max(1, faces.sum())
    writers = tuple(by_writer.values())
    return Bank(writers, weights / weights.sum(), dict(marks), tuple(letters), tuple(printed), drawn)


def _spans(glyph: Glyph) -> float:
    """Width of a glyph, in heights."""
    if glyph.bitmap is not None:
        height, width = glyph.bitmap.shape
        return float(width / height)
    low, high = (way(np.concatenate(glyph.strokes), 0) for way in (np.min, np.max))
    return float((high[0] - low[0]) / max(high[1] - low[1], 1e-6))


def map_fields(
    make: Callable[[np.random.Generator, Bank], T], folder: Path, fields: int, held_out: bool, seed: int, workers: int
) -> Iterator[list[T]]:
    """Compose fields in processes, by one side of the writer split; what `make` makes of each comes in chunks."""
    check_sets(folder)
    seeds = [seed * 1_000_003 + i for i in range(-(-fields // CHUNK))]
    # multiprocessing's own Pool would start workers for ever if they cannot read the sets.
    with ProcessPoolExecutor(workers, get_context("spawn"), _start, (folder, held_out)) as pool:
        yield from pool.map(partial(_chunk, make), seeds)


_bank: Bank | None = None


def _start(folder: Path, held_out: bool) -> None:
    global _bank  # noqa: PLW0603 - one bank a process, too large to send with each seed
    cv2.setNumThreads(1)
    glyphs = (*load_glyphs(folder, held_out), *printed_glyphs(digits=True))
    _bank = make_bank(glyphs, printed_glyphs(digits=False), 0.0 if held_out else DRAWN_SHARE)


def _chunk(make: Callable[[np.random.Generator, Bank], T], seed: int) -> list[T]:
    assert _bank is not None
    rng = np.random.default_rng(seed)
    return [make(rng, _bank) for _ in range(CHUNK)]
