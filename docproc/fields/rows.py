"""Letters beside each other: neighbours and chains of a row."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

OVERLAP = 0.35
"""Letters stand in one row if they share this much of the smaller one's height."""
CHUNK = 400


class Place(NamedTuple):
    """Edges of letters in pixels, in order of their bottoms."""

    left: Floats
    top: Floats
    right: Floats
    bottom: Floats

    @property
    def height(self) -> Floats:
        """Of each letter."""
        return self.bottom - self.top

    @property
    def width(self) -> Floats:
        """Of each letter."""
        return self.right - self.left

    def take(self, index: NDArray[np.bool_] | Ints) -> Place:
        """Some of the letters."""
        return Place(self.left[index], self.top[index], self.right[index], self.bottom[index])


def neighbours(place: Place, gap: float) -> tuple[Ints, Ints]:
    """Index of the nearest letter before and behind each in its row, at most `gap` heights away; -1 where none is."""
    height = place.height
    count = len(height)
    before, behind = np.full(count, -1), np.full(count, -1)
    for start in range(0, count, CHUNK):
        own = slice(start, start + CHUNK)
        other = slice(max(0, start - CHUNK // 2), start + CHUNK + CHUNK // 2)
        tall, their = height[own, None], height[None, other]
        top = np.maximum(place.top[own, None], place.top[None, other])
        overlap = np.minimum(place.bottom[own, None], place.bottom[None, other]) - top
        distance = place.left[None, other] - place.right[own, None]
        ahead = (overlap > OVERLAP * np.minimum(tall, their)) & (place.left[None, other] > place.left[own, None])
        distance = np.where(ahead & (distance <= gap * np.maximum(tall, their)), distance, np.inf)
        nearest = distance.argmin(axis=1)
        found = np.flatnonzero(np.isfinite(distance.min(axis=1)))
        behind[start + found] = other.start + nearest[found]
    for index in np.flatnonzero(behind >= 0):
        rival = before[behind[index]]
        if rival < 0 or place.right[rival] < place.right[index]:
            before[behind[index]] = index
    return before, behind


def chains(place: Place, gap: float) -> list[Ints]:
    """Runs of letters, each the nearest neighbour of the next, from left to right."""
    before, behind = neighbours(place, gap)
    mutual = np.flatnonzero(behind >= 0)
    mutual = mutual[before[behind[mutual]] == mutual]
    follow = np.full(len(before), -1)
    follow[mutual] = behind[mutual]
    heads = np.setdiff1d(np.arange(len(before)), behind[mutual])
    found = []
    for head in heads.tolist():
        run = [head]
        while follow[run[-1]] >= 0:
            run.append(int(follow[run[-1]]))
        found.append(np.array(run))
    return found
