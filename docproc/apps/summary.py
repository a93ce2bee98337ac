"""A run's summary in words for the person who scans."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from docproc.apps.terminal import printable
from docproc.errors import FAILURES
from docproc.flow.job import Summary

NAMES_SHOWN = 5


def describe(summary: Summary, wanted: Path | None) -> Iterator[str]:
    """Lines that say what became of every page, and what to do next; `wanted` is the output that was asked for."""
    counted = summary.tally
    parts = [f"{counted.read:,} read", f"{counted.failed:,} failed"]
    if counted.left:
        parts.append(f"{counted.left:,} left")
    yield f"{tell_count(summary.pages, 'page')} in = {' + '.join(parts)}, from {tell_count(summary.files, 'file')}"
    if summary.resumed:
        yield f"{tell_count(summary.resumed, 'page')} had been done by an earlier run"
    if summary.replaced:
        yield f"{tell_count(summary.replaced, 'file')} had new content: the rows read from it replaced the former ones"
    statuses = dict(counted.statuses)
    yield (
        f"{tell_count(sum(statuses.values()), 'field')}: {tell_count(statuses.get('value', 0), 'value')},"
        f" {statuses.get('blank', 0):,} blank, {statuses.get('unreadable', 0):,} unreadable"
    )
    if counted.flagged:
        yield f"please look at {tell_count(counted.flagged, 'field')}: the column review tells which"
    if counted.looked:
        yield f"{tell_count(counted.looked, 'field')} settled by people"
    if counted.empty:
        yield f"{tell_count(counted.empty, 'page')} without any field"
    yield from _failures(summary)
    yield from _skipped(summary.skipped)
    if counted.others:
        yield f"the results also hold {tell_count(counted.others, 'file')} from earlier runs, not part of this input"
    if summary.plain_strips:
        yield (
            f"{tell_count(summary.plain_strips, 'picture')} kept before the key was given "
            f"{'is' if summary.plain_strips == 1 else 'are'} not encrypted: docproc key seal RESULTS --key FILE does it"
        )
    if summary.out is not None:
        if summary.out != wanted:
            yield f"{printable(str(wanted))} is in use by another program and stays as it was"
        yield f"results are in {printable(str(summary.out))}"
    if not summary.balances:
        yield "the pages do not add up: this is a bug in docproc, please report it"
    elif summary.interrupted:
        yield "stopped on request; run the same command again to go on"


def _failures(summary: Summary) -> Iterator[str]:
    shown = summary.tally.failed_first
    for code, count in summary.tally.failures:
        meaning, remedy = FAILURES.get(code, ("unknown reason", "please report it"))
        yield f"failed ({code}), {tell_count(count, 'page')}: {meaning}; {remedy}"
        named = [page for page in shown if page.code == code][:NAMES_SHOWN]
        for page in named:
            place = f" page {page.number}" if page.number else ""
            detail = f" ({page.detail})" if page.detail else ""
            yield f"    {printable(page.source.decode('utf-8', 'backslashreplace'))}{place}{printable(detail)}"
        if count > len(named):
            yield f"    and {count - len(named):,} more: the rows with reasons = {code}"


def _skipped(skipped: tuple[tuple[str, str], ...]) -> Iterator[str]:
    if not skipped:
        return
    yield f"skipped {tell_count(len(skipped), 'file')}:"
    for source, reason in skipped:
        yield f"    {printable(source)} ({printable(reason)})"


def tell_count(number: int, noun: str) -> str:
    """A number with its noun."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
