"""Lists of the values that a field may have."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path

from docproc.fields.form import FieldSpec, Mistake, suggest, to_rule

DELIMITERS = ",;\t"


def find_values(number: int, field: FieldSpec, folder: Path, mistakes: list[Mistake]) -> tuple[str, ...]:
    """The values allowed in the field of that number; what is wrong is added to `mistakes`, and then there are none."""
    try:
        values = read_column(folder, field.values) if isinstance(field.values, str) else field.values
        values = tuple(dict.fromkeys(value.strip() for value in values if value.strip()))
        if field.values and not any(fits(value, field) for value in values):
            raise ValueError(f"none of {len(values)} values fits the length, pattern or type of the field")
        alike = find_alike(values)
        if alike:
            raise ValueError(f'"{alike[0]}" and "{alike[1]}" have the same digits; only digits are read, so name one')
    except ValueError as error:
        mistakes.append(Mistake(("field", number, "values"), str(error)))
        return ()
    return values


def find_alike(values: Sequence[str]) -> tuple[str, str] | None:
    """Two values that only their signs or letters tell apart."""
    first: dict[str, str] = {}
    for value in values:
        other = first.setdefault(keep_digits(value), value)
        if other != value:
            return other, value
    return None


def keep_digits(value: str) -> str:
    """The digits of a value."""
    return re.sub(r"[^0-9]", "", value)


def read_column(folder: Path, place: str) -> Sequence[str]:
    """A column of a CSV file, given as `file.csv:column`; raises ValueError."""
    file, _, column = place.rpartition(":")
    try:
        text = (folder / file).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no UTF-8 text; save it as CSV UTF-8"
        raise ValueError(f"cannot read {folder / file}: {why}") from error
    first = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=first.count)
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        names = [name.strip() for name in rows.fieldnames or ()]
        rows.fieldnames = names
        if column not in names:
            raise ValueError(f'{file} has no column "{column}"{suggest(column, names)}')
        if names.count(column) > 1:
            raise ValueError(f'{file} has several columns "{column}"; rename all but one')
        return [row[column] or "" for row in rows]
    except csv.Error as error:
        raise ValueError(f"cannot read {folder / file} as CSV: {error}") from error


def fits(value: str, field: FieldSpec) -> bool:
    """Whether the field could hold the value, its separators written or not."""
    rule = to_rule(field)
    digits = keep_digits(value)
    shape = re.sub(r"[0-9]", "#", value)
    shaped = not rule.pattern or shape in (rule.pattern, "#" * len(digits))
    return bool(digits) and rule.fewest <= len(digits) <= rule.most and shaped
