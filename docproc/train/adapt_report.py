"""What an adaptation found: tables for the terminal, and a page with the held-out fields that would change."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from html import escape
from pathlib import Path

from docproc.records.atomic import replace_file
from docproc.train.adapt import Adaptation
from docproc.train.adapt_compare import Change, Tally, is_right, needs_look
from docproc.train.report import percent, render_table
from docproc.types import Reading

MOST_SHOWN = 500
"""Fields on the page at most; those that are read otherwise come first."""
STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
pre { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid #8884; vertical-align: middle; }
img { max-height: 3.5rem; max-width: 20rem; background: #fff; }
.good { color: light-dark(#17663a, #7fd6a4); } .bad { color: light-dark(#a32020, #ff9d94); }
"""


def render_adaptation(made: Adaptation) -> str:
    """Before and after as text."""
    trust = made.trust
    wrong = [(f.name, str(f.examples), str(f.before), str(f.after), f"{f.chance:.3f}") for f in made.figures]
    lines = [
        f"people gave {trust.values} values on {trust.pages} pages; {trust.fitting} fit the ink, {trust.digits} digits",
        f"of {trust.sure} digits that both readers are sure of, people say of {trust.against} that they are others",
        f"learned from {made.learned} pages, held out {made.held_out}; the readers of digits and rows went "
        "{:.0%} and {:.0%} of the way".format(*made.shares),
        "",
        render_table([("held-out pages", "now", "adapted"), *tell_tallies(made.before, made.after)]),
        "",
        render_table([("wrong by writers who never train", "of", "now", "adapted", "noise"), *wrong]),
        "",
        f"held-out fields that change: {len(made.changes)}",
    ]
    if made.reasons:
        lines += ["it is not to be installed:", *(f"  {reason}" for reason in made.reasons)]
    return "\n".join(lines)


def tell_tallies(before: Tally, after: Tally) -> list[tuple[str, str, str]]:
    """The lines of the table of held-out pages."""
    flagged = (f"{tally.flagged} ({percent(tally.flagged, tally.fields)})" for tally in (before, after))
    first, second = flagged
    return [
        (f"flagged, of {before.fields} fields", first, second),
        (f"wrong, of {before.looked} that people looked at", str(before.wrong), str(after.wrong)),
        ("wrong and not flagged", str(before.silent), str(after.silent)),
        ("calibration error on these", f"{before.calibration:.1%}", f"{after.calibration:.1%}"),
    ]


def write_report(made: Adaptation, path: Path) -> None:
    """Write the tables and the held-out fields that change as one HTML page; raises LedgerError where that fails."""
    page = "\n".join(lay_out(made)).encode("utf-8", "backslashreplace")
    replace_file(path, lambda stream: stream.write(page))


def lay_out(made: Adaptation) -> Iterator[str]:
    """The page, line by line: it needs nothing from elsewhere and runs no script."""
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    yield '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    yield f"<title>docproc adapt</title><style>{STYLE}</style></head><body><h1>Before and after</h1>"
    yield f"<pre>{escape(render_adaptation(made))}</pre>"
    if made.changes:
        yield "<h2>Held-out fields that change</h2>"
        yield "<table><tr><th>field</th><th>picture</th><th>people</th><th>now</th><th>adapted</th></tr>"
        yield from (lay_out_change(change) for change in made.changes[:MOST_SHOWN])
        yield "</table>"
    if len(made.changes) > MOST_SHOWN:
        yield f"<p>and {len(made.changes) - MOST_SHOWN} more</p>"
    yield "</body></html>"


def lay_out_change(change: Change) -> str:
    """One field as a row of the page."""
    picture = base64.b64encode(change.strip).decode()
    place = f"{change.source}, page {change.page}, field {change.field}"
    said = "" if change.said is None else change.said or "(blank)"
    cells = (
        escape(place),
        f'<img alt="the field" src="data:image/png;base64,{picture}">',
        escape(said),
        *(lay_out_reading(reading, change.said) for reading in (change.before, change.after)),
    )
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def lay_out_reading(reading: Reading, said: str | None) -> str:
    """What a model reads, coloured where it is known to be right or wrong."""
    shown = reading.text or f"({reading.status})"
    told = f"{escape(shown)} {reading.confidence:.3f}{', flagged' if needs_look(reading) else ''}"
    if said is None:
        return told
    return f'<span class="{"good" if is_right(reading, said) else "bad"}">{told}</span>'
