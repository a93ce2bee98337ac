"""Why a field was read as it was, in words and as a picture."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from docproc.apps.reading import KeyFile, LedgerFile, choose_vault, find_ledger
from docproc.apps.terminal import printable
from docproc.errors import FLAGS, LedgerError, UsageError

if TYPE_CHECKING:
    from docproc.records.evidence import Evidence
    from docproc.records.matching import Correction
    from docproc.types import Digit, Gray, Reading

MOST_COLUMNS = 100
FLAG_DETAILS = {"changed-by-rule": "the ink alone says", "sum-unmet": "all would add up with"}
"""What stands behind the = of a flag."""
DOUBTS = frozenset({"low-confidence", "doubted"})
"""Flags that a field may have got since it was read."""


def why(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="The file, or the end of its path.")],
    page: Annotated[int, typer.Argument(metavar="PAGE", min=1, help="The page, from 1.")],
    field: Annotated[str, typer.Argument(metavar="FIELD", help="The field, as the column field names it.")],
    results: Annotated[Path, typer.Option(help="The results that docproc run or watch wrote.")] = Path("results.csv"),
    out: Annotated[Path | None, typer.Option(metavar="FILE.png", help="Write a picture of it.")] = None,
    ledger: LedgerFile = None,
    key: KeyFile = None,
) -> None:
    """Say why a field was read as it was: digits, alternatives, flags, what with, when, and who corrected it."""
    from docproc.records.evidence import gather
    from docproc.records.ledger import require_key, visit_ledger

    if out is not None and out.suffix.lower() != ".png":
        raise UsageError(f"--out {out}: the picture is a PNG; name it something.png")
    with visit_ledger(find_ledger(results, ledger), choose_vault(key)) as opened:
        require_key(opened)
        evidence = gather(opened, source, page, field)
    for line in describe(evidence):
        print(line)
    reading = evidence.item.reading
    assert reading is not None
    if out is not None:
        _write_picture(reading, out)
    elif sys.stdout.isatty() and _draws_blocks():
        for line in preview(reading.strip, min(MOST_COLUMNS, shutil.get_terminal_size().columns - 4)):
            print(line)


def describe(evidence: Evidence) -> Iterator[str]:
    """The lines that tell of a field."""
    item, reading = evidence.item, evidence.item.reading
    assert reading is not None
    yield f"{printable(evidence.source)}, page {item.page}, field {printable(item.field)}"
    if evidence.place is not None:
        yield f"  the file was moved to {printable(evidence.place)}"
    for other in item.others:
        yield f"  the same bytes lie at {printable(other)}"
    x, y, width, height = item.box
    yield f"  at {x}, {y} of the stored page, {width} x {height} pixels"
    if item.form is not None and item.residual is not None:
        yield (
            f"  on page {item.form_page} of {item.form_pages} of form {printable(item.form)},"
            f" laid on it to {item.residual:.2f} mm"
        )
    yield ""
    yield from _describe_value(evidence, reading)
    yield from _describe_flags(item.flags)
    yield from _describe_digits(reading)
    yield from _describe_said(item.said)
    yield ""
    when = f"read {evidence.at} UTC" if evidence.at else "read at a time that is not noted"
    yield f"{when} in {evidence.seconds:.2f} s" + (f" by {printable(evidence.reader)}" if evidence.reader else "")
    yield f"read with {printable(evidence.made_with)} (recipe {evidence.recipe})"
    if evidence.stale:
        yield "the last run read with another recipe and not this file; name it to docproc run to have it again"


def _describe_value(evidence: Evidence, reading: Reading) -> Iterator[str]:
    shown = {"value": f"value {reading.text}", "blank": "blank", "unreadable": "unreadable"}.get(reading.status, "")
    sure = f", right with a chance of {tell_chance(reading.confidence)}" if reading.status == "value" else ""
    answer = evidence.item.verdict.standing
    if answer is None:
        doubted = evidence.item.verdict.disputed or not DOUBTS.isdisjoint(evidence.item.flags)
        look = "a person should look at it" if reading.review or doubted else "nobody needs to look at it"
        yield f"{shown}{sure}; {look}"
    else:
        said = f"value {printable(answer.text)}" if answer.status == "value" else answer.status
        yield f"{said}, as {printable(evidence.item.verdict.who)} says"
        yield f"read as {shown}{sure}"
    if reading.alternatives:
        told = ", ".join(f"{text or 'nothing'} {tell_chance(chance)}" for text, chance in reading.alternatives)
        yield f"other texts: {printable(told)}"


def _describe_flags(flags: tuple[str, ...]) -> Iterator[str]:
    if flags:
        yield ""
    for flag in flags:
        name, _, detail = flag.partition("=")
        meaning, remedy = FLAGS.get(name, ("", "look at the picture"))
        more = f" ({FLAG_DETAILS.get(name, 'in detail')} {printable(detail)})" if detail else ""
        yield f"{name}: {meaning}{more}; {remedy}"


def _describe_digits(reading: Reading) -> Iterator[str]:
    if reading.digits:
        yield ""
    for place, digit in enumerate(reading.digits, 1):
        yield f"digit {place:<2} {digit.text}  {tell_chance(digit.confidence):>8}  {tell_others(digit)}".rstrip()


def _describe_said(said: tuple[Correction, ...]) -> Iterator[str]:
    if said:
        yield ""
    for row in said:
        answer = printable(row.answer.text) if row.answer.status == "value" else row.answer.status
        what = f"took back correction {row.withdraws}" if row.withdraws is not None else f"said {answer}"
        yield f"{row.at}  {printable(row.who)} ({row.purpose}) {what}, correction {row.id}"


def tell_others(digit: Digit) -> str:
    """What else a digit may be."""
    return ", ".join(f"{'no digit' if name == 'none' else name} {tell_chance(chance)}" for name, chance in digit.others)


def tell_chance(chance: float) -> str:
    """A chance in per cent, which is never rounded to certainty."""
    shown = f"{chance:.2%}"
    return "> 99.99%" if shown == "100.00%" else "< 0.01%" if shown == "0.00%" else shown


def preview(strip: bytes, columns: int) -> Iterator[str]:
    """A strip in half blocks, two rows of its pixels to a line of the terminal."""
    from docproc.flow.evidence import decode_strip, shrink

    gray = decode_strip(strip)
    if gray is None:
        yield "no picture of this field is kept"
        return
    small = shrink(gray, columns)
    for upper, lower in zip(small[::2].tolist(), small[1::2].tolist(), strict=True):
        cells = (f"\x1b[38;2;{a};{a};{a};48;2;{b};{b};{b}m▀" for a, b in zip(upper, lower, strict=True))
        yield "".join(cells) + "\x1b[0m"


def _draws_blocks() -> bool:
    """Whether the terminal can draw them."""
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    return encoding == "utf8" and os.environ.get("TERM", "dumb") != "dumb"


def _write_picture(reading: Reading, out: Path) -> None:
    import cv2

    from docproc.flow.evidence import decode_strip, draw_evidence
    from docproc.records.atomic import check_target, replace_file

    gray: Gray | None = decode_strip(reading.strip)
    if gray is None:
        raise LedgerError("no picture of this field is kept; read its file into another --out to have one")
    check_target(out)
    _, data = cv2.imencode(".png", draw_evidence(gray, reading))
    written = replace_file(out, lambda stream: stream.write(data.tobytes()))
    print(f"the picture is in {printable(str(written))}")
