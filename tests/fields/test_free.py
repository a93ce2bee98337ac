from __future__ import annotations

import cv2
import numpy as np
import pytest

from docproc.clean.page import clean
from docproc.fields.locate import locate
from docproc.types import Box, Field, Gray, Page, PageRef

LINES = (
    "Please write the numbers of the day",
    "into the boxes below and sign the",
    "sheet when you have counted them all",
)


def sheet(print_lines: int = 9) -> Gray:
    """A page with a paragraph of print at the bottom, which tells what print looks like."""
    page = np.full((2000, 1700), 255, np.uint8)
    for number in range(print_lines):
        place = (100 + 13 * number % 40, 1400 + 55 * number)
        cv2.putText(page, LINES[number % 3], place, cv2.FONT_HERSHEY_DUPLEX, 1.1, 0, 2)
    return page


def write(page: Gray, text: str, x: int, y: int, seed: int = 0, size: float = 1.9) -> None:
    """Digits of uneven height on an uneven line, as a hand writes them."""
    random = np.random.default_rng(seed)
    for digit in text:
        scale = size * random.uniform(0.85, 1.2)
        lift = int(random.integers(-7, 8))
        cv2.putText(page, digit, (x, y + lift), cv2.FONT_HERSHEY_SCRIPT_SIMPLEX, scale, 0, 4)
        x += int(30 * scale) + int(random.integers(0, 8))


def cells(page: Gray, x: int, y: int, count: int, width: int = 70, height: int = 90) -> list[Box]:
    """A comb; returns its cells, borders included."""
    for number in range(count):
        cv2.rectangle(page, (x + number * width, y), (x + (number + 1) * width, y + height), 0, 3)
    return [Box(x + number * width, y, width, height) for number in range(count)]


def fields_of(page: Gray) -> tuple[Field, ...]:
    return locate(clean(Page(PageRef("sheet.png", "", 1), page, 300), False))


def test_boxes_are_found_in_place_and_in_reading_order() -> None:
    page = sheet()
    places = [(1000, 204, 300, 90), (200, 200, 500, 90), (200, 400, 150, 90)]
    for x, y, width, height in places:
        cv2.rectangle(page, (x, y), (x + width, y + height), 0, 4)
    write(page, "403", 1050, 275)
    fields = fields_of(page)
    assert [field.name for field in fields] == ["1", "2", "3"]
    assert [field.kind for field in fields] == ["box"] * 3
    for field, truth in zip(fields, (places[1], places[0], places[2]), strict=True):
        assert field.box == pytest.approx(truth, abs=8)


def test_comb_is_one_field_with_its_cells() -> None:
    page = sheet()
    truth = cells(page, 300, 300, 5)
    for number, cell in enumerate(truth):
        write(page, str(number + 2), cell.x + 15, cell.bottom - 20, seed=number, size=1.4)
    (field,) = fields_of(page)
    assert field.kind == "comb"
    assert field.box == pytest.approx((300, 300, 350, 90), abs=8)
    assert len(field.cells) == 5
    for cell, box in zip(field.cells, truth, strict=True):
        assert cell == pytest.approx(box, abs=8)


def test_comb_goes_on_behind_a_dash_or_slash_and_not_behind_a_colon() -> None:
    page = sheet()
    for row, y in enumerate((200, 400, 600)):
        cells(page, 300, y, 2)
        cells(page, 490, y, 2)
        if row == 0:
            cv2.line(page, (455, y + 45), (475, y + 45), 0, 5)
        elif row == 1:
            cv2.line(page, (455, y + 80), (475, y + 10), 0, 5)
        else:
            cv2.circle(page, (465, y + 30), 5, 0, -1)
            cv2.circle(page, (465, y + 60), 5, 0, -1)
    assert [len(field.cells) for field in fields_of(page)] == [4, 4, 2, 2]


def test_guide_text_in_the_cells_of_a_comb_is_told_from_digits() -> None:
    page = sheet()
    for y in (200, 400, 600):
        for cell, letter in zip(cells(page, 300, y, 8), "ddmmyyyy", strict=True):
            cv2.putText(page, letter, (cell.x + 26, cell.y + 80), cv2.FONT_HERSHEY_DUPLEX, 0.8, 90, 2)
    for place in (1, 3, 4):
        write(page, "7", 314 + 70 * place, 455, 1, 1.5)
    combs = [field for field in fields_of(page) if field.kind == "comb"]
    assert [len(comb.cells) for comb in combs] == [8, 8, 8]
    assert [len(comb.guide) for comb in combs] == [8, 8, 8]


