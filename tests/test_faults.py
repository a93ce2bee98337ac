"""The list of faults is whole, and every test that it names is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FAULTS = range(1, 35)
_ROW = re.compile(r"^\| (\d+) \| (.+?) \| (.+?) \| (.+) \|$", re.MULTILINE)
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def rows() -> list[tuple[int, str]]:
    """The number of each fault and what proves its remedy."""
    text = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
    return [(int(number), proof) for number, _, _, proof in _ROW.findall(text)]


def test_every_fault_has_its_row() -> None:
    assert [number for number, _ in rows()] == list(FAULTS)


def test_every_row_names_a_test_or_what_it_waits_for() -> None:
    for number, proof in rows():
        assert _TEST.search(proof) or re.fullmatch(r"pending: .+", proof), number
        left = _TEST.sub("", proof).replace(", ", "")
        assert re.fullmatch(r"(; )?(pending: .+)?", left), f"fault {number}: {left!r}"


def test_every_test_that_is_named_is_there() -> None:
    named = {found for _, proof in rows() for found in _TEST.findall(proof)}
    assert len(named) > len(FAULTS)
    files = {path: (ROOT / path).read_text(encoding="utf-8") for path, _ in named}
    there = {
        (path, node.name)
        for path, text in files.items()
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef)
    }
    assert named - there == set()
