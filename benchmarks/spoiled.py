"""What faults of a scan cost, and whether they are noticed: `python benchmarks/spoiled.py [DATA] [--ways PART]`.

Pages are drawn, 12 at 300 dpi; DATA adds real ones, those of `pages/truth.csv` that are known to be good scans. Each is
spoiled in many ways, looked over, and read without a form. A line a way: pages that get the fault's flag, of all; then
fields of the truth found, right, and accepted, of these wrong, first as if nothing had been noticed, then as it is.
`--ways` chooses those in whose name it stands.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from docproc.assemble.page import assemble, draft
from docproc.clean.quality import find_faults
from docproc.errors import needs_review
from docproc.flow.pipeline import check, find, pack
from docproc.options import Options, Recipe
from docproc.pages.load import load
from docproc.pages.sources import survey
from docproc.recognize.models import Models, load_models
from docproc.recognize.style import settle
from docproc.segment.lattice import propose_all
from docproc.train.draw import draw_boxes, draw_comb_form, draw_tally, move_fields
from docproc.train.match import match_page
from docproc.train.paper import scan, to_bytes, to_grey
from docproc.train.truth import ANSWERED, Answer, TrueField, keep_digits, read_truth
from docproc.types import Box, Page, PageRef

GATE = {"low-resolution", "blurred", "faint-ink", "bleed-through", "clipped-edge", "streak", "double-feed"}
GATE_FIELDS = {"streaked", "cut-off"}
GOOD = ("nist-hsf/", "clinic/delivery_pg_1_cassim", "clinic/delivery_pg_1_good", "exam/exam_", "tally/")
INCH = 25.4
SEEDS = range(50, 54)


class Case(NamedTuple):
    """A page and what it holds."""

    page: Page
    fields: list[TrueField]


Spoil = Callable[[list[Case], int], Case]


def gather(data: Path | None) -> Iterator[Case]:
    """Drawn pages, and the real ones."""
    for seed in SEEDS:
        for draw in (draw_comb_form, draw_boxes, draw_tally):
            drawn = draw(seed, dpi=300)
            picture, moved = scan(np.random.default_rng(seed), drawn.picture, 0.3)
            name = f"{draw.__name__} {seed}"
            known = [
                TrueField(name, 1, field.name, field.digits, field.box, "drawn")
                for field in move_fields(drawn.fields, moved)
            ]
            yield Case(Page(PageRef(name, "", 1), to_bytes(to_grey(picture)), 300.0), known)
    if data is not None:
        truth, options = read_truth(data / "pages" / "truth.csv"), Options()
        for name, number in sorted(page for page in truth.pages if page.source.startswith(GOOD)):
            source = str(data / "pages" / name)
            page = load(PageRef(source, survey(source, options).digest, number), options)
            fields = [field for field in truth.fields if (field.source, field.page) == (name, number)]
            if scored := [field for field in fields if not field.left_out]:
                yield Case(page, scored)


def with_gray(case: Case, gray: np.ndarray) -> Case:
    """The case with another picture."""
    picture = np.ascontiguousarray(np.clip(np.round(gray), 0, 255).astype(np.uint8))
    return Case(replace(case.page, gray=picture), case.fields)


def blur(millimetres: float) -> Spoil:
    """Out of focus."""
    return lambda cases, i: with_gray(
        cases[i], cv2.GaussianBlur(cases[i].page.gray, (0, 0), millimetres * cases[i].page.dpi / INCH)
    )


def coarsen(dpi: float) -> Spoil:
    """Fewer dots an inch."""

    def spoil(cases: list[Case], i: int) -> Case:
        page, fields = cases[i]
        share = min(1.0, dpi / page.dpi)
        gray = cv2.resize(page.gray, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
        moved = [replace(field, box=Box(*(round(side * share) for side in field.box or ()))) for field in fields]
        return Case(replace(page, gray=np.asarray(gray, np.uint8), dpi=page.dpi * share, flags=()), moved)

    return spoil


def fade(share: float) -> Spoil:
    """So much left of the ink, on grey paper with a little noise."""

    def spoil(cases: list[Case], i: int) -> Case:
        gray = np.minimum(cases[i].page.gray, 240.0)
        paper = cv2.GaussianBlur(cv2.dilate(gray, np.ones((41, 41))), (0, 0), 20)
        noise = np.random.default_rng(i).normal(0, 2, gray.shape)
        return with_gray(cases[i], paper - (paper - cv2.GaussianBlur(gray, (0, 0), 0.6)) * share + noise)

    return spoil


def streak(depth: float) -> Spoil:
    """Three streaks of 0.15 mm down the page, each through a field."""

    def spoil(cases: list[Case], i: int) -> Case:
        page, fields = cases[i]
        rng, gray, width = np.random.default_rng(i), page.gray.astype(np.float32), max(1, round(0.15 * page.dpi / INCH))
        for _ in range(3):
            box = fields[rng.integers(len(fields))].box or Box(0, 0, *page.gray.shape[::-1])
            x = int(box.x + box.width * rng.uniform(0.1, 0.9))
            gray[:, x : x + width] *= 1 - depth
        return with_gray(cases[i], gray)

    return spoil


def shine(depth: float) -> Spoil:
    """The next page shines through from behind."""

    def spoil(cases: list[Case], i: int) -> Case:
        page, back = cases[i].page, cases[(i + 1) % len(cases)].page
        behind = cv2.resize(back.gray[:, ::-1], page.gray.shape[::-1], interpolation=cv2.INTER_AREA)
        soft = cv2.GaussianBlur(behind.astype(np.float32), (0, 0), 0.3 * page.dpi / INCH)
        ink = 1 - np.clip(soft / float(np.percentile(soft, 90)), 0, 1)
        return with_gray(cases[i], page.gray * (1 - depth * ink))

    return spoil


def cut(cases: list[Case], i: int) -> Case:
    """The right side is missing, from the middle of the outermost field."""
    page, fields = cases[i]
    at = max(int(field.box.x + field.box.width / 2) for field in fields if field.box)
    return with_gray(cases[i], page.gray[:, :at])


WAYS: dict[str, tuple[str, Spoil]] = {
    "as it is": ("", lambda cases, i: cases[i]),
    **{f"blurred by {mm} mm": ("blurred", blur(mm)) for mm in (0.15, 0.2, 0.25, 0.3, 0.4)},
    **{f"{dpi} dots an inch": ("low-resolution", coarsen(dpi)) for dpi in (100, 85, 75, 60)},
    **{f"ink faded to {share}": ("faint-ink", fade(share)) for share in (0.6, 0.4, 0.3, 0.2)},
    **{f"streaks of depth {depth}": ("streak", streak(depth)) for depth in (0.06, 0.08, 0.12, 0.25, 0.5)},
    **{f"back shines through by {depth}": ("bleed-through", shine(depth)) for depth in (0.15, 0.25, 0.35)},
    "cut off at the right": ("clipped-edge", cut),
}


def read(page: Page, models: Models, recipe: Recipe) -> Iterator[tuple[Answer, bool]]:
    """The answers on a page, each also with whether it would be accepted if the scan had not been looked over."""
    seen = find(page, recipe)
    prepared = pack(seen.page, propose_all(seen.page, seen.fields))
    drafts = draft(prepared, settle(models.classifier.classify(prepared.crops), recipe))
    (frames,) = check([prepared], [drafts], models.line_reader.read)
    for reading in assemble(prepared, drafts, frames, recipe).readings:
        flags = [flag for flag in (*reading.flags, *page.flags) if flag not in GATE_FIELDS]
        answers = reading.status in ANSWERED
        answer = Answer(
            page.ref.source, 1, reading.field, keep_digits(reading.text), reading.status, reading.confidence,
            answers and not reading.review, ";".join(reading.flags), reading.box,
        )  # fmt: skip
        yield answer, answers and not needs_review(flags)


def score(case: Case, models: Models, recipe: Recipe) -> np.ndarray:
    """Fields, those found, right, accepted and wrong without a look at the scan, accepted and wrong with it."""
    answered = dict(read(case.page, models, recipe))
    counts = np.zeros(7, int)
    for matched in match_page(case.fields, list(answered))[0]:
        answer = matched.answer
        counts[0] += 1
        if answer is not None:
            is_right = answer.status in ANSWERED and answer.digits == matched.field.digits
            accepted = (answered[answer], answer.accepted)
            counts[1:3] += 1, is_right
            counts[3:] += [number for yes in accepted for number in (yes, yes and not is_right)]
    return counts


def main() -> None:
    """Print a line for each way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--ways", default="")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    models = load_models(None, "cpu")
    recipe = Recipe(Options(), models.digest, models.calibration)
    cases = list(gather(given.data))
    for way, (flag, spoil) in WAYS.items():
        if given.ways not in way:
            continue
        noticed, counts = 0, np.zeros(7, int)
        for i in range(len(cases)):
            case = spoil(cases, i)
            names = {found.partition("=")[0] for found in find_faults(case.page).flags}
            noticed += flag in names if flag else bool(names & GATE)
            counts += score(case, models, recipe)
        fields, found, right, before, wrong_before, after, wrong = counts.tolist()
        print(
            f"{way:28} noticed {noticed}/{len(cases)}  fields {fields} found {found} right {right}  "
            f"accepted {before} wrong {wrong_before}  now {after} wrong {wrong}",
            flush=True,
        )


if __name__ == "__main__":
    main()
