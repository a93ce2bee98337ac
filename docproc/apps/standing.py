"""How the results stand, in words and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from docproc.apps.terminal import printable
from docproc.errors import FAILURES
from docproc.records.status import STOPPED, Heart, Status

WIDEST = 48
"""Letters of a file name in a table; of a longer one the end is shown, which tells files apart."""
QUIET = 60
"""Seconds after which a watcher that gives no sign is doubted."""


def dump_status(status: Status) -> str:
    """The status as one JSON object."""
    return json.dumps(asdict(status), indent=2, ensure_ascii=True)


def describe_heart(heart: Heart | None) -> str:
    """One line that says whether a watcher lives."""
    if heart is None:
        return "no watcher has given a sign of life here"
    trouble = f"; last trouble: {printable(heart.error)}" if heart.error else ""
    return (
        f"{printable(heart.doing)}, {tell_age(heart.seconds_ago)} ago, process {heart.process} on"
        f" {printable(heart.host)}{trouble}"
    )


def describe_status(status: Status, name: str) -> Iterator[str]:
    """The lines of a status; `name` is the ledger's."""
    yield f"ledger    {printable(name)}"
    yield f"read with {printable(status.made_with)}"
    yield f"last run  {status.began} UTC, process {status.process} on {printable(status.host)}"
    yield ""
    files, pages, fields = status.files, status.pages, status.fields
    rows: list[tuple[str, list[tuple[int, str]]]] = [
        (
            "files",
            [(files.done, "done"), (files.failed, "failed"), (files.waiting, "waiting"), (files.skipped, "skipped")],
        ),
        ("pages", [(pages.read, "read"), (pages.failed, "failed"), (pages.left, "left")]),
        ("fields", [(fields.values, "values"), (fields.blank, "blank"), (fields.unreadable, "unreadable")]),
        ("of them", [(fields.to_look_at, "to look at"), (fields.looked_at, "looked at")]),
    ]
    wide = max(len(f"{number:,}") for _, cells in rows for number, _ in cells)
    for title, cells in rows:
        yield f"{title:9} " + "".join(f"{number:>{wide},} {word:12}" for number, word in cells).rstrip()
    yield ""
    yield from _describe_process(status)
    yield from _describe_strips(status)
    yield from _describe_queue(status)
    yield from _describe_troubles(status)
    yield from _describe_stale(status)


def _describe_process(status: Status) -> Iterator[str]:
    if status.pages_per_second is not None:
        yield f"speed     {status.pages_per_second:.2f} pages/s"
    heart = status.heart
    if heart is not None:
        silent = (
            " - it has been silent for long; is it still there?"
            if heart.doing != STOPPED and not heart.is_alive(QUIET)
            else ""
        )
        yield f"watcher   {describe_heart(heart)}{silent}"


def _describe_strips(status: Status) -> Iterator[str]:
    strips = status.strips
    if not strips.kept:
        yield "pictures  none of any field"
        return
    size = f"{strips.kept:,} of fields, {tell_size(strips.bytes)}"
    if strips.key is None:
        yield f"pictures  {size}, not encrypted"
    elif strips.plain:
        yield f"pictures  {size}; {strips.plain:,} are not encrypted: docproc key seal RESULTS --key FILE does it"
    else:
        yield f"pictures  {size}, encrypted with key {strips.key}"


def _describe_queue(status: Status) -> Iterator[str]:
    if not status.queue:
        return
    yield ""
    yield "waiting"
    lines = [("file", "tried", "why")]
    lines += [(shorten(file.source), str(file.attempts), tell_reason(file.code, file.detail)) for file in status.queue]
    yield from _align(lines)
    more = status.files.waiting - len(status.queue)
    if more > 0:
        yield f"  and {more:,} more"


def _describe_troubles(status: Status) -> Iterator[str]:
    if not status.troubles:
        return
    yield ""
    yield "failed, the latest first"
    lines = [("file", "page", "why, and what to do")]
    for trouble in status.troubles:
        lines.append((shorten(trouble.source), str(trouble.page or "-"), tell_reason(trouble.code, trouble.detail)))
    yield from _align(lines)
    more = status.pages.failed - len(status.troubles)
    if more > 0:
        yield f"  and {more:,} more: the rows with status failed"


def _describe_stale(status: Status) -> Iterator[str]:
    for group in status.stale:
        yield ""
        one = group.files == 1
        yield f"{group.files:,} file{'' if one else 's'} {'was' if one else 'were'} read otherwise and not since:"
        for difference in group.differences:
            yield f"  {printable(difference)}"
        yield "  they are not in the results as these stand; name them to docproc run to have them"


def tell_reason(code: str | None, detail: str) -> str:
    """A failure in words, with its remedy."""
    shown = f" ({printable(detail)})" if detail else ""
    if code is None:
        return printable(detail) or "not read yet"
    meaning, remedy = FAILURES.get(code, (code, "see the detail"))
    return f"{meaning}{shown}; {remedy}"


def tell_age(seconds: int) -> str:
    """A time gone by, in its largest unit."""
    for unit, name in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds // unit} {name}"
    return f"{seconds} s"


def tell_size(count: int) -> str:
    """Bytes in a unit of thousands."""
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{count} bytes"


def shorten(name: str) -> str:
    """A name that fits a table, without what a terminal would take for a command."""
    shown = printable(name)
    return shown if len(shown) <= WIDEST else f"...{shown[3 - WIDEST :]}"


def _align(lines: Sequence[tuple[str, str, str]]) -> Iterator[str]:
    first, second = (max(len(line[place]) for line in lines) for place in (0, 1))
    for name, count, text in lines:
        yield f"  {name:{first}}  {count:>{second}}  {text}".rstrip()
