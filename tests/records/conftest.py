"""Makers of readings and pages for the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from docproc.records.ledger import Ledger, open_ledger
from docproc.types import Box, Digit, PageRef, PageResult, Reading

Make = Callable[..., Reading]


@pytest.fixture
def make_reading() -> Make:
    def make(field: str = "field-1", text: str = "007", **given: object) -> Reading:
        values: dict[str, object] = {
            "status": "value",
            "confidence": 0.98765,
            "review": False,
            "flags": (),
            "box": Box(10, 20, 30, 40),
            "digits": tuple(Digit(letter, 0.99, Box(10, 20, 10, 40)) for letter in text),
            "alternatives": (("001", 0.01),),
            "strip": b"\x89PNG",
        }
        return Reading(field, text=text, **(values | given))  # type: ignore[arg-type]

    return make


@pytest.fixture
def make_page(make_reading: Make) -> Callable[..., PageResult]:
    def make(digest: str, number: int = 1, *readings: Reading, **given: object) -> PageResult:
        ref = PageRef("unused", digest, number)
        return PageResult(ref, readings or (make_reading(),), **given)  # type: ignore[arg-type]

    return make


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(tmp_path / "results.csv.ledger") as opened:
        yield opened
