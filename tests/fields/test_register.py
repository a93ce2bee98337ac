from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from docproc.errors import PageError
from docproc.fields.bends import FOLD_MM, Way, fit_bends, grid_shape, map_points, place_points, shares, unbent
from docproc.fields.landmarks import MM, Points, page_features, page_landmarks
from docproc.fields.register import register
from docproc.train.draw import draw_comb_form, draw_slip
from docproc.train.paper import to_bytes, to_grey
from docproc.types import FORM_DPI, Box, Field, FormPage, Gray, Homography, Placement

EXACT = 0.3
"""Mm that a corner of a field may be off."""


def sheet(seed: int, name: str = "slip") -> tuple[Gray, list[Field]]:
    """A filled-in form, and its fields."""
    drawn = (draw_slip if name == "slip" else draw_comb_form)(seed, FORM_DPI)
    return to_bytes(to_grey(drawn.picture)), [Field(field.name, field.box, "box") for field in drawn.fields]


def form_page(picture: Gray, fields: Sequence[Field], blank: bool = True, name: str = "slip") -> FormPage:
    png = cv2.imencode(".png", picture)[1].tobytes()
    digest = hashlib.sha256(png + repr((fields, blank)).encode()).hexdigest()
    return FormPage(name, 1, digest, picture.shape[1], picture.shape[0], png, blank, tuple(fields))


@cache
def reference(name: str = "slip") -> FormPage:
    """The blank form: what several fillings share."""
    sheets = [sheet(seed, name) for seed in range(4)]
    return form_page(np.maximum.reduce([picture for picture, _ in sheets]), sheets[0][1], name=name)


@cache
def filled(name: str = "slip") -> Gray:
    return sheet(7, name)[0]


def corners(page: FormPage) -> Points:
    boxes = [field.box for field in page.fields]
    return np.array([[x, y] for box in boxes for x in (box.x, box.right) for y in (box.y, box.bottom)], np.float64)


def turned(shape: tuple[int, int], degrees: float, factor: float) -> tuple[Homography, tuple[int, int]]:
    """The page turned on a scan that just holds it, a little wider than high."""
    angle = np.deg2rad(degrees)
    to_scan = np.diag([factor * 1.01, factor * 0.99, 1.0])
    to_scan[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]] @ to_scan[:2, :2]
    ends = to_scan[:2, :2] @ np.array([[0, shape[1], 0, shape[1]], [0, 0, shape[0], shape[0]]])
    to_scan[:2, 2] = -ends.min(axis=1)
    columns, rows = np.ceil(np.ptp(ends, axis=1)).astype(int)
    return to_scan, (int(columns), int(rows))


def scan(picture: Gray, to_scan: Homography, size: tuple[int, int], desk: int = 240) -> Gray:
    """The page as a device sees it whose pixels are coarser, with noise."""
    half = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])
    factor = min(1.0, float(np.sqrt(abs(np.linalg.det(to_scan[:2, :2])))))
    soft = cv2.GaussianBlur(picture, (0, 0), 0.4 / factor)
    seen = cv2.warpPerspective(soft, half @ to_scan @ np.linalg.inv(half), size, borderValue=desk)
    noisy: Gray = np.clip(seen + np.random.default_rng(3).normal(0, 5, seen.shape), 0, 255).astype(np.uint8)
    return noisy


def worst(placement: Placement, truth: Callable[[Points], Points]) -> float:
    """How far the furthest corner of a field is off, in mm on the form's paper."""
    at = corners(placement.page)
    here = truth(at)
    millimetre = np.linalg.norm(truth(at + np.array([MM, 0])) - here, axis=1)
    return float((np.linalg.norm(place_points(placement, at) - here, axis=1) / millimetre).max())


def flat(to_scan: Homography) -> Callable[[Points], Points]:
    return lambda points: cv2.perspectiveTransform(points[None], to_scan)[0].astype(np.float64)


def refusal(gray: Gray, *pages: FormPage) -> str:
    with pytest.raises(PageError) as caught:
        register(gray, pages)
    assert caught.value.code == "not-this-form"
    return caught.value.detail


@pytest.mark.parametrize(("degrees", "dpi"), [(0, 300), (3, 150), (94, 100), (183, 200), (266, 400), (-5, 75)])
def test_page_is_laid_at_any_angle_and_resolution(degrees: float, dpi: float) -> None:
    to_scan, size = turned(filled().shape, degrees, dpi / FORM_DPI)
    placement = register(scan(filled(), to_scan, size), [reference()])
    assert worst(placement, flat(to_scan)) < EXACT
    assert placement.residual < EXACT


def test_page_under_a_tilted_phone_on_a_dark_desk_is_laid() -> None:
    height, width = filled().shape
    source = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    seen = np.array([[160, 120], [980, 90], [1080, 1440], [70, 1390]], np.float32)
    to_scan = cv2.getPerspectiveTransform(source, seen).astype(np.float64)
    placement = register(scan(filled(), to_scan, (1200, 1600), desk=30), [reference()])
    assert worst(placement, flat(to_scan)) < EXACT


