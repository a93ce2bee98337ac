"""The network: 28x28 crops → eleven scores. Nothing else lives here."""

from __future__ import annotations

from torch import Tensor, nn

CLASSES = 11


def _block(inside: int, outside: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inside, outside, 3, padding=1, bias=False), nn.BatchNorm2d(outside), nn.ReLU(inplace=True)
    )


class Net(nn.Module):
    """A plain CNN that halves the picture in its first layer: the cost is in full-resolution convolutions.

    Input float32[n, 1, 28, 28] in 0..1, ink high; output float32[n, 11] logits.
    """

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, width, 5, stride=2, padding=2, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            _block(width, 2 * width),
            _block(2 * width, 2 * width),
            nn.MaxPool2d(2),
            _block(2 * width, 4 * width),
            _block(4 * width, 4 * width),
            nn.MaxPool2d(2),
        )
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Linear(4 * width * 9, 128),
            nn.ReLU(inplace=True),
            nn.Dropout(0.2),
            nn.Linear(128, CLASSES),
        )

    def forward(self, crops: Tensor) -> Tensor:
        """Logits of each crop."""
        scores: Tensor = self.head(self.features(crops))
        return scores
