"""The rules of one field: whether digits can be its value, how that is written, and what they make of likely texts.

In the format of a date, d is a day, m a month and y a year; in that of a time, h is an hour and m a minute. Two letters
are two digits, one letter is one digit or two, yyyy is four.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cache, lru_cache
from itertools import product

from docproc.assemble.decode import Step, Text
from docproc.assemble.row import Row
from docproc.types import ANY, Box, Rule

VIOLATED = 0.02
"""Weight of a text that breaks the rule beside one that keeps it. It errs on the side of the ink: where a check digit
lets a tenth of all texts through, it is as if 15 of 100 writers made a mistake."""
UNLISTED = 1 / 3
"""Of the chance that a text is wrong, what is kept for texts that are not among the alternatives: those are few, and a
digit that was never cut out as one is in none of them."""
EXCLUDED = 1e-4
"""A text to which the ink gives a smaller share than this is no alternative, however doubtful the best one is."""
BY_CHANCE = 0.1
"""A rule is never trusted to stop more than nine of ten wrong texts: a check digit stops any one wrong digit, of longer
mistakes it lets a tenth through."""
LOW, FOOT, NARROW = 0.35, 0.25, 0.5
"""A point is at most this high, ends at most this far above the row's foot and is at most this wide, in digit heights;
a comma may hang below the foot, and what is wider is a rest of a ruling."""
DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_NUMBER = re.compile(r"[0-9]+(?:[.,][0-9]+)?")
_PART = re.compile(r"([A-Za-z])\1*")


def fits(rule: Rule, digits: str) -> bool:
    """Whether a text of digits alone can be a right value. The empty one breaks no rule: a blank is no value."""
    if not digits:
        return True
    return (
        rule.fewest <= len(digits) <= rule.most
        and (not rule.pattern or rule.pattern.count("#") == len(digits))
        and (not rule.values or digits in _by_digits(rule.values))
        and (not _is_moment(rule) or bool(_real_partings(rule, digits)))
        and _is_within(rule, digits)
        and (not rule.check or _checks()[rule.check](digits))
    )


def write(rule: Rule, digits: str, point: int | None = None) -> str:
    """The value as the rule writes it, no digit added or left out; `point` is the number of digits before a point.

    A text that no rule can place, such as one of a wrong length, stays as it is.
    """
    if not digits:
        return ""
    if rule.values and (value := _by_digits(rule.values).get(digits)) is not None:
        return value
    if rule.pattern:
        return _fill(rule.pattern, digits)
    if _is_moment(rule):
        likely = _real_partings(rule, digits) or list(_partings(rule.format, digits))
        return _fill(_PART.sub("#", rule.format), likely[0]) if likely else digits
    if rule.type == "decimal" and point is not None and 0 < point < len(digits):
        return f"{digits[:point]}.{digits[point:]}"
    return digits


@lru_cache(maxsize=64)
def list_allowed(rule: Rule) -> tuple[str, ...]:
    """The digits of the only values that the rule allows, each once; none where it allows any."""
    others = replace(rule, values=())
    return tuple(digits for digits in _by_digits(rule.values) if digits and fits(others, digits))


def number_of(text: str) -> Decimal | None:
    """The number that a written value is, None where it is none. A comma is a point: thousands are not parted."""
    return Decimal(text.replace(",", ".")) if _NUMBER.fullmatch(text) else None


def is_in_range(rule: Rule, number: Decimal) -> bool:
    """Whether a number lies within the rule's bounds, which are decimal as they were written down."""
    low, high = rule.minimum, rule.maximum
    return (low is None or number >= Decimal(repr(low))) and (high is None or number <= Decimal(repr(high)))


def is_ambiguous(rule: Rule, digits: str) -> bool:
    """Whether the digits are several dates or times, as 111 is 1/11 and 11/1; `write` takes the shortest first part."""
    return _is_moment(rule) and len(_real_partings(rule, digits)) > 1


