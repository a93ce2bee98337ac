"""The training set: crops that the lattice proposes for composed fields, made in processes from one seed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np

from docproc.train.data import check_sets, load_glyphs, load_mnist
from docproc.train.fonts import printed_glyphs
from docproc.train.strings import DRAWN_SHARE, Bank, LabelledCrops, label_segments, make_bank
from docproc.types import NOT_A_DIGIT

CHUNK = 100
"""Fields composed from one seed: small enough for a smooth bar, large enough to amortize the start."""
REJECTS_PER_DIGIT = 1.3
"""A lattice proposes many more broken segments than whole ones; this share of them is kept."""

_bank: Bank | None = None


def make_crops(folder: Path, fields: int, held_out: bool, seed: int, workers: int) -> Iterator[LabelledCrops]:
    """Compose `fields` fields by one side of the writer split; yields chunks of crops as they are made."""
    check_sets(folder)
    seeds = [seed * 1_000_003 + i for i in range(-(-fields // CHUNK))]
    # multiprocessing's own Pool would start workers for ever if they cannot read the sets.
    with ProcessPoolExecutor(workers, get_context("spawn"), _start, (folder, held_out)) as pool:
        yield from pool.map(_chunk, seeds)


def _start(folder: Path, held_out: bool) -> None:
    global _bank  # noqa: PLW0603 - one bank a process, too large to send with each seed
    cv2.setNumThreads(1)
    glyphs = (*load_glyphs(folder, held_out), *printed_glyphs(digits=True))
    _bank = make_bank(glyphs, printed_glyphs(digits=False), 0.0 if held_out else DRAWN_SHARE)


def _chunk(seed: int) -> LabelledCrops:
    assert _bank is not None
    rng = np.random.default_rng(seed)
    made = join_crops([label_segments(rng, _bank) for _ in range(CHUNK)])
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
