"""What makes no two passes over composed rows alike, for whole batches on the device: float[n, 2, 32, w], ink high.

The first plane is the darkness of all that is there, the second says what of it is ink of the row.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from docproc.recognize.line_net import ROOM

SCALE, LEAN, TURN, SHIFT = 0.07, 0.16, 0.012, 0.05
"""Spread of the linear map; of lean and shift in heights of the row."""
ELASTIC, BENDS = 0.035, 4
"""Spread of the bends of a stroke, in heights, and how many places along a height bend on their own."""
THICKER, THINNER, COARSER, SPECKLED, BARRED, RULED, BLIND, ERASED = 0.12, 0.12, 0.08, 0.1, 0.12, 0.15, 0.05, 0.04
"""Shares of the rows that get a wider or narrower pen, half the resolution, a noisy scan, sides of comb cells or a
ruling that were taken out of the ink, no ink plane, a gap in all strokes."""
TRIMMED, DEEPEST = 0.08, 2
"""Share of the rows whose first or last stroke lies on the edge of the field, and how many columns of it are lost."""
GAP, BAR, RULE = 0.015, 0.02, 0.04
"""Shares of the columns that are a gap or the side of a cell, and of the pixel rows that are a ruling."""


def distort_lines(lines: Tensor, generator: torch.Generator) -> Tensor:
    """Lean, stretch and bend each row a little, at random; change pen, scan, paper or form of some."""
    moved = _move(_trim(lines, generator), generator)
    count, _, height, width = lines.shape
    pen, scan = torch.rand(2, count, generator=generator).to(lines.device)
    thick, thin, coarse = pen < THICKER, pen > 1 - THINNER, scan < COARSER
    moved[thick] = 0.5 * (moved[thick] + F.max_pool2d(moved[thick], 3, 1, 1))
    moved[thin] = 0.5 * (moved[thin] - F.max_pool2d(-moved[thin], 3, 1, 1))
    halved = F.avg_pool2d(moved[coarse], 2)
    moved[coarse] = F.interpolate(halved, scale_factor=2, mode="bilinear", align_corners=False)
    columns = torch.rand(count, 1, 1, width, generator=generator).to(lines.device)
    rows = torch.rand(count, 1, height, 1, generator=generator).to(lines.device)
    moved = moved * ((columns > GAP) | (_draw(lines, generator) > ERASED))
    dark, ink = moved[:, :1], moved[:, 1:]
    dark = dark * (0.75 + 0.35 * _draw(lines, generator))
    bars = (_draw(lines, generator) < BARRED) & (columns > 1 - BAR)
    rules = (_draw(lines, generator) < RULED) & (rows > 1 - RULE)
    dark = torch.maximum(dark, (bars | rules).float() * (0.3 + 0.7 * _draw(lines, generator)))
    noise = torch.randn(dark.shape, generator=generator).to(lines.device)
    dark = dark + (_draw(lines, generator) < SPECKLED) * 0.12 * noise
    ink = ink * (_draw(lines, generator) > BLIND)
    return torch.cat([dark, ink], 1).clamp(0, 1)


def _trim(lines: Tensor, generator: torch.Generator) -> Tensor:
    """Cut into the outermost ink of some rows."""
    count, _, _, width = lines.shape
    ink, columns = lines[:, 1].amax(1) > 0.5, torch.arange(width, device=lines.device)
    first, last = ink.int().argmax(1), width - 1 - ink.flip(1).int().argmax(1)
    side = torch.rand(count, generator=generator).to(lines.device)
    depth = torch.randint(1, DEEPEST + 1, (count,), generator=generator).to(lines.device)
    before = (side < TRIMMED / 2)[:, None] & (columns < (first + depth)[:, None])
    behind = (side > 1 - TRIMMED / 2)[:, None] & (columns > (last - depth)[:, None])
    return lines.masked_fill((before | behind)[:, None, None], 0)


def _draw(lines: Tensor, generator: torch.Generator) -> Tensor:
    return torch.rand(len(lines), 1, 1, 1, generator=generator).to(lines.device)


def _move(lines: Tensor, generator: torch.Generator) -> Tensor:
    count, _, height, width = lines.shape
    flat = height / width
    draw = torch.randn(count, 6, generator=generator).to(lines.device)
    matrix = torch.zeros(count, 2, 3, device=lines.device)
    # A row is stretched about its middle, at most so far that its ends stay in the room beside it.
    matrix[:, 0, 0] = 1 + (SCALE * draw[:, 0]).clamp(min=-2 * ROOM / width)
    matrix[:, 1, 1] = 1 + SCALE * draw[:, 1]
    matrix[:, 0, 1] = LEAN * draw[:, 2] * flat
    matrix[:, 1, 0] = TURN * draw[:, 3] / flat
    matrix[:, 0, 2] = SHIFT * draw[:, 4] * flat
    matrix[:, 1, 2] = SHIFT * draw[:, 5]
    grid = F.affine_grid(matrix, list(lines.shape), align_corners=False)
    bends = ELASTIC * torch.randn(count, 2, BENDS, max(2, round(BENDS / flat)), generator=generator).to(lines.device)
    bends[:, 0] *= flat
    # Elastic distortion as in Simard et al., Best Practices for Convolutional Neural Networks, 2003.
    field = F.interpolate(bends, lines.shape[2:], mode="bilinear", align_corners=True)
    return F.grid_sample(lines, grid + field.permute(0, 2, 3, 1), align_corners=False)
