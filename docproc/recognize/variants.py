"""A second look at doubtful crops: leaned, scaled, thicker and thinner, as other hands would have written them."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

LEAN = 0.18
LARGER, SMALLER = 0.92, 1.1
HALF = 0.5


def vary(crops: Tensor) -> Iterator[Tensor]:
    """Six variants of crops, float[n, 1, 28, 28] each; the variants of a crop depend on nothing but the crop."""
    for matrix in (
        ((1.0, LEAN, 0.0), (0.0, 1.0, 0.0)),
        ((1.0, -LEAN, 0.0), (0.0, 1.0, 0.0)),
        ((LARGER, 0.0, 0.0), (0.0, LARGER, 0.0)),
        ((SMALLER, 0.0, 0.0), (0.0, SMALLER, 0.0)),
    ):
        map_back = torch.tensor(matrix, device=crops.device).expand(len(crops), 2, 3)
        grid = F.affine_grid(map_back, list(crops.shape), align_corners=False)
        yield F.grid_sample(crops, grid, align_corners=False)
    yield HALF * (crops + F.max_pool2d(crops, 3, 1, 1))
    yield HALF * (crops - F.max_pool2d(-crops, 3, 1, 1))
