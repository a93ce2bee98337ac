"""Form files are loaded with their references and lists, and everything is laid out at one resolution."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from docproc.errors import Exit, OptionsError
from docproc.flow.forms import load_forms
from docproc.options import Options
from docproc.types import FORM_DPI, Box, Form, Sum

HEAD = 'name = "card"\nreference = "blank.png"\n'
FIELD = '[[field]]\nname = "count"\nbox = [100, 200, 301, 40]\n'


def save(path: Path, dpi: float | None = 150, width: int = 900, height: int = 1200) -> Path:
    page = np.full((height, width), 235, np.uint8)
    cv2.rectangle(page, (100, 200), (400, 240), 30, 2)
    Image.fromarray(page).save(path, **({"dpi": (dpi, dpi)} if dpi else {}))
    return path


def load(folder: Path, text: str, name: str = "form.toml") -> Form:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    (form,) = load_forms([path], Options())
    return form


def refused(folder: Path, text: str) -> str:
    with pytest.raises(OptionsError) as caught:
        load(folder, text)
    assert caught.value.code == Exit.OPTIONS
    return str(caught.value).replace(str(folder), "")


def test_picture_and_boxes_are_scaled_together(tmp_path: Path) -> None:
    save(tmp_path / "blank.png")
    form = load(tmp_path, HEAD + FIELD)
    (page,) = form.pages
    assert (page.form, page.number, page.width, page.height, page.blank) == ("card", 1, 1800, 2400, True)
    assert page.fields[0].box == Box(200, 400, 602, 80)
    assert page.fields[0].kind == "place"
    picture = cv2.imdecode(np.frombuffer(page.picture, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    assert picture.shape == (2400, 1800)
    assert int(np.median(picture)) == 255
    assert picture[460:500, 180:830].min() < 100


def test_even_comb_has_equal_cells_that_touch(tmp_path: Path) -> None:
    save(tmp_path / "blank.png", FORM_DPI)
    form = load(tmp_path, f"{HEAD}{FIELD}cells = 7\n")
    (field,) = form.pages[0].fields
    assert field.kind == "comb"
    assert field.box == Box(100, 200, 301, 40)
    assert all(one.right == two.x for one, two in zip(field.cells, field.cells[1:], strict=False))
    assert {cell.width for cell in field.cells} == {43}


def test_listed_cells_are_a_comb_with_a_box_around(tmp_path: Path) -> None:
    save(tmp_path / "blank.png", FORM_DPI)
    form = load(tmp_path, f'{HEAD}[[field]]\nname = "count"\ncells = [[10, 20, 30, 40], [60, 22, 30, 40]]\n')
    (field,) = form.pages[0].fields
    assert field.cells == (Box(10, 20, 30, 40), Box(60, 22, 30, 40))
    assert field.box == Box(10, 20, 80, 42)


def test_pages_fields_and_sums_keep_their_order(tmp_path: Path) -> None:
    save(tmp_path / "one.png")
    save(tmp_path / "two.png", 100)
    form = load(
        tmp_path,
        'name = "card"\nreference = ["one.png", "two.png"]\nblank = false\n'
        '[[field]]\nname = "b"\npage = 2\nbox = [1, 1, 10, 10]\n'
        '[[field]]\nname = "a"\nbox = [1, 1, 10, 10]\n'
        '[[field]]\nname = "c"\npage = 2\nbox = [1, 30, 10, 10]\n'
        '[[rule]]\nsum = ["a", "b"]\nequals = "c"\n',
    )
    assert [[field.name for field in page.fields] for page in form.pages] == [["a"], ["b", "c"]]
    assert [page.width for page in form.pages] == [1800, 2700]
    assert form.pages[1].fields[0].box == Box(3, 3, 30, 30)
    assert form.sums == (Sum(("a", "b"), "c"),)
    assert not form.pages[0].blank


def test_boxes_on_a_pdf_are_pixels_at_the_resolution_of_the_form(tmp_path: Path) -> None:
    page = Image.open(save(tmp_path / "blank.png")).convert("L")
    page.save(tmp_path / "blank.pdf", resolution=150)
    text = HEAD.replace("png", "pdf")
    assert load(tmp_path, f"{text}dpi = 150\n{FIELD}").pages[0].fields[0].box == Box(200, 400, 602, 80)
    form = load(tmp_path, text + FIELD)
    assert form.pages[0].fields[0].box == Box(100, 200, 301, 40)
    assert (form.pages[0].width, form.pages[0].height) == (1800, 2400)


def test_roster_is_read_from_its_column(tmp_path: Path) -> None:
    save(tmp_path / "blank.png")
    (tmp_path / "roster.csv").write_bytes("\ufeffname; student_id\nÄnne;0012 \nBo;0013\nCy;\nDi;0013\n".encode())
    form = load(tmp_path, f'{HEAD}{FIELD}values = "roster.csv:student_id"\nlength = 4\n')
    assert form.pages[0].fields[0].rule.values == ("0012", "0013")


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ('values = "none.csv:id"', "form.toml:6: field[1].values: cannot read /none.csv: No such file"),
        ('values = "roster.csv:ids"', 'roster.csv has no column "ids"; did you mean "id"?'),
        ('values = "latin.csv:id"', "it is no UTF-8 text; save it as CSV UTF-8"),
        ('values = "roster.csv:id"\nlength = 5', "none of 2 values fits"),
        ("page = 2", "form.toml:6: field[1].page: is 2, but the reference has 1 page"),
    ],
)
def test_mistake_that_only_loading_shows_is_named_as_the_others(tmp_path: Path, lines: str, words: str) -> None:
    save(tmp_path / "blank.png")
    (tmp_path / "roster.csv").write_text("id,name\n12,a\n13,b\n", encoding="utf-8")
    (tmp_path / "latin.csv").write_bytes(b"id,name\n12,\xe4\n")
    assert words in refused(tmp_path, f"{HEAD}{FIELD}{lines}\n")


def test_box_outside_the_picture_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "blank.png", width=399)
    said = refused(tmp_path, HEAD + FIELD)
    assert "form.toml:5: field[1].box: [100, 200, 301, 40] leaves the picture blank.png, which is 399 x 1200" in said


@pytest.mark.parametrize(("name", "words"), [("none.png", "moved or deleted"), ("form.toml", "not what the name says")])
def test_reference_that_cannot_be_opened_is_refused_with_its_remedy(tmp_path: Path, name: str, words: str) -> None:
    said = refused(tmp_path, HEAD.replace("blank.png", name) + FIELD)
    assert f"form.toml:2: reference: {name}: " in said
    assert words in said


def test_picture_of_another_resolution_than_the_form_says_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "blank.png", 150)
    said = refused(tmp_path, f"{HEAD}dpi = 300\n{FIELD}")
    assert "form.toml:3: dpi: is 300, but blank.png says that it has 150 dots an inch" in said


def test_form_knows_the_resolution_of_a_picture_that_does_not_say(tmp_path: Path) -> None:
    save(tmp_path / "blank.png", None)
    assert load(tmp_path, f"{HEAD}dpi = 200\n{FIELD}").pages[0].width == 1350


def test_digest_changes_with_whatever_can_change_an_answer(tmp_path: Path) -> None:
    save(tmp_path / "blank.png")
    first = load(tmp_path, HEAD + FIELD)
    assert load(tmp_path, f"# a remark\n{HEAD}\n\n{FIELD}", "other.toml").digest == first.digest
    others = [
        load(tmp_path, HEAD.replace("card", "other") + FIELD),
        load(tmp_path, f"{HEAD}blank = false\n{FIELD}"),
        load(tmp_path, HEAD + FIELD.replace("301", "300")),
        load(tmp_path, f"{HEAD}{FIELD}length = 3\n"),
        load(tmp_path, f'{HEAD}{FIELD}values = ["12"]\n'),
    ]
    picture = np.asarray(Image.open(tmp_path / "blank.png")).copy()
    picture[900:930, 300:330] = 0
    Image.fromarray(picture).save(tmp_path / "blank.png", dpi=(150, 150))
    others.append(load(tmp_path, HEAD + FIELD))
    assert len({first.digest, *(form.digest for form in others)}) == len(others) + 1
    assert len({first.pages[0].digest, *(form.pages[0].digest for form in others)}) == len(others) + 1


def test_two_forms_of_one_name_are_refused(tmp_path: Path) -> None:
    save(tmp_path / "blank.png")
    for name in ("a.toml", "b.toml"):
        load(tmp_path, HEAD + FIELD, name)
    with pytest.raises(OptionsError, match="another form is called"):
        load_forms([tmp_path / "a.toml", tmp_path / "b.toml"], Options())


def test_missing_form_file_is_an_error_with_advice(tmp_path: Path) -> None:
    with pytest.raises(OptionsError, match="docproc form new"):
        load_forms([tmp_path / "none.toml"], Options())
