"""The form file: TOML to what it says, every mistake named by its line and its path, and back."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from itertools import pairwise
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from docproc.errors import OptionsError
from docproc.fields.dates import check_format, count_digits
from docproc.fields.toml import Path, find_lines, line_of, name_path, write_table
from docproc.types import MOST_DIGITS, Rule, ValueType

Check = Literal[
    "luhn",
    "verhoeff",
    "damm",
    "iso7064_mod_11_10",
    "iso7064_mod_11_2",
    "iso7064_mod_37_2",
    "iso7064_mod_97_10",
    "isbn",
    "ean",
]
RESERVED = ("source", "page", "form", "status", "confidence", "review", "reasons")
"""Columns of the tables that docproc writes."""
OVERLAP = 0.3
"""Cells share the line between them; those that share more than this part of the narrower one are drawn wrongly."""
LOWEST_DPI, HIGHEST_DPI = 50, 2400

NUMBERS: tuple[ValueType, ...] = ("digits", "integer", "decimal")
GOES_WITH: dict[str, tuple[ValueType, ...]] = {
    **dict.fromkeys(("pattern", "length", "min_length", "max_length", "minimum", "maximum"), NUMBERS),
    "cells": (*NUMBERS, "date", "time"),
    "format": ("date", "time"),
    "check": ("digits",),
    "values": (*NUMBERS, "date", "time"),
}
"""The types of field for which a key says something."""


class Mistake(NamedTuple):
    """What is wrong with a value of a form file."""

    path: Path
    words: str


def read_name(name: str) -> str:
    """A name that can head a column."""
    if not name or name != name.strip() or not name.isprintable():
        raise ValueError("a name has at least one character, none invisible, and no blanks around it")
    return read_unparted(name)


def read_unparted(text: str) -> str:
    """A text without the sign that parts names and reasons in the tables."""
    if ";" in text:
        raise ValueError("must be without semicolons: in the tables they part names and reasons")
    return text


def read_box(value: object) -> object:
    """Four numbers as a rectangle that has an area."""
    if not isinstance(value, list | tuple) or len(value) != 4 or not all(type(side) is int for side in value):
        raise ValueError("must be four whole numbers: [x, y, width, height]")
    if min(value[:2]) < 0 or min(value[2:]) < 1:
        raise ValueError("x and y must be 0 or more, width and height 1 or more")
    return value


def read_cells(value: object) -> object:
    """The cells of a comb, or how many there are."""
    if type(value) is int:
        if not 2 <= value <= MOST_DIGITS:
            raise ValueError(f"a comb has 2 to {MOST_DIGITS} cells")
        return value
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= MOST_DIGITS:
        raise ValueError(f"must be a number, or a list of 1 to {MOST_DIGITS} cells [x, y, width, height]")
    for number, cell in enumerate(value, 1):
        try:
            read_box(cell)
        except ValueError as error:
            raise ValueError(f"cell {number} {error}") from error
    return value


def read_reference(value: object) -> object:
    """One file name, or several."""
    names = value if isinstance(value, list | tuple) else [value]
    if not names or not all(isinstance(name, str) and name for name in names):
        raise ValueError("must be a file name, or a list of them in the order of the pages")
    return value


def read_values(value: object) -> object:
    """A list of values, or a column of a file."""
    if isinstance(value, str):
        file, colon, column = value.rpartition(":")
        if not (file and colon and column):
            raise ValueError('must be a list, or a file and its column: "roster.csv:student_id"')
        return value
    if not isinstance(value, list | tuple) or not all(isinstance(item, str | int) for item in value):
        raise ValueError('must be a list of values in quotes, or "file.csv:column"')
    return tuple(read_unparted(str(item)) for item in value)


Name = Annotated[str, AfterValidator(read_name)]
Unparted = Annotated[str, AfterValidator(read_unparted)]
Rectangle = Annotated[tuple[int, int, int, int], BeforeValidator(read_box)]
Cells = Annotated[int | tuple[Rectangle, ...], BeforeValidator(read_cells)]
Values = Annotated[str | tuple[str, ...], BeforeValidator(read_values)]
Reference = Annotated[str | tuple[str, ...], BeforeValidator(read_reference)]
Number = Annotated[float, Field(allow_inf_nan=False)]


class Table(BaseModel):
    """A table of a form file."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class FieldSpec(Table):
    """One field: where it is, and what its value must be."""

    name: Name = Field(description="the name of its column")
    page: int = Field(default=1, ge=1, description="on which page of the reference it is")
    box: Rectangle | None = Field(default=None, description="x, y, width and height in pixels of the reference")
    cells: Cells | None = Field(
        default=None, description="cells for one digit each, or how many equal ones the box has"
    )
    type: ValueType = Field(default="digits", description="what is written there")
    pattern: Unparted = Field(default="", description="# stands for a digit, all else for itself")
    length: int | None = Field(default=None, ge=1, le=MOST_DIGITS, description="how many digits it has")
    min_length: int | None = Field(default=None, ge=0, le=MOST_DIGITS, description="how many digits it has at least")
    max_length: int | None = Field(default=None, ge=1, le=MOST_DIGITS, description="how many digits it has at most")
    format: str = Field(default="", description="of a date such as dd/mm/yy, or of a time such as hh:mm")
    check: Check | None = Field(default=None, description="its check digit")
    minimum: Number | None = Field(default=None, description="the least value")
    maximum: Number | None = Field(default=None, description="the largest value")
    required: bool = Field(default=False, description="whether a blank field asks for a look")
    values: Values = Field(default=(), description="the only values allowed, or file.csv:column that has them")
    max_error: float | None = Field(default=None, gt=0, le=1, description="stands in for that of the run")


