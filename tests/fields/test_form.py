"""The form file: what it says, what is refused and where, and that it can be written back."""

from __future__ import annotations

import re
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docproc.errors import Exit, OptionsError
from docproc.fields.form import RESERVED, FieldSpec, FormSpec, SumSpec, dump_form, parse_form, to_rule
from docproc.types import Rule

HEAD = 'name = "card"\nreference = "blank.png"\n'
FIELD = '[[field]]\nname = "count"\nbox = [10, 20, 300, 40]\n'


def mistakes(text: str) -> list[tuple[int, str]]:
    """The line and the rest of every mistake in a form file."""
    with pytest.raises(OptionsError) as caught:
        parse_form(text, "form.toml")
    assert caught.value.code == Exit.OPTIONS
    lines = str(caught.value).splitlines()
    assert "run again" in lines[-1]
    return [(int(found[1]), found[2]) for line in lines if (found := re.match(r"\s*form\.toml:(\d+): (.*)", line))]


def field(lines: str) -> list[tuple[int, str]]:
    """The mistakes of a field with such lines; its first line is 6."""
    return mistakes(f"{HEAD}{FIELD}{lines}")


def test_short_form_says_little_and_means_the_rest() -> None:
    form = parse_form(HEAD + FIELD, "form.toml")
    assert form == FormSpec(name="card", reference="blank.png", field=(FieldSpec(name="count", box=(10, 20, 300, 40)),))
    assert form.blank
    assert form.references == ("blank.png",)
    assert to_rule(form.field[0]) == Rule()


def test_the_form_of_the_issue_is_understood() -> None:
    form = parse_form(
        """
        name = "delivery-record"
        reference = ["one.png", "two.pdf"]
        dpi = 300
        blank = false

        [[field]]
        name = "registration_number"
        page = 2
        box = [870, 585, 615, 124]
        cells = 7
        pattern = "#####-##"
        check = "luhn"
        minimum = 0
        maximum = 200
        required = true
        values = "roster.csv:student_id"
        max_error = 0.001

        [[field]]
        name = "votes"
        cells = [[0, 0, 10, 20], [10, 0, 10, 20]]
        type = "integer"

        [[field]]
        name = "ballots"
        box = [0, 30, 20, 20]
        pattern = "##.#"

        [[rule]]
        sum = ["votes"]
        equals = "ballots"
        """,
        "form.toml",
    )
    assert form.references == ("one.png", "two.pdf")
    assert form.rule == (SumSpec(sum=("votes",), equals="ballots"),)
    rule = to_rule(form.field[0], ("1234567",))
    assert (rule.fewest, rule.most, rule.pattern, rule.check) == (7, 7, "#####-##", "luhn")
    assert (rule.minimum, rule.maximum, rule.required, rule.max_error) == (0, 200, True, 0.001)
    assert rule.values == ("1234567",)
    assert to_rule(form.field[1]).most == 2


@pytest.mark.parametrize(
    ("lines", "line", "words"),
    [
        ("minium = 3", 6, 'field[1].minium: no such key; did you mean "minimum"?'),
        ('type = "numbers"', 6, 'field[1].type: there is no type "numbers"'),
        ('type = "dat"', 6, 'did you mean "date"?'),
        ('check = "verhof"', 6, 'field[1].check: there is no check "verhof"; did you mean "verhoeff"?'),
        ("minimum = 3\nmaximum = 2", 6, "field[1].minimum: 3 is more than the maximum, 2"),
        ("minimum = 1000\nlength = 3", 6, "more than 3 digits"),
        ('pattern = "##-##"\nlength = 5', 6, "field[1].pattern: has 4 digits, but the length says 5"),
        ('pattern = "##-##"\nmin_length = 1\nmax_length = 3', 6, "the length says 1 to 3"),
        ('cells = 7\npattern = "#####"', 7, "field[1].pattern: has 5 digits, but there are 7 cells"),
        ("cells = 7\nlength = 8", 7, "field[1].length: asks for 8 digits, but there are 7 cells"),
        ("cells = 7\nmin_length = 8", 7, "field[1].min_length: asks for 8 digits"),
        ('pattern = "ABC"', 6, "write # for each"),
        ("length = 3\nmax_length = 4", 6, "give length, or min_length and max_length"),
        ("min_length = 3\nmax_length = 2", 6, "3 is more than max_length, 2"),
        ("cells = 1", 6, "2 to 40 cells"),
        ("cells = [[1, 1, 5, 5], [9, 1, 5]]", 6, "cell 2 must be four whole numbers"),
        ("cells = [[1, 1, 5, 5], [9, 1, 5, 5]]", 5, "not both"),
        ('type = "date"', 6, 'a date needs a format; write it as in "dd/mm/yy"'),
        ('type = "date"\nformat = "DD/MM/YY"', 7, '"DD" is no part of a date'),
        ('type = "date"\nformat = "dd/mm/yyy"', 7, '"yyy" is no part of a date'),
        ('type = "date"\nformat = "dd/dd/yy"', 7, "names a part twice"),
        ('type = "date"\nformat = "yy"', 7, "not enough of a date"),
        ('type = "date"\nformat = "dmyy"', 7, "needs a sign between"),
        ('type = "time"\nformat = "hh:ss"', 7, '"ss" is no part of a time'),
        ('type = "date"\nformat = "dd/mm/yyyy"\ncells = 6', 7, "has 8 digits, but there are 6 cells"),
        ('format = "dd/mm/yy"', 6, 'field[1].format: goes with type date or time, not with "digits"'),
        ('type = "mark"\npattern = "##"', 7, 'not with "mark"'),
        ('type = "mark"\ncells = 3', 7, 'not with "mark"'),
        ('pattern = "##;##"', 6, "without semicolons"),
        ('values = ["a;1"]', 6, "without semicolons"),
        ('type = "decimal"\ncheck = "luhn"', 7, "goes with type digits"),
        ("max_error = 2", 6, "field[1].max_error: must be less than or equal to 1"),
        ('values = "roster"', 6, '"roster.csv:student_id"'),
        ("values = [1.5]", 6, "a list of values in quotes"),
        ("page = 0", 6, "field[1].page: must be greater than or equal to 1"),
        ("minimum = nan", 6, "field[1].minimum: must be a finite number"),
    ],
)
def test_mistake_in_a_field_is_named_with_its_line(lines: str, line: int, words: str) -> None:
    ((at, said),) = field(lines)
    assert at == line
    assert said.startswith("field[1].")
    assert words in said


