"""Attacks go up the loss and no further than they may."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from docproc.recognize.net import CLASSES, Net, make_shape
from docproc.train.adversary import fgsm, pgd
from docproc.train.loss import log_classes
from docproc.types import NOT_A_DIGIT

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


def loss(net: Net, crops: Tensor, labels: Tensor, classes: int = CLASSES) -> float:
    """Mean cross-entropy among the first classes, as a net in use has it."""
    frozen = Net(net.shape)
    frozen.load_state_dict(net.state_dict())
    with torch.no_grad():
        return float(F.cross_entropy(log_classes(frozen.eval()(crops))[:, :classes], labels))


def climb(net: Net, crops: Tensor, labels: Tensor, classes: int = CLASSES) -> Tensor:
    return pgd(net, crops, labels, SIZE, steps=10, step=SIZE / 4, classes=classes)


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
