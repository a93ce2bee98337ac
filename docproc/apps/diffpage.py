"""The page that shows each change that another recipe would make: one file without scripts that needs no other."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from docproc.apps.diff import KINDS, keep_left, tell_values
from docproc.apps.why import tell_chance
from docproc.errors import FAILURES, FLAGS
from docproc.flow.diff import Aside, Change, Difference, Kind
from docproc.records.atomic import replace_file
from docproc.records.corrections import place_of
from docproc.records.ledger import Ledger
from docproc.records.strips import fetch_strip
from docproc.records.versions import ReadField

MOST_SHOWN = 2000
"""Changes that are shown, those of values first: more make a page that browsers open slowly and nobody reads."""


@dataclass(frozen=True, slots=True)
class Side:
    """A field before or after, in words."""

    text: str
    sure: str
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """One change as it is shown; `picture` is a data URI, "" where no picture is kept."""

    source: str
    page: int
    field: str
    picture: str
    before: Side
    after: Side
    note: str


@dataclass(frozen=True, slots=True)
class Group:
    """The changes of one kind."""

    title: str
    count: int
    cards: Iterator[Card]


def write_page(ledger: Ledger, found: Difference, aside: Aside, apart: tuple[str, ...], out: Path) -> Path:
    """Write the page; pictures are fetched one by one as it grows."""
    from jinja2 import Environment, select_autoescape

    environment = Environment(autoescape=select_autoescape(default=True, default_for_string=True))
    template = environment.from_string(Path(__file__).with_name("diffpage.html").read_text(encoding="utf-8"))
    shown = found.changes[:MOST_SHOWN]
    page = template.stream(
        headline=tell_values(found),
        apart=apart,
        counts=[(KINDS[kind], count) for kind, count in found.counts],
        groups=list(_group(ledger, shown, found)),
        more=len(found.changes) - len(shown),
        gone=keep_left(aside.gone, found),
        replaced=keep_left(aside.replaced, found),
    )
    # names that are no UTF-8 are escaped already; whatever else is none must not end the page
    return replace_file(out, lambda stream: [stream.write(part.encode("utf-8", "replace")) for part in page])


def _group(ledger: Ledger, shown: tuple[Change, ...], found: Difference) -> Iterator[Group]:
    for kind, count in found.counts:
        changes = [change for change in shown if change.kind == kind]
        if changes:
            yield Group(KINDS[kind], count, (_card(ledger, change) for change in changes))


def _card(ledger: Ledger, change: Change) -> Card:
    field = change.after or change.before
    picture = b""
    for side in (change.after, change.before):
        if side is not None and not picture:
            picture = fetch_strip(ledger, *place_of(side.item))
    said = next((side.said for side in (change.before, change.after) if side is not None and side.said), None)
    note = ""
    if said is not None:
        note = f"corrected by hand: {said.text if said.status == 'value' else said.status}, which stays"
    if field is None:
        note = _explain(change.why, change.kind)
    return Card(
        change.source,
        change.page,
        change.field,
        f"data:image/png;base64,{base64.b64encode(picture).decode()}" if picture else "",
        _side(change.before),
        _side(change.after),
        note,
    )


def _side(field: ReadField | None) -> Side:
    if field is None:
        return Side("-", "", ())
    flags = tuple(FLAGS.get(flag.partition("=")[0], (flag, ""))[0] for flag in field.flags)
    if field.status != "value":
        return Side(field.status, "", flags)
    return Side(field.text, f"{tell_chance(field.confidence)}{', to look at' if field.review else ''}", flags)


def _explain(code: str, kind: Kind) -> str:
    meaning, remedy = FAILURES.get(code, (code, "see docproc status"))
    return f"{meaning}; {remedy}" if kind == "failed" else f"before: {meaning}"
