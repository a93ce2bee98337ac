"""Training crops come in chunks from a seed, the same whoever makes them."""

from __future__ import annotations

import shutil
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
import pytest

from docproc.errors import InputError
from docproc.train.crops import CHUNK, REJECTS_PER_DIGIT, join_crops, make_crops, mnist_crops
from docproc.train.strings import LabelledCrops
from docproc.types import NOT_A_DIGIT


@pytest.fixture(scope="module")
def chunks(digit_sets: Path) -> list[LabelledCrops]:
    return list(make_crops(digit_sets, CHUNK + 1, held_out=False, seed=1, workers=2))


def test_chunks_hold_digits_and_a_bounded_share_of_rejects(chunks: list[LabelledCrops]) -> None:
    assert len(chunks) == 2
    for chunk in chunks:
        assert chunk.crops.shape == (len(chunk.labels), 28, 28)
        assert chunk.crops.dtype == np.uint8
        assert set(np.unique(chunk.labels)) == set(range(11))
        digits = int((chunk.labels != NOT_A_DIGIT).sum())
        assert digits > CHUNK
        assert len(chunk.labels) - digits <= REJECTS_PER_DIGIT * digits
    assert not np.array_equal(chunks[0].crops[:20], chunks[1].crops[:20])


def test_crops_depend_on_the_seed_and_not_on_the_workers(chunks: list[LabelledCrops], digit_sets: Path) -> None:
    (again,) = make_crops(digit_sets, CHUNK, held_out=False, seed=1, workers=1)
    assert np.array_equal(again.crops, chunks[0].crops)
    assert np.array_equal(again.labels, chunks[0].labels)


def test_unreadable_set_ends_the_making_and_does_not_hang(digit_sets: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(digit_sets, tmp_path / "digits")
    (folder / "semeion.npz").unlink()
    with pytest.raises(InputError, match=r"lacks semeion\.npz"):
        next(make_crops(folder, CHUNK, held_out=False, seed=1, workers=1))
    (folder / "semeion.npz").write_bytes(b"cut short")
    with pytest.raises(BrokenProcessPool):
        next(make_crops(folder, CHUNK, held_out=False, seed=1, workers=1))


def test_join_keeps_order() -> None:
    parts = [LabelledCrops(np.full((n, 28, 28), n, np.uint8), np.full(n, n), np.full(n, n % 2)) for n in (2, 3)]
    joined = join_crops(iter(parts))
    assert joined.styles.tolist() == [0, 0, 1, 1, 1]
    assert joined.labels.tolist() == joined.crops[:, 0, 0].tolist() == [2, 2, 3, 3, 3]


def test_mnist_crops_are_mnists_own(digit_sets: Path) -> None:
    crops = mnist_crops(digit_sets, held_out=True)
    with np.load(digit_sets / "mnist_train.npz") as file:
        kept = np.isin(file["writer"], (6, 9, 10, 14))
        assert np.array_equal(crops.crops, file["x"][kept])
        assert np.array_equal(crops.labels, file["y"][kept])
    assert (crops.styles == -1).all()
