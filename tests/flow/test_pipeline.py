"""The spine: the same results whoever prepares the pages and however they are batched; a bad page costs itself only."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from docproc.errors import PageError
from docproc.flow import pipeline
from docproc.flow.mappers import in_process, in_processes
from docproc.flow.pipeline import Classify, prepare, read
from docproc.options import Options, Recipe
from docproc.types import NEUTRAL, NOT_A_DIGIT, Crops, Failure, Frames, Gray, Joint, Line, PageRef, PageResult

STRIPS = Recipe(Options(strips=True), "digest", NEUTRAL)
PAGES = Recipe(Options(), "digest", NEUTRAL)


def write(text: str, width: int = 400, height: int = 100) -> Gray:
    strip = np.full((height, width), 245, np.uint8)
    for i, character in enumerate(text):
        cv2.putText(strip, character, (15 + 45 * i, 75 + 4 * (i % 2)), cv2.FONT_HERSHEY_DUPLEX, 2, 40, 3)
    return strip


def form() -> Gray:
    """A small page with two boxes, one of them filled in."""
    page = np.full((700, 900), 250, np.uint8)
    for x, text in ((100, "4071"), (550, "")):
        cv2.rectangle(page, (x, 200), (x + 260, 290), 20, 3)
        page[206:284, x + 6 : x + 254] = np.minimum(page[206:284, x + 6 : x + 254], write(text)[16:94, :248])
    return page


def save(path: Path, picture: Gray) -> PageRef:
    Image.fromarray(picture).save(path, dpi=(300, 300))
    return ref_of(path)


def ref_of(path: Path) -> PageRef:
    return PageRef(str(path), hashlib.sha256(path.read_bytes()).hexdigest(), 1)


@pytest.fixture
def refs(tmp_path: Path) -> list[PageRef]:
    """Strips, a blank one and two that fail among them."""
    texts = ["12", "", "4071", "55", "8", "906", "3"]
    made = [save(tmp_path / f"{i}.png", write(text)) for i, text in enumerate(texts)]
    damaged = tmp_path / "damaged.png"
    damaged.write_bytes((tmp_path / "2.png").read_bytes()[:-400])
    gone = PageRef(str(tmp_path / "gone.png"), made[0].digest, 1)
    return [*made[:2], ref_of(damaged), *made[2:5], gone, *made[5:]]


FAILED = {2: "damaged", 6: "gone"}


def classify(crops: Crops) -> Joint:
    """A verdict on each crop by itself: a digit from where its ink is, and never quite sure."""
    probs = np.full((len(crops), 11), 0.01, np.float32)
    ink = crops.reshape(len(crops), 784).astype(np.int64)
    probs[np.arange(len(crops)), (ink * np.arange(784)).sum(1) % 11] = 0.9
    return np.stack([probs / 2, probs / 2], 1)


def read_lines(lines: Sequence[Line]) -> tuple[Frames, ...]:
    """A word on each row by itself: three digits from what is in it, of which it is not quite sure."""
    return tuple(spell(*(int(line[:, :, i::3].astype(np.int64).sum()) % 10 for i in range(3))) for line in lines)


def spell(*digits: int) -> Frames:
    """Each digit in a column, nothing behind it; four chances in ten that it is another."""
    frames = np.full((2 * len(digits), 13), 0.4 / 12, np.float32)
    frames[np.arange(2 * len(digits)), [sign for digit in digits for sign in (digit, NOT_A_DIGIT)]] = 0.6
    return frames


def timeless(results: Iterator[PageResult]) -> list[PageResult]:
    return [replace(result, seconds=0.0) for result in results]


def test_order_is_kept_and_a_bad_page_costs_itself_only(refs: list[PageRef]) -> None:
    results = list(read(refs, STRIPS, in_process, classify, read_lines))
    assert [result.ref for result in results] == refs
    for number, result in enumerate(results):
        if number in FAILED:
            assert result.failure is not None
            assert result.failure.code == FAILED[number]
            assert result.readings == ()
        else:
            assert result.failure is None
            assert len(result.readings) == 1
            assert result.seconds > 0
    assert results[1].readings[0].status == "blank"
    assert all(results[i].readings[0].strip for i in (0, 3, 4))


@pytest.mark.parametrize(("crops", "pages"), [(1, 16), (3, 16), (1024, 1), (1024, 2), (1024, 4)])
def test_results_do_not_depend_on_the_batch(
    refs: list[PageRef], crops: int, pages: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = timeless(read(refs, STRIPS, in_process, classify, read_lines))
    monkeypatch.setattr(pipeline, "BATCH_CROPS", crops)
    monkeypatch.setattr(pipeline, "BATCH_PAGES", pages)
    assert timeless(read(refs, STRIPS, in_process, classify, read_lines)) == expected


def test_results_do_not_depend_on_the_processes(refs: list[PageRef]) -> None:
    expected = timeless(read(refs, STRIPS, in_process, classify, read_lines))
    with in_processes(workers=2, seconds=60, megabytes=4096) as mapper:
        assert timeless(read(refs, STRIPS, mapper, classify, read_lines)) == expected


def test_crops_of_many_pages_are_classified_at_once(refs: list[PageRef], monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def count(crops: Crops) -> Joint:
        calls.append(len(crops))
        return classify(crops)

    list(read(refs, STRIPS, in_process, count, read_lines))
    assert len(calls) == 1
    total = calls.pop()
    monkeypatch.setattr(pipeline, "BATCH_PAGES", 3)
    list(read(refs, STRIPS, in_process, count, read_lines))
    assert len(calls) == 3
    assert sum(calls) == total


def test_no_page_waits_for_more_than_its_batch(refs: list[PageRef], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "BATCH_PAGES", 2)
    taken: list[PageRef] = []

    def give() -> Iterator[PageRef]:
        for ref in refs:
            taken.append(ref)
            yield ref

    for number, _ in enumerate(read(give(), STRIPS, in_process, classify, read_lines)):
        assert len(taken) <= number + 2


def test_nothing_in_is_nothing_out() -> None:
    def never(crops: Crops) -> Joint:
        raise AssertionError(len(crops))

    unused: Classify = never
    assert list(read([], STRIPS, in_process, unused, read_lines)) == []


def test_damaged_file_cannot_be_prepared(refs: list[PageRef]) -> None:
    with pytest.raises(PageError) as caught:
        prepare(refs[2], STRIPS)
    assert caught.value.code == "damaged"


def test_lost_page_has_its_failure_and_nothing_else() -> None:
    ref = PageRef("a.pdf", "digest", 2)
    lost = pipeline.lose(ref, Failure("timeout", "60 s"))
    assert (lost.ref, lost.failure, lost.lattices, len(lost.crops)) == (ref, Failure("timeout", "60 s"), (), 0)


@pytest.mark.parametrize("text", ["", "4071", "7"])
def test_strip_is_one_field(tmp_path: Path, text: str) -> None:
    page = prepare(save(tmp_path / "strip.png", write(text)), STRIPS)
    assert [lattice.field.kind for lattice in page.lattices] == ["strip"]
    assert page.lattices[0].nodes > len(text)
    (result,) = read([page.ref], STRIPS, in_process, classify, read_lines)
    assert result.readings[0].box == (0, 0, 400, 100)


def test_page_is_prepared_the_same_each_time_with_a_crop_for_each_segment(tmp_path: Path) -> None:
    ref = save(tmp_path / "form.png", form())
    first, second = prepare(ref, PAGES), prepare(ref, PAGES)
    assert first.lattices == second.lattices
    assert np.array_equal(first.crops, second.crops)
    assert first.strips == second.strips
    assert len(first.crops) == sum(len(lattice.segments) for lattice in first.lattices)
    assert len(first.lattices) == len(first.strips) == 2
    filled, empty = first.lattices
    assert filled.nodes >= 5
    assert empty.nodes == 1


def test_strip_picture_shows_the_field(tmp_path: Path) -> None:
    page = prepare(save(tmp_path / "form.png", form()), PAGES)
    for lattice, strip in zip(page.lattices, page.strips, strict=True):
        picture = cv2.imdecode(np.frombuffer(strip, np.uint8), cv2.IMREAD_GRAYSCALE)
        assert picture is not None
        assert picture.shape == (lattice.field.box.height, lattice.field.box.width)
    dark = [np.frombuffer(strip, np.uint8).size for strip in page.strips]
    assert dark[0] > dark[1]


def see_sevens(crops: Crops) -> Joint:
    """A first reader that is sure of a 7 wherever it looks."""
    probs = np.full((len(crops), 11), 0.001, np.float32)
    probs[:, 7] = 0.99
    return np.stack([probs / 2, probs / 2], 1)


def boxes(*counts: int) -> Gray:
    """A page with boxes one below the other; so many uneven bars, which nobody could cut, stand in each."""
    page = np.full((200 + 150 * len(counts), 700), 250, np.uint8)
    for i, count in enumerate(counts):
        top = 100 + 150 * i
        cv2.rectangle(page, (100, top), (450, top + 90), 20, 3)
        for k in range(count):
            x, y = 130 + 50 * k, top + 16 + 6 * (k % 2)
            cv2.line(page, (x, y + 50 + 5 * k % 7), (x + 12, y), 40, 7)
    return page


def test_second_reader_is_asked_of_rows_alone_and_its_word_goes_to_their_fields(tmp_path: Path) -> None:
    ref = save(tmp_path / "form.png", boxes(4, 1, 0, 2))
    recipe = Recipe(Options(max_error=0.05), "digest", NEUTRAL)
    asked: list[Line] = []

    def dispute_short(lines: Sequence[Line]) -> tuple[Frames, ...]:
        asked.extend(lines)
        longest = max(line.shape[2] for line in lines)
        return tuple(spell(7, 7, 7, 7) if line.shape[2] == longest else spell(7, 1) for line in lines)

    (result,) = read([ref], recipe, in_process, see_sevens, dispute_short)
    assert [reading.text for reading in result.readings] == ["7777", "7", "", "77"]
    assert len(asked) == 2
    assert asked[0].shape[2] > 1.5 * asked[1].shape[2]
    assert [reading.flags for reading in result.readings] == [(), (), (), ("disputed",)]
    assert [reading.review for reading in result.readings] == [False, False, False, True]
    assert result.readings[3].confidence > 0.95


def test_lone_digit_of_a_strip_is_asked_for_too(tmp_path: Path) -> None:
    """Nobody cut it out of a box: what else the strip shows may be digits."""
    ref = save(tmp_path / "strip.png", write("5"))
    (agreed,), (disputed,) = (
        read([ref], STRIPS, in_process, see_sevens, lambda lines, said=said: [spell(*said)] * len(lines))
        for said in ((7,), (7, 1))
    )
    assert (agreed.readings[0].text, agreed.readings[0].flags) == ("7", ())
    assert (disputed.readings[0].text, disputed.readings[0].flags) == ("7", ("disputed",))


def test_page_that_failed_has_no_rows_to_ask_of(refs: list[PageRef]) -> None:
    def never(lines: Sequence[Line]) -> tuple[Frames, ...]:
        assert not lines
        return ()

    results = list(read([refs[2], refs[6]], STRIPS, in_process, classify, never))
    assert [result.failure.code for result in results if result.failure] == ["damaged", "gone"]


def test_second_reader_that_breaks_stops_the_run_as_the_first_does(refs: list[PageRef]) -> None:
    """It is the device that broke, not the page: no page may be recorded as failed for it."""

    def broken(lines: Sequence[Line]) -> tuple[Frames, ...]:
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        list(read(refs, STRIPS, in_process, classify, broken))


def test_each_field_has_its_row_and_a_blank_one_a_row_without_width(tmp_path: Path) -> None:
    page = prepare(save(tmp_path / "form.png", form()), PAGES)
    filled, empty = page.lines
    assert filled.shape[:2] == empty.shape[:2] == (2, 32)
    assert empty.shape[2] == 0
    again = prepare(page.ref, PAGES).lines
    assert all(np.array_equal(line, same) for line, same in zip(page.lines, again, strict=True))
    inked = (filled[1] > 127).any(0)
    assert np.count_nonzero(inked[1:] & ~inked[:-1]) == 4


def test_row_shows_what_is_printed_in_a_box_but_no_walls_of_a_comb(tmp_path: Path) -> None:
    page = np.full((700, 900), 250, np.uint8)
    cv2.rectangle(page, (100, 100), (500, 190), 20, 3)
    cv2.line(page, (110, 175), (440, 175), 140, 2)
    for i in range(5):
        cv2.rectangle(page, (100 + 70 * i, 400), (170 + 70 * i, 490), 20, 3)
    for top in (100, 400):
        for i, digit in enumerate("407"):
            place = (115 + 70 * i, top + 70 - 3 * (i % 2))
            cv2.putText(page, digit, place, cv2.FONT_HERSHEY_DUPLEX, 1.9, 40, 3)
    made = prepare(save(tmp_path / "form.png", page), PAGES)
    assert [lattice.field.kind for lattice in made.lattices] == ["box", "comb"]
    strip = cv2.imdecode(np.frombuffer(made.strips[1], np.uint8), cv2.IMREAD_GRAYSCALE)
    assert strip is not None
    assert (strip[20:-20] < 128).all(0).sum() >= 2 * 2  # walls stand between the digits
    foreign = []
    for line in made.lines:
        far = cv2.dilate(line[1], np.ones((5, 5), np.uint8)) == 0
        foreign.append(int((line[0][far] > 40).sum()))
    assert foreign[0] > 50
    assert foreign[1] == 0
