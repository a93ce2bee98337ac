"""The rules between the fields of a document: sums change what is read, vouch for it, or say that it is not right."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from docproc.assemble.grammar import EXCLUDED, number_of, spread
from docproc.assemble.joint import Candidate, Component, Verdict, members_of, weigh_together
from docproc.types import Reading, Sum

BLANK_IS_ZERO = 0.7
"""Chance that a part left blank was meant as 0 and not forgotten or written elsewhere, before the sum is looked at."""
ALTERNATIVES = 6
"""Other texts of a field that are considered."""
CHANGED = 0.5
"""A sum changes what the ink said only to what is then likelier right than wrong."""


def agree(readings: tuple[Reading, ...], sums: tuple[Sum, ...]) -> tuple[Reading, ...]:
    """Readings of one document after a look at its sums; their `review` is left to whoever accepts them.

    A sum that is met by the likeliest texts changes those that the ink made second, and makes all of its fields as
    sure as they then are. One that is not is a flag on each of its fields. A blank part counts as 0, unless all are
    blank; a field that is missing, unreadable, or a blank whole leaves its sum open, which then at most names a value.
    """
    known = _by_name(readings)
    stated = [sum_ for sum_ in sums if not _find_unknown(sum_, sums, known) and not _is_left_out(sum_, known)]
    result = dict(known)
    for joined in _join(stated):
        component = _gather(joined, known)
        result |= _settle(component, {name: known[name] for name in component.fields})
    for sum_ in sums:
        _hint(sum_, _find_unknown(sum_, sums, known), result)
    return tuple(result.get(reading.field, reading) if reading.field in known else reading for reading in readings)


def _by_name(readings: Iterable[Reading]) -> dict[str, Reading]:
    """Readings by their field; names that stand twice are left out, for nobody knows which of the two is meant."""
    counts = Counter(reading.field for reading in readings)
    return {reading.field: reading for reading in readings if counts[reading.field] == 1}


def _find_unknown(sum_: Sum, sums: Sequence[Sum], known: Mapping[str, Reading]) -> list[str]:
    """Members of a sum of which nobody knows what they hold."""
    wholes = {other.whole for other in sums if any(_holds(part, known) for part in other.parts)} | {sum_.whole}
    return [
        name
        for name in dict.fromkeys(members_of(sum_))
        if not _holds(name, known) and not (_is_blank(name, known) and name not in wholes)
    ]


def _holds(name: str, known: Mapping[str, Reading]) -> bool:
    """Whether a field is read as a number."""
    reading = known.get(name)
    return reading is not None and reading.status == "value" and _number(reading) is not None


def _is_blank(name: str, known: Mapping[str, Reading]) -> bool:
    return name in known and known[name].status == "blank"


def _is_left_out(sum_: Sum, known: Mapping[str, Reading]) -> bool:
    """Whether a sum has nothing to add up: at most its whole was filled in."""
    return not any(_holds(part, known) for part in sum_.parts)


def _number(reading: Reading) -> Decimal | None:
    """The number that a reading stands for in a sum."""
    if reading.status == "blank":
        return Decimal(0)
    return number_of(reading.text) if 0 <= reading.confidence <= 1 else None


def _join(sums: Iterable[Sum]) -> list[tuple[Sum, ...]]:
    """Sums that share fields, together."""
    groups: list[tuple[Sum, ...]] = []
    for sum_ in sums:
        names = set(members_of(sum_))
        near = [group for group in groups if any(names.intersection(members_of(other)) for other in group)]
        groups = [group for group in groups if group not in near]
        groups.append((*(other for group in near for other in group), sum_))
    return groups


def _gather(sums: tuple[Sum, ...], known: Mapping[str, Reading]) -> Component:
    """What the fields of joined sums may hold."""
    names = dict.fromkeys(name for sum_ in sums for name in members_of(sum_))
    listed = {name: _list_texts(known[name]) for name in names}
    numbers = [number for texts in listed.values() for text, _ in texts if (number := number_of(text)) is not None]
    decimals = max((_decimals(number) for number in numbers), default=0)
    return Component({name: _to_candidates(texts, decimals) for name, texts in listed.items()}, sums, decimals)


def _list_texts(reading: Reading) -> list[tuple[str, float]]:
    """What a field may hold, and the chance of each; what is left to 1 is that of something else."""
    if reading.status == "blank":
        return [("", BLANK_IS_ZERO)]
    others = sorted(reading.alternatives, key=lambda other: -other[1])[:ALTERNATIVES]
    chances = spread(reading.confidence, [share for _, share in others])
    return list(zip([reading.text, *(text for text, _ in others)], chances, strict=False))


def _to_candidates(texts: Sequence[tuple[str, float]], decimals: int) -> tuple[Candidate, ...]:
    """The candidates of a field, the last one something else."""
    found = [
        Candidate(text, _to_units(number_of(text or "0"), decimals), chance)
        for place, (text, chance) in enumerate(texts)
        if place == 0 or (chance > 0 and number_of(text) is not None)
    ]
    return (*found, Candidate(None, None, max(0.0, 1 - math.fsum(candidate.chance for candidate in found))))


def _decimals(number: Decimal) -> int:
    return max(0, -int(number.as_tuple().exponent))


def _to_units(number: Decimal | None, decimals: int) -> int | None:
    """A number as a whole one, exact whatever its length."""
    if number is None:
        return None
    digits = "".join(map(str, number.as_tuple().digits))
    return int(digits + "0" * (decimals - _decimals(number)))


def _from_units(units: int, decimals: int) -> str:
    """A whole number of units as it is written."""
    if not decimals:
        return str(units)
    digits = str(units).zfill(decimals + 1)
    return f"{digits[:-decimals]}.{digits[-decimals:]}"


def _settle(component: Component, readings: Mapping[str, Reading]) -> dict[str, Reading]:
    """The readings of joined fields as their sums leave them."""
    verdict = weigh_together(component)
    chosen = _decide(component, verdict)
    result = dict(readings)
    for name in _find_met(component, chosen):
        if readings[name].status == "value":
            result[name] = _choose(readings[name], component.fields[name], chosen[name], verdict.chances[name])
    for sum_ in component.sums:
        if _open_by(sum_, component, chosen) != 0:
            for name in members_of(sum_):
                result[name] = _flag(result[name], _name_culprit(sum_, component, chosen))
    return result


def _decide(component: Component, verdict: Verdict) -> dict[str, int]:
    """The candidate of each field that stands: another than was read only if it is likely and a sum is met with it."""
    chosen = {
        name: number if candidates[number].units is not None and verdict.chances[name][number] > CHANGED else 0
        for (name, candidates), number in zip(component.fields.items(), verdict.chosen.values(), strict=True)
    }
    while True:
        met = _find_met(component, chosen)
        kept = {name: number if name in met else 0 for name, number in chosen.items()}
        if kept == chosen:
            return chosen
        chosen = kept


def _find_met(component: Component, chosen: Mapping[str, int]) -> set[str]:
    """The fields of sums that are met."""
    met = (sum_ for sum_ in component.sums if _open_by(sum_, component, chosen) == 0)
    return {name for sum_ in met for name in members_of(sum_)}


def _open_by(sum_: Sum, component: Component, chosen: Mapping[str, int]) -> int:
    """By how many units the parts are more than the whole."""
    units = {name: component.fields[name][chosen[name]].units or 0 for name in members_of(sum_)}
    return sum(units[part] for part in sum_.parts) - units[sum_.whole]


def _choose(reading: Reading, candidates: Sequence[Candidate], chosen: int, chances: Sequence[float]) -> Reading:
    """A reading with the candidate that stands; what the ink said becomes an alternative, and a flag."""
    sure = min(1.0, chances[chosen])
    text = candidates[chosen].text
    if not chosen or text is None:
        return replace(reading, confidence=sure)
    share = max(0.0, 1 - math.fsum(share for _, share in reading.alternatives))
    others = tuple(other for other in reading.alternatives if other[0] != text)
    changed = replace(reading, text=text, confidence=sure, digits=(), alternatives=((reading.text, share), *others))
    is_told = any(flag.startswith("changed-by-rule") for flag in reading.flags)
    return changed if is_told else _flag(changed, f"changed-by-rule={reading.text}")


def _flag(reading: Reading, flag: str) -> Reading:
    return reading if flag in reading.flags else replace(reading, flags=(*reading.flags, flag))


def _name_culprit(sum_: Sum, component: Component, chosen: Mapping[str, int]) -> str:
    """The flag of an unmet sum: the field that is likeliest wrong alone, and the value with which the sum is met."""
    beyond = _open_by(sum_, component, chosen)
    found = []
    for name in members_of(sum_):
        candidates = component.fields[name]
        read = candidates[chosen[name]]
        needed = (read.units or 0) + (beyond if name == sum_.whole else -beyond)
        if needed >= 0:
            fit = max((other.chance for other in candidates if other.units == needed), default=0.0)
            found.append((fit / max(read.chance, EXCLUDED), -read.chance, name, needed))
    _, _, name, needed = max(found, key=lambda one: one[:2])
    return f"sum-unmet={name}:{_from_units(needed, component.decimals)}"


def _hint(sum_: Sum, unknown: Sequence[str], readings: dict[str, Reading]) -> None:
    """Name, on the one field of a sum that could not be read, the value with which the sum is met."""
    name, *others = unknown or ("",)
    if others or name not in readings or readings[name].status == "blank":
        return
    if not any(_holds(other, readings) for other in members_of(sum_)):
        return
    numbers = {other: _number(readings[other]) or Decimal(0) for other in members_of(sum_) if other != name}
    decimals = max(map(_decimals, numbers.values()))
    units = {other: _to_units(number, decimals) or 0 for other, number in numbers.items()}
    parts = sum(units.get(part, 0) for part in sum_.parts)
    needed = parts if name == sum_.whole else units[sum_.whole] - parts
    if needed >= 0:
        readings[name] = _flag(readings[name], f"sum-unmet={name}:{_from_units(needed, decimals)}")
