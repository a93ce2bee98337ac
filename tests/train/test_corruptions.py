"""Corruptions do to drawn ink just what they say."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from docproc.train.corruptions import (
    NATURAL,
    Change,
    blur,
    coarsen,
    fade,
    occlude,
    rotate,
    speckle,
    thicken,
    thin,
)
from docproc.train.crops import mnist_crops
from docproc.types import Crops


@pytest.fixture(scope="module")
def digits(digit_sets: Path) -> Crops:
    return mnist_crops(digit_sets, held_out=True).crops


def bar(width: int) -> Crops:
    """One crop with a vertical stroke, 20 pixels high."""
    crop = np.zeros((1, 28, 28), np.uint8)
    crop[0, 4:24, 10 : 10 + width] = 255
    return crop


@pytest.mark.parametrize("change", NATURAL, ids=lambda change: change.name)
def test_change_grows_with_its_strength_and_repeats_itself(change: Change, digits: Crops) -> None:
    before = digits.copy()
    changed = [change.apply(digits, strength) for strength in change.strengths]
    assert all(crops.shape == digits.shape and crops.dtype == np.uint8 for crops in changed)
    far = [float(np.abs(crops.astype(int) - digits).mean()) for crops in changed]
    assert far[0] > 0
    assert far == sorted(far)
    assert np.array_equal(change.apply(digits, change.strengths[0]), changed[0])
    assert np.array_equal(digits, before)
    assert change.apply(digits[:0], change.strengths[0]).shape == (0, 28, 28)


@pytest.mark.parametrize("pixels", [0.25, 1.0, 1.5])
def test_edges_of_a_stroke_move_by_so_many_pixels(pixels: float) -> None:
    for changed, width in ((thin(bar(6), pixels), 6 - 2 * pixels), (thicken(bar(6), pixels), 6 + 2 * pixels)):
        assert changed[0, 14].sum() / 255 == pytest.approx(width, abs=0.02)
    assert thin(bar(2), pixels)[0, 14].sum() / 255 == pytest.approx(max(0, 2 - 2 * pixels), abs=0.02)


@pytest.mark.parametrize("pixels", [0.8, 1.6])
def test_blur_spreads_ink_by_its_deviation_and_loses_none(pixels: float) -> None:
    line = blur(bar(1), pixels)[0, 14].astype(float)
    middle = float((line * np.arange(28)).sum() / line.sum())
    assert line.sum() == pytest.approx(255, rel=0.02)
    assert (line * (np.arange(28) - middle) ** 2).sum() / line.sum() == pytest.approx(pixels**2, rel=0.1)


def test_speckles_deviate_by_their_share_of_full_ink() -> None:
    gray = np.full((4, 28, 28), 128, np.uint8)
    noise = speckle(gray, 0.1).astype(float) - gray
    assert noise.std() == pytest.approx(25.5, rel=0.05)
    assert abs(noise.mean()) < 2
    assert not np.array_equal(noise[0], noise[1])


@pytest.mark.parametrize("pixels", [4, 7])
def test_square_of_paper_lies_on_ink(pixels: int, digits: Crops) -> None:
    covered = occlude(digits, pixels)
    for before, after in zip(digits, covered, strict=True):
        rows, columns = np.nonzero(before != after)
        assert 0 < np.ptp(rows) + 1 <= pixels
        assert np.ptp(columns) + 1 <= pixels
        assert not after[before != after].any()
    assert np.array_equal(occlude(np.zeros((2, 28, 28), np.uint8), pixels), np.zeros((2, 28, 28)))


def test_every_other_crop_turns_to_the_other_side() -> None:
    top = np.zeros((3, 28, 28), np.uint8)
    top[:, 2:6, 10:18] = 255
    turned = rotate(top, 90)
    right, left, again = (cv2.moments(crop)["m10"] / cv2.moments(crop)["m00"] for crop in turned)
    assert (right, left, again) == pytest.approx((23.5, 3.5, 23.5), abs=0.01)
    assert np.array_equal(rotate(top, 0), top)


def test_faded_ink_loses_its_share() -> None:
    crops = np.array([[[0, 100, 255]]], np.uint8)
    assert fade(crops, 0.8).tolist() == [[[0, 20, 51]]]


def test_coarse_scan_tells_no_pixels_apart() -> None:
    board = (np.indices((28, 28)).sum(0) % 2 * 255).astype(np.uint8)[None]
    assert np.abs(coarsen(board, 2).astype(int) - 127.5).max() <= 0.5
    half = np.zeros((1, 28, 28), np.uint8)
    half[:, :, 14:] = 255
    assert coarsen(half, 4)[0, 14].tolist() != half[0, 14].tolist()
    assert coarsen(half, 2)[0, 14, [5, 22]].tolist() == [0, 255]
