"""Rehearse a review and its audit on invented batches, of which it is known what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from docproc.flow.audit import draw_sample, find_least, report
from docproc.flow.budget import list_offers
from docproc.records.audit import Audit, Drawn, Judged, Outcome
from docproc.records.matching import Answer

NAMES = 12
FALSE = Answer("value", "1")
TRUE = Answer("value", "0")
"""What an invented field was read as, and what stands there where that is wrong."""
MOST_ROUNDS = 20


@dataclass(frozen=True, slots=True)
class Batch:
    """Invented readings, and whether each is wrong."""

    fields: tuple[Judged, ...]
    wrong: frozenset[int]


@dataclass(frozen=True, slots=True)
class Round:
    """One audit of a rehearsal: fields accepted unseen, how many of those are wrong, errors met in the sample, the
    share that the audit allows for, and how many wrong ones are left when those met are mended."""

    accepted: int
    truth: int
    met: int
    bound: float
    left: int

    @property
    def holds(self) -> bool:
        """Whether no more were wrong, and no more are left, than the audit allows for."""
        return max(self.truth, self.left) <= self.bound * self.accepted


def invent_batch(seed: int, size: int, overconfident: float = 1.0) -> Batch:
    """A batch whose readings are so sure as they say, or wrong so many times as often as they say.

    Most readings are all but sure and few are poor, as on real forms; names are of very different number, and some of
    them are read worse.
    """
    chance = np.random.default_rng(seed)
    shares = chance.dirichlet(np.full(NAMES, 0.8))
    name = chance.choice(NAMES, size, p=shares)
    hard = chance.uniform(0.5, 2.0, NAMES)[name]
    doubt = np.minimum(chance.gamma(0.18, 0.09, size) * hard, 0.97)
    wrong = chance.random(size) < np.minimum(doubt * overconfident, 1.0)
    fields = tuple(
        Judged(item, f"field-{name[item]}", "value", FALSE.text, float(1 - doubt[item]), False, False, False, False)
        for item in range(size)
    )
    return Batch(fields, frozenset(np.flatnonzero(wrong).tolist()))


def rehearse(batch: Batch, sample: int, max_error: float, seed: int) -> tuple[Round, ...]:
    """Review with perfect eyes what a budget says, audit the rest, and while too many are wrong tighten and go on.

    The rounds of auditing, the last of which is one that a person would sign.
    """
    (offer,) = list_offers(batch.fields, 1.0, (max_error,))
    least, seen = offer.least, set[int]()
    rounds: list[Round] = []
    while len(rounds) < MOST_ROUNDS:
        accepted = [f for f in batch.fields if f.confidence >= least and f.item not in seen]
        audit = _audit(draw_sample(accepted, sample, seed + len(rounds)), len(accepted), least, max_error)
        outcomes = [_key(drawn, batch) for drawn in audit.fields]
        seen.update(drawn.item for drawn in audit.fields)
        found = report(audit, outcomes, least)
        assert found.bound is not None
        truth = sum(field.item in batch.wrong for field in accepted)
        left = sum(field.item in batch.wrong and field.item not in seen for field in accepted)
        rounds.append(Round(len(accepted), truth, found.wrong, found.bound, left))
        if not found.too_many:
            break
        least = max(least, find_least([field.confidence for field in accepted], outcomes, max_error))
    return tuple(rounds)


def _audit(fields: Sequence[Drawn], accepted: int, least: float, max_error: float) -> Audit:
    return Audit(1, "", "", "", 0, accepted, least, max_error, tuple(fields), "")


def _key(drawn: Drawn, batch: Batch) -> Outcome:
    """What a person with perfect eyes keys."""
    return Outcome(drawn, True, TRUE if drawn.item in batch.wrong else FALSE)