def test_low_digits_in_high_cells_are_no_guide_text() -> None:
    page = sheet()
    for y in (200, 400, 600):
        for place, cell in enumerate(cells(page, 300, y, 8, height=110)):
            cv2.putText(page, "41707117"[place], (cell.x + 20, cell.y + 80), cv2.FONT_HERSHEY_DUPLEX, 1.6, 0, 3)
    assert not any(field.guide for field in fields_of(page))


def test_cells_with_gaps_between_are_one_comb() -> None:
    page = sheet()
    for number in range(6):
        cv2.rectangle(page, (300 + 66 * number, 300), (356 + 66 * number, 376), 0, 3)
    assert [len(field.cells) for field in fields_of(page)] == [6]


def test_table_gives_its_fill_in_cells_without_the_printed_labels() -> None:
    page = sheet()
    for y in range(200, 601, 100):
        cv2.line(page, (100, y), (1500, y), 0, 3)
    for x in (100, 600, 1050, 1500):
        cv2.line(page, (x, 200), (x, 600), 0, 3)
    for row, label in enumerate(("Please count", "the numbers", "of the boxes", "and sign")):
        cv2.putText(page, label, (120, 262 + 100 * row), cv2.FONT_HERSHEY_DUPLEX, 1.1, 0, 2)
    write(page, "317", 700, 280)
    write(page, "42", 1150, 480, seed=3)
    fields = fields_of(page)
    assert [field.kind for field in fields] == ["cell"] * 8
    assert fields[0].box == pytest.approx((600, 200, 450, 100), abs=8)
    assert fields[5].box == pytest.approx((1050, 400, 450, 100), abs=8)


def test_grid_of_square_cells_is_cells_not_combs() -> None:
    page = sheet()
    for row in range(4):
        cells(page, 300, 200 + 90 * row, 4, width=90)
    assert [field.kind for field in fields_of(page)] == ["cell"] * 16


def test_handwriting_on_a_line_behind_a_printed_word_is_a_field_and_print_is_not() -> None:
    page = sheet()
    cv2.putText(page, "numbers", (200, 500), cv2.FONT_HERSHEY_DUPLEX, 1.1, 0, 2)
    cv2.line(page, (420, 510), (900, 510), 0, 3)
    write(page, "1738", 450, 500)
    (field,) = fields_of(page)
    assert field.kind == "line"
    assert field.box.x == pytest.approx(455, abs=25)
    assert field.box.right < 760
    assert abs(field.box.bottom - 510) < 25


def test_two_underlines_are_two_fields() -> None:
    page = sheet()
    for x in (200, 540):
        cv2.line(page, (x, 510), (x + 300, 510), 0, 3)
    write(page, "1738", 250, 500, seed=1)
    write(page, "2046", 548, 500, seed=2)
    fields = fields_of(page)
    assert [field.kind for field in fields] == ["line", "line"]
    assert fields[0].box.right <= 545 <= fields[1].box.right


def test_tick_boxes_and_panels_are_no_fields() -> None:
    page = sheet()
    cv2.rectangle(page, (200, 200), (228, 228), 0, 2)
    cv2.rectangle(page, (200, 400), (1200, 1200), 0, 4)
    assert fields_of(page) == ()


def test_page_of_print_has_no_fields() -> None:
    assert fields_of(sheet(print_lines=10)) == ()


@pytest.mark.parametrize("shape", [(1, 1), (30, 30), (800, 600)])
@pytest.mark.parametrize("grey", [0, 255])
def test_blank_and_black_pages_have_no_fields(shape: tuple[int, int], grey: int) -> None:
    assert fields_of(np.full(shape, grey, np.uint8)) == ()


def test_noise_does_not_crash() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (700, 900)).astype(np.uint8)
    names = [field.name for field in fields_of(noise)]
    assert names == [str(number) for number in range(1, len(names) + 1)]


def test_squared_paper_has_no_cells_but_its_writing_is_found() -> None:
    page = sheet(0)
    for place in range(40, 1980, 59):
        cv2.line(page, (0, place), (1699, place), 170, 2)
        cv2.line(page, (place, 0), (place, 1999), 170, 2)
    write(page, "31746", 420, 760)
    fields = fields_of(page)
    assert fields
    assert {field.kind for field in fields} == {"line"}
    assert min(field.box.x for field in fields) > 380
    assert max(field.box.right for field in fields) < 800