AnyTable = TypeVar("AnyTable", bound=Table)


class SumSpec(Table):
    """A rule between fields."""

    sum: tuple[str, ...] = Field(min_length=1, description="fields whose values add up")
    equals: str = Field(description="the field that has their sum")


class FormSpec(Table):
    """A paper form as its file describes it."""

    name: Name = Field(description="the name of the form")
    reference: Reference = Field(description="page pictures, or a PDF, beside the form file")
    dpi: float | None = Field(default=None, ge=LOWEST_DPI, le=HIGHEST_DPI, description="resolution of the reference")
    blank: bool = Field(default=True, description="false: the reference is a sheet that somebody filled in")
    field: tuple[FieldSpec, ...] = Field(min_length=1, description="the fields")
    rule: tuple[SumSpec, ...] = Field(default=(), description="rules between fields")

    @property
    def references(self) -> tuple[str, ...]:
        """The files of the reference, in order."""
        return (self.reference,) if isinstance(self.reference, str) else self.reference


def parse_form(text: str, source: str) -> FormSpec:
    """What a form file says; raises OptionsError with all mistakes, each with `source`, its line and its path."""
    spec, mistakes = check_tables(load_tables(text, source))
    if spec is None or mistakes:
        raise refuse(mistakes, text, source)
    return spec


