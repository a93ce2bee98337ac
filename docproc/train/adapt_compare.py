"""Champion and challenger held against each other: on pages that neither learned from, and on the sets they must not
forget."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from docproc.assemble.page import assemble, draft
from docproc.assemble.second import Draft
from docproc.flow.pipeline import check
from docproc.options import Options, Recipe
from docproc.recognize.line_net import ROOM, SIGNS, LineNet
from docproc.recognize.models import Models
from docproc.recognize.net import Cascade, Net
from docproc.recognize.style import settle
from docproc.segment.normalize import center_glyph
from docproc.train.adapt_learn import blend
from docproc.train.adapt_strips import CutPage, find_said
from docproc.train.crops import LabelledCrops
from docproc.train.data import draw_glyph, load_glyphs
from docproc.train.fit import predict
from docproc.train.fit_lines import gather_batch, read_best
from docproc.train.lines import LabelledLine
from docproc.train.metrics import calibration_error, chance_of_at_most, sort_into_bins
from docproc.train.truth import ANSWERED, keep_digits
from docproc.types import NOT_A_DIGIT, Frames, PageResult, Reading

M = TypeVar("M", bound=nn.Module)

WAYS = (1.0, 0.75, 0.5, 0.25, 0.0)
"""Shares of the way from champion to challenger that are tried, one after the other, until figures bear it."""
LEVEL = 0.05
"""A figure of validation is worse if a challenger that is none the worse would look so seldom."""
ROWS = 64
"""Rows that are read together."""
UNIPEN_HEIGHT, UNIPEN_PEN = 60, 6.0
"""Pixels that UNIPEN's digits are drawn high, and wide with the pen."""


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A page as a model sees it: what its first reader drafts, the second reader's words, the result."""

    drafts: tuple[Draft, ...]
    frames: dict[int, Frames]
    result: PageResult


class Tally(NamedTuple):
    """How a model did on the held-out pages.

    `fields` and `flagged` are of all fields, `looked` and what follows of those of which a person said what they hold:
    how many are read otherwise or not at all, and how many of these nobody would have looked at.
    """

    fields: int
    flagged: int
    looked: int
    wrong: int
    silent: int
    calibration: float


class Change(NamedTuple):
    """A held-out field that the challenger reads or flags otherwise; `said` is None where nobody looked."""

    source: str
    page: int
    field: str
    strip: bytes
    said: str | None
    before: Reading
    after: Reading


class Figure(NamedTuple):
    """One figure of validation: of so many, how many champion and challenger get wrong, and how likely it is that the
    challenger looks so much the worse if it is not."""

    name: str
    examples: int
    before: int
    after: int
    chance: float

    @property
    def is_worse(self) -> bool:
        """Whether the difference is more than noise."""
        return self.chance < LEVEL


@dataclass(frozen=True, slots=True, eq=False)
class Validation:
    """What the readers must not forget, all by writers that never train: MNIST's digits, UNIPEN's, and composed fields
    as crops and as rows."""

    mnist: LabelledCrops
    unipen: LabelledCrops
    composed: LabelledCrops
    rows: tuple[LabelledLine, ...]


class Misread(NamedTuple):
    """Which examples of a set are wrong, bool[n]."""

    name: str
    wrong: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Went(Generic[M]):
    """A net so far on the way from champion to challenger, and its figures of validation."""

    net: M
    share: float
    figures: tuple[Figure, ...]


class Nets(NamedTuple):
    """The nets of a model as they were trained: those for digits, and the one for rows."""

    digits: Cascade
    lines: LineNet


def see(page: CutPage, models: Models, options: Options) -> Seen:
    """Read the strips of a page as a run reads pages."""
    recipe = Recipe(options, models.digest, models.calibration)
    drafts = draft(page.prepared, settle(models.classifier.classify(page.prepared.crops), recipe))
    (frames,) = check([page.prepared], [drafts], models.line_reader.read)
    return Seen(drafts, frames, assemble(page.prepared, drafts, frames, recipe))


def tally(pages: Sequence[CutPage], seen: Sequence[Seen]) -> Tally:
    """Count what a model reads on pages."""
    fields = flagged = wrong = silent = 0
    confidences: list[float] = []
    rights: list[bool] = []
    for page, its in zip(pages, seen, strict=True):
        for field, reading in zip(page.fields, its.result.readings, strict=True):
            fields += 1
            flagged += needs_look(reading)
            said = find_said(field)
            if said is not None:
                right = is_right(reading, said)
                confidences.append(reading.confidence)
                rights.append(right)
                wrong += not right
                silent += not right and not needs_look(reading)
    bins = sort_into_bins(np.array(confidences, np.float64), np.array(rights, np.bool_))
    return Tally(fields, flagged, len(rights), wrong, silent, calibration_error(bins) or 0.0)


def needs_look(reading: Reading) -> bool:
    """Whether a run would send a reading to a person."""
    return reading.review or reading.status not in ANSWERED


def is_right(reading: Reading, said: str) -> bool:
    """Whether a reading is what a person says."""
    return reading.status in ANSWERED and keep_digits(reading.text) == said


