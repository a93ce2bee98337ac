"""Labels become names of columns."""

from __future__ import annotations

import stat
from pathlib import Path

import numpy as np
import pytest

from docproc.fields.draft import Drafted
from docproc.flow import labels
from docproc.flow.labels import make_name, make_unique, name_fields, read_label
from docproc.types import Box, Field

PAPER = np.full((100, 200), 255, np.uint8)
LABEL = Box(10, 10, 50, 20)
OTHER = Box(100, 10, 50, 20)


def field(*found: Box) -> Drafted:
    return Drafted(Field("1", Box(0, 40, 50, 20), "box"), found)


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A command that reads labels, the only one there is."""
    command = folder / "tesseract"
    command.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(folder))


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("Registration Number:", "registration_number"),
        ("Vital Signs:  Temp:", "temp"),
        ("Baby\u2019s weight (kg)", "babys_weight_kg"),
        ("Año de nacimiento", "ano_de_nacimiento"),
        ("Presentation/Position:", "presentation_position"),
        ("Date 2:", "date_2"),
        ("— : . 7", ""),
        ("", ""),
    ],
)
def test_label_becomes_a_plain_name(label: str, name: str) -> None:
    assert make_name(label) == name


def test_names_are_told_apart_by_numbers() -> None:
    assert make_unique("date", set()) == "date"
    assert make_unique("date", {"date", "date_2"}) == "date_3"


def test_two_labels_are_joined_and_columns_of_every_table_avoided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, monkeypatch, "echo Page:")
    named = name_fields(PAPER, [field(LABEL), field(LABEL, OTHER), field()], ("field_04",))
    assert [name.text for name in named] == ["page_2", "page_page", "field_04_2"]
    assert [name.from_label for name in named] == [True, True, False]


def test_without_a_reader_fields_are_numbered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert [name.text for name in name_fields(PAPER, [field(LABEL)] * 2)] == ["field_01", "field_02"]


@pytest.mark.parametrize("script", ["exit 1", "exec sleep 20", "printf '\\377\\376'"])
def test_reader_that_fails_hangs_or_babbles_names_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    install(tmp_path, monkeypatch, script.replace("sleep", "/bin/sleep"))
    monkeypatch.setattr(labels, "SECONDS", 0.3)
    assert make_name(read_label(PAPER, LABEL)) == ""
