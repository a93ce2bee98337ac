"""Formats of dates and times: d, dd, m, mm, yy, yyyy; h, hh, mm."""

from __future__ import annotations

import re
from itertools import pairwise

TOKENS = {"date": ("d", "dd", "m", "mm", "yy", "yyyy"), "time": ("h", "hh", "mm")}
EXAMPLES = {"date": "dd/mm/yy", "time": "hh:mm"}
RUN = re.compile(r"([A-Za-z])\1*")


def read_format(text: str) -> list[str]:
    """The parts of a format that stand for digits, in order."""
    return [run[0] for run in RUN.finditer(text)]


def check_format(text: str, kind: str) -> str:
    """What is wrong with the format of a date or time, "" where nothing is."""
    example = f'write it as in "{EXAMPLES[kind]}"'
    if not text:
        return f"a {kind} needs a format; {example}"
    parts, known = read_format(text), TOKENS[kind]
    if odd := [part for part in parts if part not in known]:
        return f'"{odd[0]}" is no part of a {kind}; known are {", ".join(known)}, in small letters'
    letters = [part[0] for part in parts]
    if len(set(letters)) < len(letters):
        return f'"{text}" names a part twice; {example}'
    if len(letters) < 2:
        return f'"{text}" is not enough of a {kind}; {example}'
    if is_glued(text):
        return f"a part of one letter has one digit or two and needs a sign between it and the next; {example}"
    return ""


def is_glued(text: str) -> bool:
    """Whether a part of varying length stands right beside another, so that nobody knows where it ends."""
    runs = list(RUN.finditer(text))
    beside = [(one, two) for one, two in pairwise(runs) if one.end() == two.start()]
    return any(len(one[0]) == 1 or len(two[0]) == 1 for one, two in beside)


def count_digits(text: str) -> tuple[int, int]:
    """How many digits a format has at least and at most: d is one or two."""
    parts = read_format(text)
    return sum(map(len, parts)), sum(max(2, len(part)) for part in parts)