def find_changes(pages: Sequence[CutPage], before: Sequence[Seen], after: Sequence[Seen]) -> tuple[Change, ...]:
    """The fields that one model reads or flags otherwise than the other, those read otherwise first."""
    changes = []
    for page, old, new in zip(pages, before, after, strict=True):
        for field, was, now in zip(page.fields, old.result.readings, new.result.readings, strict=True):
            if (was.text, was.status, needs_look(was)) != (now.text, now.status, needs_look(now)):
                ref = page.prepared.ref
                said = find_said(field)
                changes.append(Change(ref.source, ref.number, field.name, field.strip, said, was, now))
    return tuple(sorted(changes, key=lambda change: change.before.text == change.after.text))


def draw_unipen(data: Path) -> LabelledCrops:
    """UNIPEN's digits by held-out writers as crops, all with one pen."""
    rng = np.random.default_rng(0)
    glyphs = [g for g in load_glyphs(data, held_out=True) if g.writer.startswith("unipen/") and g.label != NOT_A_DIGIT]
    drawn = [draw_glyph(rng, glyph, UNIPEN_HEIGHT, UNIPEN_PEN) for glyph in glyphs]
    crops = np.array([center_glyph(trim(image) * np.float32(255)) for image in drawn], np.uint8).reshape(-1, 28, 28)
    labels = np.array([glyph.label for glyph in glyphs], np.int64)
    return LabelledCrops(crops, labels, np.full(len(labels), -1, np.int64))


def trim(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """A drawn glyph without the paper round it."""
    rows, columns = np.flatnonzero(image.max(1) > 0), np.flatnonzero(image.max(0) > 0)
    return image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def validate_digits(nets: Cascade, sets: Validation) -> tuple[Misread, ...]:
    """What the nets for digits get wrong of what they must not forget."""
    digit = sets.composed.labels != NOT_A_DIGIT
    digits, rejects = choose(sets.composed, digit), choose(sets.composed, ~digit)
    return (
        Misread("MNIST digits", misread(nets.reader, sets.mnist)),
        Misread("UNIPEN digits", misread(nets.reader, sets.unipen)),
        Misread("composed digits", misread(nets.reader, digits)),
        Misread("digits taken for none", predict(nets.reader, digits.crops).argmax(1) == NOT_A_DIGIT),
        Misread("no digits taken for one", predict(nets.reader, rejects.crops).argmax(1) != NOT_A_DIGIT),
    )


def validate_lines(net: LineNet, sets: Validation) -> tuple[Misread, ...]:
    """What the net for rows gets wrong of what it must not forget."""
    return (Misread("composed rows", misread_rows(net, sets.rows)),)


def go_as_far(champion: M, challenger: M, validate: Callable[[M], tuple[Misread, ...]]) -> Went[M]:
    """As far from champion to challenger as figures of validation bear, which may be nowhere."""
    before = validate(champion)
    for share in WAYS:
        tried = blend(champion, challenger, share)
        pairs = zip(before, validate(tried), strict=True)
        went = Went(tried, share, tuple(hold_against(old.name, old.wrong, new.wrong) for old, new in pairs))
        if not any(figure.is_worse for figure in went.figures):
            break
    return went


def misread(net: Net, digits: LabelledCrops) -> NDArray[np.bool_]:
    """Which digits a net takes for others."""
    return np.asarray(predict(net, digits.crops)[:, :NOT_A_DIGIT].argmax(1) != digits.labels)


def misread_rows(net: LineNet, rows: Sequence[LabelledLine]) -> NDArray[np.bool_]:
    """Of which rows a net reads other digits than there are; the likeliest class of each column counts."""
    net.eval()
    wrong = np.zeros(len(rows), np.bool_)
    order = sorted(range(len(rows)), key=lambda i: rows[i].line.shape[2])
    with torch.inference_mode():
        for i in range(0, len(order), ROWS):
            chosen = order[i : i + ROWS]
            scores = net(gather_batch([rows[j] for j in chosen], ROOM).float() / 255)
            for j, best in zip(chosen, scores.argmax(2).numpy(), strict=True):
                truth = "".join(SIGNS[sign] for sign in rows[j].signs)
                wrong[j] = keep_digits(read_best(best)) != keep_digits(truth)
    return wrong


def hold_against(name: str, before: NDArray[np.bool_], after: NDArray[np.bool_]) -> Figure:
    """Errors of both models on the same examples, with the chance by the sign test of those on which they differ
    (McNemar, Psychometrika 12, 1947; the exact binomial form)."""
    mended, spoilt = int((before & ~after).sum()), int((after & ~before).sum())
    chance = chance_of_at_most(mended, mended + spoilt, 0.5) if mended + spoilt else 1.0
    return Figure(name, len(before), int(before.sum()), int(after.sum()), chance)


def choose(crops: LabelledCrops, chosen: NDArray[np.bool_]) -> LabelledCrops:
    """Some of the crops."""
    return LabelledCrops(crops.crops[chosen], crops.labels[chosen], crops.styles[chosen])
