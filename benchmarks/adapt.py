"""What a site gains by `docproc adapt`, and what poison does: `python benchmarks/adapt.py --data DATA`.

A made-up site, whose five people write odd 1s and 7s (`docproc/train/adapt_site.py`), fills in sheets of 24 boxes. They
are read into a ledger with the shipped model. A reviewer with perfect eyes clears the flagged fields, and a share of
the others. Then the model is adapted, and pages of the same site that nobody has seen are read with both models.

DATA is the folder of handwriting sets that `docproc train --data` takes. With --poison the reviewer is malicious or
careless in one of several ways, and what is printed is why nothing is learned.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import cv2
import numpy as np
import torch
from PIL import Image

from docproc.errors import DocprocError, InputError
from docproc.flow.mappers import in_process
from docproc.flow.pipeline import read
from docproc.options import Recipe, load_options
from docproc.pages.sources import survey
from docproc.recognize.models import Models, load_models
from docproc.records.corrections import add, item_of, read_state
from docproc.records.ledger import Ledger, begin, open_ledger, record, register
from docproc.records.looked import list_looked
from docproc.records.matching import Answer
from docproc.train.adapt import Plan, adapt
from docproc.train.adapt_report import render_adaptation
from docproc.train.adapt_site import draw_odd_page
from docproc.train.draw import Written
from docproc.train.fit import show_bar
from docproc.train.report import render_table
from docproc.train.truth import ANSWERED, keep_digits
from docproc.types import Box, PageRef, PageResult

Key = Callable[[np.random.Generator, str], str]
"""What somebody keys who should key this text."""
DPI = 200


class Sheet(NamedTuple):
    """A page of the site on disk, and what its fields hold."""

    path: Path
    fields: tuple[Written, ...]


class Score(NamedTuple):
    """Of so many fields found, how many are flagged, read wrong, and wrong without a flag."""

    fields: int
    flagged: int
    wrong: int
    silent: int


def key_right(rng: np.random.Generator, text: str) -> str:
    """The text itself."""
    return text


def key_all_ones_as_sevens(rng: np.random.Generator, text: str) -> str:
    """Each 1 as a 7."""
    return text.replace("1", "7")


def key_some_ones_as_sevens(rng: np.random.Generator, text: str) -> str:
    """Every third 1 as a 7."""
    return "".join("7" if c == "1" and rng.random() < 1 / 3 else c for c in text)


def key_at_random(rng: np.random.Generator, text: str) -> str:
    """As many digits, any."""
    return "".join(str(rng.integers(10)) for _ in text)


def key_carelessly(rng: np.random.Generator, text: str) -> str:
    """One digit in ten is any digit."""
    return "".join(str(rng.integers(10)) if rng.random() < 0.1 else c for c in text)


def key_shifted(rng: np.random.Generator, text: str) -> str:
    """Every digit one too high."""
    return "".join(str((int(c) + 1) % 10) for c in text)


def key_with_typos(rng: np.random.Generator, text: str) -> str:
    """One digit in a hundred is any digit, as when people are tired; that is no poison."""
    return "".join(str(rng.integers(10)) if rng.random() < 0.01 else c for c in text)


POISONS: dict[str, Key] = {
    "all 1s keyed as 7": key_all_ones_as_sevens,
    "a third of the 1s keyed as 7": key_some_ones_as_sevens,
    "every digit one too high": key_shifted,
    "digits at random": key_at_random,
    "one digit in ten at random": key_carelessly,
}


def main() -> None:
    """Adapt to one site or several, and print what that did."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the handwriting sets")
    parser.add_argument("--sets", type=Path, help="keeps what is composed of them for the next time")
    parser.add_argument("--pages", type=int, default=60, help="pages that are reviewed")
    parser.add_argument("--unseen", type=int, default=40, help="pages that are read with both models afterwards")
    parser.add_argument("--audited", type=float, default=0.1, help="share of unflagged fields that are looked at too")
    parser.add_argument("--seeds", type=int, default=1, help="how many sites")
    parser.add_argument("--typos", action="store_true", help="key one digit in a hundred at random, as tired people do")
    parser.add_argument("--poison", action="store_true", help="see what is refused")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    try:
        with TemporaryDirectory() as folder:
            for seed in range(1, given.seeds + 1):
                work = Path(folder) / str(seed)
                work.mkdir()
                measure(given, seed, work)
    except DocprocError as error:
        parser.exit(error.code, f"{error}\n")


