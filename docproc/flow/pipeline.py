"""The spine: page references in, page results out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import cv2
import numpy as np

from docproc.assemble.page import assemble, draft
from docproc.assemble.second import Draft, is_checked
from docproc.clean.doubt import doubt_fields
from docproc.clean.lay import lay
from docproc.clean.page import clean
from docproc.clean.quality import Faults, find_faults
from docproc.clean.strokes import keep_strokes
from docproc.errors import PageError
from docproc.fields.bends import place_points
from docproc.fields.locate import locate
from docproc.fields.placed import locate_placed
from docproc.fields.register import register
from docproc.fields.strip import has_ink_outside
from docproc.flow.mappers import Mapper, attempt
from docproc.options import Recipe
from docproc.pages.load import load
from docproc.recognize.style import settle
from docproc.segment.lattice import Proposal, propose_all
from docproc.segment.line import draw_line, erase_others
from docproc.segment.normalize import SIDE, normalize
from docproc.segment.own import FRAMED
from docproc.types import (
    FORM_DPI,
    CleanPage,
    Crops,
    Failure,
    Field,
    FormPage,
    Frames,
    Joint,
    Line,
    Page,
    PageRef,
    PageResult,
    Place,
    Placement,
    PreparedPage,
)

Classify = Callable[[Crops], Joint]
ReadLines = Callable[[Sequence[Line]], Sequence[Frames]]

BATCH_CROPS = 1024
"""Crops gathered over pages before the classifier is called."""
BATCH_PAGES, BATCH_SECONDS = 64, 3.0
"""Pages gathered at most, and how much work may be in them, so that pages with few crops do not wait long for their
record."""


def read(
    refs: Iterable[PageRef], recipe: Recipe, mapper: Mapper, classify: Classify, read_lines: ReadLines
) -> Iterator[PageResult]:
    """Read pages, in order: prepare each in the mapper's processes, classify many pages' crops at once, finish."""
    for pages in _batches(mapper(partial(prepare, recipe=recipe), refs, lose)):
        counts = [len(page.crops) for page in pages]
        joint = classify(np.concatenate([page.crops for page in pages]))
        parts = np.split(joint, np.cumsum(counts)[:-1])
        drafts = [
            attempt(partial(draft, probs=settle(part, recipe)), page) for page, part in zip(pages, parts, strict=True)
        ]
        for page, drafted, frames in zip(pages, drafts, check(pages, drafts, read_lines), strict=True):
            if isinstance(drafted, Failure):
                result: PageResult | Failure = drafted
            else:
                result = attempt(partial(assemble, drafts=drafted, frames=frames, recipe=recipe), page)
            yield PageResult(page.ref, (), page.flags, result) if isinstance(result, Failure) else result


def prepare(ref: PageRef, recipe: Recipe) -> PreparedPage:
    """Load, clean, locate, propose and normalize one page; pure after the load. Raises PageError."""
    start = time.perf_counter()
    seen = find(load(ref, recipe.options), recipe)
    prepared = pack(seen.page, propose_all(seen.page, seen.fields))
    outside = recipe.options.strips and has_ink_outside(seen.page, prepared.lattices[0].field.box)
    flags = (*seen.page.flags, "outside") if outside else seen.page.flags
    return replace(prepared, flags=flags, place=seen.place, seconds=time.perf_counter() - start)


class Found(NamedTuple):
    """A clean page, its fields, and which page of a form it is."""

    page: CleanPage
    fields: tuple[Field, ...]
    place: Place | None = None


def find(page: Page, recipe: Recipe) -> Found:
    """Clean a page and locate its fields, by the recipe's forms if it has any. Raises PageError."""
    if not recipe.forms:
        strips = recipe.options.strips
        faults = Faults() if strips else find_faults(page)
        cleaned = clean(_flag(page, faults), strips)
        fields = locate(cleaned, strips)
        cleaned = keep_strokes(cleaned, [field.box for field in fields if field.kind in FRAMED])
        return Found(cleaned, doubt_fields(fields, faults, cleaned.to_scan))
    placement = _register(page, [sheet for form in recipe.forms for sheet in form.pages])
    page = _lie(page, placement)
    faults, sheet = find_faults(page), placement.page
    count = next(len(form.pages) for form in recipe.forms if sheet in form.pages)
    laid = lay(_flag(page, faults), placement, partial(place_points, placement))
    laid, fields = locate_placed(laid, sheet.fields, sheet.blank)
    fields = doubt_fields(fields, faults, laid.to_scan)
    return Found(laid, fields, Place(sheet.form, sheet.number, count, placement.residual))


