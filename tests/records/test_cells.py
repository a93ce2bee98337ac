"""What a spreadsheet may see, and the order of names."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docproc.records.cells import order_naturally, show_source, show_text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("scan.png", "scan.png"),
        ("=cmd|' /C calc'!A0.png", "'=cmd|' /C calc'!A0.png"),
        ("+1.png", "'+1.png"),
        ("-rf", "'-rf"),
        ("@SUM(1)", "'@SUM(1)"),
        ("\t=1", "'\t=1"),
        ("＝1+1", "'＝1+1"),  # noqa: RUF001
        ("'=already", "''=already"),
        ("'quoted'", "'quoted'"),
        ("007", "007"),
        ("-5", "-5"),
        ("+3,50", "+3,50"),
        ("", ""),
    ],
)
def test_text_that_a_spreadsheet_would_run_is_disarmed(text: str, shown: str) -> None:
    assert show_text(text) == shown


@given(st.text(alphabet="'=+-@\t1a.", max_size=6))
def test_shown_text_can_be_told_back(text: str) -> None:
    shown = show_text(text)
    assert re.sub(r"^'('*[=+\-@\t])", r"\1", shown) == text


def test_bytes_that_are_no_text_are_escaped() -> None:
    assert show_source("añ/b\\c.png".encode()) == "añ/b\\c.png"
    assert show_source(b"caf\xe9.png") == "caf\\xe9.png"
    assert show_source(b"a\\xe9\xe9.png") == "a\\\\xe9\\xe9.png"


def test_names_are_ordered_as_people_count() -> None:
    names = [b"a/scan2.png", b"a/Scan10.png", b"a/scan010.png", b"a/scan\xff.png", b"a.png", b"a/b/1.png", b"b1"]
    order = [b"a/b/1.png", b"a/scan2.png", b"a/Scan10.png", b"a/scan010.png", b"a/scan\xff.png", b"a.png", b"b1"]
    assert sorted(names, key=order_naturally) == order


def test_a_name_of_thousands_of_digits_has_a_place() -> None:
    assert sorted([b"9" * 5000, b"8" * 5000, b"9"], key=order_naturally) == [b"9", b"8" * 5000, b"9" * 5000]
