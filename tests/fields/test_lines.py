"""A label that looks handwritten ends at its colon: label and number are two strings, and neither is lost."""

from __future__ import annotations

import numpy as np
import pytest

from docproc.fields.lines import split_by_colon
from docproc.fields.rows import Place

LABEL = [(0, 10, 20, 50), (25, 10, 30, 50), (36, 10, 56, 50)]
NUMBER = [(90, 5, 110, 48), (120, 8, 140, 55), (150, 2, 168, 44)]
COLON = [(64, 22, 70, 28), (64, 44, 70, 50)]


def split(*marks: tuple[int, int, int, int], dots: list[tuple[int, int, int, int]] | None = None) -> list[list[int]]:
    """Parts of a run of all marks, by their left edges."""
    every = np.array([*marks, *(COLON if dots is None else dots)], float)
    place = Place(*every.T)
    numbers = np.arange(len(every))
    parts = split_by_colon(numbers[: len(marks)], place, numbers[len(marks) :])
    return [[int(place.left[i]) for i in part] for part in parts]


def test_label_is_parted_from_its_number() -> None:
    assert split(*LABEL, *NUMBER) == [[0, 25, 36], [90, 120, 150]]


def test_label_without_a_number_stays_whole() -> None:
    assert split(*LABEL, (75, 10, 80, 50))[0] == [0, 25, 36]


@pytest.mark.parametrize(
    "dots",
    [
        [],
        [(64, 44, 70, 50)],
        [(64, 22, 70, 28), (64, 36, 70, 42)],
        [(64, 22, 70, 28), (72, 44, 78, 50)],
        [(64, 20, 70, 29), (64, 46, 70, 50)],
    ],
    ids=["no dots", "one dot", "not level with the letters", "beside each other", "of two sizes"],
)
def test_other_dots_part_nothing(dots: list[tuple[int, int, int, int]]) -> None:
    assert split(*LABEL, *NUMBER, dots=dots) == [[0, 25, 36, 90, 120, 150]]


def test_handwritten_time_stays_whole() -> None:
    hours = [(0, 10, 20, 43), (30, 6, 52, 57)]
    assert split(*hours, *NUMBER) == [[0, 30, 90, 120, 150]]
