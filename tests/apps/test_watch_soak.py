"""A watched folder on a rough day; `benchmarks/watch.py soak` does the same at full size."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.apps.soak import soak

FILES, KILLS, SECONDS = 300, 5, 20.0


@pytest.mark.slow
def test_no_file_is_lost_and_the_table_is_that_of_an_undisturbed_run(tmp_path: Path, model: Path) -> None:
    ended = soak(tmp_path, FILES, KILLS, SECONDS, 7, "--model", str(model))
    assert sum(ended.states.values()) == FILES
    assert set(ended.states) == {"done", "failed", "skipped"}
