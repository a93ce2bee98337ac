"""The networks: what goes in and out, that a shape is built as stated, and that they are small."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from docproc.recognize.net import CLASSES, Cascade, Net, Shape, make_shape, multiply_adds
from docproc.types import NOT_A_DIGIT, STYLES

PRUNED = Shape(3, (5,), (7, 4), 6)
"""Layers of any width, as pruning leaves them."""


@pytest.mark.parametrize("shape", [make_shape(4, 1), make_shape(24, 2), PRUNED])
@pytest.mark.parametrize("count", [0, 3])
def test_crops_become_scores_of_style_and_class(shape: Shape, count: int) -> None:
    net = Net(shape).eval()
    with torch.inference_mode():
        scores = net(torch.rand(count, 1, 28, 28))
    assert scores.shape == (count, len(STYLES), CLASSES)
    assert NOT_A_DIGIT == CLASSES - 1
    assert torch.isfinite(scores).all()


def test_width_and_depth_make_two_stages_of_even_layers() -> None:
    assert make_shape(24, 2) == Shape(24, (48, 48), (96, 96), 128)
    assert make_shape(8, 1, hidden=32) == Shape(8, (16,), (32,), 32)


def test_net_has_the_layers_that_its_shape_states() -> None:
    layers = [layer for layer in Net(PRUNED).modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    assert [layer.weight.shape[:2] for layer in layers] == [(3, 1), (5, 3), (7, 5), (4, 7), (6, 36), (22, 6)]


@pytest.mark.parametrize("shape", [make_shape(2, 3), PRUNED])
def test_multiply_adds_are_those_that_the_layers_do(shape: Shape) -> None:
    done: list[int] = []

    def count(layer: nn.Module, _inputs: tuple[Tensor, ...], made: Tensor) -> None:
        assert isinstance(layer, nn.Conv2d | nn.Linear)
        done.append(made.numel() * layer.weight[0].numel())

    net = Net(shape).eval()
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.register_forward_hook(count)
    net(torch.zeros(1, 1, 28, 28))
    assert multiply_adds(shape) == sum(done) > 0


def test_both_nets_together_fit_any_laptop() -> None:
    nets = Cascade(make_shape(8, 1), make_shape(24, 2))
    assert nets.scout.shape == make_shape(8, 1)
    assert nets.reader.shape == make_shape(24, 2)
    assert sum(weight.numel() for weight in nets.parameters()) < 500_000
