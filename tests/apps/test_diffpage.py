"""The page of changes: each is there with its picture, and nothing in it runs or is fetched."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest

from docproc.apps import diffpage
from docproc.apps.diffpage import write_page
from docproc.flow.diff import Aside, Change, Difference
from docproc.records.corrections import item_of
from docproc.records.ledger import Ledger, Run, begin, open_ledger, record
from docproc.records.matching import Answer
from docproc.records.versions import ReadField
from docproc.types import Box, PageRef, PageResult, Reading

STRIP = b"\x89PNG strip"


def make_field(text: str, said: Answer | None = None, item: int = item_of(1, 0)) -> ReadField:
    status = "value" if text else "blank"
    return ReadField(item, "<b>age</b>", status, text, 0.9, bool(text), ("touching",), Box(0, 0, 9, 9), None, said)


CHANGES = (
    Change("changed", "in/<script>alert(1)</script>.pdf", 3, make_field("41"), make_field("47")),
    Change("failed", "in/late.pdf", 2, why="not-this-form"),
    Change("doubted", "in/a.pdf", 1, make_field("12"), make_field("12", item=item_of(9, 9))),
    Change("settled", "in/a.pdf", 1, make_field("12", Answer("value", "55")), make_field("13", Answer("value", "55"))),
)
FOUND = Difference(
    60_000,
    14,
    (("changed", 1), ("failed", 1), ("doubted", 1), ("settled", 1)),
    CHANGES,
    ("in/gone.pdf", "in/new & old.pdf"),
)


@pytest.fixture
def page(tmp_path: Path) -> str:
    return show(tmp_path, FOUND)


def show(folder: Path, found: Difference) -> str:
    with open_ledger(folder / "x.ledger") as ledger:
        fill(ledger)
        aside = Aside(Run(0, "other"), 5, ("in/gone.pdf",), ("in/new & old.pdf",))
        written = write_page(ledger, found, aside, ("option max_error 0.005 -> 0.001",), folder / "diff.html")
    return written.read_text(encoding="utf-8")


def fill(ledger: Ledger) -> None:
    reading = Reading("age", "value", "41", 0.9, False, (), Box(0, 0, 9, 9), strip=STRIP)
    record(ledger, begin(ledger, "recipe"), PageResult(PageRef("unused", "d", 1), (reading,)))


def test_the_page_says_it_all(page: str) -> None:
    assert "<h1>14 of 60,000 fields would have another value</h1>" in page
    assert "option max_error 0.005 -&gt; 0.001" in page
    words = re.sub(r"<[^>]*>", " ", page)
    assert re.search(r"41\s+90\.00%, to look at\s+digits touch and were cut apart\s+&rarr;\s+47", words)
    assert "the page does not lie on the form" in words
    assert "corrected by hand: 55, which stays" in words
    assert "in/gone.pdf" in words
    assert "in/new &amp; old.pdf" in words


def test_pictures_are_in_the_page_where_they_are_kept(page: str) -> None:
    data = f"data:image/png;base64,{base64.b64encode(STRIP).decode()}"
    assert re.findall(r'src="([^"]*)"', page) == [data, data, data]


def test_nothing_in_it_runs_or_is_fetched(page: str) -> None:
    assert "<script" not in page
    assert "<b>age" not in page
    assert not re.search(r"https?:|@import|url\(", page)
    assert "default-src 'none'" in page


def test_a_page_of_very_many_changes_says_how_many_it_leaves_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diffpage, "MOST_SHOWN", 1)
    page = show(tmp_path, FOUND)
    assert page.count('class="card"') == 1
    assert "and 3 more changes, which are not shown" in page


def test_a_page_without_changes_says_so(tmp_path: Path) -> None:
    assert "Nothing would change" in show(tmp_path, Difference(5, 0, (), (), ()))
