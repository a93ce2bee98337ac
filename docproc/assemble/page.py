"""A prepared page and what its readers say → the page's result."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from docproc.assemble.agree import agree
from docproc.assemble.confidence import least_confidence
from docproc.assemble.decode import decode, merge
from docproc.assemble.grammar import list_allowed
from docproc.assemble.judge import accept, choose_scale, judge
from docproc.assemble.marks import judge_mark
from docproc.assemble.row import measure_row
from docproc.assemble.second import Draft, confirm
from docproc.options import Recipe
from docproc.types import Frames, PageResult, PreparedPage, Probs, Sum


def draft(page: PreparedPage, probs: Probs) -> tuple[Draft, ...]:
    """Each field as the reader of single digits sees it; `probs` has a row for each crop of the page."""
    ends = np.cumsum([len(lattice.segments) for lattice in page.lattices])
    drafts = []
    for lattice, part in zip(page.lattices, np.split(probs, ends)[:-1], strict=True):
        row = measure_row(lattice.segments, part)
        texts, allowed = decode(lattice, part, row), list_allowed(lattice.field.rule)
        if allowed:
            texts = merge(texts, decode(lattice, part, row, allowed))
        drafts.append(Draft(lattice, part, row, texts))
    return tuple(drafts)


def assemble(page: PreparedPage, drafts: tuple[Draft, ...], frames: Mapping[int, Frames], recipe: Recipe) -> PageResult:
    """Judge every field; `frames` has the second reader's word on those, by number, that were shown to it."""
    if page.failure is not None:
        return PageResult(page.ref, (), page.flags, page.failure, page.seconds)
    readings, least = [], []
    for number, (drafted, strip) in enumerate(zip(drafts, page.strips, strict=True)):
        word = frames.get(number)
        texts, check = (drafted.texts, None) if word is None else confirm(drafted, word)
        calibration, rule = recipe.calibration, drafted.lattice.field.rule
        if rule.type == "mark":
            readings.append(judge_mark(drafted.lattice, page.to_scan, strip))
        else:
            readings.append(
                judge(drafted.lattice, texts, drafted.row, check, calibration, page.to_scan, strip, drafted.probs)
            )
        least.append(least_confidence(rule.max_error or recipe.options.max_error, choose_scale(check, calibration)))
    agreed = agree(tuple(readings), _find_sums(page, recipe))
    judged = (accept(reading, sure, page.flags) for reading, sure in zip(agreed, least, strict=True))
    return PageResult(page.ref, tuple(judged), page.flags, None, page.seconds, page.place)


def _find_sums(page: PreparedPage, recipe: Recipe) -> tuple[Sum, ...]:
    """The sums of the page's form whose members are all on this page."""
    there = {lattice.field.name for lattice in page.lattices}
    sums = (sum_ for form in recipe.forms if page.place and form.name == page.place.form for sum_ in form.sums)
    return tuple(sum_ for sum_ in sums if there.issuperset((*sum_.parts, sum_.whole)))
