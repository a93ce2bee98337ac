"""Decoded texts → a reading: status, calibrated confidence, flags, and whether a person should look."""

from __future__ import annotations

import math
from dataclasses import replace

from docproc.assemble.confidence import describe, weigh
from docproc.assemble.decode import LIKELY, Step, Text, cell_of, find_signs, is_large
from docproc.assemble.grammar import (
    find_points,
    fits,
    is_ambiguous,
    is_in_range,
    number_of,
    places_of_point,
    trust,
    weigh_rule,
    write,
)
from docproc.assemble.row import Row
from docproc.assemble.second import Check
from docproc.errors import needs_review
from docproc.types import (
    NOT_A_DIGIT,
    Box,
    Calibration,
    Digit,
    Field,
    Homography,
    Lattice,
    Probs,
    Reading,
    Scale,
    Status,
)

ALTERNATIVES = 5
OTHERS, NONE = 3, "none"
"""Alternatives kept of a digit, and the name of the one that it is no digit."""
LEAST_CONFIDENCE = 0.05
"""A guess less likely than this is no value: it would cost a person more to mend than to key."""


def judge(
    lattice: Lattice,
    texts: tuple[Text, ...],
    row: Row,
    check: Check | None,
    calibration: Calibration,
    to_scan: Homography,
    strip: bytes,
    probs: Probs,
) -> Reading:
    """Weigh what was decoded for a field, by the field's rule too; whether it is accepted is for `accept` to say.

    `check` is the word of a second reader, where it was asked; `probs` has a row for each segment of the lattice.
    """
    field, inked = lattice.field, texts[0]
    ranked = weigh_rule(texts, field.rule)
    best = ranked[0]
    digits = [step for step in best.steps if step.digit is not None]
    confidence = 0.0
    if inked.text and digits:
        evidence = describe(inked, lattice, row.height, to_scan, check)
        confidence = trust(weigh(evidence, choose_scale(check, calibration), field.kind), texts, field.rule)
    doubts = () if check is None else (*check.flags, *(("disputed",) if check.text != best.text else ()))
    flags = (*lattice.flags, *doubts)
    if best.text != inked.text:
        # values of a list may hold the sign that parts flags
        flags = (*flags, f"changed-by-rule={_write(lattice, inked, row).replace(';', ',')}")
    flags = (*flags, *_flag(field, best, digits, row.height, confidence), *_doubt_written(lattice, best, row))
    status: Status = "value" if digits else "blank"
    if "illegible" in flags or (not digits and _has_large_mark(field, best, row.height)):
        status = "unreadable"
    if status == "blank" and field.rule.required:
        flags = (*flags, "missing")
    text = _write(lattice, best, row) if status == "value" else ""
    rows = dict(zip(lattice.segments, probs.tolist(), strict=True))
    read = tuple(
        Digit(str(step.digit), step.chance, map_box(step.segment.box, to_scan), list_others(step, rows[step.segment]))
        for step in digits
    )
    others = ((_write(lattice, other, row), other.posterior) for other in ranked[:ALTERNATIVES])
    return Reading(
        field.name,
        status,
        text,
        confidence if status == "value" else 0.0,
        False,
        flags,
        map_box(field.box, to_scan),
        read if status == "value" else (),
        tuple((other, chance) for other, chance in others if other != text),
        strip,
    )


def list_others(step: Step, chances: list[float]) -> tuple[tuple[str, float], ...]:
    """What else the ink of a step may be, by the chances of its segment: at most OTHERS, likeliest first."""
    written = sum(chances[:NOT_A_DIGIT])
    others = [(str(digit), chances[digit] / written) for digit in range(NOT_A_DIGIT) if written and digit != step.digit]
    likely = [(name, round(chance, 4)) for name, chance in (*others, (NONE, chances[NOT_A_DIGIT])) if chance >= LIKELY]
    return tuple(sorted(likely, key=lambda other: -other[1])[:OTHERS])