def test_page_in_two_tones_is_laid() -> None:
    to_scan, size = turned(filled().shape, 2, 0.66)
    gray = scan(filled(), to_scan, size)
    placement = register(np.where(gray > 150, 255, 0).astype(np.uint8), [reference()])
    assert worst(placement, flat(to_scan)) < EXACT


def test_page_that_a_feeder_stretched_in_part_is_bent_to_fit() -> None:
    picture = filled()
    rows = np.arange(picture.shape[0], dtype=np.float64)
    moved = rows + 0.8 * MM * np.sin(rows / picture.shape[0] * 2 * np.pi)
    source = np.interp(rows, moved, rows).astype(np.float32)
    x, y = np.meshgrid(np.arange(picture.shape[1], dtype=np.float32), source)
    gray = np.asarray(cv2.remap(picture, x, y, cv2.INTER_LINEAR), np.uint8)
    placement = register(gray, [reference()])

    def truth(points: Points) -> Points:
        return np.column_stack([points[:, 0], np.interp(points[:, 1], rows, moved)])

    assert worst(placement, truth) < EXACT
    assert np.abs(placement.bends).max() > 0.3 * MM
    straight = Placement(placement.page, placement.to_scan, np.zeros_like(placement.bends), 0)
    assert worst(straight, truth) > EXACT


def test_filled_in_sheet_serves_as_reference() -> None:
    picture, fields = sheet(11)
    to_scan, size = turned(filled().shape, 178, 0.5)
    placement = register(scan(filled(), to_scan, size), [form_page(picture, fields, blank=False)])
    assert worst(placement, flat(to_scan)) < EXACT


def test_page_of_several_is_told() -> None:
    pages = [reference("card"), reference()]
    for name, page in (("slip", pages[1]), ("card", pages[0])):
        to_scan, size = turned(filled(name).shape, 1, 0.5)
        assert register(scan(filled(name), to_scan, size), pages).page is page


def test_same_page_is_laid_the_same() -> None:
    to_scan, size = turned(filled().shape, 5, 0.4)
    gray = scan(filled(), to_scan, size)
    first = register(gray, [reference()])
    page_landmarks.cache_clear()
    page_features.cache_clear()
    again = register(gray, [reference()])
    assert np.array_equal(first.to_scan, again.to_scan)
    assert np.array_equal(first.bends, again.bends)
    assert first.residual == again.residual


@pytest.mark.parametrize("name", ["white", "noise", "dot", "mirrored", "other form"])
def test_what_is_not_the_form_is_refused(name: str) -> None:
    pictures = {
        "white": np.full((1000, 700), 255, np.uint8),
        "noise": np.random.default_rng(1).integers(0, 255, (1000, 700)).astype(np.uint8),
        "dot": np.zeros((1, 1), np.uint8),
        "mirrored": np.ascontiguousarray(filled()[:, ::-1]),
        "other form": filled("card"),
    }
    assert "slip page 1" in refusal(pictures[name], reference())


def test_no_form_is_a_refusal_too() -> None:
    assert "a form" in refusal(filled())


def test_page_cut_in_half_is_refused_for_the_fields_that_are_missing() -> None:
    assert refusal(filled()[:900], reference()) == "not on the page: 1 of the 4 fields of slip page 1 (Postcode)"


@pytest.mark.parametrize("move", [(2, 0), (0, 2), (-4, 0), (0, 5)])
def test_edition_with_a_field_elsewhere_is_refused(move: tuple[int, int]) -> None:
    """The scan has the weight's box where it always was, and the reference elsewhere."""
    page = reference()
    picture = cv2.imdecode(np.frombuffer(page.picture, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    x, y, width, height = page.fields[1].box
    part = picture[y - 12 : y + height + 12, x - 12 : x + width + 12].copy()
    picture[y - 12 : y + height + 12, x - 12 : x + width + 12] = 240
    dx, dy = (round(mm * MM) for mm in move)
    picture[y + dy - 12 : y + dy + height + 12, x + dx - 12 : x + dx + width + 12] = part
    fields = [*page.fields]
    fields[1] = Field(fields[1].name, Box(x + dx, y + dy, width, height), "box")
    wrong = form_page(np.asarray(picture, np.uint8), fields)
    assert "slip page 1" in refusal(filled(), wrong)
    assert register(filled(), [wrong, page]).page is page


SIZE = (2480, 3508)


def test_bends_keep_to_what_the_patches_say_and_fade_where_there_are_none() -> None:
    rng = np.random.default_rng(5)
    points = rng.uniform((0, 0), (SIZE[0], SIZE[1] / 2), (200, 2))
    moves = np.column_stack([np.zeros(200), 6 * np.sin(points[:, 1] / 500)])
    moves[::20] += 40
    fit = fit_bends(SIZE, points, moves, 0.5 * MM)
    way = Way(SIZE, np.eye(3), fit.bends)
    good = np.arange(200) % 20 != 0
    assert np.abs(map_points(way, points[good]) - points[good] - moves[good]).max() < 1.5
    assert (fit.weights[~good] == 0).all()
    assert (fit.weights[good] > 0).all()


def test_left_out_is_what_a_fit_without_the_square_says() -> None:
    rng = np.random.default_rng(6)
    points, moves = rng.uniform((0, 0), SIZE, (60, 2)), rng.normal(0, 1, (60, 2))
    # So wide a reach that every patch has its full weight, with or without the others.
    whole = fit_bends(SIZE, points, moves, 1e6)
    square = np.floor(points / (FOLD_MM * MM)).astype(int) % 2
    for i in range(0, 60, 7):
        rest = (square != square[i]).any(axis=1)
        bends = fit_bends(SIZE, points[rest], moves[rest], 1e6).bends
        share = shares(SIZE, grid_shape(SIZE), points[i : i + 1])
        off = np.linalg.norm(moves[i] - share @ bends.reshape(-1, 2))
        assert whole.left_out[i] == pytest.approx(off, rel=1e-3)


def test_way_without_bends_is_the_homography() -> None:
    to_scan = np.array([[0.5, 0.01, 3], [-0.02, 0.48, 9], [1e-6, 2e-6, 1]])
    points = np.random.default_rng(7).uniform((0, 0), SIZE, (20, 2))
    assert map_points(unbent(SIZE, to_scan), points) == pytest.approx(flat(to_scan)(points))


def load(path: Path) -> Gray:
    return np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), np.uint8)


