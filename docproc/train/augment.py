"""What pens, papers and scanners do to a crop, for whole batches on the device: float[n, 1, 28, 28], ink high.

Composed fields already went through a pen, paper, scanner and docproc's own cleaning (`strings`). This adds what makes
no two passes over them alike.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

SCALE, LEAN, TURN, SHIFT = 0.08, 0.14, 0.06, 0.045
"""Spread of the linear map: shares of the crop."""
ELASTIC = 0.035
"""Spread of the bends of a stroke, as a share of the crop."""
BENDS = 5
"""Bends are independent at this many places along each side."""
GAP = 0.06
"""Half the width of a gap in a stroke, in half sides of the crop."""
THICKER, THINNER = 0.12, 0.1
COARSER, ERASED, SPECKLED = 0.06, 0.05, 0.06
"""Shares of the crops that get a wider or narrower pen, half the resolution, a gap in a stroke, a noisy scan."""


def distort(crops: Tensor, generator: torch.Generator) -> Tensor:
    """Lean, turn, scale, shift and bend each crop a little, at random; change the pen or the scan of some."""
    moved = _move(crops, generator)
    change = torch.rand(len(crops), 1, 1, 1, generator=generator).to(crops.device)
    thick = F.max_pool2d(moved, 3, 1, 1)
    thin = -F.max_pool2d(-moved, 3, 1, 1)
    moved = torch.where(change < THICKER, 0.5 * (moved + thick), moved)
    moved = torch.where(change > 1 - THINNER, 0.5 * (moved + thin), moved)
    change = torch.rand(len(crops), 1, 1, 1, generator=generator).to(crops.device)
    coarse = F.interpolate(F.avg_pool2d(moved, 2), scale_factor=2, mode="bilinear", align_corners=False)
    moved = torch.where(change < COARSER, coarse, moved)
    moved = torch.where(change > 1 - ERASED, moved * _gap(crops, generator), moved)
    noise = torch.randn(crops.shape, generator=generator).to(crops.device)
    speckled = (change > COARSER) & (change < COARSER + SPECKLED)
    return torch.where(speckled, (moved + 0.12 * noise).clamp(0, 1), moved)


def _move(crops: Tensor, generator: torch.Generator) -> Tensor:
    count = len(crops)
    draw = torch.randn(count, 6, generator=generator).to(crops.device)
    matrix = torch.zeros(count, 2, 3, device=crops.device)
    matrix[:, 0, 0] = 1 + SCALE * draw[:, 0]
    matrix[:, 1, 1] = 1 + SCALE * draw[:, 1]
    matrix[:, 0, 1] = LEAN * draw[:, 2]
    matrix[:, 1, 0] = TURN * draw[:, 3]
    matrix[:, :, 2] = SHIFT * draw[:, 4:]
    grid = F.affine_grid(matrix, list(crops.shape), align_corners=False)
    bends = ELASTIC * torch.randn(count, 2, BENDS, BENDS, generator=generator).to(crops.device)
    # Elastic distortion as in Simard et al., Best Practices for Convolutional Neural Networks, 2003.
    field = F.interpolate(bends, crops.shape[2:], mode="bilinear", align_corners=True)
    return F.grid_sample(crops, grid + field.permute(0, 2, 3, 1), align_corners=False)


def _gap(crops: Tensor, generator: torch.Generator) -> Tensor:
    """A mask that is 0 along one straight band, about a pen wide, somewhere across the middle of each crop."""
    count, side = len(crops), crops.shape[2]
    angle, offset = torch.rand(2, count, 1, 1, 1, generator=generator).to(crops.device)
    place = torch.linspace(-1, 1, side, device=crops.device)
    down, aside = torch.sin(math.pi * angle), torch.cos(math.pi * angle)
    across = place[:, None] * down + place[None, :] * aside
    apart: Tensor = (across - (offset - 0.5)).abs()
    return (apart > GAP).float()
