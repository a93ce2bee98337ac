"""What was composed once is taken again, but never for another recipe."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from docproc.train import cache
from docproc.train.cache import compose_once


def compose(data: Path, out: Path, value: int, fields: int = 5, seed: int = 1, held_out: bool = False) -> int:
    made = compose_once(data, out, "rows", fields, seed, held_out, lambda: {"x": np.array([value])})
    return int(made["x"][0])


def test_second_time_is_the_first(digit_sets: Path, tmp_path: Path) -> None:
    assert compose(digit_sets, tmp_path, 1) == 1
    assert compose(digit_sets, tmp_path, 2) == 1
    assert not list(tmp_path.glob("*.tmp.npz"))


def test_other_fields_seed_side_data_or_composer_are_composed_anew(
    digit_sets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert compose(digit_sets, tmp_path, 1) == 1
    assert compose(digit_sets, tmp_path, 2, fields=6) == 2
    assert compose(digit_sets, tmp_path, 3, seed=2) == 3
    assert compose(digit_sets, tmp_path, 4, held_out=True) == 4
    assert compose(tmp_path, tmp_path, 5) == 5
    monkeypatch.setattr(cache, "COMPOSED", cache.COMPOSED + 1)
    assert compose(digit_sets, tmp_path, 6) == 6