def accept(reading: Reading, least: float, page_flags: tuple[str, ...]) -> Reading:
    """Accept a reading of at least this confidence and without doubts, or send it to a person.

    A flag of the page may call for a look at each of its fields.
    """
    flags = reading.flags
    if reading.status == "value" and reading.confidence < least:
        flags = (*flags, "low-confidence")
    return replace(reading, flags=flags, review=needs_review((*flags, *page_flags)))


def choose_scale(check: Check | None, calibration: Calibration) -> Scale:
    """The scale of fields that one reader saw, or two."""
    return calibration.alone if check is None else calibration.checked


def _write(lattice: Lattice, text: Text, row: Row) -> str:
    """The text as the field's rule has it; its decimal point is where the ink shows one and no other."""
    rule = lattice.field.rule
    points = _find_points(lattice, text, row) if rule.type == "decimal" else ()
    return write(rule, text.text, points[0] if len(points) == 1 else None)


def _find_points(lattice: Lattice, text: Text, row: Row) -> tuple[int, ...]:
    """Where the ink shows decimal points; a sliver that was cut off a stroke is none."""
    pieces = {s.start: s.box for s in lattice.segments if s.stop == s.start + 1 and not s.cut}
    return find_points(text.steps, row, pieces)


def _doubt_written(lattice: Lattice, text: Text, row: Row) -> list[str]:
    """What is to be doubted of a value as it is written, though its digits keep the rule."""
    rule = lattice.field.rule
    flags = ["ambiguous-date"] if is_ambiguous(rule, text.text) else []
    if rule.type in ("integer", "decimal"):
        points = _find_points(lattice, text, row)
        if len(points) > 1 or not {*points} <= places_of_point(rule, len(text.text)):
            flags.append("unclear-point")
        number = number_of(_write(lattice, text, row))
        if number is not None and not is_in_range(rule, number) and fits(rule, text.text):
            flags.append("breaks-rule")
    return flags


def _flag(field: Field, best: Text, digits: list[Step], height: float, confidence: float) -> list[str]:
    """What a person should know of a decoded field."""
    flags = []
    if _has_large_mark(field, best, height) or (best.steps and not digits):
        flags.append("not-a-digit")
    if not digits:
        return flags
    if not fits(field.rule, best.text):
        flags.append("breaks-rule")
    if any(step.segment.cut for step in digits):
        flags.append("touching")
    if field.cells and _has_gap(field, digits):
        flags.append("gap")
    if field.kind == "line" and len(digits) == 1:
        flags.append("stray")
    if not confidence >= LEAST_CONFIDENCE:  # a broken network's nan is not less than anything
        flags.append("illegible")
    return flags


def _has_large_mark(field: Field, best: Text, height: float) -> bool:
    """Whether ink as high as a digit was left out of the text, signs of the field's pattern apart."""
    signs, before = find_signs(field), 0
    for step in best.steps:
        if step.digit is not None:
            before += 1
        elif is_large(step.segment, height) and before not in signs:
            return True
    return False


def map_box(box: Box, to_scan: Homography) -> Box:
    """The upright box of the stored page that holds a box of the clean page."""
    corners = [(x, y) for x in (box.x, box.right) for y in (box.y, box.bottom)]
    mapped = [[across * x + down * y + shift for across, down, shift in to_scan.tolist()] for x, y in corners]
    x, y, right, bottom = (
        math.floor(end(corner[axis] / corner[2] for corner in mapped) + 0.5) for end in (min, max) for axis in (0, 1)
    )
    x, y = max(0, x), max(0, y)
    return Box(x, y, max(1, right - x), max(1, bottom - y))


def _has_gap(field: Field, digits: list[Step]) -> bool:
    """Whether a comb has an empty cell between filled ones: a digit may have been lost there."""
    cells = [cell_of(field, step.segment) for step in digits]
    return cells[-1] - cells[0] + 1 != len(cells)
