"""How exactly forms are laid on scans: `python benchmarks/register.py [--pages N] [--data DATA]`.

Drawn forms, filled in, go through feeders, scanners and phones whose doing is known: turned, skewed, stretched by up to
2 % and, along the feed, by up to 1 % more here and there, sheared, cropped, tilted, on a desk, in two tones. The blank
reference is what all fillings share. Off is how far the corners of a page's fields lie from the truth, the 95th
percentile, in mm on the form's paper. Every fifth page is also compared with the other forms, and with editions of its
own form in which one field moved. With --data, real scans of the clinic's form are laid on its blank.

Times are milliseconds of CPU time a page, one thread, landmarks known: medians.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy: as in docproc's workers

import argparse
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.progress import track

from docproc.errors import PageError
from docproc.fields.bends import place_points
from docproc.fields.landmarks import MM, Points, page_features, page_frames, page_landmarks
from docproc.fields.register import register
from docproc.train.draw import Drawn, draw_boxes, draw_comb_form, draw_slip, draw_tally
from docproc.train.paper import to_bytes, to_grey
from docproc.train.report import render_table
from docproc.types import FORM_DPI, Box, Field, FormPage, Gray, Placement

FORMS: dict[str, Callable[[int, float], Drawn]] = {
    "meter card": draw_comb_form,
    "bird count": draw_tally,
    "stock sheet": draw_boxes,
    "slip": draw_slip,
}
FILLINGS = 12
"""The last two are scanned; where ten hands wrote in one place, hardly a pixel was inked by all."""
REMARKS_MM = 40
"""But the remarks of the bird count are the same on each, 40 mm from the left below the table: they are wiped out."""
EDITIONS = ((1, 0), (2, 0), (3, 0), (5, 0), (0, 1), (0, 2), (0, 4))
"""Mm by which a field moved."""
HEAD = ("pages", "number", "refused", "off, median", "99 %", "worst", "within 0.3", "residual, 99 %", "ms")

Truth = Callable[[Points], Points]
"""From the form's page to the scan."""


class Result(NamedTuple):
    """How one page went: nan where it was refused."""

    kind: str
    off: float
    residual: float
    milliseconds: float


def main() -> None:
    """Read the arguments, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pages", type=int, default=200)
    parser.add_argument("--data", type=Path)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    results, strangers, editions = [], [], []
    for number in track(range(arguments.pages), "drawn pages"):
        name, kind, gray, truth = make_page(number)
        results.append(measure(kind, reference(name), gray, truth))
        if number % 5 == 0:
            strangers.append(is_refused(gray, [reference(other) for other in FORMS if other != name]))
            editions.append([is_refused(gray, [edition(name, number, move)]) for move in EDITIONS])
    print(render_table([HEAD, *rows_of(results)]))
    print(f"refused of other forms: {sum(strangers)} of {len(strangers)}")
    for move, refused in zip(EDITIONS, np.transpose(editions), strict=True):
        print(f"refused of editions with one field moved by {move} mm: {sum(refused)} of {len(refused)}")
    if arguments.data:
        print(render_table([HEAD, *rows_of([*clinic(arguments.data)])]))


def rows_of(results: Sequence[Result]) -> Iterator[tuple[str, ...]]:
    """A row for each kind and one for all."""
    for kind in [*dict.fromkeys(result.kind for result in results), "all"]:
        chosen = [result for result in results if kind in {result.kind, "all"}]
        off = np.array([result.off for result in chosen])
        residual = np.array([result.residual for result in chosen])
        yield (
            *(kind, str(len(off)), str(int(np.isnan(off).sum()))),
            *(f"{np.nanmedian(off):.3f}", f"{np.nanpercentile(off, 99):.3f}", f"{np.nanmax(off):.3f}"),
            f"{(off <= 0.3).mean():.1%}",
            *(f"{np.nanpercentile(residual, 99):.3f}", f"{np.median([r.milliseconds for r in chosen]):.0f}"),
        )


def measure(kind: str, page: FormPage, gray: Gray, truth: Truth) -> Result:
    """Lay a page whose place is known."""
    warm(page)
    start = time.process_time()
    try:
        placement = register(gray, [page])
    except PageError as error:
        print(f"{kind}: {error.detail}")
        return Result(kind, np.nan, np.nan, (time.process_time() - start) * 1000)
    spent = (time.process_time() - start) * 1000
    return Result(kind, distance_off(placement, truth), placement.residual, spent)


def warm(page: FormPage) -> None:
    """Find what is found once for each form and process."""
    page_landmarks(page), page_features(page, "quick"), page_frames(page)


def distance_off(placement: Placement, truth: Truth) -> float:
    """How far the fields' corners are from the truth, in mm of the form's paper: the 95th percentile."""
    at = np.concatenate([corners(field.box) for field in placement.page.fields])
    here = truth(at)
    millimetre = np.linalg.norm(truth(at + np.array([MM, 0])) - here, axis=1)
    return float(np.percentile(np.linalg.norm(place_points(placement, at) - here, axis=1) / millimetre, 95))


def corners(box: Box) -> Points:
    """Those of a box, clockwise."""
    return np.array([[box.x, box.y], [box.right, box.y], [box.right, box.bottom], [box.x, box.bottom]], np.float64)


def is_refused(gray: Gray, pages: Sequence[FormPage]) -> bool:
    """Whether the scan shows none of the pages."""
    try:
        register(gray, pages)
    except PageError:
        return True
    return False


@cache
def fillings(name: str) -> tuple[list[Gray], list[Field]]:
    """Sheets of a form by several hands, and its fields."""
    drawn = [FORMS[name](seed, FORM_DPI) for seed in range(FILLINGS)]
    fields = [Field(field.name, field.box, "box") for field in drawn[0].fields]
    return [to_bytes(to_grey(sheet.picture)) for sheet in drawn], fields


@cache
def blank(name: str) -> Gray:
    """The form without the writing."""
    sheets, fields = fillings(name)
    picture: Gray = np.maximum.reduce(sheets[:-2])
    if name == "bird count":
        picture[max(field.box.bottom for field in fields) + 20 :, round(REMARKS_MM * MM) :] = np.median(picture)
    return picture


def form_page(name: str, picture: Gray, fields: Sequence[Field]) -> FormPage:
    """A form's page with that picture."""
    png = cv2.imencode(".png", picture)[1].tobytes()
    digest = hashlib.sha256(png + repr(fields).encode()).hexdigest()
    return FormPage(name, 1, digest, picture.shape[1], picture.shape[0], png, True, tuple(fields))


