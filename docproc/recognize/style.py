"""One page's joint chances of style and class → chances of the classes alone.

An uncrossed 1 with an upstroke is a 7 to other eyes, and its picture alone cannot tell. But whoever wrote the page
wrote other 1s and 7s too: each of them says something of the style, and all together they settle it.
"""

from __future__ import annotations

import numpy as np

from docproc.options import Recipe
from docproc.types import Joint, Probs

TELLING = (1, 7)
"""The digits that change their meaning with the style, and the ones it is inferred from."""
MOST = 6.0
"""No page is surer of its style than this log odds, 400 to 1: a clerk may have filled in one field of it."""
LEAST = 1e-6


def settle(joint: Joint, recipe: Recipe) -> Probs:
    """Chances of the classes of a page's crops, float32[n, 11], under a style that is given or inferred from them.

    What a crop says of the style is the log odds of its being a 1 or 7 of either, less an offset, times a weight:
    segments share ink and a writer repeats his forms, so that they say less together than if they were independent. A
    crop is judged by what all others say; alone on its page it stays as ambiguous as it is.
    """
    style, (weight, offset) = recipe.options.style, recipe.calibration.style
    telling = joint[:, :, TELLING].astype(np.float64)
    by_style = telling.sum(2)
    mass = by_style.sum(1)
    if style == "auto":
        odds = np.log(np.maximum(by_style[:, 1], LEAST)) - np.log(np.maximum(by_style[:, 0], LEAST))
        said = weight * mass * np.clip(odds - offset, -MOST, MOST)
        others = np.clip(said.sum() - said, -MOST, MOST)
    else:
        others = np.full(len(joint), MOST if style == "european" else -MOST)
    european = 1 / (1 + np.exp(-others))
    shares = np.stack([1 - european, european], 1)[:, :, None]
    weighted = (telling * shares).sum(1)
    weighted *= (mass / np.maximum(weighted.sum(1), LEAST))[:, None]
    probs: Probs = joint.sum(1)
    probs[:, TELLING] = weighted
    return probs
