"""Attacks go up the loss and no further than they may; natural changes do to drawn ink just what they say."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from docproc.recognize.net import CLASSES, Net, make_shape
from docproc.train.adversary import (
    NATURAL,
    Change,
    blur,
    coarsen,
    fade,
    fgsm,
    occlude,
    pgd,
    rotate,
    speckle,
    thicken,
    thin,
)
from docproc.train.crops import mnist_crops
from docproc.train.loss import log_classes
from docproc.types import NOT_A_DIGIT, Crops

SIZE = 0.1


@pytest.fixture
def net() -> Net:
    """A net in training, but for its first batch norm; its running statistics are not those of the crops."""
    torch.manual_seed(1)
    net = Net(make_shape(4, 1, 16)).train()
    net(torch.rand(8, 1, 28, 28))
    net.features[1].eval()
    with torch.no_grad():
        net.head[-1].weight *= 20  # untrained, it would have no opinion that an attack could change
    return net


@pytest.fixture
def crops() -> Tensor:
    """Some of it full ink, some of it paper."""
    return (2 * torch.rand(32, 1, 28, 28, generator=torch.Generator().manual_seed(2)) - 0.5).clamp(0, 1)


@pytest.fixture
def labels() -> Tensor:
    return torch.arange(32) % NOT_A_DIGIT


@pytest.fixture(scope="module")
def digits(digit_sets: Path) -> Crops:
    return mnist_crops(digit_sets, held_out=True).crops


def loss(net: Net, crops: Tensor, labels: Tensor, classes: int = CLASSES) -> float:
    """Mean cross-entropy among the first classes, as a net in use has it."""
    frozen = Net(net.shape)
    frozen.load_state_dict(net.state_dict())
    with torch.no_grad():
        return float(F.cross_entropy(log_classes(frozen.eval()(crops))[:, :classes], labels))


def climb(net: Net, crops: Tensor, labels: Tensor, classes: int = CLASSES) -> Tensor:
    return pgd(net, crops, labels, SIZE, steps=10, step=SIZE / 4, classes=classes)


def bar(width: int) -> Crops:
    """One crop with a vertical stroke, 20 pixels high."""
    crop = np.zeros((1, 28, 28), np.uint8)
    crop[0, 4:24, 10 : 10 + width] = 255
    return crop


def test_attacks_raise_the_loss_and_more_steps_raise_it_more(net: Net, crops: Tensor, labels: Tensor) -> None:
    before, once, often = (
        loss(net, c, labels) for c in (crops, fgsm(net, crops, labels, SIZE), climb(net, crops, labels))
    )
    assert before + 0.05 < once < often


def test_attacks_stay_within_their_size_and_within_ink_and_paper(net: Net, crops: Tensor, labels: Tensor) -> None:
    for attacked in (fgsm(net, crops, labels, SIZE), climb(net, crops, labels)):
        assert attacked.shape == crops.shape
        assert 0.9 * SIZE < float((attacked - crops).abs().max()) < SIZE + 1e-6
        assert attacked.min() == 0
        assert attacked.max() == 1


def test_attack_can_aim_at_some_classes_only(net: Net, crops: Tensor, labels: Tensor) -> None:
    with torch.no_grad():
        net.head[-1].weight[NOT_A_DIGIT::CLASSES] *= 5  # to be refused is the easiest way out
    aimed, wide = (climb(net, crops, labels, classes) for classes in (NOT_A_DIGIT, CLASSES))
    assert loss(net, aimed, labels, NOT_A_DIGIT) > loss(net, wide, labels, NOT_A_DIGIT)
    assert loss(net, aimed, labels) < loss(net, wide, labels)


def test_attack_leaves_net_and_crops_as_they_were(net: Net, crops: Tensor, labels: Tensor) -> None:
    modes = [module.training for module in net.modules()]
    state = {name: value.clone() for name, value in net.state_dict().items()}
    kept = crops.clone()
    attacked = climb(net, crops, labels)
    assert [module.training for module in net.modules()] == modes
    assert len(set(modes)) == 2
    assert all(torch.equal(value, state[name]) for name, value in net.state_dict().items())
    assert all(parameter.grad is None for parameter in net.parameters())
    assert torch.equal(crops, kept)
    assert not crops.requires_grad
    assert not attacked.requires_grad


def test_attack_that_fails_leaves_the_net_in_training(net: Net, labels: Tensor) -> None:
    with pytest.raises(RuntimeError):
        climb(net, torch.zeros(32, 3, 28, 28), labels)
    assert net.training


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
