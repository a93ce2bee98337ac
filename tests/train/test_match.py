"""Rows find the fields they speak of."""

from __future__ import annotations

import pytest

from docproc.errors import InputError
from docproc.train.match import match_answers, measure_overlap
from docproc.train.truth import Answer, TrueField, TruePage, Truth
from docproc.types import Box, Status

FIELD = Box(100, 100, 200, 50)


def answer(box: Box, digits: str = "7", source: str = "in/a.png", page: int = 1, status: Status = "value") -> Answer:
    return Answer(source, page, "1", digits, status, 0.9, True, "", box)


def truth(*boxes: Box | None, source: str = "a.png") -> Truth:
    fields = tuple(TrueField(source, 1, str(i), "7", box, "set") for i, box in enumerate(boxes))
    return Truth(fields, frozenset([TruePage(source, 1)]))


@pytest.mark.parametrize(
    ("box", "belongs"),
    [
        (Box(100, 100, 200, 50), True),
        (Box(120, 110, 60, 30), True),
        (Box(90, 80, 240, 90), True),
        (Box(190, 100, 200, 50), True),
        (Box(260, 100, 200, 50), False),
        (Box(400, 100, 200, 50), False),
        (Box(0, 0, 2000, 3000), False),
        (Box(110, 110, 8, 8), False),
    ],
)
def test_boxes_belong_together_when_one_covers_the_other_and_neither_is_lost_in_it(box: Box, belongs: bool) -> None:
    assert (measure_overlap(FIELD, box) > 0) == belongs


def test_best_overlap_wins_and_the_rest_is_extra() -> None:
    near, nearer = answer(Box(110, 110, 100, 30), "1"), answer(Box(101, 101, 198, 48), "2")
    matching = match_answers(truth(FIELD), [near, nearer])
    assert matching.fields[0].answer is nearer
    assert matching.extra == (near,)


def test_each_row_speaks_of_one_field_only() -> None:
    left, right = Box(100, 100, 100, 50), Box(200, 100, 100, 50)
    both = answer(Box(100, 100, 190, 50))
    matching = match_answers(truth(left, right), [both])
    assert [matched.answer for matched in matching.fields] == [both, None]


def test_a_strip_is_the_widest_row_whatever_its_box() -> None:
    small, wide = answer(Box(0, 0, 5, 5)), answer(Box(9, 9, 50, 20))
    matching = match_answers(truth(None), [small, wide])
    assert matching.fields[0].answer is wide
    assert matching.extra == (small,)


def test_source_is_found_by_whole_parts_at_the_end_of_its_path() -> None:
    answers = [answer(FIELD, "1", "/scans/set/a.png"), answer(FIELD, "2", "/scans/set/ba.png")]
    found = match_answers(truth(FIELD, source="set/a.png"), answers).fields[0].answer
    assert found is answers[0]
    windows = match_answers(truth(FIELD, source="set/a.png"), [answer(FIELD, "1", "C:\\scans\\set\\a.png")])
    assert windows.fields[0].answer is not None


def test_a_source_that_fits_twice_is_an_error_and_so_is_none() -> None:
    with pytest.raises(InputError, match=r"a.png may be x/a.png or y/a.png"):
        match_answers(truth(FIELD), [answer(FIELD, source="x/a.png"), answer(FIELD, source="y/a.png")])
    with pytest.raises(InputError, match="no file of the truth is in the results"):
        match_answers(truth(FIELD), [answer(FIELD, source="b.png")])


def test_a_failed_page_or_file_stands_for_all_its_fields() -> None:
    for page in (0, 1):
        failed = answer(Box(0, 0, 0, 0), "", page=page, status="failed")
        matching = match_answers(truth(FIELD, Box(100, 300, 200, 50)), [failed])
        assert [matched.answer for matched in matching.fields] == [failed, failed]
        assert matching.absent == ()


def test_pages_without_a_row_are_told_and_pages_without_truth_ignored() -> None:
    known = Truth(truth(FIELD).fields, frozenset([TruePage("a.png", 1), TruePage("a.png", 2)]))
    matching = match_answers(known, [answer(FIELD), answer(FIELD, page=7)])
    assert matching.absent == (TruePage("a.png", 2),)
    assert matching.extra == ()