def places_of_point(rule: Rule, digits: int) -> set[int]:
    """The numbers of digits before which a value of so many digits may have its decimal point."""
    if rule.type != "decimal":
        return set()
    before = max(rule.pattern.rfind(sign) for sign in ".,")
    if rule.pattern:
        return {rule.pattern[:before].count("#")} if before >= 0 else set()
    return set(range(1, digits))


def find_points(steps: Sequence[Step], row: Row, pieces: Mapping[int, Box]) -> tuple[int, ...]:
    """Numbers of digits before each place between two digits where a small mark sits at the foot of the row.

    `pieces` are the boxes of whole single pieces by the node that they start from: a mark that was taken to be a part
    of the digit beside it is a mark all the same.
    """
    total = sum(step.digit is not None for step in steps)
    before, found = 0, []
    for step in steps:
        nodes = range(step.segment.start, step.segment.stop)
        parts = [pieces.get(node, step.segment.box) for node in nodes]
        if step.digit is None:
            whole = not step.segment.cut
            places = [before] if whole and any(_is_point(part, row) for part in parts) else []
        else:
            ends = ((parts[0], before), (parts[-1], before + 1)) if len(parts) > 1 else ()
            places = [place for part, place in ends if _is_point(part, row)]
            before += 1
        found += [place for place in places if 0 < place < total and place not in found]
    return tuple(found)


def weigh_rule(texts: tuple[Text, ...], rule: Rule) -> tuple[Text, ...]:
    """The texts by ink and rule, likeliest first: those that break the rule keep the share VIOLATED of their own.

    So a text to which the ink gives next to nothing does not win because it fits.
    """
    if rule == ANY:
        return texts
    factors = [1.0 if fits(rule, text.text) else VIOLATED for text in texts]
    shares = [text.posterior * factor for text, factor in zip(texts, factors, strict=True)]
    total = math.fsum(shares)
    if len(set(factors)) < 2 or not total > 0:
        return texts
    weighed = (
        replace(text, posterior=share / total, weight=text.weight + math.log(factor))
        for text, share, factor in zip(texts, shares, factors, strict=True)
    )
    return tuple(sorted(weighed, key=lambda text: -text.posterior))


def trust(confidence: float, texts: tuple[Text, ...], rule: Rule) -> float:
    """The chance that the first of `weigh_rule(texts, rule)` is right, given that of `texts[0]` by ink alone."""
    if rule == ANY:
        return confidence
    best = texts[0]
    chances = spread(confidence, [text.posterior for text in texts[1:]])
    kept = [chance * (1.0 if fits(rule, text.text) else VIOLATED) for chance, text in zip(chances, texts, strict=False)]
    other = chances[-1] * (VIOLATED + (1 - VIOLATED) * chance_to_fit(rule, best.text))
    chosen = weigh_rule(texts, rule)[0].text
    total = math.fsum([*kept, other])
    won = kept[next(i for i, text in enumerate(texts) if text.text == chosen)]
    return won / total if total > 0 else 0.0


def spread(confidence: float, shares: Sequence[float]) -> list[float]:
    """Chances of a text, of its alternatives, to which the ink gave these shares, and, last, of something else."""
    listed = (1 - confidence) * (1 - UNLISTED)
    total = math.fsum(shares)
    others = [listed * share / total if share >= EXCLUDED else 0.0 for share in shares]
    return [confidence, *others, max(0.0, 1 - confidence - math.fsum(others))]


def chance_to_fit(rule: Rule, digits: str) -> float:
    """How likely a text that was misread keeps the rule: as many as do of those that differ in one digit."""
    changed = [
        digits[:place] + digit + digits[place + 1 :]
        for place, old in enumerate(digits)
        for digit in "0123456789"
        if digit != old
    ]
    return max(BY_CHANCE, sum(fits(rule, text) for text in changed) / len(changed)) if changed else 1.0


