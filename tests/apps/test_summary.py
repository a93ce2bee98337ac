"""The closing words, for every way a run may end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from docproc.apps.summary import describe
from docproc.flow.job import Summary
from docproc.records.tally import FailedPage, Tally

OUT = Path("results.csv")
CLEAN = Summary(
    files=1,
    pages=1,
    resumed=0,
    tally=Tally(1, 0, 0, 0, 0, (("value", 3),), (), (), 0),
    skipped=(),
    out=OUT,
    interrupted=False,
    seconds=1.0,
)


def test_a_clean_run_is_three_lines() -> None:
    assert list(describe(CLEAN, OUT)) == [
        "1 page in = 1 read + 0 failed, from 1 file",
        "3 fields: 3 values, 0 blank, 0 unreadable",
        "results are in results.csv",
    ]


def test_what_people_settled_is_told() -> None:
    told = list(describe(replace(CLEAN, tally=replace(CLEAN.tally, looked=1200)), OUT))
    assert "1,200 fields settled by people" in told
    assert not any("settled" in line for line in describe(CLEAN, OUT))


def test_new_content_and_plain_pictures_are_told() -> None:
    told = list(describe(replace(CLEAN, replaced=2, plain_strips=1), OUT))
    assert "2 files had new content: the rows read from it replaced the former ones" in told
    assert any(
        line.startswith("1 picture kept before the key was given is not encrypted: docproc key") for line in told
    )


def test_whatever_happened_is_said_with_what_to_do() -> None:
    lost = tuple(FailedPage(b"caf\xe9.pdf", number, "timeout", "") for number in range(1, 8))
    tally = Tally(
        read=1200,
        failed=8,
        left=2,
        empty=3,
        flagged=40,
        statuses=(("blank", 1000), ("unreadable", 5), ("value", 12345)),
        failures=(("timeout", 7), ("encrypted", 1)),
        failed_first=(*lost, FailedPage(b"b\n.pdf", 0, "encrypted", "AES")),
        others=1,
    )
    summary = Summary(
        files=9,
        pages=1210,
        resumed=1000,
        tally=tally,
        skipped=(("a.txt", "no document: text"), ("b\x1b[2J.csv", "no document: CSV")),
        out=Path("results.1.csv"),
        interrupted=True,
        seconds=9.0,
    )
    assert list(describe(summary, OUT)) == [
        "1,210 pages in = 1,200 read + 8 failed + 2 left, from 9 files",
        "1,000 pages had been done by an earlier run",
        "13,350 fields: 12,345 values, 1,000 blank, 5 unreadable",
        "please look at 40 fields: the column review tells which",
        "3 pages without any field",
        "failed (timeout), 7 pages: the page took longer than the limit;"
        " raise page_seconds, or print the page to a new PDF",
        *(f"    caf\\xe9.pdf page {number}" for number in range(1, 6)),
        "    and 2 more: the rows with reasons = timeout",
        "failed (encrypted), 1 page: the PDF needs a password;"
        " give it with --password-file, or save the PDF without one",
        "    b\\n.pdf (AES)",
        "skipped 2 files:",
        "    a.txt (no document: text)",
        "    b\\x1b[2J.csv (no document: CSV)",
        "the results also hold 1 file from earlier runs, not part of this input",
        "results.csv is in use by another program and stays as it was",
        "results are in results.1.csv",
        "stopped on request; run the same command again to go on",
    ]


def test_lost_pages_are_called_a_bug() -> None:
    summary = replace(CLEAN, pages=2)
    assert list(describe(summary, OUT))[-1] == "the pages do not add up: this is a bug in docproc, please report it"


def test_a_stream_is_not_named() -> None:
    assert not any("results are in" in line for line in describe(replace(CLEAN, out=None), None))
