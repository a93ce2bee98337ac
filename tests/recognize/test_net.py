"""The network: what goes in and out, and that it is small."""

from __future__ import annotations

import pytest
import torch

from docproc.recognize.net import CLASSES, Net
from docproc.types import NOT_A_DIGIT


@pytest.mark.parametrize("width", [4, 24])
def test_crops_become_eleven_scores(width: int) -> None:
    net = Net(width).eval()
    with torch.inference_mode():
        scores = net(torch.zeros(3, 1, 28, 28))
    assert scores.shape == (3, CLASSES)
    assert NOT_A_DIGIT == CLASSES - 1
    assert torch.isfinite(scores).all()


def test_default_network_fits_any_laptop() -> None:
    assert sum(weight.numel() for weight in Net().parameters()) < 500_000
