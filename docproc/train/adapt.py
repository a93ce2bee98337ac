"""Learn from what people said of a batch, with a seat belt: `docproc adapt RESULTS`.

From top to bottom: gather, doubt the word of people, split by page, train, hold champion and challenger against each
other. Nothing is installed here.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
from rich.progress import Progress

from docproc.assemble.ctc import speak
from docproc.errors import InputError, LedgerError, OptionsError
from docproc.options import Options, load_options
from docproc.recognize.classifier import find_weights, load_nets
from docproc.recognize.line_reader import load_line_net
from docproc.recognize.models import Models, load_models
from docproc.recognize.weights import DIGITS
from docproc.records.looked import LookedPage
from docproc.train.adapt_checks import Heard, Trust, doubt_challenger, doubt_word, find_lacks, weigh_word
from docproc.train.adapt_compare import (
    Change,
    Figure,
    Nets,
    Seen,
    Tally,
    Validation,
    choose,
    draw_unipen,
    find_changes,
    go_as_far,
    see,
    tally,
    validate_digits,
    validate_lines,
)
from docproc.train.adapt_install import FORMER, LINES, find_lines
from docproc.train.adapt_learn import CROPS, ROWS, Pace, learn_crops, learn_lines, no_crops, warm
from docproc.train.adapt_strips import CutPage, align, cut_page, find_said, label_crops, see_digits, split_crops
from docproc.train.bank import CHUNK
from docproc.train.cache import compose_once
from docproc.train.crops import LabelledCrops, join_crops, make_crops, mnist_crops
from docproc.train.data import check_sets
from docproc.train.fit import VALIDATION_FIELDS, compose_crops, show_bar
from docproc.train.fit_lines import compose_lines
from docproc.train.lines import LabelledLine
from docproc.train.modelfile import save_model
from docproc.types import NOT_A_DIGIT

T = TypeVar("T")

HELD_OUT_SHARE = 0.3
"""Share of the pages that nothing is learned from."""
MOST_FIELDS = 6000
"""Fields on the pages that are taken, drawn by the seed: enough for any hand, and done in minutes."""
FEWEST_ROWS = 40
"""With fewer rows than this the reader of rows stays as it is."""
REJECTS = 0.25
"""For each digit of the batch so many pieces that are none. With twice as many the nets grew shy of all digits, with
none they took more pieces for digits."""
MNIST_CROPS = 4000
"""How many of MNIST's own crops are among those to go on with."""
VALIDATION_SEED = 1
"""The fields that must not be forgotten are the same each time."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How to adapt: the seed of the split and of the training, how many fields are composed to go over again and how
    many to validate, as crops and again as rows, and the pace of both trainings."""

    seed: int = 1
    fields: int = 1500
    validation: int = VALIDATION_FIELDS
    crops: Pace = CROPS
    rows: Pace = ROWS


@dataclass(frozen=True, slots=True, eq=False)
class Adaptation:
    """A challenger beside its champion. `weights` lie in a folder of their own until the context ends; `reasons` speak
    against installing them. `shares` are how far the readers of digits and of rows went towards what they learned."""

    weights: Path
    trust: Trust
    learned: int
    held_out: int
    shares: tuple[float, float]
    before: Tally
    after: Tally
    figures: tuple[Figure, ...]
    changes: tuple[Change, ...]
    reasons: tuple[str, ...]


class Base(NamedTuple):
    """What of the training sets is gone over again: crops, and rows."""

    crops: LabelledCrops
    rows: tuple[LabelledLine, ...]


class Champion(NamedTuple):
    """The nets of the model in use, and their cards."""

    nets: Nets
    card: Mapping[str, Any]
    lines_card: Mapping[str, Any]


class Lesson(NamedTuple):
    """A page as the champion sees it, and the labelled crops and rows of what people said of it."""

    page: CutPage
    seen: Seen
    crops: LabelledCrops
    rows: tuple[LabelledLine, ...]
    heard: tuple[Heard, ...]


