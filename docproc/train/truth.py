"""Files that say what pages really hold, and the CSV of a run: rows in, typed fields out."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple, TypeVar, cast, get_args

from docproc.errors import InputError
from docproc.types import Box, Status

STRIP_COLUMNS = {"file", "digits", "set"}
PAGE_COLUMNS = {"file", "page", "field", "x", "y", "w", "h", "digits", "confidence"}
SAMPLE_COLUMNS = {"source", "page", "field", "value", "status", "x", "y", "width", "height"}
RESULT_COLUMNS = SAMPLE_COLUMNS | {"confidence", "review", "reasons"}
ANSWERED = ("value", "blank")
"""Statuses that claim to know what a field holds."""
Row = TypeVar("Row")

LEFT_OUT_SETS = {"illegible"}
"""Sets on which careful readers disagree: told apart, in no score."""


@dataclass(frozen=True, slots=True)
class TrueField:
    """What a field really holds. `box` is None where the picture is the field; `left_out` says why it is not scored."""

    source: str
    page: int
    name: str
    digits: str
    box: Box | None
    group: str
    left_out: str = ""


class TruePage(NamedTuple):
    """A page of which the truth is known, even that there is nothing on it; pages count from 1."""

    source: str
    page: int


@dataclass(frozen=True, slots=True)
class Truth:
    """A truth file: its fields, and every page it speaks of."""

    fields: tuple[TrueField, ...]
    pages: frozenset[TruePage]


@dataclass(frozen=True, slots=True)
class Answer:
    """One row of results. `accepted` says that nobody is asked to look at it: review is no, and it claims a value."""

    source: str
    page: int
    field: str
    digits: str
    status: Status
    confidence: float
    accepted: bool
    reasons: str
    box: Box


def keep_digits(text: str) -> str:
    """The digits 0 to 9 of a text: separators and signs fall away."""
    return "".join(character for character in text if character in "0123456789")


def read_truth(path: Path) -> Truth:
    """The truth of any of three kinds of file, told apart by their columns; InputError for another.

    `file,digits,set`: each picture is one field. `file,page,field,x,y,w,h,digits,confidence`: boxes on pages that
    count from 0, scored where the confidence is `sure`. `source,page,field,value,status,x,y,width,height`: the shape
    of results, as samples have it; a row without a field's name stands for a page with nothing on it.
    """
    columns, rows = read_table(path)
    for needed, read in ((PAGE_COLUMNS, read_page), (SAMPLE_COLUMNS, read_sample), (STRIP_COLUMNS, read_strip)):
        if needed <= columns:
            fields = read_each(path, rows, read)
            pages = frozenset(TruePage(field.source, field.page) for field in fields)
            return Truth(tuple(field for field in fields if field.name), pages)
    raise InputError(f"{path} is no truth file: its columns are {', '.join(sorted(columns))}; name another file")


def read_results(path: Path) -> tuple[Answer, ...]:
    """The rows of a long CSV as `docproc run` writes it; InputError where it is none."""
    columns, rows = read_table(path)
    if not columns >= RESULT_COLUMNS:
        raise InputError(f"{path} is no table of results; write one with docproc run --layout long")
    return tuple(read_each(path, rows, read_answer))


def read_table(path: Path) -> tuple[set[str], list[dict[str, str]]]:
    """Column names and rows of a CSV; the bytes of names that are no UTF-8 are kept as surrogate escapes."""
    try:
        with path.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as stream:
            table = csv.DictReader(stream, restval="")
            rows = list(table)
            return set(table.fieldnames or ()), rows
    except (OSError, csv.Error) as error:
        raise InputError(f"cannot read {path}: {error}; name a CSV file") from error


def read_each(path: Path, rows: list[dict[str, str]], read: Callable[[dict[str, str]], Row]) -> list[Row]:
    """Every row read; InputError names the first that makes no sense."""
    read_rows = []
    for number, row in enumerate(rows, start=1):
        try:
            read_rows.append(read(row))
        except ValueError as error:
            raise InputError(f"{path}, row {number}: {error}; mend the row and try again") from error
    return read_rows


def read_strip(row: dict[str, str]) -> TrueField:
    """A row of `file,digits,set`."""
    left_out = row["set"] if row["set"] in LEFT_OUT_SETS else ""
    return TrueField(row["file"], 1, "strip", keep_digits(row["digits"]), None, row["set"], left_out)


def read_page(row: dict[str, str]) -> TrueField:
    """A row of `file,page,field,x,y,w,h,digits,confidence`, whose pages count from 0."""
    box = Box(int(row["x"]), int(row["y"]), int(row["w"]), int(row["h"]))
    left_out = "" if row["confidence"] == "sure" else row["confidence"] or "unsure"
    group = PurePosixPath(row["file"]).parts[0]
    return TrueField(row["file"], int(row["page"]) + 1, row["field"], keep_digits(row["digits"]), box, group, left_out)


def read_sample(row: dict[str, str]) -> TrueField:
    """A row of `source,page,field,value,status,x,y,width,height`."""
    box = read_box(row)
    return TrueField(row["source"], int(row["page"]), row["field"], keep_digits(row["value"]), box, row["source"])


def read_answer(row: dict[str, str]) -> Answer:
    """A row of results."""
    status = row["status"]
    if status not in get_args(Status):
        raise ValueError(f"status {status!r} is none of {', '.join(get_args(Status))}")
    if row["review"] not in ("yes", "no"):
        raise ValueError(f"review {row['review']!r} is neither yes nor no")
    confidence = float(row["confidence"] or 0)
    if not 0 <= confidence <= 1:
        raise ValueError(f"confidence {confidence} is not between 0 and 1")
    return Answer(
        source=row["source"],
        page=int(row["page"]),
        field=row["field"],
        digits=keep_digits(row["value"]),
        status=cast(Status, status),
        confidence=confidence,
        accepted=row["review"] == "no" and status in ANSWERED,
        reasons=row["reasons"],
        box=read_box(row),
    )


def read_box(row: dict[str, str]) -> Box:
    """The box of a row; nothing written is 0, as for a page that failed."""
    x, y, width, height = (round(float(row[name] or 0)) for name in ("x", "y", "width", "height"))
    return Box(x, y, width, height)
