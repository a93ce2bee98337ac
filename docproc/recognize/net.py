"""The networks for digits: 28x28 crops → scores of style and class together; and the layers of all networks."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor, nn

from docproc.types import STYLES

CLASSES = 11
CELLS = 9
"""A crop ends as 3x3 cells: halved by the first layer and after each stage."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How many channels each layer of a net has: the first one, those of both stages, the hidden one before the end."""

    stem: int
    first: tuple[int, ...]
    second: tuple[int, ...]
    hidden: int


def make_shape(width: int, depth: int, hidden: int = 128) -> Shape:
    """`width` channels at first, then `depth` layers with twice as many, then `depth` with four times as many."""
    return Shape(width, (2 * width,) * depth, (4 * width,) * depth, hidden)


def multiply_adds(shape: Shape) -> int:
    """What one crop costs a net: the multiplications of its convolutions and of its head.

    Batch norm is folded into the convolutions, and adding comes free with multiplying.
    """
    stem = 14 * 14 * 5 * 5 * shape.stem
    first = 14 * 14 * 3 * 3 * sum(a * b for a, b in pairwise((shape.stem, *shape.first)))
    second = 7 * 7 * 3 * 3 * sum(a * b for a, b in pairwise((shape.first[-1], *shape.second)))
    head = shape.hidden * (CELLS * shape.second[-1] + len(STYLES) * CLASSES)
    return stem + first + second + head


class Net(nn.Module):
    """A plain CNN that halves the picture in its first layer: the cost is in full-resolution convolutions.

    Input float32[n, 1, 28, 28] in 0..1, ink high; output float32[n, 2, 11], the logits of one softmax over both
    styles and all classes.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.features = nn.Sequential(
            *convolution(1, shape.stem, 5, 2),
            *stage(shape.stem, shape.first),
            nn.MaxPool2d(2),
            *stage(shape.first[-1], shape.second),
            nn.MaxPool2d(2),
        )
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Linear(CELLS * shape.second[-1], shape.hidden),
            nn.ReLU(inplace=True),
            nn.Dropout(0.2),
            nn.Linear(shape.hidden, len(STYLES) * CLASSES),
        )

    def forward(self, crops: Tensor) -> Tensor:
        """Logits of each crop."""
        scores: Tensor = self.head(self.features(crops))
        return scores.view(-1, len(STYLES), CLASSES)


class Cascade(nn.Module):
    """A small net that decides the easy many, and the large one for the others; which is which, `classifier` says."""

    def __init__(self, scout: Shape, reader: Shape) -> None:
        super().__init__()
        self.scout = Net(scout)
        self.reader = Net(reader)


def stage(inside: int, channels: tuple[int, ...]) -> list[nn.Module]:
    """Convolutions one after the other, each with so many channels."""
    layers: list[nn.Module] = []
    for outside in channels:
        layers += convolution(inside, outside, 3, 1)
        inside = outside
    return layers


def convolution(inside: int, outside: int, side: int, stride: int) -> list[nn.Module]:
    """A convolution with its batch norm and activation; it keeps the size of the picture, but for its stride."""
    return [
        nn.Conv2d(inside, outside, side, stride, side // 2, bias=False),
        nn.BatchNorm2d(outside),
        nn.ReLU(inplace=True),
    ]
