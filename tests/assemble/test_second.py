"""Two readers of one field: what both say wins, and either may know what the other does not."""

from __future__ import annotations

import numpy as np
import pytest

from docproc.assemble import second
from docproc.assemble.ctc import score_texts, speak
from docproc.assemble.decode import decode
from docproc.assemble.row import measure_row
from docproc.assemble.second import Draft, confirm, is_checked
from docproc.types import NOT_A_DIGIT, Box, Field, FieldKind, Frames, Lattice, Segment


def draft_of(*digits: dict[int, float], kind: FieldKind = "box") -> Draft:
    """A field of single pieces; each is one of some digits with some chance."""
    probs = np.full((len(digits), 11), 1e-4, np.float32)
    for row, chances in zip(probs, digits, strict=True):
        row[list(chances)] = list(chances.values())
    segments = tuple(Segment(i, i + 1, Box(30 * i, 0, 25, 40)) for i in range(len(digits)))
    lattice = Lattice(Field("1", Box(0, 0, 30 * len(digits) + 10, 40), kind), len(digits) + 1, segments)
    row_of = measure_row(segments, probs)
    return Draft(lattice, probs, row_of, decode(lattice, probs, row_of))


def frames_of(*signs: int, chance: float = 0.98) -> Frames:
    """Each sign in a column, a blank behind each."""
    frames = np.full((2 * len(signs), 13), (1 - chance) / 12, np.float32)
    frames[np.arange(0, 2 * len(signs), 2), list(signs)] = chance
    frames[np.arange(1, 2 * len(signs), 2), NOT_A_DIGIT] = chance
    return frames


DOUBTFUL = draft_of({4: 0.9}, {1: 0.5, 7: 0.45})


def test_agreement_makes_a_text_surer() -> None:
    texts, check = confirm(DOUBTFUL, frames_of(4, 1))
    assert (texts[0].text, check.text) == ("41", "41")
    assert DOUBTFUL.texts[0].posterior < 0.6
    assert texts[0].posterior > 0.97
    assert check.lead > 5
    assert check.least == pytest.approx(0.98)


def test_second_reader_decides_where_the_first_cannot() -> None:
    texts, check = confirm(DOUBTFUL, frames_of(4, 7))
    assert texts[0].text == check.text == "47"
    assert [step.digit for step in texts[0].steps] == [4, 7]


def test_first_reader_holds_what_it_is_sure_of_and_the_other_is_heard() -> None:
    frames = frames_of(4, 7, chance=0.6)
    texts, check = confirm(draft_of({4: 0.999}, {1: 0.999}), frames)
    assert texts[0].text == "41"
    assert check.text == "47"
    own, following, *_ = speak(frames)
    assert (own.text, following.text) == ("47", "4")
    # What speaks for another text speaks against this one.
    assert check.lead == pytest.approx(score_texts(frames, ["41"])[0] - own.score)
    assert check.lead < 0


def test_lead_of_a_text_that_both_read_is_over_the_next_one_of_the_second_reader() -> None:
    frames = frames_of(4, 7, chance=0.6)
    _, check = confirm(draft_of({4: 0.999}, {7: 0.999}), frames)
    own, following, *_ = speak(frames)
    assert (own.text, following.text) == (check.text, "4")
    assert check.lead == pytest.approx(score_texts(frames, ["47"])[0] - following.score)
    assert check.lead > 0


def test_text_that_only_the_second_reader_has_is_found_in_the_ink() -> None:
    draft = draft_of({4: 0.6}, {1: 0.5})
    assert "92" not in [text.text for text in draft.texts]
    texts, _ = confirm(draft, frames_of(9, 2, chance=0.99999))
    found = next(text for text in texts if text.text == "92")
    assert [step.segment for step in found.steps] == list(draft.lattice.segments)


def test_text_for_which_there_is_no_ink_is_no_value() -> None:
    texts, check = confirm(DOUBTFUL, frames_of(4, 1, 1, 1, 1))
    assert check.text == "41111"
    assert all(len(text.text) <= 2 for text in texts)