@cache
def reference(name: str) -> FormPage:
    """The page of a drawn form."""
    return form_page(name, blank(name), fillings(name)[1])


def edition(name: str, number: int, move: tuple[int, int]) -> FormPage:
    """The form with one field, and what stands close around it, elsewhere."""
    picture, fields = blank(name).copy(), fillings(name)[1]
    x, y, width, height = fields[number // 5 % len(fields)].box
    left, top, right, bottom = x - 15, y - 15, x + width + 15, y + height + 15
    part = picture[top:bottom, left:right].copy()
    picture[top:bottom, left:right] = np.percentile(part, 90)
    dx, dy = (round(mm * MM) for mm in move)
    there = picture[top + dy : bottom + dy, left + dx : right + dx]
    np.minimum(there, part[: there.shape[0], : there.shape[1]], out=there)
    return form_page(name, picture, fields)


def make_page(number: int) -> tuple[str, str, Gray, Truth]:
    """A filled-in form as a device sees it: the form's name, the device, the scan, and where the page lies."""
    rng = np.random.default_rng([number, 41])
    name, kind = list(FORMS)[number % 4], ("feeder", "flatbed", "phone", "two tones", "desk")[number % 5]
    sheet = fillings(name)[0][-1 - number % 2]
    dpi = float(np.exp(rng.uniform(np.log(75), np.log(400))))
    bent = stretch(rng, sheet.shape[0], 0.003 if kind in {"phone", "flatbed"} else 0.01)
    to_scan, size = device(rng, sheet.shape, dpi / FORM_DPI, kind)
    desk = {"phone": 90, "desk": 15}.get(kind, 240)

    def truth(points: Points) -> Points:
        along = points + np.column_stack([np.zeros(len(points)), np.interp(points[:, 1], *bent)])
        return np.asarray(cv2.perspectiveTransform(along[None], to_scan)[0], np.float64)

    gray = expose(rng, draw_scan(sheet, to_scan, bent, size, desk), kind, dpi)
    return name, kind, gray, truth


def stretch(rng: np.random.Generator, height: int, most: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rows, and how far a feeder moved each: waves of 60 to 250 mm that stretch by up to `most`."""
    rows = np.linspace(0, height, 400)
    waves = [rng.normal() * np.sin(2 * np.pi * rows / (mm * MM) + rng.uniform(0, 6)) for mm in (60, 100, 150, 250)]
    strain = np.sum(waves, axis=0)
    moved = np.cumsum(strain / np.abs(strain).max() * most) * rows[1]
    return rows, moved - np.linspace(moved[0], moved[-1], len(rows))


def device(
    rng: np.random.Generator, shape: tuple[int, int], factor: float, kind: str
) -> tuple[NDArray[np.float64], tuple[int, int]]:
    """The flat part of the way from page to scan, and the scan's width and height."""
    height, width = shape
    angle = np.deg2rad(rng.choice([0, 90, 180, 270]) + rng.uniform(-6, 6))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shear = np.array([[1, rng.uniform(-0.004, 0.004)], [0, 1]])
    to_scan = np.eye(3)
    to_scan[:2, :2] = turn @ shear @ np.diag(factor * (1 + rng.uniform(-0.02, 0.02, 2)))
    page = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    ends = page @ to_scan[:2, :2].T
    if kind == "phone":
        tilted = ends + rng.uniform(-0.08, 0.08, (4, 2)) * np.ptp(ends, axis=0)
        to_scan = cv2.getPerspectiveTransform(ends.astype(np.float32), tilted.astype(np.float32)) @ to_scan
        ends = tilted
    low, high = ends.min(axis=0), ends.max(axis=0)
    if kind in {"phone", "desk"}:
        low, high = low - rng.uniform(5, 30, 2) * MM * factor, high + rng.uniform(5, 30, 2) * MM * factor
    else:  # the frame is that of a page laid straight, give or take 2 mm: skew crops the corners
        middle, half = (
            (low + high) / 2,
            np.array([width, height])[:: 1 if abs(np.cos(angle)) > 0.5 else -1] * factor / 2,
        )
        low, high = middle - half, middle + half + rng.uniform(-2, 2, 2) * MM * factor
    to_scan = np.array([[1, 0, -low[0]], [0, 1, -low[1]], [0, 0, 1]]) @ to_scan
    columns, rows = np.ceil(high - low).astype(int)
    return to_scan, (int(columns), int(rows))


def draw_scan(
    sheet: Gray,
    to_scan: NDArray[np.float64],
    bent: tuple[NDArray[np.float64], NDArray[np.float64]],
    size: tuple[int, int],
    desk: int,
) -> Gray:
    """The sheet where the way takes it."""
    x, y = np.meshgrid(np.arange(size[0]) + 0.5, np.arange(size[1]) + 0.5)
    back = cv2.perspectiveTransform(np.stack([x, y], axis=2).reshape(1, -1, 2), np.linalg.inv(to_scan))[0]
    back[:, 1] = np.interp(back[:, 1], bent[0] + bent[1], bent[0])
    factor = min(1.0, float(np.sqrt(abs(np.linalg.det(to_scan[:2, :2])))))
    small = cv2.resize(sheet, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    ratio = np.array(small.shape[::-1]) / sheet.shape[::-1]
    at = (back * ratio - 0.5).astype(np.float32).reshape(size[1], size[0], 2)
    drawn = cv2.remap(
        small, at[:, :, 0], at[:, :, 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT, borderValue=desk
    )
    return np.asarray(drawn, np.uint8)


def expose(rng: np.random.Generator, gray: Gray, kind: str, dpi: float) -> Gray:
    """Blur, uneven light, noise, and what the kind of device does besides."""
    blurred = cv2.GaussianBlur(gray.astype(np.float32), (0, 0), rng.uniform(0.3, 0.8))
    lit = blurred * (1 - rng.uniform(0, 0.3) * np.linspace(0, 1, gray.shape[1], dtype=np.float32))
    noisy = np.clip(lit + rng.normal(0, 6, gray.shape), 0, 255).astype(np.uint8)
    if kind == "two tones":
        return np.where(noisy > 0.85 * cv2.GaussianBlur(noisy, (0, 0), dpi / 10), 255, 0).astype(np.uint8)
    if kind in {"phone", "desk"}:
        coded = cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(40, 80))])[1]
        return np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), np.uint8)
    return noisy


