"""The spine: page references in, page results out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import cv2
import numpy as np

from docproc.assemble.page import assemble
from docproc.clean.page import clean
from docproc.fields.locate import locate
from docproc.fields.strip import has_ink_outside
from docproc.flow.mappers import Mapper, attempt
from docproc.options import Recipe
from docproc.pages.load import load
from docproc.recognize.style import settle
from docproc.segment.lattice import propose
from docproc.segment.normalize import SIDE, normalize
from docproc.types import CleanPage, Crops, Failure, Field, Joint, PageRef, PageResult, PreparedPage

Classify = Callable[[Crops], Joint]

BATCH_CROPS = 1024
"""Crops gathered over pages before the classifier is called."""
BATCH_PAGES = 16
"""Pages gathered at most, so that pages with few crops do not wait long for their record."""


def read(refs: Iterable[PageRef], recipe: Recipe, mapper: Mapper, classify: Classify) -> Iterator[PageResult]:
    """Read pages, in order: prepare each in the mapper's processes, classify many pages' crops at once, assemble."""
    for pages in _batches(mapper(partial(prepare, recipe=recipe), refs, lose)):
        counts = [len(page.crops) for page in pages]
        joint = classify(np.concatenate([page.crops for page in pages]))
        for page, part in zip(pages, np.split(joint, np.cumsum(counts)[:-1]), strict=True):
            result = attempt(partial(assemble, probs=settle(part, recipe), recipe=recipe), page)
            yield PageResult(page.ref, (), page.flags, result) if isinstance(result, Failure) else result


def prepare(ref: PageRef, recipe: Recipe) -> PreparedPage:
    """Load, clean, locate, propose and normalize one page; pure after the load. Raises PageError."""
    start = time.perf_counter()
    page = clean(load(ref, recipe.options), recipe.options.strips)
    fields = locate(page, recipe.options.strips)
    outside = recipe.options.strips and has_ink_outside(page, fields[0].box)
    proposals = [propose(page, field) for field in fields]
    crops = [normalize(page.gray, proposal) for proposal in proposals]
    return PreparedPage(
        ref,
        tuple(proposal.lattice for proposal in proposals),
        np.concatenate([_NO_CROPS, *crops]),
        page.to_scan,
        tuple(picture(page, proposal.lattice.field) for proposal in proposals),
        (*page.flags, "outside") if outside else page.flags,
        seconds=time.perf_counter() - start,
    )


def lose(ref: PageRef, failure: Failure) -> PreparedPage:
    """What stands for a page that could not be prepared."""
    return PreparedPage(ref, (), _NO_CROPS, np.eye(2, 3), failure=failure)


def picture(page: CleanPage, field: Field) -> bytes:
    """The field's strip as PNG, for the ledger and the review."""
    box = field.box
    done, data = cv2.imencode(".png", page.gray[box.y : box.bottom, box.x : box.right])
    return data.tobytes() if done else b""


_NO_CROPS: Crops = np.zeros((0, SIDE, SIDE), np.uint8)


def _batches(pages: Iterable[PreparedPage]) -> Iterator[list[PreparedPage]]:
    batch: list[PreparedPage] = []
    for page in pages:
        batch.append(page)
        if len(batch) == BATCH_PAGES or sum(len(p.crops) for p in batch) >= BATCH_CROPS:
            yield batch
            batch = []
    if batch:
        yield batch
