"""What another recipe would change: the results' sources read again beside them, and compared field by field."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from docproc.flow.job import Progress, catch_up, look
from docproc.flow.mappers import Mapper
from docproc.options import Recipe
from docproc.records.ledger import Ledger, Run, begin_aside, note_documents
from docproc.records.matching import SAME_PLACE, measure_overlap
from docproc.records.versions import Present, ReadField, ReadPage, list_present, read_version
from docproc.records.watched import find_outcome
from docproc.types import Document, Reader

Kind = Literal["changed", "filled", "emptied", "new", "missing", "failed", "mended", "doubted", "trusted", "settled"]
"""How a field or page comes out: another value, or one where none was, or none where one was; found now only, or no
more; a page that fails now, or no more; of the same value, to look at now, or no more; read otherwise, or found no
more, where a person has spoken, whose word stays."""
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Change:
    """A field, or with neither `before` nor `after` a page, that would come out otherwise; `why` tells of a failure."""

    kind: Kind
    source: str
    page: int
    before: ReadField | None = None
    after: ReadField | None = None
    why: str = ""

    @property
    def field(self) -> str:
        """The name of the field, the newer one if it has two."""
        either = self.after or self.before
        return "" if either is None else either.name

    @property
    def is_of_value(self) -> bool:
        """Whether the value in the results would be another."""
        values = [None if side is None or side.status != "value" else side.text for side in (self.before, self.after)]
        return self.kind != "settled" and values[0] != values[1]


@dataclass(frozen=True, slots=True)
class Aside:
    """What was read again: how many pages, and the sources whose files are gone or hold other bytes by now."""

    run: Run
    read: int
    gone: tuple[str, ...]
    replaced: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """What would change: `fields` compared, `values` of them others, how many changes of each kind, and which.

    `left` are sources that could not be compared: not read yet, or gone.
    """

    fields: int
    values: int
    counts: tuple[tuple[Kind, int], ...]
    changes: tuple[Change, ...]
    left: tuple[str, ...]


def read_aside(
    ledger: Ledger,
    before: str,
    recipe: Recipe,
    survey: Callable[[str], Document],
    mapper: Mapper,
    reader: Reader,
    progress: Progress,
    stopping: Callable[[], bool],
) -> Aside:
    """Read the sources of the recipe `before` with another one, under its own key: nothing is replaced.

    Pages that were read with it are not read again, neither by this nor by a later run.
    """
    run = begin_aside(ledger, recipe.key, recipe.about)
    present = list_present(ledger, before)
    found = look([source.place for source in present], survey, mapper, progress, stopping)
    gone, replaced, documents = [], [], []
    for source, document in zip(present, found, strict=False):
        if document.digest == source.digest:
            documents.append(document)
        elif document.digest:
            replaced.append(source.shown)
        else:
            gone.append(source.shown)
    distinct = list({document.digest: document for document in documents}.values())
    read = catch_up(ledger, run, distinct, reader, progress, stopping)
    # only now, and no half document: what is noted is among the results once a run takes this recipe
    note_documents(ledger, run, (document for document in distinct if _is_whole(ledger, run, document)))
    return Aside(run, read, tuple(gone), tuple(replaced))


def _is_whole(ledger: Ledger, run: Run, document: Document) -> bool:
    return document.skipped is None and find_outcome(ledger, run, document).left == 0


def compare(ledger: Ledger, before: str, after: str) -> Difference:
    """Hold two recipes' readings of the same sources against each other."""
    counts: Counter[Kind] = Counter()
    fields, left = 0, []
    changes: list[Change] = []
    for source in list_present(ledger, before):
        old, new = read_version(ledger, source.digest, before), read_version(ledger, source.digest, after)
        if old is None or new is None:
            left.append(source.shown)
            continue
        fields += sum(len(page.fields) for page in old)
        for change in compare_documents(source, old, new):
            counts[change.kind] += 1
            changes.append(change)
    changes.sort(key=lambda change: KINDS.index(change.kind))
    values = sum(change.is_of_value for change in changes)
    return Difference(
        fields, values, tuple((kind, counts[kind]) for kind in KINDS if counts[kind]), tuple(changes), tuple(left)
    )


def compare_documents(source: Present, old: Sequence[ReadPage], new: Sequence[ReadPage]) -> Iterator[Change]:
    """What differs between two versions of a document, page by page."""
    was, is_ = {page.number: page for page in old}, {page.number: page for page in new}
    for number in sorted({*was, *is_}):
        one, other = was.get(number), is_.get(number)
        if other is not None and other.failure is not None:
            if one is None or one.failure != other.failure:
                yield Change("failed", source.shown, number, why=other.failure)
        elif one is not None and one.failure is not None:
            yield Change("mended", source.shown, number, why=one.failure)
        elif one is not None and other is not None:
            for change in compare_pages(one.fields, other.fields):
                yield replace(change, source=source.shown, page=number)


def compare_pages(old: Sequence[ReadField], new: Sequence[ReadField]) -> Iterator[Change]:
    """What differs between two versions of a page; what stands in no other place on it is the same field."""
    for before, after in pair(old, new):
        kind = judge(before, after)
        if kind is not None:
            yield Change(kind, "", 0, before, after)


def judge(before: ReadField | None, after: ReadField | None) -> Kind | None:
    """How a field comes out; None if nothing changes that anybody would see."""
    said = any(side is not None and side.said is not None for side in (before, after))
    if before is None or after is None:
        return "settled" if said else "new" if before is None else "missing"
    same = (before.status, before.text) == (after.status, after.text)
    if said:
        return None if same else "settled"
    if not same:
        if before.status == "value":
            return "changed" if after.status == "value" else "emptied"
        return "filled" if after.status == "value" else "changed"
    if before.review == after.review:
        return None
    return "doubted" if after.review else "trusted"


def pair(old: Sequence[ReadField], new: Sequence[ReadField]) -> Iterator[tuple[ReadField | None, ReadField | None]]:
    """Fields of two versions that are one: by name if both lie on the same form, else by the place they share."""
    free = dict(enumerate(new))
    for before in old:
        place = _find_match(before, free.items())
        yield before, None if place is None else free.pop(place)
    for after in free.values():
        yield None, after


def _find_match(before: ReadField, free: Iterable[tuple[int, ReadField]]) -> int | None:
    best, found = 0.0, None
    for place, after in free:
        if before.form is not None and before.form == after.form and before.name == after.name:
            return place
        overlap = measure_overlap(before.box, after.box)
        if overlap >= SAME_PLACE and overlap > best:
            best, found = overlap, place
    return found
