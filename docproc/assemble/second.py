"""A second reader's word on a field: the texts of both readers, each weighed by both."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from docproc.assemble.ctc import find_taken_back, score_texts, speak
from docproc.assemble.decode import Text, decode
from docproc.assemble.row import Row
from docproc.types import Frames, Lattice, Probs

TRUST = 1.3
"""How much the second reader's word counts beside the first's, as an exponent of its chances; chosen on strips of real
forms, where 1.0 to 1.4 differ by a few of 732."""
PER_DIGIT = 1.5
"""Log odds in favour of each digit of a text: of joined or equal digits the second reader rather drops one than doubles
one."""
SPOKEN, FAR = 4, 4.0
"""Texts of the second reader that are considered: so many at most, none of which it is surer of another by this log
odds."""


SEVERAL = 0.01
"""A field may hold more than one digit if a text of several has this chance."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A field as the first reader alone reads it."""

    lattice: Lattice
    probs: Probs
    row: Row
    texts: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """What the second reader says: its own text; how far, as a logarithm of their chances, the likeliest text by both
    readers is ahead of any other for this one, less than 0 where another is ahead; the chance of what it takes the
    column for of which it is least sure; and flags for digits that it saw taken back."""

    text: str
    lead: float
    least: float = 1.0
    flags: tuple[str, ...] = ()


def is_checked(draft: Draft) -> bool:
    """Whether a field is read twice: any strip, and any row that may hold more than one digit.

    A page of lone digits in boxes does not pay for a second reading; whether one of them was struck out or written
    over is then for the first reader alone to doubt.
    """
    several = any(len(text.text) > 1 and text.posterior > SEVERAL for text in draft.texts)
    return several or draft.lattice.field.kind == "strip"


def confirm(draft: Draft, frames: Frames) -> tuple[tuple[Text, ...], Check]:
    """The likeliest texts by both readers, their posteriors as both see them, and the second reader's word.

    The two are taken to err independently, so their chances multiply (Hinton, Neural Computation 14, 2002).
    """
    spoken = speak(frames)
    known = {text.text for text in draft.texts}
    near = [other.text for other in spoken[:SPOKEN] if other.score > spoken[0].score - FAR]
    new = [text for text in near if text and text not in known]
    added = decode(draft.lattice, draft.probs, draft.row, new) if new else ()
    texts = (*draft.texts, *added)
    scores = score_texts(frames, [text.text for text in texts])
    lengths = np.array([len(text.text) for text in texts])
    weights = np.array([text.weight for text in texts]) + TRUST * scores + PER_DIGIT * lengths
    order = np.argsort(-weights, kind="stable")
    shares = _share(weights[order])
    ranked = tuple(replace(texts[i], posterior=float(share)) for i, share in zip(order, shares, strict=True))
    chosen = order[0]
    others = [other.score for other in spoken if other.text != texts[chosen].text]
    lead = float(scores[chosen]) - max(others, default=-math.inf)
    least = float(frames.max(1).min(initial=1.0))
    return ranked, Check(spoken[0].text, lead, least, find_taken_back(frames))


def _share(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    chances = np.exp(weights - weights.max())
    return np.asarray(chances / chances.sum())
