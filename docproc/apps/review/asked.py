"""What the review page asks, taken apart and bounded: it comes over a network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args

from docproc.records.lanes import Order, Wanted
from docproc.records.matching import Answer, Purpose, Said

MOST_ITEMS = 64
MOST_TEXT = 1024
MOST_NUMBER = (1 << 53) - 1
"""What a script can count to exactly."""
CHOICES = TypeVar("CHOICES", bound=str)


class AskedWronglyError(ValueError):
    """A request that docproc's own page would not make."""


@dataclass(frozen=True, slots=True)
class Taking:
    """Asks for the next fields of a line: so many, from behind `after` on."""

    purpose: Purpose
    count: int
    order: Order
    wanted: Wanted
    after: int | None


@dataclass(frozen=True, slots=True)
class Answering:
    """Says what a field holds, of which `version` was seen, and asks for the next ones."""

    item: int
    version: str
    answer: Answer
    taking: Taking


@dataclass(frozen=True, slots=True)
class Stepping:
    """Asks for the field before or behind one, done or not."""

    item: int
    ahead: bool
    taking: Taking


def read_taking(sent: Mapping[str, Any]) -> Taking:
    """Raises AskedWronglyError, as all here do."""
    after = None if sent.get("after") is None else get_number(sent, "after")
    wanted = Wanted(get_text(sent, "field"), get_text(sent, "reason"), get_text(sent, "source"))
    count = get_number(sent, "count", MOST_ITEMS)
    return Taking(get_choice(sent, "purpose", Purpose), count, get_choice(sent, "order", Order), wanted, after)


def read_answering(sent: Mapping[str, Any]) -> Answering:
    """An answer, and what to show after it."""
    answer = Answer(get_choice(sent, "status", Said), get_text(sent, "text"))
    return Answering(get_number(sent, "item"), get_text(sent, "version"), answer, read_taking(sent))


def read_stepping(sent: Mapping[str, Any]) -> Stepping:
    """Where to go."""
    return Stepping(
        get_number(sent, "item"), get_choice(sent, "to", Literal["before", "behind"]) == "behind", read_taking(sent)
    )


def read_sent(body: bytes) -> Mapping[str, Any]:
    """The object that was sent as JSON."""
    try:
        sent = json.loads(body)
        json.dumps(sent, ensure_ascii=False).encode()  # half a character stands in no table
    except (ValueError, RecursionError) as error:
        raise AskedWronglyError("a request is a JSON object") from error
    if not isinstance(sent, dict):
        raise AskedWronglyError("a request is a JSON object")
    return sent


def get_text(sent: Mapping[str, Any], name: str) -> str:
    """A text; empty if it is left out."""
    value = sent.get(name, "")
    if not isinstance(value, str) or len(value) > MOST_TEXT:
        raise AskedWronglyError(f"{name} is a text of at most {MOST_TEXT} characters")
    return value


def get_number(sent: Mapping[str, Any], name: str, most: int = MOST_NUMBER) -> int:
    """A whole number from 0."""
    value = sent.get(name)
    if type(value) is not int or not 0 <= value <= most:
        raise AskedWronglyError(f"{name} is a whole number from 0 to {most}")
    return value


def get_numbers(sent: Mapping[str, Any], name: str) -> tuple[int, ...]:
    """Some whole numbers."""
    values = sent.get(name)
    if not isinstance(values, list) or len(values) > MOST_ITEMS:
        raise AskedWronglyError(f"{name} are at most {MOST_ITEMS} numbers")
    return tuple(get_number({name: value}, name) for value in values)


def get_choice(sent: Mapping[str, Any], name: str, kind: Any) -> Any:
    """One of the texts of a Literal."""
    value = sent.get(name)
    if not isinstance(value, str) or value not in get_args(kind):
        raise AskedWronglyError(f"{name} is one of {', '.join(get_args(kind))}")
    return value
