"""The second reader: whole rows → chances of digits along them, one row after the other, on a device."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from docproc.recognize.line_net import OVERWRITTEN, ROOM, SIGNS, STRUCK, LineNet, LineShape
from docproc.recognize.memory import ask_within_memory, place
from docproc.recognize.weights import check_channels, choose_precision, find_shipped, load_net, resolve
from docproc.types import NOT_A_DIGIT, Frames, Line

NAME = "lines"
STRETCH = 32
"""Rows are filled up with paper to a multiple of so many columns: a library prepares itself anew for each width."""
MOST_REACH = 64


@dataclass(frozen=True, slots=True, eq=False)
class LineReader:
    """A loaded network; `digest` names its weights and card."""

    net: nn.Module
    device: str
    digest: str

    def read(self, lines: Sequence[Line]) -> tuple[Frames, ...]:
        """What each column of each row shows.

        Each row goes by itself, so that what is said of it does not depend on its company.
        """
        return tuple(self._read(line) for line in lines)

    def _read(self, line: Line) -> Frames:
        width = math.ceil((line.shape[2] + 2 * ROOM) / STRETCH) * STRETCH
        filled = np.zeros((1, *line.shape[:2], width), np.uint8)
        filled[0, :, :, ROOM : ROOM + line.shape[2]] = line

        def ask(net: nn.Module, device: str, size: int) -> Frames:
            with torch.inference_mode():
                batch = torch.from_numpy(filled).to(device).to(choose_precision(device)).div_(255)
                scores: Tensor = net(batch.contiguous(memory_format=torch.channels_last)).float()
                return np.asarray(torch.softmax(scores[0], 1).cpu().numpy())

        chances = ask_within_memory(ask, self.net, self.device, 1, 1)
        # Whatever else is no digit stands between digits, as the blank does.
        struck, overwritten = chances[:, SIGNS.index(STRUCK)], chances[:, SIGNS.index(OVERWRITTEN)]
        digits = chances[:, :NOT_A_DIGIT]
        none = chances[:, NOT_A_DIGIT:].sum(1) - struck - overwritten
        return np.column_stack([digits, none, struck, overwritten])


def load_line_reader(weights: Path | None, device: str) -> LineReader:
    """Load the reader of rows that lies beside weights (None, or nothing there: the shipped one). Raises ModelError."""
    beside = None if weights is None else resolve(weights).with_name(f"{NAME}.safetensors")
    path = beside if beside is not None and beside.is_file() else find_shipped(NAME)
    net, _, digest = load_line_net(path)
    for parent in list(net.modules()):
        _fold(parent)
    return LineReader(place(net, device), device, digest)


def load_line_net(path: Path) -> tuple[LineNet, dict[str, Any], str]:
    """The net of a weights file as it was trained, its card, and the digest of both. Raises ModelError."""
    return load_net(path, lambda card: LineNet(_read_shape(card["shape"])))


def _fold(parent: nn.Module) -> None:
    """Fold each batch norm that follows a convolution among a module's parts into it."""
    before: tuple[str, nn.Module] | None = None
    for name, part in list(parent.named_children()):
        if isinstance(part, nn.BatchNorm2d) and before is not None and isinstance(before[1], nn.Conv2d):
            setattr(parent, before[0], fuse_conv_bn_eval(before[1], part))
            setattr(parent, name, nn.Identity())
        before = (name, part)


def _read_shape(stated: Mapping[str, Any]) -> LineShape:
    half, quarter, eighth, reaches = (tuple(stated[name]) for name in ("half", "quarter", "eighth", "reaches"))
    check_channels(stated["stem"], *half, *quarter, *eighth, stated["sequence"])
    if not all(isinstance(reach, int) and 0 < reach <= MOST_REACH for reach in reaches):
        raise ValueError(f"reaches {reaches} are not possible")
    return LineShape(stated["stem"], half, quarter, eighth, stated["sequence"], reaches)