@contextmanager
def adapt(
    pages: Iterable[LookedPage], options: Options, model: Path | None, data: Path, sets: Path, plan: Plan, workers: int
) -> Iterator[Adaptation]:
    """Train a challenger to a model (None: the shipped one) on pages that people looked at, and hold the two together.

    `data` is the folder of the training sets; what is composed of them is kept in `sets`. Raises InputError where there
    is too little to learn from, where the sets are missing, or where what people said cannot be believed.
    """
    check_sets(data)
    torch.set_num_threads(1)
    with TemporaryDirectory() as folder:
        with show_bar() as bar:
            models = load_models(model, "cpu")
            lessons = take_lessons(draw_pages(pages, plan.seed), models, options, bar)
            trust = judge_word(lessons)
            held_out, learned = split_lessons(lessons)
            base, validation = compose_base(data, sets, plan, workers, bar)
            champion = load_champion(model)
            learner = learn(champion.nets, learned, base, plan, bar)
            bar.add_task("looking what is forgotten", total=None)
            digits = go_as_far(champion.nets.digits, learner.digits, partial(validate_digits, sets=validation))
            lines = go_as_far(champion.nets.lines, learner.lines, partial(validate_lines, sets=validation))
            challenger, figures = Nets(digits.net, lines.net), (*digits.figures, *lines.figures)
            temperatures = warm(models.classifier.temperatures, champion.nets.digits, digits.net, validation.composed)
            facts = {"from": champion.card["sha256"], "pages": len(learned), "shares": (digits.share, lines.share)}
            weights = save_challenger(challenger, champion, temperatures, {**facts, **asdict(plan)}, Path(folder))
            changed = load_models(weights, "cpu")
            cut, before = [lesson.page for lesson in held_out], [lesson.seen for lesson in held_out]
            after = [see(page, changed, options) for page in watch(cut, "reading held-out pages again", bar)]
            tallies = tally(cut, before), tally(cut, after)
            reasons = doubt_challenger(*tallies, figures)
            made = Adaptation(
                weights=weights,
                trust=trust,
                learned=len(learned),
                held_out=len(held_out),
                shares=(digits.share, lines.share),
                before=tallies[0],
                after=tallies[1],
                figures=figures,
                changes=find_changes(cut, before, after),
                reasons=tuple(reasons),
            )
        yield made


def draw_pages(pages: Iterable[LookedPage], seed: int) -> list[LookedPage]:
    """The pages with values that people gave, in an order that the seed draws; not more than are worth the time."""
    known = [page for page in pages if any(find_said(field) for field in page.fields)]
    drawn = sorted(known, key=lambda page: draw_lot(page, seed))
    ends = np.cumsum([len(page.fields) for page in drawn])
    return drawn[: int(np.searchsorted(ends, MOST_FIELDS, "right")) or 1]


def draw_lot(page: LookedPage, seed: int) -> str:
    """A number that chance gives a page, the same on every machine."""
    return hashlib.sha256(f"{seed}/{page.digest}/{page.number}".encode()).hexdigest()


def take_lessons(pages: Sequence[LookedPage], models: Models, options: Options, bar: Progress) -> list[Lesson]:
    """Each page as the champion sees it, with the crops that people's values label."""
    return [take_lesson(page, models, options) for page in watch(pages, "cutting pages that people looked at", bar)]


def take_lesson(page: LookedPage, models: Models, options: Options) -> Lesson:
    """One page as the champion sees it, with the crops that people's values label."""
    cut = cut_page(page)
    seen = see(cut, models, options)
    made, rows, heard = [no_crops()], [], []
    for number, (field, crops) in enumerate(zip(cut.fields, split_crops(cut), strict=True)):
        steps = align(seen.drafts[number], find_said(field) or "")
        if steps is not None:
            frames = seen.frames.get(number)
            spoken = "" if frames is None else speak(frames)[0].text
            heard.append(Heard(see_digits(seen.drafts[number], steps), spoken))
            made.append(label_crops(cut.proposals[number], crops, steps))
            if all(step.digit is not None for step in steps):
                rows.append(LabelledLine(cut.prepared.lines[number], np.array([s.digit for s in steps], np.uint8)))
    return Lesson(cut, seen, join_crops(made), tuple(rows), tuple(heard))


def judge_word(lessons: Sequence[Lesson]) -> Trust:
    """How far people's word can be learned from; raises InputError where it is too little, or not to be believed."""
    values = [find_said(field) for lesson in lessons for field in lesson.page.fields]
    heard = [heard for lesson in lessons for heard in lesson.heard]
    trust = weigh_word(len(lessons), sum(bool(value) for value in values), heard)
    if lacks := find_lacks(trust):
        raise InputError(f"there is too little to learn from: {lacks}")
    if doubts := doubt_word(trust):
        raise InputError(
            "what people said is not learned from: " + "; ".join(doubts) + "; look at these fields again with "
            "docproc review, and at who keyed them"
        )
    return trust


def split_lessons(lessons: Sequence[Lesson]) -> tuple[Sequence[Lesson], Sequence[Lesson]]:
    """Pages to hold out, and pages to learn from; they are in an order that was drawn."""
    count = max(1, round(HELD_OUT_SHARE * len(lessons)))
    return lessons[:count], lessons[count:]


