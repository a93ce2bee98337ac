"""The network that reads a whole row at once: its picture → scores of signs along it. Nothing else lives here."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from docproc.recognize.net import convolution, stage

SIGNS = "0123456789.-=/?~#"
"""What a row is made of: digits; what stands between and behind them; `?` letters and all else; `~` digits that were
struck out, `#` overwritten ones."""
BLANK = len(SIGNS)
"""The class between signs (Graves et al., Connectionist Temporal Classification, ICML 2006)."""
STRUCK, OVERWRITTEN = "~", "#"
"""The signs of digits that were taken back."""
ROOM = 8
"""Columns of paper before and behind each row, in training as in use."""
STEP = 4
"""Columns of the picture for each column of scores."""


@dataclass(frozen=True, slots=True)
class LineShape:
    """How many channels each layer has: the first, those at half, a quarter and an eighth of the row's height, those of
    the sequence; and how far apart the columns are that each layer of the sequence looks at."""

    stem: int
    half: tuple[int, ...]
    quarter: tuple[int, ...]
    eighth: tuple[int, ...]
    sequence: int
    reaches: tuple[int, ...]


SHAPE = LineShape(16, (32,), (64, 64), (96, 96), 128, (1, 2, 4, 1, 2, 4))


class LineNet(nn.Module):
    """A CNN that halves the row's height until one column of features is left, then convolutions along the row.

    Input float32[n, 2, 32, w] in 0..1, w a multiple of 4: darkness, and what of it is ink of the row. Output
    float32[n, w / 4, 18], logits of `SIGNS` and of the blank. All of it is convolutions, so a row costs what it is
    wide, and neighbours up to five digits away say how this hand writes.
    """

    def __init__(self, shape: LineShape = SHAPE) -> None:
        super().__init__()
        self.shape = shape
        self.features = nn.Sequential(
            *convolution(2, shape.stem, 5, 2),
            *stage(shape.stem, shape.half),
            nn.MaxPool2d(2),
            *stage(shape.half[-1], shape.quarter),
            nn.MaxPool2d((2, 1)),
            *stage(shape.quarter[-1], shape.eighth),
            nn.Conv2d(shape.eighth[-1], shape.sequence, (4, 1), bias=False),
            nn.BatchNorm2d(shape.sequence),
            nn.ReLU(inplace=True),
        )
        self.sequence = nn.ModuleList(_Along(shape.sequence, reach) for reach in shape.reaches)
        self.head = nn.Conv2d(shape.sequence, len(SIGNS) + 1, 1)
        self.dropout = nn.Dropout(0.1)

    def forward(self, lines: Tensor) -> Tensor:
        """Logits of each row."""
        seen = self.features(lines)
        for layer in self.sequence:
            seen = layer(seen)
        scores: Tensor = self.head(self.dropout(seen))
        return scores[:, :, 0].transpose(1, 2)


class _Along(nn.Module):
    """A residual convolution along the row over three columns, `reach` apart."""

    def __init__(self, channels: int, reach: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels, channels, (1, 3), padding=(0, reach), dilation=(1, reach), bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, seen: Tensor) -> Tensor:
        changed: Tensor = self.norm(self.convolution(seen)).relu()
        return seen + changed
