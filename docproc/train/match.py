"""Which row of the results speaks of which field of the truth."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from docproc.errors import InputError
from docproc.train.truth import Answer, TrueField, TruePage, Truth
from docproc.types import Box

MIN_COVER = 0.5
"""Share of the smaller box that both must share: the result may frame the ink, the truth the printed box."""
MIN_OVERLAP = 0.05
"""Intersection over union below which a box says nothing about a field, however well one covers the other."""


@dataclass(frozen=True, slots=True)
class Matched:
    """A field of the truth and the row about it, None where there is none. A failed page's row is about every field."""

    field: TrueField
    answer: Answer | None


@dataclass(frozen=True, slots=True)
class Matching:
    """All fields of the truth, the rows that speak of none of them though their page is known, and unread pages."""

    fields: tuple[Matched, ...]
    extra: tuple[Answer, ...]
    absent: tuple[TruePage, ...]


def match_answers(truth: Truth, answers: Iterable[Answer]) -> Matching:
    """Fields and rows joined: source by the end of its path, then page, then boxes, the best overlap first.

    InputError where a source of the truth fits several of the results, or none fits at all.
    """
    by_page: dict[TruePage, list[Answer]] = defaultdict(list)
    for answer in answers:
        by_page[TruePage(answer.source, answer.page)].append(answer)
    names = pair_sources({page.source for page in truth.pages}, {page.source for page in by_page})
    by_true_page: dict[TruePage, list[TrueField]] = defaultdict(list)
    for field in truth.fields:
        by_true_page[TruePage(field.source, field.page)].append(field)
    matched: list[Matched] = []
    extra: list[Answer] = []
    absent: list[TruePage] = []
    for page in sorted(truth.pages):
        source = names.get(page.source)
        # A file that would not open has its one row on page 0.
        rows = (
            [] if source is None else by_page.get(TruePage(source, page.page)) or by_page.get(TruePage(source, 0), [])
        )
        if not rows:
            absent.append(page)
        joined, left = match_page(by_true_page[page], rows)
        matched += joined
        extra += left
    return Matching(tuple(matched), tuple(extra), tuple(absent))


def pair_sources(true_sources: set[str], sources: set[str]) -> dict[str, str]:
    """The source of the results that each source of the truth means: the one whose path ends with it."""
    by_end: dict[str, list[str]] = defaultdict(list)
    for source in sources:
        parts = source.replace("\\", "/").split("/")
        for i in range(len(parts)):
            by_end["/".join(parts[i:])].append(source)
    pairs = {}
    for name in true_sources:
        found = sorted(by_end.get(name, []))
        if len(found) > 1:
            raise InputError(f"{name} may be {found[0]} or {found[1]}; evaluate results of one folder at a time")
        if found:
            pairs[name] = found[0]
    if not pairs:
        raise InputError("no file of the truth is in the results; check that both speak of the same files")
    return pairs


def match_page(fields: list[TrueField], rows: list[Answer]) -> tuple[list[Matched], list[Answer]]:
    """The fields of one page with their rows, and the rows left over."""
    failed = next((row for row in rows if row.status == "failed"), None)
    free = [row for row in rows if row.status != "failed"]
    pairs = [
        (overlap, i, j)
        for i, field in enumerate(fields)
        for j, row in enumerate(free)
        if (overlap := measure_overlap(field.box, row.box)) > 0
    ]
    by_field: dict[int, int] = {}
    taken: set[int] = set()
    for _, i, j in sorted(pairs, key=lambda pair: (-pair[0], pair[1], pair[2])):
        if i not in by_field and j not in taken:
            by_field[i] = j
            taken.add(j)
    matched = [Matched(field, free[by_field[i]] if i in by_field else failed) for i, field in enumerate(fields)]
    return matched, [row for j, row in enumerate(free) if j not in taken]


def measure_overlap(true_box: Box | None, box: Box) -> float:
    """Intersection over union where the boxes belong together, else 0; without a true box the widest row is best."""
    if true_box is None:
        return 1.0 + box.width
    wide = min(true_box.right, box.right) - max(true_box.x, box.x)
    high = min(true_box.bottom, box.bottom) - max(true_box.y, box.y)
    if wide <= 0 or high <= 0:
        return 0.0
    shared = wide * high
    areas = true_box.width * true_box.height, box.width * box.height
    overlap = shared / (sum(areas) - shared)
    return overlap if overlap >= MIN_OVERLAP and shared >= MIN_COVER * min(areas) else 0.0
