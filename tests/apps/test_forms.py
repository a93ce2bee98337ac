"""The commands for forms, from a blank sheet to a check of scans."""

from __future__ import annotations

import csv
import json
import re
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from docproc.errors import Exit
from docproc.fields.form import FormSpec, parse_form
from docproc.recognize.weights import find_shipped
from docproc.train.paper import make_paper, scan, to_bytes, to_grey
from docproc.train.pen import draw_writer
from docproc.train.sheet import (
    BLUE,
    WHITE_PAPER,
    Area,
    Comb,
    Hand,
    Pen,
    Sheet,
    print_text,
    rule,
    rule_box,
    rule_comb,
    start_sheet,
    write_comb,
    write_line,
)

Docproc = Callable[..., "subprocess.Popen[bytes]"]

PROMPTS = ("Connection number", "Meter reading", "People in the household")
TERMS = (
    "The reading is taken at the meter and written without the red digits. Whoever",
    "cannot reach the meter leaves the line empty and ticks the reason below. Cards",
    "that come back after the end of the month count for the next one.",
)


def card(seed: int | None = None, dpi: float = 200) -> Sheet:
    """A meter card, blank or filled in by a writer."""
    sheet = start_sheet(np.random.default_rng([seed or 0, 40]), 148, 105, dpi)
    rule_box(sheet, Area(4, 4, 140, 97), 0.5)
    print_text(sheet, (10, 8), "WATER METER CARD", 4)
    rule(sheet, (4, 15), (144, 15), 0.4)
    for number, (prompt, cells) in enumerate(zip(PROMPTS, (8, 6, 0), strict=True)):
        y = 20 + 14 * number
        print_text(sheet, (10, y + 3), prompt, 2.4)
        if cells:
            rule_comb(sheet, Comb(62, y, cells, 7, 9))
        else:
            rule_box(sheet, Area(62, y, 25, 9))
    for number, line in enumerate(TERMS):
        print_text(sheet, (10, 66 + 5 * number), line, 2.2)
    print_text(sheet, (10, 92), "Signature", 2.3)
    rule(sheet, (32, 95), (92, 95), 0.25)
    if seed is not None:
        hand = Hand(draw_writer(seed), Pen(BLUE, 0.9))
        write_comb(sheet, hand, "".join(map(str, sheet.rng.integers(0, 10, 8))), Comb(62, 20, 8, 7, 9))
        write_comb(sheet, hand, "".join(map(str, sheet.rng.integers(0, 10, 6))), Comb(62, 34, 6, 7, 9))
        write_line(sheet, hand, str(sheet.rng.integers(1, 9)), (66, 55.5), 6)
    return sheet


def save(sheet: Sheet, path: Path, turn: float = 0.0) -> Path:
    gray = np.asarray(sheet.picture.mean(axis=2) * 255, np.uint8)
    if turn:
        height, width = gray.shape
        moved = cv2.getRotationMatrix2D((width / 2, height / 2), turn, 1.0)
        gray = np.asarray(cv2.warpAffine(gray, moved, (width, height), borderValue=245), np.uint8)
    Image.fromarray(gray).save(path, dpi=(sheet.dpi, sheet.dpi))
    return path


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(card(), tmp_path_factory.mktemp("blank") / "blank.png")


@pytest.fixture
def no_reader(tmp_path: Path) -> dict[str, str]:
    """An environment in which no command reads labels."""
    (tmp_path / "bin").mkdir()
    return {"PATH": str(tmp_path / "bin")}


@pytest.fixture
def reader(no_reader: dict[str, str]) -> dict[str, str]:
    """An environment in which every label is read as the same words."""
    command = Path(no_reader["PATH"]) / "tesseract"
    command.write_text('#!/bin/sh\necho "Mother\'s données: Temp.:"\n', encoding="utf-8")
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    return no_reader


def run(docproc: Docproc, *arguments: str | Path, **environment: str) -> tuple[int, str, str]:
    child = docproc(*arguments, **environment)
    out, errors = child.communicate(timeout=120)
    return child.returncode, out.decode(), errors.decode()


