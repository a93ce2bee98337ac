"""What the rules of a form are worth: `python benchmarks/rules.py [--forms N] [--seed N] [--max-error E]`.

Forms are generated: an id with a check digit, a date, a bounded whole number, amounts with a subtotal and a total. The
reader is simulated and calibrated by construction: of each digit it gives chances, and what was written is drawn from
them, so that 5 % of its first digits are wrong. The chance of a field is the product of those of its digits.

A field is accepted from a confidence at which, by the reader's own chances on other forms, accepted fields without
rules keep to the error asked for: the same with rules and without. Writers keep all rules, or break each as often as
`--mistakes` says; what they wrote is the truth either way.
"""

from __future__ import annotations

import argparse
import heapq
from collections.abc import Iterator, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from stdnum import luhn

from docproc.assemble.agree import agree
from docproc.assemble.decode import BEAM, Text
from docproc.assemble.grammar import fits, trust, weigh_rule, write
from docproc.errors import needs_review
from docproc.train.report import render_table
from docproc.types import Box, Reading, Rule, Sum

NOISE = 0.05
"""Share of digits of which the reader's first is wrong."""
SECOND = 0.8
"""Of a digit's doubt, what the reader gives to its second one; the rest is shared by the other eight."""
SPREAD = 0.2
"""How unlike digits are: the doubt of most is far below NOISE, that of a few up to a half (half a Beta variable)."""
CALIBRATED_ON = 2000
"""Other forms, on which the threshold is found."""
HERE = Box(0, 0, 1, 1)
RULES = {
    "id": Rule("digits", 9, 9, check="luhn"),
    "date": Rule("date", 8, 8, format="dd/mm/yyyy"),
    "count": Rule("integer", 1, 3, minimum=1, maximum=250),
    **dict.fromkeys(("a", "b", "c", "subtotal", "d", "total"), Rule("integer", 1, 6)),
}
SUMS = (Sum(("a", "b", "c"), "subtotal"), Sum(("subtotal", "d"), "total"))
HEAD = (
    *("", "fields", "wrong", "accepted", "unflagged", "expected", "of them wrong"),
    *("changed", "rightly", "breaks-rule", "sum-unmet"),
)
NOTE = """those of the first row: with rules, the fields alone that the ink alone would have accepted
as many: so that the ink alone accepts as many fields as with rules
wrong: fields whose text is not what was written, accepted or not
unflagged: errors that nobody would see; expected: how many there should be by the confidences
changed, rightly: fields with another text than the ink's, sent to a person all the same; those where it is right"""


class Read(NamedTuple):
    """A field as it was written and as it was read."""

    truth: str
    reading: Reading


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--forms", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--max-error", type=float, default=0.005)
    parser.add_argument("--mistakes", type=float, default=0.02, help="how often careless writers break each rule")
    given = parser.parse_args()
    least = find_least(given.max_error, given.seed + 1)
    print(f"{given.forms} forms; accepted from a confidence of {least:.4f}")
    for name, mistakes in (("writers keep the rules", 0.0), (f"they break {given.mistakes:.0%}", given.mistakes)):
        rng = np.random.default_rng(given.seed)
        alone, ruled = [], []
        for _ in range(given.forms):
            truths = write_form(rng, mistakes)
            texts = {field: read_digits(rng, digits) for field, digits in truths.items()}
            alone += list(read_alone(truths, texts))
            ruled += list(read_with_rules(truths, texts))
        common = [two for one, two in zip(alone, ruled, strict=True) if is_accepted(one, least)]
        share = sum(is_accepted(read, least) for read in ruled)
        same = sorted((read.reading.confidence for read in alone), reverse=True)[share - 1] if share else 1.0
        rows = [
            HEAD,
            tell("ink alone", alone, least),
            tell("with rules", ruled, least),
            tell("  those of the first row", common, least),
            tell(f"ink alone, as many ({same:.3f})", alone, same),
        ]
        print(f"\n{name}\n{render_table(rows)}")
    print(f"\n{NOTE}")


def find_least(max_error: float, seed: int) -> float:
    """The confidence from which the surest fields together keep to an error, as a model's card has it."""
    rng = np.random.default_rng(seed)
    forms = (write_form(rng, 0.0) for _ in range(CALIBRATED_ON))
    ranked = np.sort([read_digits(rng, digits)[0] for form in forms for digits in form.values()])[::-1]
    expected = np.cumsum(1 - ranked) / np.arange(1, len(ranked) + 1)
    return min(float(ranked[expected <= max_error].min(initial=1.0)), 1 - max_error)


def write_form(rng: np.random.Generator, mistakes: float) -> dict[str, str]:
    """The digits that a writer puts in each field."""
    body = "".join(map(str, rng.integers(0, 10, 8)))
    day = np.datetime64("1930-01-01") + int(rng.integers(0, 35000))
    parts = [int(10 ** rng.uniform(0, 4)) for _ in range(4)]
    subtotal = sum(parts[:3])
    subtotal += slip(rng, mistakes)
    total = subtotal + parts[3] + slip(rng, mistakes)
    numbers = dict(zip(("a", "b", "c", "subtotal", "d", "total"), (*parts[:3], subtotal, parts[3], total), strict=True))
    year, month, date = str(day).split("-")
    form = {"id": body + luhn.calc_check_digit(body), "date": date + month + year, "count": str(rng.integers(1, 251))}
    form = {field: mistake(rng, field, digits) if rng.random() < mistakes else digits for field, digits in form.items()}
    return form | {name: str(abs(number)) for name, number in numbers.items()}


