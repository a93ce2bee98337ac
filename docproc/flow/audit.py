"""How wrong the accepted fields may be: a sample of them, the exact bound that it gives, and where to accept less."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from docproc.records.audit import Audit, Drawn, Judged, Outcome

SURENESS = 0.95
"""How often the bound holds at least; it is one-sided: how wrong the fields are at most."""
EXTRA_SHARE = 0.1
"""Of the sample: so many fields at most are added of names that it would else not have."""
NEVER = math.nextafter(1.0, 2.0)
"""A threshold that no confidence reaches."""
_STEPS = 200


@dataclass(frozen=True, slots=True)
class Report:
    """What an audit says.

    Of `sampled` fields `keyed` were keyed and `wrong` were read wrong, `blank` of those as blank or unreadable. `bound`
    is the share of wrong ones among all `accepted` that is exceeded with a chance of at most 1 - SURENESS, None before
    all are keyed; `estimate` the likeliest share, each name with its weight. `disputed` wait for a third look and count
    as wrong. `tightened` says that fewer fields are accepted since.
    """

    number: int
    accepted: int
    sampled: int
    extra: int
    keyed: int
    wrong: int
    blank: int
    disputed: int
    bound: float | None
    estimate: float | None
    max_error: float
    tightened: bool

    @property
    def too_many(self) -> bool:
        """Whether more were wrong than the run was to accept."""
        return self.sampled > 0 and self.wrong > self.max_error * self.sampled


def draw_sample(fields: Sequence[Judged], count: int, seed: int) -> tuple[Drawn, ...]:
    """Choose `count` fields at random, each name with its share, and a few more of names that were not met.

    One is drawn of each of `count` equal slices of the fields ordered by name, in random order within a name: each is
    drawn independently, and all are equally likely.
    """
    chance = random.Random(seed)
    order = sorted(fields, key=lambda field: field.item)
    chance.shuffle(order)
    order.sort(key=lambda field: field.field)
    strata = Counter(field.field for field in order)
    chosen = _draw_slices(chance, len(order), count)
    met = {order[number].field for number in chosen}
    extra = _draw_extra(order, strata, met, math.ceil(EXTRA_SHARE * count))
    return tuple(
        Drawn(field.item, field.field, field.status, field.text, field.confidence, drawn, strata[field.field])
        for drawn, numbers in ((True, sorted(chosen)), (False, extra))
        for field in (order[number] for number in numbers)
    )


def _draw_slices(chance: random.Random, size: int, count: int) -> set[int]:
    """One number of each of `count` slices of 0..size-1; all of them, if there are no more."""
    if count >= size:
        return set(range(size))
    chosen: set[int] = set()
    for slice_ in range(count):
        low, high = slice_ * size / count, (slice_ + 1) * size / count
        number = min(int(chance.uniform(low, high)), size - 1)
        if number in chosen:  # it lies in two slices, and the one before has it
            number += 1
        chosen.add(number)
    return chosen


def _draw_extra(order: Sequence[Judged], strata: Counter[str], met: set[str], most: int) -> list[int]:
    """The first field of each name that is not met, the commonest names first, while room lasts."""
    first: dict[str, int] = {}
    for number, field in enumerate(order):
        first.setdefault(field.field, number)
    missing = sorted((name for name in first if name not in met), key=lambda name: (-strata[name], name))
    return [first[name] for name in missing[:most]]


def report(audit: Audit, outcomes: Sequence[Outcome], least: float) -> Report:
    """What the outcomes of an audit say, where values are accepted from the confidence `least` by now."""
    drawn = [outcome for outcome in outcomes if outcome.drawn.drawn]
    wrong = sum(outcome.wrong for outcome in drawn)
    complete = all(outcome.keyed for outcome in outcomes)
    return Report(
        number=audit.number,
        accepted=audit.accepted,
        sampled=len(drawn),
        extra=len(outcomes) - len(drawn),
        keyed=sum(outcome.keyed for outcome in outcomes),
        wrong=wrong,
        blank=sum(outcome.wrong and outcome.drawn.status != "value" for outcome in drawn),
        disputed=sum(outcome.keyed and outcome.answer is None for outcome in outcomes),
        bound=find_bound(wrong, len(drawn)) if complete else None,
        estimate=estimate_share(outcomes) if complete else None,
        max_error=audit.max_error,
        tightened=least > audit.least,
    )


def find_bound(wrong: int, count: int, sureness: float = SURENESS) -> float:
    """The largest share of wrong ones that a sample with so many does not contradict: one-sided and exact.

    Clopper and Pearson, The Use of Confidence or Fiducial Limits, 1934. That names keep their shares in the sample and
    that none is drawn twice makes it only safer: Hoeffding, On the Distribution of the Number of Successes, 1956.
    """
    if wrong >= count:
        return 1.0
    low, high = wrong / count, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if not low < middle < high:
            break
        if _tail(wrong, count, middle) > 1 - sureness:
            low = middle
        else:
            high = middle
    return high


def _tail(most: int, count: int, share: float) -> float:
    """The chance that at most so many of `count` are wrong if that is their share."""
    if share <= 0:
        return 1.0
    if share >= 1:
        return float(most >= count)
    whole = math.lgamma(count + 1)
    return math.fsum(
        math.exp(
            whole
            - math.lgamma(k + 1)
            - math.lgamma(count - k + 1)
            + k * math.log(share)
            + (count - k) * math.log1p(-share)
        )
        for k in range(most + 1)
    )


def estimate_share(outcomes: Sequence[Outcome]) -> float:
    """The share of wrong fields, that of each name weighed by how many accepted ones have it."""
    counts = Counter(outcome.drawn.field for outcome in outcomes)
    wrong = Counter(outcome.drawn.field for outcome in outcomes if outcome.wrong)
    sizes = {outcome.drawn.field: outcome.drawn.stratum for outcome in outcomes}
    total = sum(sizes.values())
    return math.fsum(sizes[name] * wrong[name] / counts[name] for name in counts) / total if total else 0.0


def find_least(accepted: Sequence[float], outcomes: Sequence[Outcome], max_error: float) -> float:
    """The confidence from which values should be accepted, going by an audit that found too many wrong.

    `accepted` are the confidences of accepted values. As much as more were wrong than the confidences of the sample
    promised, as much less each is believed; and of the sample itself no more than allowed may lie above.
    """
    values = [outcome for outcome in outcomes if outcome.drawn.drawn and outcome.drawn.status == "value"]
    wrong = sum(outcome.wrong for outcome in values)
    expected = math.fsum(1 - outcome.drawn.confidence for outcome in values)
    factor = max(1.0, wrong / expected) if expected > 0 else math.inf if wrong else 1.0
    ranked = sorted(accepted, reverse=True)
    least, doubt = NEVER, 0.0
    for number, confidence in enumerate(ranked, start=1):
        doubt += 1 - confidence
        if doubt == 0 or factor * doubt <= max_error * number:
            least = confidence
    while True:
        above = [outcome for outcome in values if outcome.drawn.confidence >= least]
        bad = [outcome.drawn.confidence for outcome in above if outcome.wrong]
        if len(bad) <= max_error * len(above):
            return least
        least = min((c for c in ranked if c > min(bad)), default=NEVER)
