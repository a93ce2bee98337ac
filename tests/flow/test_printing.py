"""Sheets that docproc prints itself: what may be asked, where it stands, and that the form lies on the print."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from docproc.clean.lay import find_print
from docproc.errors import DocprocError, Exit, LedgerError, UsageError
from docproc.fields.asked import Asked, ask_ids, parse_fields
from docproc.fields.digit_shapes import draw_digit
from docproc.fields.form import parse_form
from docproc.fields.landmarks import page_landmarks
from docproc.fields.sheet_layout import PAPERS, lay_out, specify
from docproc.flow.forms import load_form
from docproc.flow.printing import (
    Printed,
    make_copies,
    place_order,
    print_sheets,
    read_roster,
    refuse_to_overwrite,
)
from docproc.flow.sheet_pdf import PALE, choose_fonts
from docproc.options import load_options
from docproc.types import FORM_DPI, Box, Form

FIELDS = "age=3,weight=##.#,visit=dd/mm/yy,score=integer:2"
ROSTER = "pupil;Name;village\n0017;Amina Yusuf;Kibera\n0342;José Núñez;\n9058;Chidi Okafor;Old Town\n"


def make(folder: Path, fields: str = FIELDS, paper: str = "a4", roster: str = ROSTER) -> Printed:
    """Sheets in the folder `out`, with a roster unless it is empty."""
    asked = parse_fields([fields])
    file, people = None, None
    shown: tuple[str, ...] = ()
    if roster:
        file = folder / "pupils.csv"
        file.write_text(roster, encoding="utf-8")
        shown = ("Name", "village")
        people = read_roster(file, "pupil", shown)
    order = place_order(asked, folder / "school visit", "", paper, people, "pupil" if roster else "", shown)
    return print_sheets(order, make_copies(people, 2), folder / "school visit", file, None, load_options())


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> Printed:
    return make(tmp_path_factory.mktemp("printed"))


@pytest.fixture(scope="module")
def form(printed: Printed) -> Form:
    return load_form(printed.form, load_options())


def asked(text: str) -> Asked:
    (field,) = parse_fields([text])
    return field


def outlines(picture: np.ndarray) -> np.ndarray:
    """Where the pale colour is, in a picture as OpenCV has it."""
    return np.asarray(np.abs(picture.astype(int) - np.array(PALE[::-1]) * 255).max(2) < 40)


def paint(path: Path, number: int) -> np.ndarray:
    """A page of a PDF in colour at the resolution of forms."""
    import pypdfium2

    document = pypdfium2.PdfDocument(path)
    return np.array(document[number].render(scale=FORM_DPI / 72).to_numpy())


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("age=3", Asked("age", "###")),
        (" age = 3 ", Asked("age", "###")),
        ("score=integer:2", Asked("score", "##", "integer")),
        ("weight=##.#", Asked("weight", "##.#", "decimal", "##.#")),
        ("weight=##,#", Asked("weight", "##,#", "decimal", "##,#")),
        ("code=###-##", Asked("code", "###-##", "digits", "###-##")),
        ("visit=dd/mm/yy", Asked("visit", "##/##/##", "date", format="dd/mm/yy")),
        ("visit=date:d.m.yyyy", Asked("visit", "##.##.####", "date", format="d.m.yyyy")),
        ("start=hh:mm", Asked("start", "##:##", "time", format="hh:mm")),
        ("start=time:hh:mm", Asked("start", "##:##", "time", format="hh:mm")),
    ],
)
def test_look_tells_type_and_boxes(text: str, field: Asked) -> None:
    assert asked(text) == field
    (page,) = lay_out(place_order((field,), Path("any"), "", "a4", None, "", ()))
    spec = specify(page.combs[0], 1)
    assert isinstance(spec.cells, tuple)
    assert len(spec.cells) == field.boxes


def test_names_are_labels_too() -> None:
    fields = parse_fields(["born_on=dd/mm/yy,Weight (kg)=##.#", "age=3"])
    assert [field.label for field in fields] == ["Born on", "Weight (kg)", "Age"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ("", 'write fields as in "age=3'),
        ("age", '"age" is no field; write fields as in'),
        ("age=", '"age=" is no field'),
        ("age=three", '"three" is no number of digits as 3'),
        ("age=0", "has 0 digits; a field has 1 to 40"),
        ("age=41", "has 41 digits"),
        ("age=float:3", 'there is no type "float"; known are digits, integer'),
        ("weight=decimal:3", "write weight=decimal:##.#"),
        ("visit=date:6", "write visit=dd/mm/yy"),
        ("visit=date:##/##", "write visit=dd/mm/yy or visit=hh:mm"),
        ("visit=time:dd/mm", "dd/mm is a date"),
        ("visit=dd/mm/y", '"y" is no part of a date'),
        ("age=3,age=2", 'two fields are called "age"'),
        ("status=2", 'call the field "status_written"'),
    ],
)
def test_fields_that_cannot_be_say_what_to_write(fields: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_fields([fields])
    assert words in str(caught.value)


def test_field_wider_than_the_paper_says_what_fits() -> None:
    with pytest.raises(UsageError, match=r"boxes of .account. are .* wide.*which are 21 boxes; split the field"):
        lay_out(place_order(parse_fields(["account=30"]), Path("any"), "", "a4", None, "", ()))


def test_columns_that_leave_no_room_are_too_many() -> None:
    shown = [f"column_{number}" for number in range(70)]
    with pytest.raises(UsageError, match=r"70 columns shown leave no room"):
        lay_out(place_order(parse_fields(["age=3"]), Path("any"), "", "a4", None, "", shown))


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        (("0017", "A018"), 'row 2 of the roster has "A018" as its pupil, which is no number'),
        (("0017", ""), "row 2 of the roster"),
        (("0017", "0018", "0017"), "rows 1 and 3 of the roster have the same pupil"),
        (("12-03", "1-203"), "give all of them one look"),
    ],
)
def test_ids_that_cannot_be_read_back_are_refused(ids: tuple[str, ...], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        ask_ids("pupil", ids, "roster.csv:pupil")
    assert words in str(caught.value)


def test_ids_say_their_lengths_or_their_look() -> None:
    assert ask_ids("pupil", ("0017", "0018"), "r").lengths == (("length", 4),)
    assert ask_ids("pupil", ("9", "118"), "r").lengths == (("min_length", 1), ("max_length", 3))
    assert ask_ids("pupil", ("12-034", "12-035"), "r").pattern == "##-###"


@pytest.mark.parametrize(
    ("roster", "columns", "words"),
    [
        (ROSTER, ("", ()), "--id for the number, --show for names"),
        (ROSTER, ("pupli", ()), 'has no column "pupli"; did you mean "pupil"?'),
        (ROSTER, ("pupil", ("name",)), 'did you mean "Name"?'),
        ("pupil\n", ("pupil", ()), "has 0 rows"),
    ],
)
def test_roster_without_what_is_asked_is_refused(
    tmp_path: Path, roster: str, columns: tuple[str, tuple[str, ...]], words: str
) -> None:
    (tmp_path / "list.csv").write_text(roster, encoding="utf-8")
    with pytest.raises(DocprocError) as caught:
        read_roster(tmp_path / "list.csv", *columns)
    assert caught.value.code == Exit.USAGE
    assert words in str(caught.value)


def test_folder_holds_all_that_reading_needs(printed: Printed) -> None:
    folder = printed.form.parent
    assert sorted(path.name for path in folder.iterdir()) == ["form.png", "form.toml", "roster.csv", "sheets.pdf"]
    assert (folder / "roster.csv").read_text(encoding="utf-8") == ROSTER
    spec = parse_form(printed.form.read_text(encoding="utf-8"), "form.toml")
    assert (spec.name, spec.reference, spec.dpi) == ("school-visit", "form.png", FORM_DPI)
    pupil, age, weight, visit, score = spec.field
    assert (pupil.name, pupil.values, pupil.length, pupil.required) == ("pupil", "roster.csv:pupil", 4, True)
    assert (age.type, weight.type, visit.type, score.type) == ("digits", "decimal", "date", "integer")
    assert (weight.pattern, visit.format) == ("##.#", "dd/mm/yy")
    assert (printed.count, printed.pages) == (3, 1)


def test_boxes_of_the_form_lie_on_the_boxes_of_the_print(printed: Printed, form: Form) -> None:
    picture = paint(printed.sheets, 1)
    pale = outlines(picture)
    for field in form.pages[0].fields:
        assert field.cells
        for box in field.cells:
            # The middle of each side is pale within 0.2 mm, and the field of view inside is not.
            for x, y in sides(box):
                assert pale[y - 2 : y + 3, x - 2 : x + 3].any(), (field.name, box)
            inside = pale[box.y + 5 : box.bottom - 5, box.x + 5 : box.right - 5]
            assert not inside.any()


def sides(box: Box) -> tuple[tuple[int, int], ...]:
    x, y = box.x + box.width // 2, box.y + box.height // 2
    return (x, box.y), (x, box.bottom), (box.x, y), (box.right, y)


def test_boxes_drop_out_and_registration_leans_on_dark_print_alone(form: Form) -> None:
    page = form.pages[0]
    ink = find_print(page)
    for field in page.fields:
        for box in field.cells:
            assert not ink[box.y - 4 : box.bottom + 4, box.x - 4 : box.right + 4].any()
    patches = page_landmarks(page).patches
    assert len(patches) > 80
    assert all(patch.min() < 128 for patch in patches)


def test_reference_shows_nothing_of_one_sheet_alone(printed: Printed, form: Form) -> None:
    reference = cv2.imdecode(np.frombuffer(form.pages[0].picture, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert reference is not None
    sheets = [cv2.cvtColor(paint(printed.sheets, number)[..., :3], cv2.COLOR_BGR2GRAY) for number in range(3)]
    height, width = np.min([reference.shape, sheets[0].shape], axis=0)
    dark = [gray[:height, :width] < 128 for gray in (reference, *sheets)]
    worn = cv2.dilate(dark[1].astype(np.uint8), np.ones((5, 5))) > 0
    assert not (dark[0] & ~worn).any(), "the reference has print that a sheet lacks"
    assert all((one & ~dark[0]).sum() > 3000 for one in dark[1:])
    assert (dark[1] ^ dark[2]).sum() > 1000


def test_corner_marks_tell_which_way_is_up(form: Form) -> None:
    page = form.pages[0]
    gray = cv2.imdecode(np.frombuffer(page.picture, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert gray is not None
    at = round(11.5 / 25.4 * FORM_DPI)
    middles = [gray[y, x] for y in (at, page.height - at) for x in (at, page.width - at)]
    assert max(middles[:3]) < 60
    assert middles[3] > 200


@pytest.mark.parametrize("paper", sorted(PAPERS))
def test_many_fields_flow_into_columns_and_on_to_more_pages(tmp_path: Path, paper: str) -> None:
    fields = ",".join([*(f"question_{number}={1 + number % 6}" for number in range(40)), "account=18"])
    printed = make(tmp_path, fields, paper, roster="")
    form = load_form(printed.form, load_options())
    assert printed.pages == len(form.pages) > 1
    assert printed.count == 2
    assert len(printed.others) == printed.pages
    names = [field.name for page in form.pages for field in page.fields]
    assert names == [*(f"question_{number}" for number in range(40)), "account"]
    assert all(len({field.box.x for field in page.fields}) == 2 for page in form.pages[:-1])
    for page in form.pages:
        assert abs(page.width / FORM_DPI * 25.4 - PAPERS[paper][0]) < 0.2
        taken = np.zeros((page.height, page.width), np.uint8)
        for field in page.fields:
            x, y, width, height = field.box
            taken[y : y + height, x : x + width] += 1
        assert taken.max() == 1


def test_sheets_are_the_same_bytes_each_time(printed: Printed, tmp_path: Path) -> None:
    again = make(tmp_path)
    assert again.sheets.read_bytes() == printed.sheets.read_bytes()
    assert again.form.read_bytes() == printed.form.read_bytes()


def test_nothing_is_overwritten_but_the_roster_may_lie_there(printed: Printed, tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match=r"add --force"):
        refuse_to_overwrite(printed.form.parent, None)
    (tmp_path / "roster.csv").write_text(ROSTER, encoding="utf-8")
    refuse_to_overwrite(tmp_path, tmp_path / "roster.csv")
    with pytest.raises(LedgerError, match=r"is no folder"):
        refuse_to_overwrite(tmp_path / "roster.csv", None)


def test_letters_are_printed_by_a_font_that_has_them() -> None:
    import matplotlib

    other = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    assert choose_fonts({"José Núñez"}).plain == "Vera.ttf"
    assert choose_fonts({"Привет"}, other).plain == str(other)
    with pytest.raises(UsageError, match=r"U\+6751.*--font"):
        choose_fonts({"村 7"}, other)
    with pytest.raises(UsageError, match=r"nor writes from the right"):
        choose_fonts({"سلام"}, other)
    with pytest.raises(UsageError, match=r"cannot be opened"):
        choose_fonts({"a"}, Path(__file__))


@pytest.mark.parametrize("digit", range(10))
def test_sample_digits_are_a_height_high(digit: int) -> None:
    points = np.concatenate(draw_digit(digit))
    assert np.allclose((points[:, 1].min(), points[:, 1].max()), (0, 1), atol=0.03)
    assert abs(points[:, 0].min() + points[:, 0].max()) < 0.05
    assert np.ptp(points[:, 0]) < 0.7
