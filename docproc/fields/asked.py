"""What a form that is to be printed shall ask: `age=3, weight=##.#, visit=dd/mm/yy, score=integer:2`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from docproc.errors import UsageError
from docproc.fields.dates import RUN, check_format, count_digits
from docproc.fields.form import RESERVED, read_name
from docproc.types import MOST_DIGITS, ValueType

EXAMPLE = 'write fields as in "age=3,weight=##.#,visit=dd/mm/yy,score=integer:2"'
TYPES: tuple[ValueType, ...] = ("digits", "integer", "decimal", "date", "time")
LETTERS = frozenset("dmyh")
"""What formats of dates and times are made of."""
_DECIMAL = re.compile(r"#+[.,]#+")

Key = Literal["length", "min_length", "max_length"]


@dataclass(frozen=True, slots=True)
class Asked:
    """A field to be printed. In `look` each # is a box and all else is printed between boxes.

    `lengths` are keys of the form file, as are `pattern`, `format` and `values`.
    """

    name: str
    look: str
    type: ValueType = "digits"
    pattern: str = ""
    format: str = ""
    lengths: tuple[tuple[Key, int], ...] = ()
    values: str = ""

    @property
    def label(self) -> str:
        """The name as people write it."""
        words = self.name.replace("_", " ")
        return words[:1].upper() + words[1:]

    @property
    def boxes(self) -> int:
        """How many digits it has room for."""
        return self.look.count("#")


def parse_fields(texts: Sequence[str]) -> tuple[Asked, ...]:
    """The fields that texts ask for; raises UsageError."""
    parts = [part.strip() for text in texts for part in text.split(",")]
    fields = tuple(parse_field(part) for part in join_commas(parts))
    if not fields:
        raise UsageError(f"no field is asked for; {EXAMPLE}")
    refuse_names([field.name for field in fields])
    return fields


def join_commas(parts: Sequence[str]) -> Iterator[str]:
    """Parts of a list, those put together again that a decimal comma as in ##,# tore apart."""
    held = ""
    for part in filter(None, parts):
        if held and set(part) == {"#"}:
            held += f",{part}"
        else:
            yield from filter(None, [held])
            held = part
    yield from filter(None, [held])


def parse_field(text: str) -> Asked:
    """One field, `name=look` or `name=type:look`; raises UsageError."""
    name, equals, wanted = (part.strip() for part in text.partition("="))
    kind, colon, look = (part.strip() for part in wanted.partition(":"))
    if not colon or kind.lower() not in TYPES:
        if colon and kind.isalpha() and not set(kind) <= LETTERS:
            raise UsageError(f'"{text}": there is no type "{kind}"; known are {", ".join(TYPES)}')
        kind, look = "", wanted
    if not (name and equals and look):
        raise UsageError(f'"{text}" is no field; {EXAMPLE}')
    return ask(name, look, kind.lower(), text)


def ask(name: str, look: str, kind: str, text: str) -> Asked:
    """A field of that look; `kind` "" is told by the look. Raises UsageError, which quotes `text`."""
    if look.isascii() and look.isdigit():
        return ask_digits(name, int(look), kind, text)
    if "#" in look:
        return ask_pattern(name, look, kind, text)
    if set(RUN.findall(look)) and set(filter(str.isalpha, look)) <= LETTERS:
        return ask_moment(name, look, kind, text)
    raise UsageError(
        f'"{text}": "{look}" is no number of digits as 3, no pattern as ##.#, no date as dd/mm/yy, no time as hh:mm; '
        f"{EXAMPLE}"
    )


def ask_digits(name: str, count: int, kind: str, text: str) -> Asked:
    """A field of at most so many digits."""
    if kind not in ("", "digits", "integer"):
        instead = {"decimal": "decimal:##.#", "date": "dd/mm/yy", "time": "hh:mm"}[kind]
        raise UsageError(f'"{text}": a {kind} needs its look; write {name}={instead}')
    check_count(count, text)
    return Asked(name, "#" * count, "integer" if kind == "integer" else "digits")


def ask_pattern(name: str, look: str, kind: str, text: str) -> Asked:
    """A field of a fixed look; with a point or comma in it it is a decimal."""
    if kind in ("date", "time"):
        raise UsageError(f'"{text}": a {kind} is written in letters; write {name}=dd/mm/yy or {name}=hh:mm')
    check_count(look.count("#"), text)
    is_decimal = kind == "decimal" or (not kind and _DECIMAL.fullmatch(look) is not None)
    type_: ValueType = "decimal" if is_decimal else "integer" if kind == "integer" else "digits"
    return Asked(name, look, type_, pattern=look)


def ask_moment(name: str, look: str, kind: str, text: str) -> Asked:
    """A date or a time; where the format does not vary each letter is a box."""
    told: Literal["date", "time"] = "time" if "h" in look else "date"
    if kind not in ("", told):
        raise UsageError(f'"{text}": {look} is a {told}; write {name}={look}')
    if wrong := check_format(look, told):
        raise UsageError(f'"{text}": {wrong}')
    check_count(count_digits(look)[1], text)
    return Asked(name, RUN.sub(lambda run: "#" * max(2, len(run[0])), look), told, format=look)


def ask_ids(name: str, ids: Sequence[str], values: str) -> Asked:
    """The field that takes one of some numbers, `values` being where the form file finds them; raises UsageError."""
    for number, text in enumerate(ids, 1):
        if not re.search("[0-9]", text) or re.search(r"[^\W0-9_]", text) or not text.isascii():
            raise UsageError(
                f'row {number} of the roster has "{text}" as its {name}, which is no number; number the rows in a '
                "column of their own and name that with --id"
            )
        if (first := ids.index(text) + 1) < number:
            raise UsageError(f'rows {first} and {number} of the roster have the same {name}, "{text}"; mend the roster')
    looks = {re.sub("[0-9]", "#", text) for text in ids}
    longest = max(looks, key=len)
    check_count(longest.count("#"), name)
    if any(set(look) != {"#"} for look in looks):
        if len(looks) > 1:
            told = " and ".join(sorted(looks)[:2])
            raise UsageError(f"the {name} of some rows look like {told}; give all of them one look")
        return Asked(name, longest, pattern=longest, values=values)
    least, most = min(map(len, looks)), len(longest)
    lengths: tuple[tuple[Key, int], ...] = (("min_length", least), ("max_length", most))
    return Asked(name, longest, lengths=(("length", most),) if least == most else lengths, values=values)


def check_count(count: int, text: str) -> None:
    """Raise UsageError where a field would have no box, or too many."""
    if not 1 <= count <= MOST_DIGITS:
        raise UsageError(f'"{text}" has {count} digits; a field has 1 to {MOST_DIGITS}: split it')


def refuse_names(names: Sequence[str]) -> None:
    """Raise UsageError where names cannot all head columns of one table."""
    for number, name in enumerate(names):
        try:
            read_name(name)
        except ValueError as error:
            raise UsageError(f'"{name}": {error}') from error
        if name in names[:number]:
            raise UsageError(f'two fields are called "{name}"; give each a name of its own')
        if name in RESERVED:
            raise UsageError(f'"{name}" is a column that every table has; call the field "{name}_written"')


def split_look(look: str) -> list[str]:
    """Boxes, each a #, and what is printed between them."""
    return re.findall("#|[^#]+", look)
