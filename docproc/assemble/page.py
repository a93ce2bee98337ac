"""A prepared page and what its readers say → the page's result."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from docproc.assemble.decode import decode
from docproc.assemble.judge import judge
from docproc.assemble.row import measure_row
from docproc.assemble.second import Draft, confirm
from docproc.options import Recipe
from docproc.types import Frames, PageResult, PreparedPage, Probs, Reading


def draft(page: PreparedPage, probs: Probs) -> tuple[Draft, ...]:
    """Each field as the reader of single digits sees it; `probs` has a row for each crop of the page."""
    ends = np.cumsum([len(lattice.segments) for lattice in page.lattices])
    drafts = []
    for lattice, part in zip(page.lattices, np.split(probs, ends)[:-1], strict=True):
        row = measure_row(lattice.segments, part)
        drafts.append(Draft(lattice, part, row, decode(lattice, part, row)))
    return tuple(drafts)


def assemble(page: PreparedPage, drafts: tuple[Draft, ...], frames: Mapping[int, Frames], recipe: Recipe) -> PageResult:
    """Judge every field; `frames` has the second reader's word on those, by number, that were shown to it."""
    if page.failure is not None:
        return PageResult(page.ref, (), page.flags, page.failure, page.seconds)
    readings = tuple(
        assemble_field(page, drafted, frames.get(number), strip, recipe)
        for number, (drafted, strip) in enumerate(zip(drafts, page.strips, strict=True))
    )
    return PageResult(page.ref, readings, page.flags, None, page.seconds)


def assemble_field(page: PreparedPage, drafted: Draft, frames: Frames | None, strip: bytes, recipe: Recipe) -> Reading:
    """Judge one field, with the second reader's word where it was asked."""
    texts, check = (drafted.texts, None) if frames is None else confirm(drafted, frames)
    return judge(drafted.lattice, texts, drafted.row.height, check, recipe, page.to_scan, page.flags, strip)
