"""The second reader: whole rows → chances of digits along them, in batches of equal width, on a device."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from docproc.recognize.line_net import OVERWRITTEN, ROOM, SIGNS, STRUCK, LineNet, LineShape
from docproc.recognize.memory import ask_within_memory, place
from docproc.recognize.weights import check_channels, choose_precision, find_shipped, load_net, resolve
from docproc.types import NOT_A_DIGIT, Frames, Line

NAME = "lines"
STRETCH = 32
"""Rows are filled up with paper to a multiple of so many columns: a library prepares itself anew for each width."""
BATCH = 4
"""Rows of one width that go through the network together. A CPU prepares weights anew for each batch, and in float32
torch computes a lone picture by slower kernels; of larger batches more would be filling: few rows are of one width."""
MOST_REACH = 64


@dataclass(frozen=True, slots=True, eq=False)
class LineReader:
    """A loaded network; `digest` names its weights and card."""

    net: nn.Module
    device: str
    digest: str

    def read(self, lines: Sequence[Line]) -> tuple[Frames, ...]:
        """What each column of each row shows.

        A library computes a batch of another size by another kernel, which rounds otherwise. So all batches are of one
        size, the last one of a width filled up, and what is said of a row does not depend on its company.
        """
        widths = [math.ceil((line.shape[2] + 2 * ROOM) / STRETCH) * STRETCH for line in lines]
        frames: dict[int, Frames] = {}
        for width in set(widths):
            numbers = [number for number, own in enumerate(widths) if own == width]
            frames.update(zip(numbers, self._read([lines[number] for number in numbers], width), strict=True))
        return tuple(frames[number] for number in range(len(lines)))

    def _read(self, lines: Sequence[Line], width: int) -> list[Frames]:
        """All rows of one width."""

        def ask(net: nn.Module, device: str, size: int) -> list[Frames]:
            starts = range(0, len(lines), size)
            return [row for start in starts for row in _look(net, lines[start : start + size], width, device, size)]

        return ask_within_memory(ask, self.net, self.device, BATCH, BATCH)


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


def _look(net: nn.Module, lines: Sequence[Line], width: int, device: str, size: int) -> list[Frames]:
    filled = np.zeros((size, *lines[0].shape[:2], width), np.uint8)
    for number, line in enumerate(lines):
        filled[number, :, :, ROOM : ROOM + line.shape[2]] = line
    with torch.inference_mode():
        batch = torch.from_numpy(filled).to(device).to(choose_precision(device)).div_(255)
        scores: Tensor = net(batch.contiguous(memory_format=torch.channels_last)).float()
        return [_name(chances) for chances in torch.softmax(scores, 2).cpu().numpy()[: len(lines)]]


def _name(chances: NDArray[np.float32]) -> Frames:
    """Chances of digits, of none, of struck-out and of overwritten ones, from those of the signs and the blank.

    Whatever else is no digit stands between digits, as the blank does.
    """
    struck, overwritten = chances[:, SIGNS.index(STRUCK)], chances[:, SIGNS.index(OVERWRITTEN)]
    none = chances[:, NOT_A_DIGIT:].sum(1) - struck - overwritten
    return np.column_stack([chances[:, :NOT_A_DIGIT], none, struck, overwritten])


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