def slip(rng: np.random.Generator, mistakes: float) -> int:
    """By how much somebody is out who adds: one digit, a little or a lot."""
    if rng.random() >= mistakes:
        return 0
    return int(rng.choice([-1, 1]) * rng.integers(1, 10) * 10 ** rng.integers(0, 3))


def mistake(rng: np.random.Generator, field: str, digits: str) -> str:
    """The digits with one or more of them changed until they break the field's rule."""
    while fits(RULES[field], digits):
        place = rng.integers(len(digits))
        digits = digits[:place] + str(rng.integers(10)) + digits[place + 1 :]
    return digits


def read_digits(rng: np.random.Generator, digits: str) -> tuple[float, tuple[Text, ...]]:
    """The chance of the likeliest text and the likeliest texts, their posteriors as shares of those listed."""
    chances = [see(rng, int(digit)) for digit in digits]
    places = [sorted(enumerate(chance.tolist()), key=lambda one: -one[1])[:4] for chance in chances]
    every = ((float(np.prod([p for _, p in path])), "".join(str(d) for d, _ in path)) for path in paths(places))
    best = heapq.nlargest(BEAM, every)
    total = sum(chance for chance, _ in best)
    return best[0][0], tuple(Text(text, chance / total, (), float(np.log(chance))) for chance, text in best)


def see(rng: np.random.Generator, digit: int) -> NDArray[np.float64]:
    """Chances of the ten digits, of which the true one is drawn."""
    doubt = 0.5 * rng.beta(SPREAD, SPREAD * (0.5 / NOISE - 1))
    ranked = np.array([1 - doubt, SECOND * doubt, *[(1 - SECOND) * doubt / 8] * 8])
    order = rng.permutation(10)
    place = rng.choice(10, p=ranked / ranked.sum())
    at = int(np.flatnonzero(order == digit)[0])
    order[[at, place]] = order[[place, at]]
    chances = np.empty(10)
    chances[order] = ranked
    return chances


def paths(places: Sequence[Sequence[tuple[int, float]]]) -> Iterator[tuple[tuple[int, float], ...]]:
    """The first digits, and all texts that differ from them in up to three places."""
    first = tuple(found[0] for found in places)
    doubtful = sorted(range(len(places)), key=lambda place: -places[place][1][1])[:4]
    free = [places[place] if place in doubtful else places[place][:2] for place in range(len(places))]
    near = set(product(*(found if place in doubtful else found[:1] for place, found in enumerate(free))))
    for place, found in enumerate(free):
        near |= {(*first[:place], other, *first[place + 1 :]) for other in found}
    yield from near


def read_alone(truths: dict[str, str], texts: dict[str, tuple[float, tuple[Text, ...]]]) -> Iterator[Read]:
    """The fields as the ink alone has them."""
    for field, (confidence, (best, *_)) in texts.items():
        rule = RULES[field]
        reading = Reading(field, "value", write(rule, best.text), confidence, False, (), HERE)
        yield Read(write(rule, truths[field]), reading)


def read_with_rules(truths: dict[str, str], texts: dict[str, tuple[float, tuple[Text, ...]]]) -> Iterator[Read]:
    """The fields as the rules leave them."""
    judged = tuple(judge(field, confidence, inked) for field, (confidence, inked) in texts.items())
    for reading in agree(judged, SUMS):
        yield Read(write(RULES[reading.field], truths[reading.field]), reading)


def judge(field: str, confidence: float, inked: tuple[Text, ...]) -> Reading:
    """One field by its own rule."""
    rule = RULES[field]
    best, *others = weigh_rule(inked, rule)
    flags = () if best.text == inked[0].text else (f"changed-by-rule={write(rule, inked[0].text)}",)
    flags += () if fits(rule, best.text) else ("breaks-rule",)
    listed = tuple((write(rule, other.text), other.posterior) for other in others)
    sure = trust(confidence, inked, rule)
    return Reading(field, "value", write(rule, best.text), sure, False, flags, HERE, (), listed)


def is_accepted(read: Read, least: float) -> bool:
    """Whether nobody is asked to look at a field."""
    return read.reading.confidence >= least and not needs_review(read.reading.flags)


def tell(name: str, reads: Sequence[Read], least: float) -> tuple[str, ...]:
    """A row of the table."""
    accepted = [read for read in reads if is_accepted(read, least)]
    silent = sum(read.truth != read.reading.text for read in accepted)
    expected = sum(1 - read.reading.confidence for read in accepted)
    flagged = {flag: [read for read in reads if has(read, flag)] for flag in (*HEAD[-2:], "changed-by-rule")}
    changed = flagged["changed-by-rule"]
    return (
        name,
        str(len(reads)),
        str(sum(read.truth != read.reading.text for read in reads)),
        f"{len(accepted) / len(reads):.1%}",
        str(silent),
        f"{expected:.1f}",
        f"{silent / max(len(accepted), 1):.3%}",
        str(len(changed)),
        str(sum(read.truth == read.reading.text for read in changed)),
        *(str(len(flagged[flag])) for flag in HEAD[-2:]),
    )


def has(read: Read, flag: str) -> bool:
    """Whether a field has a flag, with a detail or without."""
    return any(one.partition("=")[0] == flag for one in read.reading.flags)


if __name__ == "__main__":
    main()
