"""The network for rows keeps its promises about shapes, and looks as far as it says."""

from __future__ import annotations

import pytest
import torch

from docproc.recognize.line_net import BLANK, SIGNS, STEP, LineNet, LineShape

TINY = LineShape(2, (3,), (4, 5), (6,), 7, (1, 2))


@pytest.mark.parametrize("width", [4, 32, 100])
def test_row_gives_scores_of_each_sign_and_the_blank_every_few_columns(width: int) -> None:
    scores = LineNet(TINY)(torch.zeros(3, 2, 32, width))
    assert scores.shape == (3, width // STEP, len(SIGNS) + 1)
    assert len(SIGNS) == BLANK


def test_columns_see_their_neighbours_and_none_beyond() -> None:
    torch.manual_seed(1)
    net = LineNet(TINY).eval()
    row = torch.rand(1, 2, 32, 400)
    changed = row.clone()
    changed[..., 200:204] = 1 - changed[..., 200:204]
    with torch.inference_mode():
        moved = (net(row) - net(changed)).abs().amax(2)[0].nonzero().flatten()
    # Three columns of scores from the sequence, and sixteen pixels, four columns, from the convolutions below it.
    assert moved.tolist() == list(range(50 - 7, 50 + 8))