def test_draft_of_a_blank_is_a_form_file_its_reference_and_a_picture(
    docproc: Docproc, blank: Path, tmp_path: Path, no_reader: dict[str, str]
) -> None:
    out = tmp_path / "new" / "card.toml"
    code, told, errors = run(docproc, "form", "new", blank, "--out", out, **no_reader)
    assert (code, errors) == (0, "")
    assert sorted(path.name for path in out.parent.iterdir()) == ["blank.png", "card.png", "card.toml"]
    assert (out.parent / "blank.png").read_bytes() == blank.read_bytes()
    form = parse_form(out.read_text(encoding="utf-8"), "card.toml")
    assert (form.name, form.reference, form.dpi) == ("card", "blank.png", 200)
    assert [field.name for field in form.field] == ["field_01", "field_02", "field_03", "field_04"]
    assert [len(field.cells) if isinstance(field.cells, tuple) else 0 for field in form.field] == [8, 6, 0, 0]
    x, y, width, height = form.field[2].box or (0, 0, 0, 0)
    assert np.abs(np.array([x, y, width, height]) / 200 * 25.4 - (62, 48, 25, 9)).max() < 0.7
    picture = cv2.imread(str(out.parent / "card.png"))
    assert picture is not None
    assert (np.abs(picture.astype(int) - (150, 130, 0)).max(2) < 30).any()
    assert "4 fields" in told
    assert "install Tesseract" in told
    assert f"docproc form check {out}" in told


def test_fields_are_named_by_the_print_beside_them(
    docproc: Docproc, blank: Path, tmp_path: Path, reader: dict[str, str]
) -> None:
    out = tmp_path / "card.toml"
    code, told, _ = run(docproc, "form", "new", blank, "--out", out, **reader)
    assert code == 0
    form = parse_form(out.read_text(encoding="utf-8"), "card.toml")
    assert [field.name for field in form.field] == ["temp", "temp_2", "temp_3", "temp_4"]
    assert "4 of them named" in told


def test_nothing_is_overwritten_without_force(
    docproc: Docproc, blank: Path, tmp_path: Path, no_reader: dict[str, str]
) -> None:
    out = tmp_path / "card.toml"
    assert run(docproc, "form", "new", blank, "--out", out, **no_reader)[0] == 0
    out.write_text("# mine\n", encoding="utf-8")
    code, _, errors = run(docproc, "form", "new", blank, "--out", out, **no_reader)
    assert code == Exit.LEDGER
    assert "--force" in errors
    assert out.read_text(encoding="utf-8") == "# mine\n"
    assert run(docproc, "form", "new", blank, "--out", out, "--force", **no_reader)[0] == 0
    assert "[[field]]" in out.read_text(encoding="utf-8")


def test_picture_of_the_draft_never_covers_the_blank(docproc: Docproc, blank: Path, tmp_path: Path) -> None:
    copy = tmp_path / "card.png"
    copy.write_bytes(blank.read_bytes())
    assert run(docproc, "form", "new", copy, "--out", tmp_path / "card.toml")[0] == 0
    assert copy.read_bytes() == blank.read_bytes()
    assert (tmp_path / "card-draft.png").is_file()


def test_blank_that_lies_askew_is_set_straight(docproc: Docproc, tmp_path: Path, no_reader: dict[str, str]) -> None:
    crooked = save(card(), tmp_path / "crooked.png", 4)
    out = tmp_path / "new" / "card.toml"
    assert run(docproc, "form", "new", crooked, "--out", out, **no_reader)[0] == 0
    form = parse_form(out.read_text(encoding="utf-8"), "card.toml")
    assert form.reference == "card-page-1.png"
    assert [len(field.cells) if isinstance(field.cells, tuple) else 0 for field in form.field] == [8, 6, 0, 0]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("none.png", "--out", "form.toml"), Exit.INPUT, "put it back"),
        (("bare.png", "--out", "form.toml"), Exit.INPUT, "use a blank sheet"),
        (("bare.png", "--out", "form.txt"), Exit.USAGE, "something.toml"),
        (("bare.png", "bare.png", "--filled", "--out", "form.toml"), Exit.USAGE, "needs 3 sheets"),
    ],
)
def test_draft_that_cannot_be_made_says_what_to_do(
    docproc: Docproc, tmp_path: Path, arguments: tuple[str, ...], code: Exit, words: str
) -> None:
    Image.fromarray(np.full((800, 600), 250, np.uint8)).save(tmp_path / "bare.png", dpi=(100, 100))
    named = [str(tmp_path / word) if "." in word else word for word in arguments]
    ended, _, errors = run(docproc, "form", "new", *named)
    assert ended == code
    assert words in errors
    assert not (tmp_path / "form.toml").exists()


