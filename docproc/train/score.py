"""Scores: matched fields in, a report out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from docproc.train.match import Matched, Matching
from docproc.train.metrics import (
    CalibrationBin,
    CurvePoint,
    bound_error,
    calibration_error,
    chance_calibration_error,
    count_silent_errors,
    digit_accuracy,
    field_accuracy,
    sort_into_bins,
    trace_curve,
)
from docproc.train.truth import ANSWERED, Answer

Outcome = Literal["right", "wrong", "unread", "missed"]
"""`right` and `wrong` for rows that claim to know, `unread` for unreadable and failed, `missed` where no row is."""


class Scored(NamedTuple):
    """A field of the truth, what was read, and how that ended."""

    source: str
    page: int
    field: str
    group: str
    truth: str
    read: str
    status: str
    confidence: float
    accepted: bool
    reasons: str
    outcome: Outcome


class GroupScore(NamedTuple):
    """The score of one set of fields."""

    name: str
    fields: int
    right: int
    wrong: int
    unread: int
    missed: int
    accepted: int
    silent: int
    field_accuracy: float | None
    digit_accuracy: float | None


class LeftOut(NamedTuple):
    """Fields of the truth that no score counts, and how many of them a person would have been asked to look at."""

    name: str
    fields: int
    flagged: int


@dataclass(frozen=True, slots=True)
class Report:
    """All that an evaluation found. `statuses` counts the rows about scored fields, by status; `chance_error` is the
    calibration error that true confidences would show on so many fields."""

    truth: str
    results: str
    total: GroupScore
    groups: tuple[GroupScore, ...]
    left_out: tuple[LeftOut, ...]
    statuses: tuple[tuple[str, int], ...]
    silent_bound: float
    extra: int
    extra_accepted: int
    absent_pages: tuple[tuple[str, int], ...]
    curve: tuple[CurvePoint, ...]
    bins: tuple[CalibrationBin, ...]
    calibration_error: float | None
    chance_error: float | None
    fields: tuple[Scored, ...]


def score_matching(matching: Matching, truth: str, results: str) -> Report:
    """The report on fields already matched."""
    scored = tuple(score_field(matched) for matched in matching.fields if not matched.field.left_out)
    answered = [row for row in scored if row.status in ANSWERED]
    confidence = np.array([row.confidence for row in answered], np.float64)
    right = np.array([row.outcome == "right" for row in answered], np.bool_)
    bins = sort_into_bins(confidence, right)
    total = score_group("all", scored)
    extra = [row for row in matching.extra if row.status == "value" and row.digits]
    return Report(
        truth=truth,
        results=results,
        total=total,
        groups=tuple(
            score_group(name, [row for row in scored if row.group == name])
            for name in sorted({r.group for r in scored})
        ),
        left_out=count_left_out(matching.fields),
        statuses=tuple(sorted(Counter(row.status or "no row" for row in scored).items())),
        silent_bound=bound_error(total.silent, total.accepted),
        extra=len(extra),
        extra_accepted=sum(row.accepted for row in extra),
        absent_pages=tuple(matching.absent),
        curve=trace_curve(confidence, right, len(scored)),
        bins=bins,
        calibration_error=calibration_error(bins),
        chance_error=chance_calibration_error(confidence),
        fields=scored,
    )


def score_field(matched: Matched) -> Scored:
    """How the reading of one field ended."""
    field, answer = matched.field, matched.answer
    return Scored(
        source=field.source,
        page=field.page,
        field=field.name,
        group=field.group,
        truth=field.digits,
        read=answer.digits if answer else "",
        status=answer.status if answer else "",
        confidence=answer.confidence if answer else 0.0,
        accepted=bool(answer and answer.accepted),
        reasons=answer.reasons if answer else "",
        outcome=judge_answer(field.digits, answer),
    )


def judge_answer(digits: str, answer: Answer | None) -> Outcome:
    """Right or wrong where the row claims to know (a blank claims that there is no digit), else not read."""
    if answer is None:
        return "missed"
    if answer.status not in ANSWERED:
        return "unread"
    return "right" if answer.digits == digits else "wrong"


def score_group(name: str, rows: Sequence[Scored]) -> GroupScore:
    """The score of some fields."""
    outcomes = Counter(row.outcome for row in rows)
    right = [row.outcome == "right" for row in rows]
    return GroupScore(
        name=name,
        fields=len(rows),
        right=outcomes["right"],
        wrong=outcomes["wrong"],
        unread=outcomes["unread"],
        missed=outcomes["missed"],
        accepted=sum(row.accepted for row in rows),
        silent=count_silent_errors([row.accepted for row in rows], right),
        field_accuracy=field_accuracy(right),
        digit_accuracy=digit_accuracy([(row.truth, row.read) for row in rows]),
    )


def count_left_out(fields: Sequence[Matched]) -> tuple[LeftOut, ...]:
    """The fields that are in no score, by their reason."""
    reasons = sorted({matched.field.left_out for matched in fields} - {""})
    parts = {name: [matched for matched in fields if matched.field.left_out == name] for name in reasons}
    return tuple(
        LeftOut(name, len(part), sum(not (matched.answer and matched.answer.accepted) for matched in part))
        for name, part in parts.items()
    )


def list_mistakes(report: Report) -> tuple[Scored, ...]:
    """The wrong answers, the worst first: those nobody would look at, then the most confident."""
    wrong = [row for row in report.fields if row.outcome == "wrong"]
    return tuple(sorted(wrong, key=lambda row: (not row.accepted, -row.confidence, row.source, row.page, row.field)))
