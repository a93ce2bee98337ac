"""What a reader of whole rows says, column by column → texts of digits and how likely each is.

Its scores are those of connectionist temporal classification (Graves et al., ICML 2006): a text's chance is the sum
over all ways to spread its signs over the columns. Of interest are the digits; whatever else stands between two of
them, a dot, a dash, a letter, a digit that was taken back, does the work of the blank.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from docproc.types import NOT_A_DIGIT, TAKEN_BACK, Frames

BEAM = 8
UNLIKELY = 0.003
"""A class less likely than this in a column is not tried there."""
LEAST = 1e-9
"""No class is impossible."""
FRESH = 16
"""Chances are brought back to a sum of 1 after so many columns, well before they are too small for a float64."""


class Spoken(NamedTuple):
    """A text of digits, and the natural logarithm of its chance."""

    text: str
    score: float


def speak(frames: Frames) -> tuple[Spoken, ...]:
    """The likeliest texts first, by prefix beam search (Hannun et al., arXiv:1408.2873)."""
    # For each text so far: its chance if it ended in the blank, and if it ended in its last digit.
    beam: dict[str, tuple[float, float]] = {"": (1.0, 0.0)}
    blanks = frames[:, NOT_A_DIGIT:].astype(np.float64).sum(1).tolist()
    for blank, chances in zip(blanks, frames[:, :NOT_A_DIGIT].tolist(), strict=True):
        digits = [(str(digit), chance) for digit, chance in enumerate(chances) if chance > UNLIKELY]
        grown: dict[str, tuple[float, float]] = {}
        for text, (silent, voiced) in beam.items():
            before = grown.get(text, (0.0, 0.0))
            again = voiced * chances[int(text[-1])] if text else 0.0
            grown[text] = (before[0] + (silent + voiced) * blank, before[1] + again)
            for digit, chance in digits:
                longer = text + digit
                before = grown.get(longer, (0.0, 0.0))
                repeated = text[-1:] == digit
                grown[longer] = (before[0], before[1] + (silent if repeated else silent + voiced) * chance)
        beam = _keep_likely(grown) if len(grown) > BEAM else grown
    return tuple(Spoken(text, math.log(max(sum(parts), 1e-300))) for text, parts in _keep_likely(beam).items())


def _keep_likely(texts: dict[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
    """As many texts as the beam holds, likeliest first."""
    return dict(sorted(texts.items(), key=lambda item: -sum(item[1]))[:BEAM])


def find_taken_back(frames: Frames) -> tuple[str, ...]:
    """Flags of digits that were struck out or overwritten, where a column shows such a one rather than all else."""
    seen = set(frames.argmax(1).tolist())
    return tuple(flag for number, flag in TAKEN_BACK.items() if number in seen)


def score_texts(frames: Frames, texts: Sequence[str]) -> NDArray[np.float64]:
    """Natural logarithm of the chance of each text: float64[n], all texts at once."""
    longest = max(map(len, texts))
    # Odd places hold a text's digits, even ones the blank between them; short texts are filled with blanks. A text is a
    # column: so what is added up lies side by side in memory.
    signs = np.full((2 * longest + 1, len(texts)), NOT_A_DIGIT)
    for number, text in enumerate(texts):
        signs[1 : 2 * len(text) : 2, number] = [int(digit) for digit in text]
    skips = np.zeros(signs.shape)
    skips[2:] = (signs[2:] != NOT_A_DIGIT) & (signs[2:] != signs[:-2])
    digits, others = frames[:, :NOT_A_DIGIT].astype(np.float64), frames[:, NOT_A_DIGIT:].sum(1, keepdims=True)
    chances = np.maximum(np.concatenate([digits, others], 1), LEAST)[:, signs]
    # Two rows of zeros stand before the states, so that each state has two before it.
    padded = np.zeros((signs.shape[0] + 2, len(texts)))
    state, before, skipped = padded[2:], padded[1:-1], padded[:-2]
    state[0] = 1
    level = np.zeros(len(texts))
    moved = np.empty(signs.shape)
    for number, column in enumerate(chances, 1):
        np.multiply(skipped, skips, out=moved)
        moved += before
        moved += state
        np.multiply(moved, column, out=state)
        if number % FRESH == 0:
            total = state.sum(0)
            state /= total
            level += np.log(total)
    ends = np.array([2 * len(text) for text in texts])
    every = np.arange(len(texts))
    last = state[ends, every] + np.where(ends > 0, state[np.maximum(ends - 1, 0), every], 0)
    return np.asarray(level + np.log(np.maximum(last, 1e-300)))