def test_schema_is_json_schema_that_names_every_key(docproc: Docproc) -> None:
    code, out, _ = run(docproc, "form", "schema")
    assert code == 0
    schema = json.loads(out)
    assert {"name", "reference", "dpi", "blank", "field", "rule"} == set(schema["properties"])
    assert {"box", "cells", "pattern", "max_error"} <= set(schema["$defs"]["FieldSpec"]["properties"])


def test_check_tells_where_scans_lie_and_which_are_refused(
    docproc: Docproc, blank: Path, tmp_path: Path, no_reader: dict[str, str]
) -> None:
    out = tmp_path / "form" / "card.toml"
    assert run(docproc, "form", "new", blank, "--out", out, **no_reader)[0] == 0
    scans = tmp_path / "scans"
    scans.mkdir()
    save(card(1), scans / "level.png")
    save(card(2), scans / "skew.png", 3)
    good = run(docproc, "form", "check", out, scans, "--out", tmp_path / "good")
    assert good[0] == 0, good
    lines = good[1].splitlines()
    assert len(lines) == 4
    for line in lines[1:3]:
        assert float(line.split()[-1]) < 0.5
        assert line.split()[-2] == "1"
    assert "2 pages: 2 lie on the form, 0 would be refused" in lines[-1]
    for name in ("level.png", "skew.png"):
        picture = cv2.imread(str(tmp_path / "good" / name))
        assert picture is not None
        assert (np.abs(picture.astype(int) - (60, 150, 40)).max(2) < 30).any()
    (scans / "notes.txt").write_text("nothing to see", encoding="utf-8")
    (scans / "broken.png").write_bytes((scans / "level.png").read_bytes()[:900])
    Image.fromarray(np.full((800, 1100), 250, np.uint8)).save(scans / "other.png", dpi=(200, 200))
    code, told, _ = run(docproc, "form", "check", out, scans, "--out", tmp_path / "bad")
    assert code == Exit.SOME_FAILED
    assert "4 pages: 2 lie on the form, 2 would be refused" in told
    assert "damaged" in told
    assert "not-this-form" in told
    picture = cv2.imread(str(tmp_path / "bad" / "other.png"))
    assert picture is not None
    assert (np.abs(picture.astype(int) - (40, 40, 210)).max(2) < 30).any()
    assert not (tmp_path / "bad" / "notes.png").exists()


def test_blank_is_learned_from_filled_sheets(docproc: Docproc, tmp_path: Path, no_reader: dict[str, str]) -> None:
    sheets = [save(card(seed), tmp_path / f"{seed}.png", turn) for seed, turn in enumerate((0, 2, -1, 0, 1, 3, -2))]
    out = tmp_path / "new" / "card.toml"
    code, told, errors = run(docproc, "form", "new", *sheets, "--filled", "--out", out, **no_reader)
    assert code == 0, errors
    assert "4 fields" in told
    form = parse_form(out.read_text(encoding="utf-8"), "card.toml")
    assert form.reference == "card-blank.png"
    assert [len(field.cells) if isinstance(field.cells, tuple) else 0 for field in form.field] == [8, 6, 0, 0]


NUMBERS = [f"{number * 7919 % 10000:04d}" for number in range(1, 5)]
PUPILS = "pupil,name\n" + "".join(f"{number},Amina {number}\n" for number in NUMBERS)
ASKED = "age=3,weight=##.#,visit=dd/mm/yy,score=integer:2"