def _fill(pattern: str, parts: Sequence[str]) -> str:
    """A pattern with a part for each #; what does not go into it is put together without."""
    if pattern.count("#") != len(parts):
        return "".join(parts)
    left = iter(parts)
    return "".join(next(left) if sign == "#" else sign for sign in pattern)


@lru_cache(maxsize=64)
def _by_digits(values: tuple[str, ...]) -> Mapping[str, str]:
    """The allowed values by their digits, the first of each."""
    found: dict[str, str] = {}
    for value in values:
        found.setdefault(re.sub(r"[^0-9]", "", value), value)
    return found


def _is_within(rule: Rule, digits: str) -> bool:
    """Whether the digits can be a number within the bounds; a decimal without a pattern has its point anywhere."""
    if rule.minimum is None and rule.maximum is None:
        return True
    places: Sequence[int] = (0,)
    if rule.type == "decimal":
        point = max(rule.pattern.rfind(sign) for sign in ".,")
        fixed = rule.pattern[point:].count("#") if point >= 0 else 0
        places = (fixed,) if rule.pattern else range(len(digits))
    return any(is_in_range(rule, Decimal(f"{digits}E-{after}")) for after in places)


def _is_moment(rule: Rule) -> bool:
    return rule.type in ("date", "time") and bool(rule.format)


def _real_partings(rule: Rule, digits: str) -> list[tuple[str, ...]]:
    """The ways in which digits are parted as the format says and make a date or time that there is."""
    letters = [part[1] for part in _PART.finditer(rule.format)]
    is_real = _is_date if rule.type == "date" else _is_time
    return [parts for parts in _partings(rule.format, digits) if is_real(dict(zip(letters, parts, strict=True)))]


def _partings(form: str, digits: str) -> Iterator[tuple[str, ...]]:
    """The ways in which digits are parted as a format says, those with short parts first."""
    runs = [len(part[0]) for part in _PART.finditer(form)]
    for widths in product(*((1, 2) if run == 1 else (run,) for run in runs)):
        if sum(widths) == len(digits):
            ends = [sum(widths[:i]) for i in range(len(widths) + 1)]
            yield tuple(digits[ends[i] : ends[i + 1]] for i in range(len(widths)))


def _is_date(parts: Mapping[str, str]) -> bool:
    """Whether there is such a day in some year that the parts leave open; of two digits a year is of either century."""
    day, month = int(parts.get("d", "1")), int(parts.get("m", "1"))
    if not (1 <= month <= 12 and 1 <= day <= DAYS[month - 1]) or parts.get("y") == "0000":
        return False
    return (day, month) != (29, 2) or _is_leap(parts.get("y", ""))


def _is_leap(year: str) -> bool:
    """Whether a year may have a 29 February; 00 may be 2000."""
    number = int(year or "0")
    return number % 4 == 0 and (len(year) < 4 or number % 100 != 0 or number % 400 == 0)


def _is_time(parts: Mapping[str, str]) -> bool:
    return int(parts.get("h", "0")) < 24 and int(parts.get("m", "0")) < 60


def _is_point(box: Box, row: Row) -> bool:
    """Whether the ink of a box may be a decimal point or comma."""
    if box.height > LOW * row.height or box.width > NARROW * row.height:
        return False
    return row.floats(box) <= FOOT


@cache
def _checks() -> Mapping[str, Callable[[str], bool]]:
    """What tells of each kind of check digit whether it is right."""
    from stdnum import damm, ean, isbn, luhn, verhoeff
    from stdnum.iso7064 import mod_11_2, mod_11_10, mod_37_2, mod_97_10

    return {
        "luhn": luhn.is_valid,
        "verhoeff": verhoeff.is_valid,
        "damm": damm.is_valid,
        "iso7064_mod_11_10": mod_11_10.is_valid,
        "iso7064_mod_11_2": mod_11_2.is_valid,
        "iso7064_mod_37_2": mod_37_2.is_valid,
        "iso7064_mod_97_10": mod_97_10.is_valid,
        "isbn": isbn.is_valid,
        "ean": ean.is_valid,
    }
