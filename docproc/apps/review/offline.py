"""Review on a computer without docproc: a page that holds what is to be looked at, and the file that comes back."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from jinja2 import Environment

from docproc.apps.review.asked import AskedWronglyError, get_choice, get_number, get_text
from docproc.apps.review.bundle import join_modules, make_policy, read
from docproc.apps.review.pictures import draw_strip
from docproc.apps.review.words import describe_item
from docproc.errors import UsageError
from docproc.records.atomic import replace_file
from docproc.records.corrections import Changed, State, add, check_answer, check_name, read_state
from docproc.records.items import read_item
from docproc.records.lanes import ALL
from docproc.records.ledger import Ledger
from docproc.records.matching import Answer, Purpose, Said
from docproc.records.proof import identify
from docproc.records.queue import Queue

FORMAT = "docproc-corrections-1"
MODULES = ("edit", "item", "side", "ask", "grid", "line", "keys", "main")
MOST_BYTES = 64 << 20
MOST_FIELDS = 5000
"""That one page holds: with their pictures some tens of megabytes."""


@dataclass(frozen=True, slots=True)
class Pile:
    """A page that was written: how many fields it holds, and how many more wait."""

    fields: int
    more: int
    path: Path


@dataclass(frozen=True, slots=True)
class Remark:
    """What somebody says of a field, having seen its version elsewhere."""

    item: int
    version: str
    answer: Answer
    at: datetime


@dataclass(frozen=True, slots=True)
class Merged:
    """What became of corrections: written, there already, at odds with what others said meanwhile, of no field."""

    taken: int
    known: int
    disputed: int
    lost: int


def write_pile(queue: Queue, title: str, path: Path) -> Pile:
    """Write the page with the fields that wait for a look, in the order of the pages."""
    waiting = list(queue.list_waiting("review", ALL))
    items = list(describe_pile(queue, waiting[:MOST_FIELDS]))
    pile = {"title": title, "ledger": identify(queue.ledger), "made": datetime.now(UTC).isoformat(), "items": items}
    script, style = join_modules(MODULES, {"ask": "offline"}), read("review.css")
    page = (
        Environment(autoescape=True)
        .from_string(read("page.html"))
        .render(
            title=title,
            policy=make_policy(script, style),
            script=script,
            style=style,
            pile=json.dumps(pile).replace("<", "\\u003c"),
        )
    )
    written = replace_file(path, lambda stream: stream.write(page.encode("utf-8", "replace")))
    return Pile(len(items), len(waiting) - len(items), written)


def describe_pile(queue: Queue, numbers: list[int]) -> Iterator[dict[str, Any]]:
    """Fields as the page shows them, each with its picture."""
    for number in numbers:
        try:
            item = read_item(queue.ledger, number)
        except Changed:
            continue
        drawn = draw_strip(item.strip)
        uri = "" if drawn is None else f"data:image/png;base64,{base64.b64encode(drawn).decode()}"
        told = describe_item(item, "review")
        yield told | {"picture": uri, "sure": item.reading.confidence if item.reading else 0}


def merge_file(ledger: Ledger, path: Path) -> Merged:
    """Write the corrections of a file that such a page saved; raises UsageError where it is none of these results."""
    who, rows = read_file(ledger, path)
    count = Counter(merge(ledger, who, row) for row in rows)
    return Merged(count["taken"], count["known"], count["disputed"], count["lost"])


def merge(ledger: Ledger, who: str, row: Remark) -> Literal["taken", "known", "disputed", "lost"]:
    """Write what somebody said of a field elsewhere, as it stands now; what became of it."""
    while True:
        state = read_state(ledger, row.item)
        if state is None:
            return "lost"
        if is_known(state, who, row):
            return "known"
        purpose: Purpose = "review" if state.version == row.version else "second"
        # others may answer it just now
        with suppress(Changed):
            add(ledger, row.item, state.version, row.answer, who, purpose, row.at)
            after = read_state(ledger, row.item)
            return "disputed" if after is not None and after.verdict.disputed else "taken"


def is_known(state: State, who: str, row: Remark) -> bool:
    """Whether the same was said already, by the same person at the same time or by whoever's word stands.

    One who has keyed the field first since cannot be the second: that word waits for another's.
    """
    again = any(said.who == who and said.answer == row.answer and _same(said.at, row.at) for said in state.corrections)
    first = state.verdict.first is not None and state.verdict.first.who == who
    return again or (state.version != row.version and (first or state.verdict.standing == row.answer))


def read_file(ledger: Ledger, path: Path) -> tuple[str, list[Remark]]:
    """Who reviewed, and what they said."""
    try:
        with path.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise UsageError(f"{path} has more than {MOST_BYTES >> 20} MiB; name a file that a review page saved")
        sent = json.loads(content)
        if not isinstance(sent, dict) or sent.get("format") != FORMAT:
            raise AskedWronglyError(f"it is no {FORMAT}")
        if sent.get("ledger") != identify(ledger):
            raise UsageError(f"{path} belongs to other results; name those that its page was made from")
        rows = sent.get("said")
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise AskedWronglyError("it holds no list of answers")
        return check_name(get_text(sent, "who")), [read_row(row) for row in rows]
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}; name a file that a review page saved") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is no file that a review page saved ({error}); save it there again") from error


def read_row(row: Mapping[str, Any]) -> Remark:
    """One answer; a time that is none, or is yet to come, is now."""
    now = datetime.now(UTC)
    try:
        at = datetime.fromisoformat(get_text(row, "at"))
        at = min(at, now) if at.tzinfo is not None else now
    except ValueError:
        at = now
    answer = check_answer(Answer(get_choice(row, "status", Said), get_text(row, "text")))
    return Remark(get_number(row, "item"), get_text(row, "version"), answer, at)


def _same(at: str, other: datetime) -> bool:
    return abs((datetime.fromisoformat(at) - other).total_seconds()) < 1