def load_tables(text: str, source: str) -> dict[str, Any]:
    """The tables of a form file, right or wrong; raises OptionsError where it is no TOML."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        where = re.search(r"\(at line (\d+)", str(error))
        number = int(where[1]) if where else max(1, len(text.splitlines()))
        raise OptionsError(f"{source}:{number}: this is no TOML: {error}; mend it and run again") from error


def check_tables(raw: dict[str, Any]) -> tuple[FormSpec | None, list[Mistake]]:
    """What tables say, None where they are malformed, and all that is wrong with them."""
    spec, mistakes = None, []
    try:
        spec = FormSpec.model_validate(raw)
    except ValidationError as error:
        # A list whose members are all wrong counts as empty for pydantic; they are told one by one.
        details = (detail for detail in error.errors() if detail["type"] != "too_short" or not detail["input"])
        mistakes = [describe(detail) for detail in details]
    return spec, [*mistakes, *find_mistakes(raw)]


def refuse(mistakes: Sequence[Mistake], text: str, source: str) -> OptionsError:
    """The error that names mistakes in the order in which they stand in the file."""
    lines = find_lines(text)
    told = sorted({(line_of(path, lines), name_path(path), words) for path, words in mistakes})
    listed = "\n".join(f"  {source}:{number}: {path}: {words}" for number, path, words in told)
    what = "a mistake" if len(told) == 1 else f"{len(told)} mistakes"
    mend = "it" if len(told) == 1 else "them"
    advice = f"mend {mend} and run again; `docproc form schema` prints all keys"
    return OptionsError(f"the form has {what}:\n{listed}\n{advice}")


def dump_form(spec: FormSpec) -> str:
    """The form as TOML; `parse_form` gives the same back. What is as if left out is left out."""
    values = spec.model_dump(exclude_defaults=True)
    tables = [("field", values.pop("field")), ("rule", values.pop("rule", ()))]
    text = write_table(values)
    for kind, entries in tables:
        text += "".join(f"\n[[{kind}]]\n{write_table(entry)}" for entry in entries)
    return text


def describe(detail: ErrorDetails) -> Mistake:
    """A mistake that pydantic found, in words for whoever wrote the file."""
    path, kind = detail["loc"], detail["type"]
    if kind == "extra_forbidden":
        return Mistake(path, f"no such key{suggest(str(path[-1]), list(table_at(path).model_fields))}")
    if kind == "missing":
        return Mistake(path, f"is missing: {table_at(path).model_fields[str(path[-1])].description}")
    if kind == "literal_error":
        known = get_args(ValueType) if path[-1] == "type" else get_args(Check)
        return Mistake(path, f'there is no {path[-1]} "{detail["input"]}"{suggest(str(detail["input"]), known)}')
    if kind == "too_short":
        return Mistake(path, "is empty; at least one is needed")
    if kind in ("tuple_type", "model_type"):
        return Mistake(path, f"must be {'a list' if kind == 'tuple_type' else 'a table'}")
    words = detail["msg"].removeprefix("Value error, ").replace("Input should", "must").replace("Tuple", "the list")
    return Mistake(path, words.replace("must be a valid", "must be a"))


def table_at(path: Path) -> type[Table]:
    """The kind of table in which a key stands."""
    kinds: dict[str | int, type[Table]] = {"field": FieldSpec, "rule": SumSpec}
    return kinds.get(path[0], FormSpec) if len(path) > 1 else FormSpec


def suggest(word: str, known: Sequence[str]) -> str:
    """The known words nearest to one, or all of them."""
    near = get_close_matches(word.lower(), known, 1, 0.6)
    return f'; did you mean "{near[0]}"?' if near else f"; known are {', '.join(known)}"


def find_mistakes(raw: dict[str, Any]) -> Iterator[Mistake]:
    """Values that are well formed but make no sense together; a malformed table has but a name."""
    fields = list(well_formed(raw.get("field"), FieldSpec))
    tables = raw["field"] if fields else []
    names = [str(table["name"]) if isinstance(table, dict) and "name" in table else "" for table in tables]
    for number, (name, field) in enumerate(zip(names, fields, strict=True)):
        if name and name in names[:number]:
            yield Mistake(("field", number, "name"), f'another field is called "{name}" too')
        if name in RESERVED:
            yield Mistake(("field", number, "name"), f'"{name}" is a column that every table has')
        for key, words in (*misplaced(field), *mistyped(field), *miscounted(field)) if field else ():
            yield Mistake(("field", number, key), words)
        if field and field.type == "mark" and raw.get("blank") is False:
            words = 'is "mark", but the reference is no blank; what is print and what is a tick nobody could tell'
            yield Mistake(("field", number, "type"), words)
    # What type a field with mistakes is meant to have nobody knows.
    numbers = [name for name, field in zip(names, fields, strict=True) if field is None or is_number(field)]
    for number, rule in enumerate(well_formed(raw.get("rule"), SumSpec)):
        for key, words in mistaken(rule, names, numbers) if rule else ():
            yield Mistake(("rule", number, key), words)


def is_number(field: FieldSpec) -> bool:
    """Whether the values of a field can be added: signs that part them into groups make them no number."""
    return field.type in NUMBERS and re.fullmatch(r"#*(#[.,]#+)?", field.pattern or "") is not None


def well_formed(tables: object, kind: type[AnyTable]) -> Iterator[AnyTable | None]:
    """Each table by itself, None for those with mistakes."""
    for table in tables if isinstance(tables, list) else ():
        try:
            yield kind.model_validate(table)
        except ValidationError:
            yield None


def misplaced(field: FieldSpec) -> Iterator[tuple[str, str]]:
    """What is wrong with box and cells."""
    if isinstance(field.cells, tuple):
        if field.box is not None:
            yield "box", "give the box or a list of cells, not both; cells = 7 divides a box"
        for number, (one, two) in enumerate(pairwise(field.cells), 2):
            if two[0] + two[2] / 2 <= one[0] + one[2] / 2:
                yield "cells", f"cell {number} does not stand right of the one before; list them from left to right"
            elif one[0] + one[2] - two[0] > OVERLAP * min(one[2], two[2]):
                yield "cells", f"cell {number} overlaps the one before"
    elif field.box is None:
        yield "name", f'"{field.name}" has no place; give box = [x, y, width, height], or cells'


def mistyped(field: FieldSpec) -> Iterator[tuple[str, str]]:
    """Keys that say nothing for the type of the field, and ranges without values."""
    for key, types in GOES_WITH.items():
        if key in field.model_fields_set and field.type not in types:
            other = '; a field of type "date" or "time" has a format' if field.type in ("date", "time") else ""
            yield key, f'goes with type {" or ".join(types)}, not with "{field.type}"{other}'
    if field.type in ("date", "time") and (words := check_format(field.format, field.type)):
        yield "format" if field.format else "type", words
    if field.minimum is not None and field.maximum is not None and field.minimum > field.maximum:
        yield "minimum", f"{field.minimum:g} is more than the maximum, {field.maximum:g}"


def miscounted(field: FieldSpec) -> Iterator[tuple[str, str]]:
    """Lengths, patterns and cells that contradict each other."""
    if field.length is not None and (field.min_length is not None or field.max_length is not None):
        yield "length", "give length, or min_length and max_length"
        return
    fewest, most = asked_digits(field)
    if fewest > most:
        yield "min_length", f"{fewest} is more than max_length, {most}"
        return
    cells = count_cells(field)
    if field.pattern and not 1 <= (marks := field.pattern.count("#")) <= MOST_DIGITS:
        yield "pattern", f"has {marks} digits, must have 1 to {MOST_DIGITS}; write # for each"
    elif field.pattern and not fewest <= marks <= most:
        yield "pattern", f"has {marks} digits, but the length says {spell(fewest, most)}"
    elif field.pattern and cells and marks != cells:
        yield "pattern", f"has {marks} digits, but there are {cells} cells"
    if cells and fewest > cells:
        yield "length" if field.length else "min_length", f"asks for {fewest} digits, but there are {cells} cells"
    if field.type in ("date", "time") and cells and not check_format(field.format, field.type):
        low, high = count_digits(field.format)
        if not low <= cells <= high:
            yield "format", f"has {spell(low, high)} digits, but there are {cells} cells"
    if field.minimum is not None and field.minimum >= 10 ** (limit := to_rule(field).most):
        yield "minimum", f"{field.minimum:g} has more than {limit} digits, the most there may be"


def mistaken(rule: SumSpec, names: Sequence[str], numbers: Sequence[str]) -> Iterator[tuple[str, str]]:
    """What is wrong with a rule between fields."""
    for key, name in [("sum", name) for name in rule.sum] + [("equals", rule.equals)]:
        if name not in names:
            yield key, f'there is no field "{name}"{suggest(name, list(filter(None, names)))}'
        elif name not in numbers:
            yield key, f'"{name}" is no number; a sum needs fields of type {", ".join(NUMBERS)}, not parted by signs'
    if len(set(rule.sum)) < len(rule.sum):
        yield "sum", "names a field twice"
    if rule.equals in rule.sum:
        yield "equals", f'"{rule.equals}" is one of those that are added'


def spell(low: int, high: int) -> str:
    """A range in words."""
    return str(low) if low == high else f"{low} to {high}"


def asked_digits(field: FieldSpec) -> tuple[int, int]:
    """How many digits a field has at least and at most by its length alone."""
    if field.length is not None:
        return field.length, field.length
    return field.min_length or 0, MOST_DIGITS if field.max_length is None else field.max_length


def count_cells(field: FieldSpec) -> int:
    """How many cells the comb of a field has, 0 where it is none."""
    return len(field.cells) if isinstance(field.cells, tuple) else field.cells or 0


def to_rule(field: FieldSpec, values: tuple[str, ...] = ()) -> Rule:
    """The rule of a field without mistakes. `values` are those that `field.values` stands for."""
    fewest, most = asked_digits(field)
    if field.pattern:
        fewest = most = field.pattern.count("#")
    elif field.format:
        fewest, most = count_digits(field.format)
    most = min(most, count_cells(field) or MOST_DIGITS)
    return Rule(
        field.type,
        fewest,
        most,
        field.pattern,
        field.format,
        field.minimum,
        field.maximum,
        field.check or "",
        values,
        field.required,
        field.max_error,
    )
