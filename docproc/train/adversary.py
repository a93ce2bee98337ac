"""Changes to crops made to fool a network, each pixel of them so small that nobody sees it.

They work on batches as networks take them, float32[n, 1, 28, 28] in 0..1. Changed crops are not normalized anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from docproc.recognize.net import CLASSES, Net
from docproc.train.loss import log_classes


def fgsm(net: Net, crops: Tensor, labels: Tensor, size: float) -> Tensor:
    """The fast gradient sign method (Goodfellow et al., 2015): one step of `size` grey levels (0..1) up the loss."""
    return pgd(net, crops, labels, size, steps=1, step=size)


def pgd(
    net: Net, crops: Tensor, labels: Tensor, size: float, steps: int, step: float, classes: int = CLASSES
) -> Tensor:
    """Projected gradient descent (Madry et al., 2018): several steps, none of them further than `size` from the crop.

    Climbs the cross-entropy among the first `classes`. Leaves the net as it was, gradients included.
    """
    attacked = crops.detach()
    with _evaluating(net):
        for _ in range(steps):
            attacked.requires_grad_(True)
            loss = F.cross_entropy(log_classes(net(attacked))[:, :classes], labels)
            (slope,) = torch.autograd.grad(loss, attacked)
            attacked = attacked.detach() + step * slope.sign()
            attacked = torch.minimum(torch.maximum(attacked, crops - size), crops + size).clamp(0, 1)
    return attacked.detach()


@contextmanager
def _evaluating(net: nn.Module) -> Iterator[None]:
    """Put a net into evaluation for a while: changed crops must not move the means and spreads of batch norm."""
    modes = [(module, module.training) for module in net.modules()]
    net.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
