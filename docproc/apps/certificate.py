"""The certificate: one page that says what a batch came to, to be filed or printed."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from docproc.apps.auditwords import show_bound
from docproc.flow.audit import SURENESS
from docproc.flow.certificate import BINS, Bin, Certificate, Confusion, gather
from docproc.records.atomic import replace_file
from docproc.records.corrections import Changed
from docproc.records.items import read_item
from docproc.records.ledger import Ledger, at_one_moment

WIDE, HIGH, LEFT, FOOT = 640.0, 150.0, 4.0, 22.0
"""Of the picture of confidences: the area of its bars, and the room around."""
LEAST_BAR = 1.5
"""A bar that stands for anything can be seen."""
MOST_LISTED = 12


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of the picture, of a lower and an upper part."""

    x: float
    width: float
    unseen: float
    seen: float
    label: str


@dataclass(frozen=True, slots=True)
class Pair:
    """A digit taken for another; pictures are data URIs."""

    read: str
    said: str
    times: int
    pictures: tuple[str, ...]


def write_certificate(ledger: Ledger, results: Path, out: Path) -> Certificate:
    """Gather what there is to say and write it as a page; raises LedgerError where it cannot be written.

    People may go on answering meanwhile: all that the page says is of one moment.
    """
    from jinja2 import Environment, select_autoescape

    with at_one_moment(ledger):
        found = gather(ledger, results)
        pairs = [cut_pair(ledger, confusion) for confusion in found.confusions]
    environment = Environment(
        autoescape=select_autoescape(default=True, default_for_string=True), trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"count": lambda number: f"{number:,}", "moment": show_moment}
    environment.filters |= {"share": show_share, "bound": show_bound}
    template = environment.from_string(Path(__file__).with_name("certificate.html").read_text(encoding="utf-8"))
    page = template.render(
        c=found,
        bars=draw_bars(found.bins),
        pairs=pairs,
        looks=[flag for flag in found.flags if flag.calls],
        sureness=f"{100 * SURENESS:.0f}",
        most=MOST_LISTED,
        area=(WIDE + 2 * LEFT, HIGH + FOOT + LEFT, HIGH + LEFT),
    )
    replace_file(out, lambda stream: stream.write(page.encode("utf-8", "backslashreplace")))
    return found


def show_share(share: float, of: float = 1.0) -> str:
    """A share in percent, small ones with more places."""
    percent = 100 * share / of if of else 0.0
    return f"{percent:.1f} %" if percent >= 10 else f"{percent:.2f} %" if percent >= 1 else f"{percent:.3g} %"


def show_moment(moment: str) -> str:
    """A time of the ledger to the minute, in UTC."""
    return moment[:16].replace("T", " ") or "not noted"


def draw_bars(bins: Sequence[Bin]) -> tuple[Bar, ...]:
    """Where the bars stand; heights go by the root of the counts, so that few poor values are seen beside many sure."""
    most = max((one.unseen + one.seen for one in bins), default=0) or 1
    pitch = WIDE / BINS
    bars = []
    for number, one in enumerate(bins):
        total = one.unseen + one.seen
        height = max(HIGH * (total / most) ** 0.5, LEAST_BAR) if total else 0.0
        seen = height * one.seen / total if total else 0.0
        label = (
            f"{one.low:.2f} to {one.low + 1 / BINS:.2f}: {one.unseen:,} accepted unseen, {one.seen:,} seen or to see"
        )
        bars.append(Bar(LEFT + number * pitch + 1, pitch - 2, height - seen, seen, label))
    return tuple(bars)


def cut_pair(ledger: Ledger, confusion: Confusion) -> Pair:
    """A confusion with pictures of the digits, of those that are kept."""
    from docproc.apps.review.pictures import encode
    from docproc.apps.review.wall import cut_tile

    pictures = []
    for item, place in confusion.places:
        try:
            reading = read_item(ledger, item).reading
        except Changed:
            continue
        if reading is not None and place < len(reading.digits):
            tile = cut_tile(reading, place)
            if tile is not None:
                pictures.append(f"data:image/png;base64,{base64.b64encode(encode('.png', tile)).decode()}")
    return Pair(confusion.read, confusion.said, confusion.times, tuple(pictures))