@pytest.mark.parametrize("box", ["[1, 2, 3]", "[1, 2, 3, 0]", "[-1, 2, 3, 4]", "[1.5, 2, 3, 4]", '"here"', "3"])
def test_box_is_four_whole_numbers(box: str) -> None:
    ((line, said),) = mistakes(f'{HEAD}[[field]]\nname = "count"\nbox = {box}\n')
    assert line == 5
    assert said.startswith("field[1].box: ")


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ("[[0, 0, 20, 30], [60, 0, 20, 30], [30, 0, 20, 30]]", "cell 3 does not stand right of the one before"),
        ("[[0, 0, 20, 30], [10, 0, 20, 30]]", "cell 2 overlaps the one before"),
    ],
)
def test_cells_stand_side_by_side(cells: str, words: str) -> None:
    ((line, said),) = mistakes(f'{HEAD}[[field]]\nname = "count"\ncells = {cells}\n')
    assert line == 5
    assert said.startswith(f"field[1].cells: {words}")


def test_cells_may_share_the_line_between_them() -> None:
    parse_form(f'{HEAD}[[field]]\nname = "count"\ncells = [[0, 0, 22, 30], [17, 0, 22, 30]]\n', "form.toml")


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file() -> None:
    text = (
        'name = " card"\nreference = []\nresolution = 300\n\n'
        '[[field]]\nname = "a"\nbox = [1, 2, 3]\n\n'
        '[[field]]\nname = "a"\n\n'
        '[[field]]\nname = "page"\nbox = [1, 2, 3, 4]\ntype = "mark"\n\n'
        '[[rule]]\nsum = ["a", "b", "a"]\nequals = "page"\n'
    )
    told = mistakes(text)
    assert told == sorted(told)
    assert [(line, said.partition(":")[0]) for line, said in told] == [
        (1, "name"),
        (2, "reference"),
        (3, "resolution"),
        (7, "field[1].box"),
        (10, "field[2].name"),
        (10, "field[2].name"),
        (13, "field[3].name"),
        (18, "rule[1].sum"),
        (18, "rule[1].sum"),
        (19, "rule[1].equals"),
    ]


def test_a_tick_cannot_be_told_from_the_print_of_a_filled_in_reference() -> None:
    told = mistakes(f'{HEAD}blank = false\n{FIELD}type = "mark"\n')
    assert [(line, said.partition(",")[0]) for line, said in told] == [(7, 'field[1].type: is "mark"')]


def test_numbers_that_signs_part_cannot_be_added() -> None:
    other = FIELD.replace("count", "total")
    told = mistakes(f'{HEAD}{FIELD}pattern = "##-##"\n{other}[[rule]]\nsum = ["count"]\nequals = "total"\n')
    assert [(line, said.partition(";")[0]) for line, said in told] == [(11, 'rule[1].sum: "count" is no number')]


def test_form_without_fields_is_none() -> None:
    assert [said for _, said in mistakes(HEAD)] == ["field: is missing: the fields"]
    assert mistakes('field = 3\nname = "card"\nreference = "a.png"') == [(1, "field: must be a list")]
    assert mistakes(f"{HEAD}field = [3]") == [(3, "field[1]: must be a table")]