def compose_base(data: Path, sets: Path, plan: Plan, workers: int, bar: Progress) -> tuple[Base, Validation]:
    """What of the training sets is gone over again, and by writers who never train what must not be forgotten."""
    try:
        sets.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LedgerError(f"cannot make the folder {sets}: {error.strerror}; choose another --model") from error

    def make() -> Mapping[str, Any]:
        task = bar.add_task("composing fields (training writers)", total=plan.fields)
        parts = [draw_some(mnist_crops(data, held_out=False), MNIST_CROPS, plan.seed)]
        for part in make_crops(data, plan.fields, False, plan.seed, workers):
            parts.append(part)
            bar.advance(task, plan.fields / math.ceil(plan.fields / CHUNK))
        made = join_crops(parts)
        return {"crops": made.crops, "labels": made.labels, "styles": made.styles}

    crops = LabelledCrops(**compose_once(data, sets, "again", plan.fields, plan.seed, False, make))
    rows = compose_lines(data, sets, plan.fields, plan.seed, False, workers, bar)
    composed = compose_crops(data, sets, plan.validation, VALIDATION_SEED, True, workers, bar)
    held_out = compose_lines(data, sets, plan.validation, VALIDATION_SEED, True, workers, bar)
    mnist = mnist_crops(data, held_out=True)
    return Base(crops, tuple(rows)), Validation(mnist, draw_unipen(data), composed, tuple(held_out))


def draw_some(crops: LabelledCrops, count: int, seed: int) -> LabelledCrops:
    """So many of the crops at most, in their order."""
    every = len(crops.labels)
    return choose(crops, np.isin(np.arange(every), np.random.default_rng(seed).permutation(every)[:count]))


def keep_few(crops: LabelledCrops, rejects: float, seed: int) -> LabelledCrops:
    """All digits, and at most so many crops for each of them that are none."""
    none = np.flatnonzero(crops.labels == NOT_A_DIGIT)
    most = int(rejects * (len(crops.labels) - len(none)))
    left_out = np.random.default_rng(seed).permutation(none)[most:]
    return choose(crops, ~np.isin(np.arange(len(crops.labels)), left_out))


def learn(champion: Nets, learned: Sequence[Lesson], base: Base, plan: Plan, bar: Progress) -> Nets:
    """The nets that have learned from pages."""
    every = join_crops([no_crops(), *(lesson.crops for lesson in learned)])
    crops = keep_few(every, REJECTS, plan.seed)
    digits = learn_crops(champion.digits, crops, base.crops, plan.crops, plan.seed, bar)
    rows = [row for lesson in learned for row in lesson.rows]
    if len(rows) < FEWEST_ROWS:
        return Nets(digits, champion.lines)
    return Nets(digits, learn_lines(champion.lines, rows, base.rows, plan.rows, plan.seed, bar))


def load_champion(model: Path | None) -> Champion:
    """The nets of a model (None: the shipped one) with their cards. Raises ModelError."""
    weights = find_weights(model)
    digits, card, _ = load_nets(weights)
    lines, lines_card, _ = load_line_net(find_lines(weights))
    return Champion(Nets(digits, lines), card, lines_card)


def save_challenger(
    challenger: Nets,
    champion: Champion,
    temperatures: tuple[float, float],
    learned: Mapping[str, object],
    folder: Path,
) -> Path:
    """Write the challenger with the champion's cards, changed where it is another; returns the weights for digits."""
    lines = save_model(challenger.lines, folder / LINES, {**keep_facts(champion.lines_card), "adapted": learned}, True)
    facts = {**keep_facts(champion.card), "temperatures": temperatures, "adapted": learned}
    if facts["partner"]:
        facts["partner"] = load_line_net(lines)[2]
    return save_model(challenger.digits, folder / DIGITS, facts)


def keep_facts(card: Mapping[str, Any]) -> dict[str, Any]:
    """What holds for a challenger of a champion's card."""
    return {name: value for name, value in card.items() if name not in ("name", "sha256", "made", "scores", FORMER)}


def recall_options(about: str) -> Options:
    """The options of a run, as its ledger tells them; raises OptionsError where this docproc does not know them."""
    try:
        told = json.loads(about).get("options", {})
        options = load_options(None, (), **told)
    except (ValueError, TypeError, AttributeError) as error:
        raise OptionsError(f"the ledger does not say how its pages were read ({error}); read them anew") from error
    return options.model_copy(update={"strips": False})


def watch(items: Sequence[T], doing: str, bar: Progress) -> Iterator[T]:
    """The items one by one, with a bar."""
    task = bar.add_task(doing, total=len(items))
    for item in items:
        yield item
        bar.advance(task)