def _flag(page: Page, faults: Faults) -> Page:
    return replace(page, flags=(*page.flags, *faults.flags))


def _register(page: Page, sheets: Sequence[FormPage]) -> Placement:
    """Register the page; where that fails, what is wrong with its scan may be why."""
    try:
        return register(page.gray, sheets)
    except PageError as error:
        flags = find_faults(page).flags
        raise PageError(error.code, "; ".join((error.detail, *flags))) from error


def _lie(page: Page, placement: Placement) -> Page:
    """The page with the resolution at which its form lies on it: the form, not the file, says how large it is."""
    form = placement.page
    ends = np.array([[(0, 0), (form.width, form.height)]], np.float64)
    start, stop = cv2.perspectiveTransform(ends, placement.to_scan)[0]
    scale = float(np.hypot(*(stop - start))) / float(np.hypot(form.width, form.height))
    flags = tuple(flag for flag in page.flags if flag != "resolution-estimated")
    return replace(page, dpi=FORM_DPI * scale, flags=flags)


def pack(page: CleanPage, proposals: Sequence[Proposal]) -> PreparedPage:
    """What the readers and the ledger need of a page's fields."""
    crops = [normalize(page.gray, proposal) for proposal in proposals]
    return PreparedPage(
        page.ref,
        tuple(proposal.lattice for proposal in proposals),
        np.concatenate([_NO_CROPS, *crops]),
        page.to_scan,
        tuple(_line(page, proposal) for proposal in proposals),
        tuple(picture(page, proposal.lattice.field) for proposal in proposals),
        page.flags,
    )


def check(
    pages: Sequence[PreparedPage], drafts: Sequence[tuple[Draft, ...] | Failure], read_lines: ReadLines
) -> Iterator[dict[int, Frames]]:
    """For each page the second reader's word on the fields, by number, that a second reading can change."""
    asked = [
        [] if isinstance(drafted, Failure) else [number for number, field in enumerate(drafted) if is_checked(field)]
        for drafted in drafts
    ]
    rows = [page.lines[number] for page, numbers in zip(pages, asked, strict=True) for number in numbers]
    frames = iter(read_lines(rows))
    for numbers in asked:
        yield {number: next(frames) for number in numbers}


def lose(ref: PageRef, failure: Failure) -> PreparedPage:
    """What stands for a page that could not be prepared."""
    return PreparedPage(ref, (), _NO_CROPS, np.eye(3), failure=failure)


def picture(page: CleanPage, field: Field) -> bytes:
    """The field's strip as PNG, for the ledger and the review."""
    box = field.box
    done, data = cv2.imencode(".png", page.gray[box.y : box.bottom, box.x : box.right])
    return data.tobytes() if done else b""


def _line(page: CleanPage, proposal: Proposal) -> Line:
    """The row of a field; of a comb only its ink, since the walls of its cells look like 1s."""
    field = proposal.lattice.field
    box = field.box
    gray, own = page.gray[box.y : box.bottom, box.x : box.right], proposal.labels > 0
    return draw_line(erase_others(gray, own) if field.cells else gray, own)


_NO_CROPS: Crops = np.zeros((0, SIDE, SIDE), np.uint8)


def _batches(pages: Iterable[PreparedPage]) -> Iterator[list[PreparedPage]]:
    batch: list[PreparedPage] = []
    for page in pages:
        batch.append(page)
        crops, seconds = sum(len(p.crops) for p in batch), sum(p.seconds for p in batch)
        if len(batch) == BATCH_PAGES or crops >= BATCH_CROPS or seconds >= BATCH_SECONDS:
            yield batch
            batch = []
    if batch:
        yield batch