def test_table_of_another_name_is_a_misspelling() -> None:
    told = mistakes(f"{HEAD}{FIELD.replace('[[field]]', '[[fields]]')}")
    assert (3, 'fields: no such key; did you mean "field"?') in told


def test_text_that_is_no_toml_is_told_with_its_line() -> None:
    ((line, said),) = mistakes(f"{HEAD}{FIELD}pattern = ##\n")
    assert line == 6
    assert "no TOML" in said
    ((line, _),) = mistakes(f"{HEAD}{FIELD}cells = [[1, 2")
    assert line == 6


names = st.text(string.ascii_letters + string.digits + "_ \"'\\#=[]é数", min_size=1, max_size=12).filter(
    lambda name: name == name.strip() and name not in RESERVED
)
sides = st.integers(0, 5000)
boxes = st.tuples(sides, sides, st.integers(1, 5000), st.integers(1, 5000))
finite = st.floats(-1e6, 1e6)


@st.composite
def combs(draw: st.DrawFn, count: int) -> tuple[tuple[int, int, int, int], ...]:
    x, y = draw(sides), draw(sides)
    width, height = draw(st.integers(1, 90)), draw(st.integers(1, 90))
    return tuple((x + number * (width + draw(st.just(3))), y, width, height) for number in range(count))


@st.composite
def fields(draw: st.DrawFn, name: str) -> FieldSpec:
    values: dict[str, Any] = {"name": name, "page": draw(st.integers(1, 9)), "required": draw(st.booleans())}
    digits = draw(st.integers(2, 9))
    if draw(st.booleans()):
        values["cells"] = draw(combs(digits))
    else:
        values["box"] = draw(boxes)
        values["cells"] = draw(st.sampled_from([None, digits]))
    kind = values["type"] = draw(st.sampled_from(["digits", "integer", "decimal", "date", "time", "mark"]))
    if kind in ("date", "time"):
        values["cells"] = values["cells"] if values.get("box") is None else None
        values["format"] = "dd/mm/yy" if kind == "date" else "h:mm"
        if isinstance(values["cells"], tuple):
            values["cells"] = draw(combs(6 if kind == "date" else 4))
    elif kind == "mark":
        values["box"] = draw(boxes)
        del values["cells"]
    else:
        low, high = sorted((draw(finite), draw(finite)))
        limits = {"minimum": min(low, 99), "maximum": high}
        values |= draw(st.sampled_from([{}, limits, {"minimum": -1.5}, {"maximum": 1e300}]))
        lengths = [{}, {"length": digits}, {"pattern": "#" * digits}, {"max_length": digits, "min_length": 0}]
        values |= draw(st.sampled_from(lengths))
        values["values"] = draw(st.sampled_from([(), "file: a.csv:column", ("01", 'a"\\b\x7f')]))
    if kind == "digits":
        values["check"] = draw(st.sampled_from([None, "luhn", "iso7064_mod_97_10"]))
    return FieldSpec(**{**values, "max_error": draw(st.sampled_from([None, 0.001, 1.0]))})


@st.composite
def forms(draw: st.DrawFn) -> FormSpec:
    chosen = draw(st.lists(names, min_size=1, max_size=4, unique=True))
    specs = tuple(draw(fields(name)) for name in chosen)
    numbers = [spec.name for spec in specs if spec.type in ("digits", "integer", "decimal")]
    rules = (SumSpec(sum=tuple(numbers[1:]), equals=numbers[0]),) if len(numbers) > 1 and draw(st.booleans()) else ()
    reference: str | tuple[str, ...] = draw(st.sampled_from(["blank.png", ("one.png", "two.pdf")]))
    dpi = draw(st.none() | st.floats(50, 2400))
    blank = draw(st.booleans()) or any(spec.type == "mark" for spec in specs)
    return FormSpec(name=draw(names), reference=reference, dpi=dpi, blank=blank, field=specs, rule=rules)


@settings(deadline=None)
@given(forms())
def test_form_that_is_written_is_read_as_the_same(form: FormSpec) -> None:
    assert parse_form(dump_form(form), "form.toml") == form


def test_what_is_as_if_left_out_is_left_out() -> None:
    form = parse_form(HEAD + FIELD, "form.toml")
    assert dump_form(form) == f"{HEAD}\n{FIELD}"


def test_docs_tell_every_key() -> None:
    text = (Path(__file__).resolve().parent.parent.parent / "docs" / "forms.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`[^|]+`) \|", text, re.MULTILINE)
    told = {key for row in rows for key in re.findall(r"`(\w+)`", row)}
    known = {key for table in (FormSpec, FieldSpec, SumSpec) for key in table.model_fields}
    assert told == known - {"field", "rule"}
    assert "[[field]]" in text
    assert "[[rule]]" in text
