"""A form file with other values in it: whoever wrote comments into it finds them where they were.

The text is cut into blocks, one for each `[[field]]` and `[[rule]]` with the comment right above it. Blocks that are
as before stay to the letter. Where a file is laid out so that this fails, it is written anew and loses its comments.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import pairwise
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

Table = dict[str, Any]
Origins = Mapping[str, Sequence[int | None]]
"""For each table of "field" and "rule": which of the text's it was, None if it is new."""

KINDS = ("field", "rule")
_HEADER = re.compile(r"\s*\[\[\s*(field|rule)\s*\]\]\s*(#.*)?$")
_NO_KEY = re.compile(r"\s*(#.*)?$")


@dataclass(frozen=True, slots=True)
class Block:
    """A table of the text in three parts: up to its first key, the keys, and what follows the last one."""

    kind: str
    head: str
    body: str
    tail: str


def rewrite(text: str, tables: Table, origins: Origins) -> str:
    """The text of a form file with `tables` in it, which are as `to_plain` has them."""
    tables = {key: value for key, value in tables.items() if key not in KINDS or value}
    try:
        new = put_in(text, to_plain(tomllib.loads(text)), tables, origins)
        if to_plain(tomllib.loads(new)) == tables:
            return new
    except (TOMLKitError, tomllib.TOMLDecodeError, LookupError):
        pass
    return tomlkit.dumps(tables)


def to_plain(value: Any) -> Any:
    """A value of TOML as JSON can say it."""
    if isinstance(value, dict):
        return {key: to_plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [to_plain(inner) for inner in value]
    if isinstance(value, date | datetime | time) or (isinstance(value, float) and not math.isfinite(value)):
        return str(value)
    return value


def put_in(text: str, old: Table, new: Table, origins: Origins) -> str:
    """The text with the values of `new` in the place of those of `old`; may be wrong where the layout is unusual."""
    head, blocks = cut(text)
    own = [{key: value for key, value in tables.items() if key not in KINDS} for tables in (old, new)]
    made = edit(head, *own)
    before: Block | None = None
    for kind in KINDS:
        known = [block for block in blocks if block.kind == kind]
        for table, origin in zip(new.get(kind, ()), origins[kind], strict=True):
            if origin is None:
                made = open_gap(made) + f"[[{kind}]]\n{tomlkit.dumps(table)}"
                before = None
                continue
            block = known[origin]
            body = block.body if table == old[kind][origin] else edit(block.body, old[kind][origin], table)
            made = made if follows(block, before, blocks) else open_gap(made)
            made += block.head + body + block.tail
            before = block
    return made if made == text else made.rstrip("\n") + "\n"


def cut(text: str) -> tuple[str, list[Block]]:
    """What stands before the first table, and the tables."""
    lines = text.splitlines(keepends=True)
    headers = [(number, found[1]) for number, line in enumerate(lines) if (found := _HEADER.match(line.rstrip("\n")))]
    starts = []
    for number, _ in headers:
        start = number
        while start and lines[start - 1].lstrip().startswith("#"):
            start -= 1
        starts.append(start)
    starts.append(len(lines))
    blocks = []
    for (number, kind), (start, stop) in zip(headers, pairwise(starts), strict=True):
        end = stop
        while end > number + 1 and _NO_KEY.match(lines[end - 1].rstrip("\n")):
            end -= 1
        parts = (lines[start : number + 1], lines[number + 1 : end], lines[end:stop])
        blocks.append(Block(kind, *("".join(part) for part in parts)))
    return "".join(lines[: starts[0]]), blocks


def edit(body: str, old: Table, new: Table) -> str:
    """The keys of a table with other values; comments behind them stay."""
    document = tomlkit.parse(body)
    for key, value in old.items():
        if key not in new:
            document.remove(key)
        elif new[key] != value:
            document[key] = new[key]
    fresh = {key: value for key, value in new.items() if key not in old}
    made = document.as_string()
    return made if not fresh else end_line(made) + tomlkit.dumps(fresh)


def follows(block: Block, before: Block | None, blocks: Sequence[Block]) -> bool:
    """Whether a block comes right after the same one as in the text."""
    place = next(number for number, known in enumerate(blocks) if known is block)
    return (blocks[place - 1] if place else None) is before


def open_gap(text: str) -> str:
    """The text with a blank line at its end."""
    return end_line(text).rstrip("\n") + "\n\n" if text.strip() else text


def end_line(text: str) -> str:
    """The text with its last line ended."""
    return text if not text or text.endswith("\n") else text + "\n"