@pytest.fixture(scope="module")
def sheets(docproc: Docproc, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of sheets for four pupils."""
    folder = tmp_path_factory.mktemp("print")
    (folder / "pupils.csv").write_text(PUPILS, encoding="utf-8")
    out = folder / "visit"
    code, told, errors = run(
        docproc,
        "form",
        "print",
        folder / "pupils.csv",
        "--id",
        "pupil",
        "--show",
        "name",
        "--fields",
        ASKED,
        "--out",
        out,
    )
    assert (code, errors) == (0, "")
    assert "sheets: 4; pages of each: 1; fields to fill in: 4" in told
    assert f"docproc run SCANS --form {out / 'form.toml'} --out results.csv" in told
    return out


def fill_in(sheets: Path, form: FormSpec, number: int, path: Path) -> dict[str, str]:
    """Fill in the sheet of that number and scan it askew; returns what was written, digits alone."""
    import pypdfium2

    rng = np.random.default_rng([number, 60])
    page = pypdfium2.PdfDocument(sheets / "sheets.pdf")[number]
    printed = np.asarray(page.render(scale=200 / 72).to_pil().convert("RGB"), np.float32) / 255
    height, width = printed.shape[:2]
    sheet = Sheet(np.asarray(printed * make_paper(rng, height, width, WHITE_PAPER), np.float32), 200, rng)
    hand = Hand(draw_writer(number + 500), Pen(BLUE, 0.9))
    date = f"{rng.integers(1, 29):02d}{rng.integers(1, 13):02d}{rng.integers(20, 27)}"
    values = {"age": f"{rng.integers(10, 90)}", "weight": f"{rng.integers(100, 999)}", "visit": date, "score": "7"}
    for field in form.field:
        assert isinstance(field.cells, tuple)
        for cell, digit in zip(field.cells, values.get(field.name, ""), strict=False):
            x, y, wide, high = (side / 300 * 25.4 for side in cell)
            write_comb(sheet, hand, digit, Comb(x, y, 1, wide, high))
    picture, _ = scan(rng, sheet.picture, float(rng.uniform(-3, 3)))
    Image.fromarray(to_bytes(to_grey(picture[::-1, ::-1] if number == 1 else picture))).save(path, dpi=(200, 200))
    return values | {"pupil": NUMBERS[number]}


@pytest.mark.slow
@pytest.mark.skipif(not find_shipped("digits").is_file(), reason="no trained weights yet")
def test_printed_sheets_are_read_back_with_whose_they_are(docproc: Docproc, sheets: Path, tmp_path: Path) -> None:
    form = parse_form((sheets / "form.toml").read_text(encoding="utf-8"), "form.toml")
    scans, out = tmp_path / "scans", tmp_path / "results.csv"
    scans.mkdir()
    truth = [fill_in(sheets, form, number, scans / f"{number}.png") for number in range(4)]
    code, _, errors = run(docproc, "run", scans, "--form", sheets / "form.toml", "--out", out, "--workers", "0")
    assert code == 0, errors
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[:8] == ["source", "page", "form", "pupil", "age", "weight", "visit", "score"]
    right = 0
    for row, values in zip(rows, truth, strict=True):
        read = {name: re.sub("[^0-9]", "", row[name]) for name in values}
        assert read["pupil"] == values["pupil"]
        assert "pupil" not in row["review"]
        assert not [name for name in values if read[name] != values[name] and name not in row["review"]]
        right += sum(read[name] == values[name] for name in values)
    assert right >= 19, f"{right} of 20"


def test_sheets_without_a_roster_are_copies(docproc: Docproc, tmp_path: Path) -> None:
    out = tmp_path / "tally"
    code, told, _ = run(docproc, "form", "print", "--fields", "count=4", "--copies", "3", "--out", out)
    assert code == 0
    assert "sheets: 3" in told
    assert sorted(path.name for path in out.iterdir()) == ["form.png", "form.toml", "sheets.pdf"]
    again = run(docproc, "form", "print", "--fields", "count=5", "--out", out)
    assert again[0] == Exit.LEDGER
    assert "--force" in again[2]
    assert run(docproc, "form", "print", "--fields", "count=5", "--out", out, "--force")[0] == 0
    cells = parse_form((out / "form.toml").read_text(encoding="utf-8"), "form.toml").field[0].cells
    assert isinstance(cells, tuple)
    assert len(cells) == 5


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--fields", "age"), "write fields as in"),
        (("--fields", "age=3", "--id", "pupil"), "name its CSV file"),
        (("pupils.csv", "--fields", "age=3", "--id", "pupil", "--copies", "2"), "leave out --copies"),
        (("pupils.csv", "--fields", "pupil=4", "--id", "pupil"), 'two fields are called "pupil"'),
        (("pupils.csv", "--fields", "age=3", "--id", "number"), 'has no column "number"'),
        (("none.csv", "--fields", "age=3", "--id", "pupil"), "cannot read"),
        (("--fields", "age=3", "--title", "صحة"), "show a column in other letters"),
        (("--fields", "age=3", "--font", "none.ttf"), "choose another .ttf file"),
    ],
)
def test_sheets_that_cannot_be_printed_say_what_to_do(
    docproc: Docproc, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    (tmp_path / "pupils.csv").write_text(PUPILS, encoding="utf-8")
    named = [tmp_path / word if word.endswith((".csv", ".ttf")) else word for word in arguments]
    code, _, errors = run(docproc, "form", "print", *named, "--out", tmp_path / "out")
    assert code == Exit.USAGE
    assert words in errors
    assert not (tmp_path / "out").exists()
