"""Zeros at the end of an amount as a quick hand writes them: round or wide, alike, often without lifting the pen."""

from __future__ import annotations

import numpy as np

from docproc.train.data import Glyph
from docproc.train.pen import Stroke, smooth_run

CHAINED_SHARE = 0.6
"""So often the pen goes on from one zero to the next."""
MIRRORED_SHARE = 0.25
"""So often they are written clockwise."""
UNSTEADY = 0.035
"""How far points of a zero stray from where this hand has them, in heights."""


def write_zeros(rng: np.random.Generator, count: int, style: int) -> list[Glyph]:
    """So many zeros of one hand of this style, each of height 1."""
    wide = float(np.clip(np.exp(rng.normal(0.05, 0.35)), 0.5, 1.8))
    habit = rng.normal(0, UNSTEADY, (9, 2))
    chained = count > 1 and rng.random() < CHAINED_SHARE
    mirrored = rng.random() < MIRRORED_SHARE
    link, reach = rng.uniform(-0.05, 0.45), rng.uniform(0.02, 0.35)
    zeros = []
    for i in range(count):
        before = chained and i > 0
        behind = chained and (i + 1 < count or rng.random() < 0.3)
        stroke = _go_round(rng, wide, habit, mirrored, (link, reach), (before, behind))
        goes_on = chained and i + 1 < count
        zeros.append(Glyph(0, "0", "drawn", strokes=(stroke.astype(np.float32),), style=style, goes_on=goes_on))
    return zeros


def _go_round(
    rng: np.random.Generator,
    wide: float,
    habit: Stroke,
    mirrored: bool,
    link: tuple[float, float],
    joined: tuple[bool, bool],
) -> Stroke:
    """One zero, 1 high, from where the pen arrives to where it leaves: `link` is how high the joining stroke stands and
    how far it reaches on either side, `joined` whether there is one before and behind."""
    # Eight points round an ellipse from a little past its top, and the first again.
    turn = np.linspace(0, 2 * np.pi, 9) + rng.uniform(0.1, 0.5)
    way = 1 if mirrored else -1
    ring = np.stack([way * np.sin(turn) * wide, -np.cos(turn)], axis=1) / 2 + [wide / 2, 0.5]
    ring = ring + habit + rng.normal(0, UNSTEADY / 2, ring.shape)
    level, reach = link
    entry, leave = np.array([[-reach, level]]), np.array([[wide + reach, level]])
    parts = [*([entry] if joined[0] else []), ring, *([leave] if joined[1] else [])]
    stroke = smooth_run(np.concatenate(parts))
    low, high = stroke.min(axis=0), stroke.max(axis=0)
    return np.asarray((stroke - low) / (high[1] - low[1]))
