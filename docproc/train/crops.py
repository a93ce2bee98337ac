"""Composed fields, cut by docproc's own segmenter into labelled crops: what the nets for digits are trained on.

They are to judge what the lattice proposes: whole digits, halves, pairs, digits with a dot or a bit of ruling. Which
digit each pixel belongs to is known, so each segment's label is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from docproc.segment.lattice import Proposal, propose
from docproc.segment.normalize import normalize
from docproc.train.bank import Bank, map_fields
from docproc.train.data import load_mnist
from docproc.train.strings import clean_strip, compose
from docproc.types import NOT_A_DIGIT, Box, Crops, Field

WHOLE = 0.9
"""A segment is a digit if it holds this share of the digit's ink …"""
PURE = 0.84
"""… and this share of its own ink is that digit's."""
NEARLY = 0.68
"""Between this and the above a segment is neither: it teaches nothing."""
REJECTS_PER_DIGIT = 1.3
"""A lattice proposes many more broken segments than whole ones; this share of them is kept."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelledCrops:
    """uint8[n, 28, 28] crops, ink high, int64[n] classes 0..10 and int64[n] styles, -1 where not known."""

    crops: Crops
    labels: NDArray[np.int64]
    styles: NDArray[np.int64]


def make_crops(folder: Path, fields: int, held_out: bool, seed: int, workers: int) -> Iterator[LabelledCrops]:
    """Compose `fields` fields by one side of the writer split; yields chunks of crops as they are made."""
    for number, chunk in enumerate(map_fields(label_segments, folder, fields, held_out, seed, workers)):
        yield _thin(join_crops(chunk), np.random.default_rng([seed, number]))


def label_segments(rng: np.random.Generator, bank: Bank) -> LabelledCrops:
    """Compose one field and return the crops that its lattice proposes, with their classes and styles."""
    strip = compose(rng, bank)
    page = clean_strip(strip.gray)
    height, width = page.gray.shape
    proposal = propose(page, Field("1", Box(0, 0, width, height), "strip"))
    segments = proposal.lattice.segments
    if not segments:
        return LabelledCrops(np.zeros((0, 28, 28), np.uint8), np.zeros(0, np.int64), np.zeros(0, np.int64))
    owner = cv2.dilate(strip.owner.astype(np.float32), np.ones((5, 5), np.uint8)).astype(np.int64)
    owner = np.where(strip.owner > 0, strip.owner, owner)
    return label_proposal(proposal, normalize(page.gray, proposal), owner, strip.labels, strip.styles)


def label_proposal(
    proposal: Proposal, crops: Crops, owner: NDArray[np.int64], labels: Sequence[int], styles: Sequence[int]
) -> LabelledCrops:
    """The crops of a proposal with their classes and styles, those left out that are neither whole nor broken.

    `owner` is int64[h, w] over the field: 0 paper, i + 1 the i-th glyph, of which `labels` and `styles` tell.
    """
    segments = proposal.lattice.segments
    # Ink by piece and owner, then by segment: a segment is a run of pieces.
    pieces = proposal.lattice.nodes
    count = len(labels) + 1
    table = np.bincount((proposal.labels * count + owner).ravel(), minlength=pieces * count).reshape(pieces, count)
    running = np.concatenate([np.zeros((1, count), np.int64), np.cumsum(table[1:], 0)])
    spans = running[[s.stop for s in segments]] - running[[s.start for s in segments]]
    totals = running[-1]
    found = np.array([_label(span, totals, labels) for span in spans], np.int64)
    known = np.array(styles, np.int64)[spans[:, 1:].argmax(1)]
    known[found == NOT_A_DIGIT] = -1
    chosen = found >= 0
    return LabelledCrops(crops[chosen], found[chosen], known[chosen])


def _label(span: NDArray[np.int64], totals: NDArray[np.int64], labels: Sequence[int]) -> int:
    """Class of a segment from the ink it holds of each glyph; -1 where it is neither whole nor broken."""
    best = int(span[1:].argmax()) + 1
    if labels[best - 1] == NOT_A_DIGIT or span[best] == 0:
        return NOT_A_DIGIT
    whole, pure = span[best] / totals[best], span[best] / span.sum()
    if whole >= WHOLE and pure >= PURE:
        return labels[best - 1]
    return -1 if whole >= NEARLY and pure >= NEARLY else NOT_A_DIGIT


def _thin(made: LabelledCrops, rng: np.random.Generator) -> LabelledCrops:
    """Keep all digits, and not many more rejects."""
    rejects = np.flatnonzero(made.labels == NOT_A_DIGIT)
    digits = np.flatnonzero(made.labels != NOT_A_DIGIT)
    spare = rng.permutation(rejects)[: int(REJECTS_PER_DIGIT * len(digits))]
    chosen = np.sort(np.concatenate([digits, spare]))
    return LabelledCrops(made.crops[chosen], made.labels[chosen], made.styles[chosen])


def join_crops(parts: Iterable[LabelledCrops]) -> LabelledCrops:
    """Several sets of crops as one."""
    every = list(parts)
    columns = ([getattr(part, name) for part in every] for name in ("crops", "labels", "styles"))
    return LabelledCrops(*map(np.concatenate, columns))


def mnist_crops(folder: Path, held_out: bool) -> LabelledCrops:
    """MNIST's own crops: already normalized the way ours are. Nobody says which style their writers had."""
    crops, labels = load_mnist(folder, held_out)
    return LabelledCrops(crops, labels, np.full(len(labels), -1, np.int64))
