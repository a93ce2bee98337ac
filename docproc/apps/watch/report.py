"""What became of a file, in words for the person who scans."""

from __future__ import annotations

from collections.abc import Callable

from docproc.apps.summary import tell_count
from docproc.apps.terminal import printable
from docproc.apps.watch.verdict import explain
from docproc.records.watched import Outcome, Watched

EXPLAINING = frozenset({"resolution-estimated", "no-fields", "first-frame"})
"""Flags of pages that ask for nothing."""
MOST_ADVICE = 5


def tell_outcome(say: Callable[[str], None], file: Watched, outcome: Outcome, wait: float | None) -> None:
    """One line for the file, and one for each page that had better be scanned again.

    `wait` is in seconds how long the file waits, if it does; None is until the next time.
    """
    name = printable(file.path)
    if file.state == "skipped":
        say(f"{name}: skipped: {printable(file.detail)}")
        return
    counted = (
        f"{tell_count(outcome.read, 'page')}, {tell_count(outcome.fields, 'field')}, {outcome.review:,} to look at"
    )
    if file.state == "done":
        say(f"{name}: done: {counted}")
        _advise(say, name, outcome)
        return
    code = file.code or ""
    meaning, remedy = explain(code)
    detail = f" ({printable(file.detail)})" if file.detail else ""
    if file.state == "waiting":
        again = "the next time" if wait is None else f"in {wait:.0f} s"
        say(f"{name}: waiting ({code}): {meaning}{detail}; looked at again {again}")
        return
    pages = f"; {counted}" if outcome.read else ""
    say(f"{name}: failed ({code}): {meaning}{detail}; {remedy}{pages}")
    _advise(say, name, outcome)


def tell_replaced(say: Callable[[str], None], path: str) -> None:
    """Say that rows made room for others."""
    say(f"{printable(path)}: has new content; its rows replace the former ones")


def _advise(say: Callable[[str], None], name: str, outcome: Outcome) -> None:
    flags = [(page, flag) for page, flag in outcome.flags if flag.partition("=")[0] not in EXPLAINING]
    for page, flag in flags[:MOST_ADVICE]:
        meaning, remedy = explain(flag)
        say(f"    {name} page {page}: {printable(flag)}: {meaning}; {remedy}")
    if len(flags) > MOST_ADVICE:
        say(f"    {name}: and {len(flags) - MOST_ADVICE:,} more such flags: see the column reasons")