def clinic(data: Path) -> Iterator[Result]:
    """Real scans of one form, on three papers; the truth is to a pixel of the scan."""
    folder = data / "pages" / "clinic"
    fields = json.loads((folder / "fields_delivery_pg_1.json").read_text(encoding="utf-8"))
    picture = load(folder / "blank_delivery_pg_1.jpeg")
    scale = np.array(picture.shape[::-1]) / (fields["width"], fields["height"])
    boxes = {field["name"]: around(np.array(field["boxes"]) * np.tile(scale, 2)) for field in fields["fields"]}
    every = [Field(name, Box(*np.round(box).astype(int).tolist()), "box") for name, box in boxes.items()]
    page = form_page("delivery", picture, every)
    truth = pd.read_csv(data / "pages" / "truth.csv", dtype=str, keep_default_na=False)
    for file, rows in truth[truth.file.str.startswith("clinic/")].groupby("file"):
        gray = load(data / "pages" / str(file))
        here = np.concatenate([corners(Box(*boxes[name])) for name in rows.field])
        there = np.concatenate([np.array(quad.split(), float).reshape(4, 2) for quad in rows["quad"]])
        warm(page)
        start = time.process_time()
        placement = register(gray, [page])
        spent = (time.process_time() - start) * 1000
        pixel = np.sqrt(abs(np.linalg.det(placement.to_scan[:2, :2] / placement.to_scan[2, 2])))
        off = np.linalg.norm(place_points(placement, here) - there, axis=1) / pixel / MM
        yield Result(Path(str(file)).stem, float(np.percentile(off, 95)), placement.residual, spent)


def load(path: Path) -> Gray:
    """A picture, grey."""
    return np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), np.uint8)


def around(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """The box round several, each as x, y, width, height."""
    low, high = boxes[:, :2].min(axis=0), (boxes[:, :2] + boxes[:, 2:]).max(axis=0)
    return np.concatenate([low, high - low])


if __name__ == "__main__":
    main()