@pytest.fixture(scope="module")
def clinic(data: Path) -> tuple[Path, FormPage, dict[str, Points]]:
    """The folder of a form's scans, its blank as a form's page, and the fields' corners on it."""
    folder = data / "pages" / "clinic"
    if not folder.is_dir():
        pytest.skip(f"no pages at {folder}")
    known = json.loads((folder / "fields_delivery_pg_1.json").read_text(encoding="utf-8"))
    picture = load(folder / "blank_delivery_pg_1.jpeg")
    scale = np.array(picture.shape[::-1]) / (known["width"], known["height"])
    spots = {}
    for field in known["fields"]:
        boxes = np.array(field["boxes"])
        (left, top), (right, bottom) = boxes[:, :2].min(axis=0), (boxes[:, :2] + boxes[:, 2:]).max(axis=0)
        spots[field["name"]] = np.array([[left, top], [right, top], [right, bottom], [left, bottom]]) * scale
    fields = [
        Field(name, Box(*np.round([*spot[0], *(spot[2] - spot[0])]).astype(int).tolist()), "box")
        for name, spot in spots.items()
    ]
    return folder, form_page(picture, fields, name="delivery record"), spots


def test_every_real_scan_of_a_form_is_laid(clinic: tuple[Path, FormPage, dict[str, Points]]) -> None:
    folder, page, spots = clinic
    truth = pd.read_csv(folder.parent / "truth.csv", dtype=str, keep_default_na=False)
    scans = truth[truth.file.str.startswith("clinic/")].groupby("file")
    assert len(scans) == 7
    for file, rows in scans:
        placement = register(load(folder.parent / str(file)), [page])
        here = np.concatenate([spots[name] for name in rows.field])
        there = np.concatenate([np.array(quad.split(), float).reshape(4, 2) for quad in rows["quad"]])
        scale = np.sqrt(abs(np.linalg.det(placement.to_scan[:2, :2] / placement.to_scan[2, 2])))
        off = np.linalg.norm(place_points(placement, here) - there, axis=1) / scale / MM
        assert off.max() < 0.5, file
        assert placement.residual < 0.2, file


def test_real_pages_of_other_forms_are_refused(clinic: tuple[Path, FormPage, dict[str, Points]]) -> None:
    folder, page, _ = clinic
    for name in ("exam/exam_01.jpg", "nist-hsf/form_1.png", "tally/mesa_1000551.jpg"):
        assert "delivery record page 1" in refusal(load(folder.parent / name), page)


def test_real_filled_in_sheet_lays_the_others(data: Path) -> None:
    folder = data / "pages" / "tally"
    if not folder.is_dir():
        pytest.skip(f"no pages at {folder}")
    truth = pd.read_csv(data / "pages" / "truth.csv", dtype=str, keep_default_na=False)
    rows = truth[truth.file == "tally/mesa_5018381.jpg"]
    fields = [Field(r.field, Box(*(2 * int(n) for n in (r.x, r.y, r.w, r.h))), "box") for r in rows.itertuples()]
    # The sheets are about 150 dpi.
    picture = cv2.resize(load(folder / "mesa_5018381.jpg"), None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    page = form_page(np.asarray(picture, np.uint8), fields, blank=False, name="tally")
    others = sorted(path for path in folder.glob("*.jpg") if path.stem != "mesa_5018381")
    assert len(others) == 4
    for path in others:
        placement = register(load(path), [page])
        for r in truth[truth.file == f"tally/{path.name}"].itertuples():
            (field,) = (field for field in page.fields if field.name == r.field)
            middle = np.array([[field.box.x + field.box.width / 2, field.box.y + field.box.height / 2]])
            marked = np.array([[int(r.x) + int(r.w) / 2, int(r.y) + int(r.h) / 2]])
            # The boxes were marked by hand, those of one worn sheet to 8 pixels.
            assert np.abs(place_points(placement, middle) - marked).max() < 8, (path.name, r.field)