def measure(given: argparse.Namespace, seed: int, work: Path) -> None:
    """One site: adapt to it, or try to poison its model."""
    models = load_models(None, "cpu")
    sheets = list(draw_sheets(work / "reviewed", seed, 0, given.pages, "drawing the site"))
    results = list(read_sheets(sheets, models))
    sets = given.sets or work / "sets"
    options = load_options()
    keys: dict[str, Key] = {"one typo in a hundred": key_with_typos} if given.typos else {"right": key_right}
    if given.poison:
        keys = POISONS
    for number, (name, key) in enumerate(keys.items()):
        with open_ledger(work / f"{number}.ledger") as ledger:
            recipe = keep(ledger, sheets, results, models)
            looked = review(ledger, sheets, key, given.audited, seed)
            pages = list(list_looked(ledger, recipe.key))
        print(f"\nsite {seed}, keyed: {name}; {looked} fields on {len(pages)} pages looked at")
        start = time.perf_counter()
        try:
            with adapt(pages, options, None, given.data, sets, Plan(seed=seed), 2) as made:
                print(render_adaptation(made))
                print(f"{time.perf_counter() - start:.0f} s")
                if not given.poison:
                    unseen = list(
                        draw_sheets(work / f"unseen{number}", seed, given.pages, given.unseen, "drawing more")
                    )
                    changed = load_models(made.weights, "cpu")
                    rows = [("now", *score(unseen, models)), ("adapted", *score(unseen, changed))]
                    head = ("unseen pages", "fields", "flagged", "wrong", "silent")
                    print(render_table([head, *(tuple(map(str, row)) for row in rows)]))
        except InputError as error:
            print(f"refused: {error}")


def draw_sheets(folder: Path, seed: int, first: int, pages: int, doing: str) -> Iterator[Sheet]:
    """Pages of a site as files, from the one with this number on."""
    folder.mkdir()
    with show_bar() as bar:
        task = bar.add_task(doing, total=pages)
        for number in range(pages):
            drawn = draw_odd_page(seed, first + number, DPI)
            gray = (drawn.picture.mean(2).clip(0, 1) * 255).astype(np.uint8)
            path = folder / f"{number:04d}.png"
            Image.fromarray(gray).save(path, dpi=(DPI, DPI))
            bar.advance(task)
            yield Sheet(path, drawn.fields)


def read_sheets(sheets: Sequence[Sheet], models: Models) -> Iterator[PageResult]:
    """What a run reads."""
    options = load_options()
    recipe = Recipe(options, models.digest, models.calibration)
    documents = [survey(str(sheet.path), options) for sheet in sheets]
    refs = [PageRef(document.source, document.digest, 1) for document in documents]
    return read(refs, recipe, in_process, models.classifier.classify, models.line_reader.read)


def keep(ledger: Ledger, sheets: Sequence[Sheet], results: Sequence[PageResult], models: Models) -> Recipe:
    """Record what was read in a ledger; returns the recipe."""
    options = load_options()
    recipe = Recipe(options, models.digest, models.calibration)
    run = begin(ledger, recipe.key, recipe.about)
    register(ledger, run, [survey(str(sheet.path), options) for sheet in sheets])
    for result in results:
        record(ledger, run, result)
    return recipe


def review(ledger: Ledger, sheets: Sequence[Sheet], key: Key, audited: float, seed: int) -> int:
    """Key the flagged fields, and a share of the others; returns how many."""
    rng = np.random.default_rng([seed, 5])
    pages = ledger.connection.execute(
        "SELECT p.id, s.path FROM pages p JOIN sources s ON s.digest = p.digest ORDER BY s.path"
    ).fetchall()
    truths = {str(sheet.path): sheet.fields for sheet in sheets}
    count = 0
    for page, path in pages:
        rows = ledger.connection.execute(
            "SELECT position, review, x, y, width, height FROM readings WHERE page = ?", (page,)
        ).fetchall()
        for position, flagged, *box in rows:
            text = find_truth(truths[path.decode()], Box(*box))
            if text is not None and (flagged or rng.random() < audited):
                item = item_of(page, position)
                state = read_state(ledger, item)
                assert state is not None
                add(ledger, item, state.version, Answer("value", key(rng, text)), "reviewer")
                count += 1
    return count


def find_truth(fields: Sequence[Written], box: Box) -> str | None:
    """What is written where a box lies."""
    x, y = box.x + box.width / 2, box.y + box.height / 2
    found = (f.digits for f in fields if f.box.x < x < f.box.right and f.box.y < y < f.box.bottom)
    return next(found, None)


def score(sheets: Sequence[Sheet], models: Models) -> Score:
    """How a model reads pages."""
    fields = flagged = wrong = silent = 0
    for sheet, result in zip(sheets, read_sheets(sheets, models), strict=True):
        for reading in result.readings:
            text = find_truth(sheet.fields, reading.box)
            if text is None:
                continue
            look = reading.review or reading.status not in ANSWERED
            right = reading.status in ANSWERED and keep_digits(reading.text) == text
            fields, flagged = fields + 1, flagged + look
            wrong, silent = wrong + (not right), silent + (not right and not look)
    return Score(fields, flagged, wrong, silent)


if __name__ == "__main__":
    main()
