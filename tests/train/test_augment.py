"""Distorted crops are still crops, and no two passes are alike."""

from __future__ import annotations

import pytest
import torch

from docproc.train.augment import ERASED, SPECKLED, distort


def bars(count: int = 64) -> torch.Tensor:
    crops = torch.zeros(count, 1, 28, 28)
    crops[:, :, 6:22, 11:17] = 1
    return crops


def test_distorted_crops_stay_crops_and_come_from_the_generator() -> None:
    first, again, other = (distort(bars(), torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert first.shape == bars().shape
    assert first.min() >= 0
    assert first.max() <= 1
    assert not torch.equal(first, bars())
    ink = first.sum((1, 2, 3)) / bars().sum((1, 2, 3))
    assert float(ink.mean()) == pytest.approx(1, abs=0.15)


def test_each_crop_goes_its_own_way() -> None:
    changed = distort(bars(), torch.Generator().manual_seed(3)).flatten(1)
    assert len(torch.unique(changed, dim=0)) == len(changed)


def test_some_strokes_are_broken_and_some_scans_are_noisy() -> None:
    paper = distort(torch.zeros(2000, 1, 28, 28), torch.Generator().manual_seed(4))
    ink = distort(torch.ones(2000, 1, 28, 28), torch.Generator().manual_seed(4))
    noisy = paper.amax((1, 2, 3)) > 0.05
    parted = ink[:, 0, 9:19, 9:19].amin((1, 2)) == 0
    assert float(noisy.float().mean()) == pytest.approx(SPECKLED, abs=0.02)
    assert 0.3 * ERASED < float(parted.float().mean()) < 1.5 * ERASED
