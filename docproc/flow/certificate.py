"""What a batch came to, gathered for one page that can be filed: counts, people, audit, doubts, hashes."""

from __future__ import annotations

import hashlib
import platform
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import docproc
from docproc.errors import FAILURES, FLAGS, REVIEWED
from docproc.flow.audit import Report, report
from docproc.records.about import find_about, tell_recipe
from docproc.records.answered import Word, find_doubts, list_words
from docproc.records.audit import count_audits, find_audit, find_max_error, list_judged, list_outcomes
from docproc.records.batch import Often, Slow, count_failures, count_flags, find_span, list_slowest, tell_engine
from docproc.records.chain import Chain
from docproc.records.grid import Attention, count_judged, measure_attention
from docproc.records.ledger import Ledger, last_run
from docproc.records.matching import list_standing
from docproc.records.proof import verify
from docproc.records.status import Files, Pages, take_status

BINS = 20
MOST_PAIRS, MOST_CROPS = 8, 4
"""Of digits taken for each other, and pictures of each."""
MOST_SLOW = 5


class Bin(NamedTuple):
    """Values whose confidence lies from `low` up to the next bin: accepted unseen, and seen by people or to be seen."""

    low: float
    unseen: int
    seen: int


class Confusion(NamedTuple):
    """A digit read as one and found to be another, how often, and where: items, and which digit of the field."""

    read: str
    said: str
    times: int
    places: tuple[tuple[int, int], ...]


class Person(NamedTuple):
    """Somebody who looked: answers by purpose, most first, and the first and last time, UTC."""

    name: str
    answers: int
    purposes: tuple[tuple[str, int], ...]
    first: str
    last: str


class Told(NamedTuple):
    """A code in words, and how often it occurs."""

    code: str
    meaning: str
    times: int
    calls: bool


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a batch came to.

    Fields are `unseen` (accepted, and nobody looked), `settled` by people or `waiting` for them; `reviewed` and
    `audited` are settled ones, by whether they were keyed blind for an audit. `changed` values were other than read.
    """

    made: str
    results: str
    results_hash: str
    recipe: str
    made_with: str
    versions: tuple[tuple[str, str], ...]
    began: str
    ended: str
    files: Files
    pages: Pages
    fields: int
    unseen: int
    settled: int
    waiting: int
    reviewed: int
    audited: int
    changed: int
    max_error: float
    audit: Report | None
    audits: int
    sample_hash: str
    bins: tuple[Bin, ...]
    confusions: tuple[Confusion, ...]
    flags: tuple[Told, ...]
    page_flags: tuple[Told, ...]
    failures: tuple[Told, ...]
    slowest: tuple[Slow, ...]
    people: tuple[Person, ...]
    tiles: int
    attention: Attention
    chain: Chain
    broken: str


def gather(ledger: Ledger, results: Path) -> Certificate:
    """All of it, for the recipe of the last run; `results` is hashed as it lies there."""
    run = last_run(ledger)
    status = take_status(ledger)
    judged = list_judged(ledger, run.recipe)
    words = list_words(ledger, run.recipe)
    there = {field.item for field in judged}
    words = [word for word in words if word.item in there]
    settled = [word for word in words if word.verdict.standing is not None]
    audited = sum(any(row.purpose == "audit" for row in list_standing(word.said)) for word in settled)
    audit = find_audit(ledger, run.recipe)
    began, ended = find_span(ledger, run.recipe)
    proof = verify(ledger)
    fields, pages = count_flags(ledger, run.recipe)
    return Certificate(
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        results=results.name,
        results_hash=hash_file(results),
        recipe=run.recipe,
        made_with=tell_recipe(find_about(ledger, run.recipe)),
        versions=(
            ("docproc", docproc.__version__),
            ("Python", platform.python_version()),
            ("SQLite", tell_engine()),
        ),
        began=began,
        ended=ended,
        files=status.files,
        pages=status.pages,
        fields=len(judged),
        unseen=sum(not field.flagged and not field.settled for field in judged),
        settled=len(settled),
        waiting=sum(field.flagged and not field.settled for field in judged),
        reviewed=len(settled) - audited,
        audited=audited,
        changed=sum(tuple(word.verdict.standing or ()) != tuple(word.read) for word in settled),
        max_error=find_max_error(ledger, run.recipe),
        audit=report(audit, list_outcomes(ledger, audit), find_doubts(ledger, run.recipe).least) if audit else None,
        audits=count_audits(ledger, run.recipe),
        sample_hash=audit.hash if audit else "",
        bins=sort_confidences([(f.confidence, f.flagged or f.settled) for f in judged if f.status == "value"]),
        confusions=find_confusions(settled),
        flags=_tell(fields),
        page_flags=_tell(pages),
        failures=_tell_failures(count_failures(ledger, run.recipe)),
        slowest=list_slowest(ledger, run.recipe, MOST_SLOW),
        people=list_people(words),
        tiles=count_judged(ledger, run.recipe),
        attention=measure_attention(ledger),
        chain=proof.chain,
        broken=proof.broken,
    )


def hash_file(path: Path) -> str:
    """The sha256 of a file, in hex; "" where there is none."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def sort_confidences(values: Sequence[tuple[float, bool]]) -> tuple[Bin, ...]:
    """Confidences, each with whether somebody looks, in bins of even width."""
    counts = Counter((min(int(confidence * BINS), BINS - 1), seen) for confidence, seen in values)
    return tuple(Bin(number / BINS, counts[number, False], counts[number, True]) for number in range(BINS))


def find_confusions(words: Sequence[Word]) -> tuple[Confusion, ...]:
    """The digits most often read as another, from settled values that have as many digits as were read."""
    places: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for word in words:
        answer = word.verdict.standing
        if answer is None or answer.status != "value" or word.read.status != "value":
            continue
        read, said = (tuple(filter(str.isdigit, text)) for text in (word.read.text, answer.text))
        if len(read) == len(said):
            for place, pair in enumerate(zip(read, said, strict=True)):
                if pair[0] != pair[1]:
                    places.setdefault(pair, []).append((word.item, place))
    ranked = sorted(places.items(), key=lambda found: (-len(found[1]), found[0]))
    return tuple(Confusion(*pair, len(at), tuple(at[:MOST_CROPS])) for pair, at in ranked[:MOST_PAIRS])


def list_people(words: Sequence[Word]) -> tuple[Person, ...]:
    """Everybody whose word stands, who said most first."""
    rows = [row for word in words for row in list_standing(word.said)]
    people = []
    for name in {row.who for row in rows}:
        mine = [row for row in rows if row.who == name]
        purposes = Counter[str](row.purpose for row in mine).most_common()
        times = sorted(row.at for row in mine)
        people.append(Person(name, len(mine), tuple(purposes), times[0], times[-1]))
    return tuple(sorted(people, key=lambda person: (-person.answers, person.name)))


def _tell(counts: Sequence[Often]) -> tuple[Told, ...]:
    return tuple(Told(code, FLAGS.get(code, (code, ""))[0], count, code in REVIEWED) for code, count in counts)


def _tell_failures(counts: Sequence[Often]) -> tuple[Told, ...]:
    return tuple(Told(code, FAILURES.get(code, (code, ""))[0], count, True) for code, count in counts)