def test_posteriors_are_shares_the_likeliest_first() -> None:
    texts, _ = confirm(DOUBTFUL, frames_of(4, 1, chance=0.7))
    shares = [text.posterior for text in texts]
    assert sum(shares) == pytest.approx(1)
    assert shares == sorted(shares, reverse=True)


@pytest.mark.parametrize("trust", [0.0, 0.5, 2.0])
def test_trust_is_the_exponent_of_the_second_readers_chances(trust: float, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = frames_of(4, 7, chance=0.7)
    monkeypatch.setattr(second, "TRUST", trust)
    shares = {text.text: text.posterior for text in confirm(DOUBTFUL, frames)[0]}
    first = {text.text: text.posterior for text in DOUBTFUL.texts}
    scores = dict(zip(("41", "47"), score_texts(frames, ["41", "47"]), strict=True))
    odds = np.log(first["47"] / first["41"]) + trust * (scores["47"] - scores["41"])
    assert np.log(shares["47"] / shares["41"]) == pytest.approx(odds, abs=1e-6)


def test_longer_text_has_odds_in_its_favour_for_each_digit(monkeypatch: pytest.MonkeyPatch) -> None:
    draft, odds = draft_of({4: 0.9}, {1: 0.5, NOT_A_DIGIT: 0.5}), []
    for favour in (0.0, 1.0):
        monkeypatch.setattr(second, "PER_DIGIT", favour)
        shares = {text.text: text.posterior for text in confirm(draft, frames_of(4, 1, chance=0.7))[0]}
        odds.append(np.log(shares["41"] / shares["4"]))
    assert odds[1] - odds[0] == pytest.approx(1)


def waver(draft: Draft, **chances: float) -> list[str]:
    """The texts considered where the second reader takes the second digit for these, in that order."""
    frames = frames_of(4, 1, chance=0.9999)
    frames[2] = 1e-6
    frames[2, [int(name[1:]) for name in chances]] = list(chances.values())
    texts, check = confirm(draft, frames)
    assert texts[0].text == check.text == "41"
    assert check.least == pytest.approx(max(chances.values()))
    return [text.text for text in texts]


@pytest.mark.parametrize(("chance", "found"), [(0.3, True), (0.005, False)])
def test_other_texts_of_the_second_reader_are_considered_only_where_it_wavers(chance: float, found: bool) -> None:
    draft = draft_of({4: 0.999}, {1: 0.999})
    assert "42" not in [text.text for text in draft.texts]
    assert ("42" in waver(draft, d1=0.999 - chance, d2=chance)) is found


def test_no_more_than_a_few_texts_of_the_second_reader_are_considered() -> None:
    considered = waver(draft_of({4: 0.999}, {1: 0.999}), d1=0.3, d2=0.2, d3=0.15, d5=0.1, d6=0.08, d7=0.06)
    assert {"41", "42", "43", "45"} <= set(considered)
    assert not {"46", "47"} & set(considered)


def test_no_text_is_listed_twice() -> None:
    for signs in ((4, 1), (4, 7), (9, 2)):
        texts, _ = confirm(DOUBTFUL, frames_of(*signs, chance=0.5))
        assert len({text.text for text in texts}) == len(texts)


@pytest.mark.parametrize(("sign", "flags"), [(11, ("struck-out",)), (12, ("overwritten",)), (1, ())])
def test_digits_taken_back_are_reported(sign: int, flags: tuple[str, ...]) -> None:
    _, check = confirm(DOUBTFUL, frames_of(4, sign))
    assert check.flags == flags


def test_field_without_ink_stays_blank() -> None:
    texts, check = confirm(draft_of(kind="strip"), np.zeros((0, 13), np.float32))
    assert [text.text for text in texts] == [check.text] == [""]


@pytest.mark.parametrize(
    ("digits", "kind", "checked"),
    [(2, "box", True), (1, "box", False), (1, "cell", False), (1, "strip", True), (0, "line", False)],
)
def test_only_rows_are_read_twice(digits: int, kind: FieldKind, checked: bool) -> None:
    assert is_checked(draft_of(*[{4: 0.9}] * digits, kind=kind)) is checked
