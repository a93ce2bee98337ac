"""Whether people's word can be trained on, and whether the challenger may be installed: reasons against, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from docproc.train.adapt_compare import Figure, Tally
from docproc.train.adapt_strips import LaidDigit
from docproc.train.metrics import chance_of_at_most

FEWEST_PAGES, FEWEST_DIGITS = 10, 100
SURE = 0.98
"""A digit is sure if the first reader gives it this chance and the second one reads the same there."""
FITTING = 0.5
"""Of the values that people gave, so many must fit the ink."""
TYPOS, TYPOS_OF_ONE = 0.02, 0.05
"""People mistype fewer than so many of the digits that both readers are sure of, and of those of one kind fewer than
so many."""
BY_CHANCE = 0.001
"""More typos are called no typos where chance would make so many this seldom."""


class Doubt(NamedTuple):
    """Of so many digits that both readers are sure to be `seen`, people say `times` that they are another, mostly
    `said`."""

    seen: int
    said: int
    times: int
    total: int


@dataclass(frozen=True, slots=True)
class Trust:
    """How people's word and both readers' agree. `values` people gave, `fitting` of them fit the ink, with so many
    `digits`; of `sure` ones, `against` are said to be others, by digit in `doubts`."""

    pages: int
    values: int
    fitting: int
    digits: int
    sure: int
    against: int
    doubts: tuple[Doubt, ...]


class Heard(NamedTuple):
    """The digits of one value that was laid on its ink, and the second reader's own text."""

    laid: tuple[LaidDigit, ...]
    spoken: str


def weigh_word(pages: int, values: int, heard: Sequence[Heard]) -> Trust:
    """Hold what people say against what both readers are sure of."""
    sure = [
        digit
        for laid, spoken in heard
        if len(spoken) == len(laid)
        for digit, word in zip(laid, spoken, strict=True)
        if digit.chance >= SURE and digit.seen == int(word)
    ]
    seen = Counter(digit.seen for digit in sure)
    against = Counter((digit.seen, digit.said) for digit in sure if digit.said != digit.seen)
    doubts = []
    for digit, count in sorted(seen.items()):
        others = {said: times for (about, said), times in against.items() if about == digit}
        if others:
            doubts.append(Doubt(digit, max(others, key=others.__getitem__), sum(others.values()), count))
    digits = sum(len(laid) for laid, _ in heard)
    return Trust(pages, values, len(heard), digits, len(sure), sum(against.values()), tuple(doubts))


def find_lacks(trust: Trust) -> str:
    """What is lacking to learn from, "" if there is enough."""
    if trust.pages < FEWEST_PAGES:
        return f"people gave values on {trust.pages} pages and {FEWEST_PAGES} are needed; review more pages"
    if trust.fitting >= FITTING * trust.values and trust.digits < FEWEST_DIGITS:
        return f"{trust.digits} digits of values fit the ink and {FEWEST_DIGITS} are needed; review more fields"
    return ""


def doubt_word(trust: Trust) -> list[str]:
    """Reasons not to learn from what people said, none where it can be believed."""
    reasons = []
    if trust.fitting < FITTING * trust.values:
        reasons.append(f"only {trust.fitting} of {trust.values} values fit the ink that they are said of")
    for doubt in trust.doubts:
        if is_too_often(doubt.times, doubt.total, TYPOS_OF_ONE):
            reasons.append(
                f"of {doubt.total} digits that both readers are sure to be {doubt.seen}, {doubt.times} are said to be "
                f"others, mostly {doubt.said}"
            )
    if is_too_often(trust.against, trust.sure, TYPOS):
        reasons.append(f"{trust.against} of {trust.sure} digits that both readers are sure of are said to be others")
    return reasons


def is_too_often(times: int, count: int, share: float) -> bool:
    """Whether something that happens in this share of cases at most hardly ever happens so often."""
    return times > 0 and 1 - chance_of_at_most(times - 1, count, share) < BY_CHANCE


def doubt_challenger(before: Tally, after: Tally, figures: Iterable[Figure]) -> list[str]:
    """Reasons not to install the challenger, none where it is better and nowhere worse."""
    reasons = []
    if after.wrong > before.wrong:
        reasons.append(f"it reads {after.wrong} held-out values otherwise than people do, now {before.wrong}")
    if after.silent > before.silent:
        reasons.append(f"{after.silent} wrong held-out values would not be flagged, now {before.silent}")
    for figure in figures:
        if figure.is_worse:
            reasons.append(
                f"{figure.name}: {figure.after} of {figure.examples} wrong, now {figure.before}; noise alone looks so "
                f"in {figure.chance:.2%} of cases"
            )
    gains = (after.wrong < before.wrong, after.silent < before.silent, after.flagged < before.flagged)
    if not reasons and not any(gains):
        reasons.append("it is no better: as many held-out fields are wrong or flagged as now")
    return reasons
