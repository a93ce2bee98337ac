"""TOML text: on which line something stands, and how a table is written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

Path = tuple[str | int, ...]
"""The way to a value: names of keys, and numbers, from 0, in arrays."""

_ARRAY = re.compile(r"\s*\[\[\s*([A-Za-z][\w-]*)\s*\]\]")
_TABLE = re.compile(r"\s*\[\s*([A-Za-z][\w-]*)\s*\]\s*(?:#.*)?$")
_KEY = re.compile(r"""\s*["']?([\w-]+)["']?\s*=""")
_ESCAPES = str.maketrans({**{code: f"\\u{code:04x}" for code in (*range(32), 127)}, '"': '\\"', "\\": "\\\\"})


def find_lines(text: str) -> dict[Path, int]:
    """The line, from 1, of every key and table; tomllib keeps none. What is written inline stands with its key."""
    lines: dict[Path, int] = {}
    table: Path = ()
    counts: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if array := _ARRAY.match(line):
            table = (array[1], counts.get(array[1], 0))
            counts[array[1]] = counts.get(array[1], 0) + 1
            lines.setdefault(table, number)
        elif single := _TABLE.match(line):
            table = (single[1],)
            lines.setdefault(table, number)
        elif key := _KEY.match(line):
            lines.setdefault((*table, key[1]), number)
    return lines


def line_of(path: Path, lines: Mapping[Path, int]) -> int:
    """The line of the nearest thing on the way to a value that has one; 1 where none has."""
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return next((number for known, number in lines.items() if path[:1] and known[:1] == path[:1]), 1)


def name_path(path: Path) -> str:
    """Written as people count: the first of an array is 1."""
    name = ""
    for step in path:
        name += f"[{step + 1}]" if isinstance(step, int) else f".{step}" if name else step
    return name


def write_table(values: Mapping[str, object]) -> str:
    """The lines of a table of strings, numbers, truths and lists of them."""
    return "".join(f"{key} = {write_value(value)}\n" for key, value in values.items())


def write_value(value: object) -> str:
    """One value on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return f'"{value.translate(_ESCAPES)}"'
    assert isinstance(value, Iterable)
    return f"[{', '.join(map(write_value, value))}]"
