"""A field in the words of the review page: why to look, what else it may be, what people said."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from docproc.errors import FLAGS, REVIEWED
from docproc.flow.budget import SECONDS, choose_shares, list_offers
from docproc.flow.evidence import MOST_SIDE, lay_boxes
from docproc.records.audit import find_max_error, list_judged
from docproc.records.items import Item
from docproc.records.ledger import Ledger, last_run
from docproc.records.matching import Answer, Purpose, list_standing
from docproc.records.queue import Progress, measure_pace
from docproc.types import Reading

PNG = b"\x89PNG\r\n\x1a\n"
MOST_CHOICES = 6
MOST_TICKS = 300
"""Names that a list to choose from holds."""


def describe_item(item: Item, purpose: Purpose) -> dict[str, Any]:
    """All that the page shows of a field; for a blind answer nothing of what it was read as."""
    reading = None if purpose == "third" else item.reading
    shape = measure(item.strip)
    return {
        "id": item.id,
        "version": item.version,
        "purpose": purpose,
        "source": item.source,
        "others": list(item.others[:3]),
        "page": item.page,
        "field": item.field,
        "form": item.form,
        "strip": None if shape is None else {"width": shape[1], "height": shape[0]},
        "value": None if reading is None else {"status": reading.status, "text": reading.text},
        "confidence": None if reading is None else reading.confidence,
        "digits": [] if reading is None or shape is None else describe_digits(reading, shape),
        "reasons": list(describe_reasons(item, purpose)),
        "choices": list(describe_choices(item, purpose)),
        "said": [] if purpose == "third" else describe_said(item),
        "answer": describe_answer(item.verdict.answer),
        "by": "" if purpose == "third" else item.verdict.who,
    }


def measure(strip: bytes) -> tuple[int, int] | None:
    """Height and width that a PNG says it has; None where there is no picture."""
    if len(strip) < 24 or not strip.startswith(PNG):
        return None
    shape = int.from_bytes(strip[20:24]), int.from_bytes(strip[16:20])
    return shape if all(0 < side <= MOST_SIDE for side in shape) else None


def describe_digits(reading: Reading, shape: tuple[int, int]) -> list[dict[str, Any]]:
    """Each digit with its box on the strip, and which letter of the text it is."""
    places = [number for number, letter in enumerate(reading.text) if letter.isdigit()]
    alike = "".join(reading.text[place] for place in places) == "".join(digit.text for digit in reading.digits)
    return [
        {
            "text": digit.text,
            "chance": digit.confidence,
            "others": [list(other) for other in digit.others],
            "box": list(box),
            "place": places[number] if alike else None,
        }
        for number, (digit, box) in enumerate(zip(reading.digits, lay_boxes(reading, shape), strict=True))
    ]


def describe_reasons(item: Item, purpose: Purpose) -> Iterable[dict[str, Any]]:
    """Why to look, in words, what calls for a look first."""
    if purpose == "third":
        yield {
            "code": "third",
            "meaning": "two answers differ",
            "detail": "",
            "remedy": "say which is right",
            "look": True,
        }
        return
    for flag in sorted(item.flags, key=lambda flag: flag.partition("=")[0] not in REVIEWED):
        code, _, detail = flag.partition("=")
        meaning, remedy = FLAGS.get(code, (code, "look at the picture"))
        look = code in REVIEWED
        yield {"code": code, "meaning": meaning, "detail": tell_detail(code, detail), "remedy": remedy, "look": look}


def tell_detail(code: str, detail: str) -> str:
    """What stands behind the = of a flag."""
    if code == "sum-unmet" and ":" in detail:
        field, _, value = detail.rpartition(":")
        return f"all would balance with {field} = {value}"
    if code == "changed-by-rule" and detail:
        return f"the ink alone says {detail}"
    return detail


def describe_choices(item: Item, purpose: Purpose) -> Iterable[dict[str, Any]]:
    """What else a field may hold, for one key each: what would balance first, then by chance."""
    if purpose == "third":
        yield from describe_sides(item)
        return
    if item.reading is None:
        return
    told: dict[str, dict[str, Any]] = {}
    for flag in item.flags:
        code, _, detail = flag.partition("=")
        if code == "sum-unmet" and detail.rpartition(":")[0] == item.field:
            told[detail.rpartition(":")[2]] = {"note": "would balance"}
        if code == "changed-by-rule" and detail:
            told.setdefault(detail, {})["note"] = "the ink alone"
    for text, chance in item.reading.alternatives:
        told.setdefault(text, {})["chance"] = chance
    told.pop(item.reading.text if item.reading.status == "value" else "", None)
    for text, more in list(told.items())[:MOST_CHOICES]:
        yield {"status": "value" if text else "blank", "text": text, "note": "", "chance": None, **more}


def describe_sides(item: Item) -> Iterable[dict[str, Any]]:
    """What people and the reading say, each once, without names, in an order that tells nothing."""
    assert item.reading is not None
    answers: list[tuple[str, str]] = [(row.answer.status, row.answer.text) for row in list_standing(item.said)]
    if not any(row.purpose == "first" for row in list_standing(item.said)):
        answers.append((item.reading.status, item.reading.text if item.reading.status == "value" else ""))
    for status, text in sorted(dict.fromkeys(answers), key=lambda side: shuffle(item, side)):
        yield {"status": status, "text": text, "note": "", "chance": None}


def shuffle(item: Item, side: tuple[str, str]) -> str:
    """A sort key that is the same each time and has nothing to do with who said it."""
    return hashlib.sha256(f"{item.version} {side[0]} {side[1]}".encode()).hexdigest()


def describe_said(item: Item) -> list[dict[str, Any]]:
    """What people said of the field, newest first."""
    gone = {row.withdraws for row in item.said if row.withdraws is not None}
    rows = [row for row in item.said if row.withdraws is None]
    return [
        {"who": row.who, "at": row.at, "purpose": row.purpose, "undone": row.id in gone, **_tell(row.answer)}
        for row in reversed(rows)
    ]


def describe_answer(answer: Answer | None) -> dict[str, str] | None:
    """An answer, if there is one."""
    return None if answer is None else _tell(answer)


def describe_progress(progress: Progress) -> dict[str, Any]:
    """How far a line is."""
    return {
        "total": progress.total,
        "left": progress.left,
        "seconds": progress.seconds,
        "minutes": progress.minutes,
        "reasons": [
            {"name": tick.name, "words": FLAGS.get(tick.name, (tick.name,))[0], "total": tick.total, "left": tick.left}
            for tick in progress.reasons
        ],
        "fields": [
            {"name": tick.name, "words": tick.name, "total": tick.total, "left": tick.left}
            for tick in progress.fields[:MOST_TICKS]
        ],
    }


def describe_budget(ledger: Ledger) -> dict[str, Any]:
    """For each share of wrong values what it costs to reach it, the one that the run was to accept among them."""
    recipe = last_run(ledger).recipe
    borne = find_max_error(ledger, recipe)
    pace = measure_pace(ledger) or SECONDS
    offers = list_offers(list_judged(ledger, recipe), pace, choose_shares(borne))
    return {"borne": borne, "seconds": pace, "offers": [offer._asdict() for offer in offers]}


def _tell(answer: Answer | Sequence[str]) -> dict[str, str]:
    return {"status": answer[0], "text": answer[1]}
