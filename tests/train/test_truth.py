"""Truth files of three kinds, and the table of results."""

from __future__ import annotations

from pathlib import Path

import pytest

from docproc.errors import InputError
from docproc.train.truth import TrueField, TruePage, read_results, read_truth
from docproc.types import Box

HEAD = "source,page,field,value,status,confidence,review,reasons,x,y,width,height\n"


def write(folder: Path, text: str) -> Path:
    path = folder / "table.csv"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    return path


def test_strips_are_one_field_each_and_the_illegible_are_left_out(tmp_path: Path) -> None:
    truth = read_truth(write(tmp_path, "file,digits,set,written\n1.png,0712,exam,07-12\n2.png,9,illegible,9\n"))
    assert truth.fields[0] == TrueField("1.png", 1, "strip", "0712", None, "exam")
    assert [field.left_out for field in truth.fields] == ["", "illegible"]


def test_pages_count_from_zero_there_and_from_one_here(tmp_path: Path) -> None:
    head = "file,page,rot_cw,field,x,y,w,h,written,digits,confidence,quad\n"
    rows = "exam/a.pdf,4,90,id,10,20,30,40,7-1,71,sure,1 2 3\nexam/a.pdf,0,0,id,1,2,3,4,5,5,struck-out part,\n"
    truth = read_truth(write(tmp_path, head + rows))
    assert truth.fields[0] == TrueField("exam/a.pdf", 5, "id", "71", Box(10, 20, 30, 40), "exam")
    assert truth.fields[1].left_out == "struck-out part"
    assert truth.pages == {TruePage("exam/a.pdf", 5), TruePage("exam/a.pdf", 1)}


def test_a_sample_may_say_that_a_page_holds_nothing(tmp_path: Path) -> None:
    head = "source,page,field,value,status,x,y,width,height\n"
    truth = read_truth(write(tmp_path, head + "a.tif,1,1,007,value,1,2,3,4\na.tif,2,,,blank,0,0,0,0\n"))
    assert [field.digits for field in truth.fields] == ["007"]
    assert truth.pages == {TruePage("a.tif", 1), TruePage("a.tif", 2)}


def test_results_are_accepted_only_where_they_claim_to_know(tmp_path: Path) -> None:
    rows = (
        "a.png,1,1,1.024-7,value,0.98,no,,1,2,3,4\n"
        "a.png,1,2,,unreadable,0.1,no,,1,2,3,4\n"
        "a.png,1,3,,blank,0.99,no,,1,2,3,4\n"
        "b.png,0,,,failed,,yes,damaged,,,,\n"
    )
    answers = read_results(write(tmp_path, HEAD + rows))
    assert [answer.digits for answer in answers] == ["10247", "", "", ""]
    assert [answer.accepted for answer in answers] == [True, False, True, False]
    assert answers[3].box == Box(0, 0, 0, 0)


def test_names_that_are_no_utf8_are_kept(tmp_path: Path) -> None:
    answers = read_results(write(tmp_path, HEAD + "\udcff.png,1,1,7,value,1,no,,1,2,3,4\n"))
    assert answers[0].source == "\udcff.png"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a.png,1,1,7,maybe,1,no,,1,2,3,4", "row 1: status 'maybe'"),
        ("a.png,1,1,7,value,97,no,,1,2,3,4", "confidence 97.0 is not between"),
        ("a.png,one,1,7,value,1,no,,1,2,3,4", "row 1: invalid literal"),
        ("a.png,1,1,7,value,1,,,1,2,3,4", "neither yes nor no"),
        ("a.png,1,1,7,value,nan,no,,1,2,3,4", "confidence nan"),
    ],
)
def test_a_row_that_makes_no_sense_is_named(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_results(write(tmp_path, HEAD + row + "\n"))


def test_other_tables_are_refused(tmp_path: Path) -> None:
    other = write(tmp_path, "name,age\nx,3\n")
    with pytest.raises(InputError, match="its columns are age, name"):
        read_truth(other)
    with pytest.raises(InputError, match="--layout long"):
        read_results(other)
    with pytest.raises(InputError, match="cannot read"):
        read_truth(tmp_path / "none.csv")
