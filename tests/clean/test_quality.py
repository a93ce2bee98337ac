"""Faults of a scan are found where they are, and a good page has none."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from docproc.clean.quality import LEAST_SIDE, LONGEST_INCH, find_faults
from docproc.errors import FLAGS
from docproc.options import Options
from docproc.pages.load import load
from docproc.pages.sources import survey
from docproc.train.draw import Drawn, draw_boxes, draw_comb_form, draw_letter, draw_tally
from docproc.train.paper import fold, photograph, scan, threshold, to_bytes, to_grey
from docproc.types import Gray, Page, PageRef

REF = PageRef("scan.png", "", 1)
Draw = Callable[..., Drawn]
FORMS: tuple[Draw, ...] = (draw_boxes, draw_comb_form, draw_letter, draw_tally)
every_form = pytest.mark.parametrize("draw", FORMS, ids=lambda draw: draw.__name__)


@cache
def scanned(draw: Draw, dpi: float = 200) -> Page:
    picture, _ = scan(np.random.default_rng(4), draw(8, dpi=dpi).picture, 0.3)
    return Page(REF, to_bytes(to_grey(picture)), dpi)


def changed(page: Page, gray: Gray | np.ndarray) -> Page:
    return replace(page, gray=np.ascontiguousarray(np.clip(np.round(gray), 0, 255).astype(np.uint8)))


def flags_of(page: Page) -> tuple[str, ...]:
    faults = find_faults(page)
    assert {flag.partition("=")[0] for flag in faults.flags} <= set(FLAGS)
    return faults.flags


def blurred(page: Page, millimetres: float) -> Page:
    return changed(page, cv2.GaussianBlur(page.gray, (0, 0), millimetres * page.dpi / 25.4))


def faded(page: Page, share: float) -> Page:
    """The page with so much left of the darkness of its ink."""
    return changed(page, 240 - (240 - np.minimum(page.gray, 240.0)) * share)


def streaked(page: Page, at: int, width: int, depth: float) -> Page:
    gray = page.gray.astype(np.float32)
    gray[:, at : at + width] *= 1 - depth
    return changed(page, gray)


def turned(page: Page) -> Page:
    return changed(page, page.gray.T)


@every_form
@pytest.mark.parametrize("dpi", [150, 300])
def test_good_scan_has_no_faults(draw: Draw, dpi: float) -> None:
    assert flags_of(scanned(draw, dpi)) == ()


@every_form
def test_fax_has_no_faults(draw: Draw) -> None:
    picture, _ = scan(np.random.default_rng(4), draw(8, dpi=200).picture, 0.3)
    assert flags_of(Page(REF, np.where(threshold(picture), 255, 0).astype(np.uint8), 200)) == ()


@every_form
def test_photo_on_a_table_has_no_faults(draw: Draw) -> None:
    drawn = draw(8, dpi=150)
    height, width = drawn.picture.shape[:2]
    size = (1500, 1500 * height // width)
    photo, _ = photograph(np.random.default_rng(2), fold(drawn.picture, 0.6), size)
    assert flags_of(Page(REF, to_bytes(to_grey(photo)), size[0] / width * 150, ("resolution-estimated",))) == ()


@pytest.mark.parametrize("horizontal", [True, False])
def test_crease_is_no_streak(horizontal: bool) -> None:
    picture = fold(draw_tally(8, dpi=200).picture, 0.37, horizontal)
    picture, _ = scan(np.random.default_rng(4), picture, 0.0)
    assert flags_of(Page(REF, to_bytes(to_grey(picture)), 200)) == ()


@pytest.mark.parametrize("noise", [0, 4])
def test_blank_page_has_no_faults(noise: float) -> None:
    paper = np.random.default_rng(1).normal(238, noise, (1169, 827))
    assert flags_of(changed(scanned(draw_tally), paper)) == ()


def test_grey_panels_and_halftone_shine_through_nothing() -> None:
    page = scanned(draw_tally)
    gray = page.gray.astype(np.float32)
    gray[100:700, 120:1500] *= 0.8
    gray[1500:2200:4, ::4] *= 0.5
    assert flags_of(changed(page, gray)) == ()


@every_form
@pytest.mark.parametrize(("width", "depth"), [(2, 0.2), (4, 0.12), (3, 0.9), (6, 0.5)])
def test_streak_is_found_at_its_place(draw: Draw, width: int, depth: float) -> None:
    page = streaked(scanned(draw, 300), 777, width, depth)
    faults = find_faults(page)
    assert [streak.axis for streak in faults.streaks] == ["x"]
    assert abs(faults.streaks[0].at - (777 + width / 2)) <= 2
    assert faults.flags == (f"streak=x={faults.streaks[0].at}",)


def test_streak_across_the_page_is_told_by_its_height() -> None:
    faults = find_faults(turned(streaked(scanned(draw_tally), 400, 3, 0.5)))
    assert [(streak.axis, abs(streak.at - 401.5) <= 2) for streak in faults.streaks] == [("y", True)]


def test_each_streak_has_its_flag() -> None:
    page = streaked(streaked(scanned(draw_boxes), 300, 2, 0.4), 900, 3, 0.4)
    assert [abs(streak.at - at) <= 2 for streak, at in zip(find_faults(page).streaks, (301, 901), strict=True)] == [
        True,
        True,
    ]


@pytest.mark.parametrize("margin", [3.2, 8.0])
def test_line_that_ends_before_the_edges_is_print(margin: float) -> None:
    page = scanned(draw_tally)
    gray, end = page.gray.copy(), round(margin * page.dpi / 25.4)
    gray[end:-end, 700:703] = 30
    assert flags_of(changed(page, gray)) == ()


def test_grid_that_was_cropped_is_print() -> None:
    page = scanned(draw_letter)
    gray = page.gray.copy()
    gray[:, 300::300], gray[:, 301::300] = 30, 30
    gray[400::400], gray[401::400] = 30, 30
    assert find_faults(changed(page, gray)).streaks == ()


def test_columns_of_a_sensor_may_differ() -> None:
    page = scanned(draw_tally, 300)
    pattern = np.random.default_rng(3).uniform(0.95, 1.0, page.gray.shape[1])
    assert flags_of(changed(page, page.gray * pattern)) == ()


@every_form
@pytest.mark.parametrize("dpi", [200, 300])
def test_blur_that_costs_readings_is_flagged(draw: Draw, dpi: float) -> None:
    assert flags_of(blurred(scanned(draw, dpi), 0.3)) == ("blurred",)
    assert flags_of(blurred(scanned(draw, dpi), 0.1)) == ()


@pytest.mark.parametrize("direction", [(1, 15), (15, 1)])
def test_page_that_moved_is_blurred_in_one_direction(direction: tuple[int, int]) -> None:
    page = scanned(draw_boxes, 300)
    assert flags_of(changed(page, cv2.blur(page.gray, direction))) == ("blurred",)


def test_guessed_resolution_is_not_enough_to_call_a_photo_blurred() -> None:
    page = blurred(scanned(draw_tally, 300), 0.28)
    photo = replace(page, gray=page.gray[:-600], flags=("resolution-estimated",))
    assert "blurred" not in flags_of(photo)
    assert flags_of(replace(page, flags=("resolution-estimated",))) == ("blurred",)


@pytest.mark.parametrize("draw", [draw_comb_form, draw_letter], ids=lambda draw: draw.__name__)
def test_small_writing_of_few_pixels_is_flagged(draw: Draw) -> None:
    page = scanned(draw, 300)
    for dpi, flags in ((60, ("low-resolution=60",)), (75, ("low-resolution=75",)), (100, ()), (150, ())):
        size = tuple(round(side * dpi / 300) for side in page.gray.shape[::-1])
        small = np.asarray(cv2.resize(page.gray, size, interpolation=cv2.INTER_AREA), np.uint8)
        assert flags_of(Page(REF, small, dpi)) == flags


def test_large_writing_may_have_few_dots_an_inch() -> None:
    assert flags_of(replace(scanned(draw_tally, 150), dpi=75.0)) == ()


@every_form
def test_pale_page_is_flagged(draw: Draw) -> None:
    assert flags_of(faded(scanned(draw), 0.25)) == ("faint-ink",)
    assert flags_of(faded(scanned(draw), 0.6)) == ()


def test_pale_writing_on_a_page_with_dark_print_is_not_a_pale_page() -> None:
    page = scanned(draw_tally)
    lower = faded(page, 0.3).gray
    assert flags_of(changed(page, np.concatenate([page.gray[:900], lower[900:]]))) == ()


@pytest.mark.parametrize("back", [draw_boxes, draw_letter], ids=lambda draw: draw.__name__)
def test_what_shines_through_is_flagged(back: Draw) -> None:
    page, behind = scanned(draw_tally, 300), scanned(back, 300)
    shining = 1 - cv2.GaussianBlur(behind.gray[:, ::-1], (0, 0), 0.3 * 300 / 25.4).astype(np.float32) / 240
    assert flags_of(changed(page, page.gray * (1 - 0.35 * np.clip(shining, 0, 1)))) == ("bleed-through",)
    assert flags_of(changed(page, page.gray * (1 - 0.08 * np.clip(shining, 0, 1)))) == ()


each_edge = pytest.mark.parametrize("edge", ["left", "right", "top", "bottom"])


@each_edge
def test_writing_that_was_cut_off_names_its_edge(edge: str) -> None:
    gray = np.full((1400, 1000), 240, np.uint8)
    for y in range(60, 1400, 45):
        cv2.putText(gray, "4 7 2 9 0 3 8 5 2 6 9 4 0 7 2 8 3", (60, y), cv2.FONT_HERSHEY_SIMPLEX, 1, 40, 2, cv2.LINE_AA)
    gray[:, 960:] = 240
    whole = Page(REF, gray, 150)
    assert flags_of(whole) == ()
    amid = 300 + int((gray[:, 300:400] < 128).sum(axis=0).argmax())
    part = {"left": gray[:, amid:], "right": gray[:, :amid], "top": gray[50:], "bottom": gray[:1220]}[edge]
    faults = find_faults(changed(whole, part))
    assert faults.flags == (f"clipped-edge={edge}",)
    assert faults.cuts == ({"left": ("x", 0), "right": ("x", amid), "top": ("y", 0), "bottom": ("y", 1220)}[edge],)


@each_edge
def test_frames_that_were_cut_off_name_their_edge(edge: str) -> None:
    gray = np.full((900, 900), 240, np.uint8)
    for at in range(100, 800, 120):
        cv2.rectangle(gray, (at, 40), (at + 80, 860), 60, 2)
    gray = gray if edge in ("top", "bottom") else gray.T
    whole = Page(REF, np.ascontiguousarray(gray), 150)
    assert flags_of(whole) == ()
    part = {"left": gray[:, 300:], "right": gray[:, :600], "top": gray[300:], "bottom": gray[:600]}[edge]
    assert flags_of(changed(whole, part)) == (f"clipped-edge={edge}",)


def test_rulings_shadows_and_torn_holes_may_reach_the_edge() -> None:
    page = scanned(draw_letter)
    gray = page.gray.copy()
    for y in range(100, 2200, 60):
        gray[y : y + 2] = 60
    gray[:, -4:] = 40
    for y in range(80, 2300, 70):
        cv2.circle(gray, (6, y), 16, 30, -1)
    assert flags_of(changed(page, gray)) == ()


@pytest.mark.parametrize(
    ("inches", "flags", "expected"),
    [
        ((8.27, 11.69), (), ()),
        ((8.5, 14.0), (), ()),
        ((8.27, LONGEST_INCH + 0.5), (), ("double-feed",)),
        ((8.27, 17.0), ("resolution-estimated",), ()),
        ((11.69, 16.5), (), ()),
        ((3.2, 16.0), (), ()),
    ],
)
def test_only_office_paper_can_be_too_long(
    inches: tuple[float, float], flags: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    width, height = (round(side * 150) for side in inches)
    assert flags_of(Page(REF, np.full((height, width), 240, np.uint8), 150, flags)) == expected


@pytest.mark.parametrize("shape", [(1, 1), (3, 4000), (4000, 3), (LEAST_SIDE, LEAST_SIDE), (131, 5000), (700, 129)])
@pytest.mark.parametrize("dpi", [50.0, 300.0, 2400.0])
def test_any_picture_can_be_looked_at(shape: tuple[int, int], dpi: float) -> None:
    noise = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    for gray in (noise, np.zeros(shape, np.uint8), np.full(shape, 255, np.uint8)):
        find_faults(Page(REF, gray, dpi))


def stored(folder: Path) -> Iterator[tuple[str, Page]]:
    """Every page below a folder, with its name there."""
    options = Options()
    for path in sorted(folder.rglob("*")):
        if path.suffix in {".jpg", ".jpeg", ".png", ".pdf", ".tif"}:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            for number in range(1, survey(str(path), options).pages + 1):
                yield path.relative_to(folder).as_posix(), load(PageRef(str(path), digest, number), options)


def test_samples_are_good_scans() -> None:
    found = {name: flags_of(page) for name, page in stored(Path(__file__).resolve().parents[2] / "samples")}
    assert len(found) >= 5
    assert {name: flags for name, flags in found.items() if flags} == {}


@pytest.mark.slow
def test_real_pages_have_the_faults_that_a_look_at_them_shows(data: Path) -> None:
    found = {(name, page.ref.number): flags_of(page) for name, page in stored(data / "pages")}
    assert len(found) >= 50
    assert {name: flags for (name, _), flags in found.items() if flags} == {
        "clinic/delivery_pg_1_skew_75dpi.jpeg": ("low-resolution=75", "clipped-edge=left"),
        "clinic/delivery_pg_1_skew_150dpi.jpeg": ("clipped-edge=left",),
        "clinic/delivery_pg_1_skew_300dpi.jpeg": ("clipped-edge=left",),
    }
